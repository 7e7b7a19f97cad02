/**
 * `bench --dma`: the kernel's `dma_map_benchmark` over this engine, with its tool's options and lines, percentiles beside.
 * @module
 */
import {
  checkDmaBenchmark,
  DMA_BENCHMARK_DEFAULTS,
  type DmaBenchmarkOptions,
  type DmaBenchmarkRow,
  type LatencyStatistics,
} from '../../bench/dma-benchmark.ts';
import { IommuError } from '../../errors.ts';
import { type Answer, tableSection } from '../../report/answer.ts';
import type { Table } from '../../report/table.ts';

/** Directions as the tool numbers them, and as it prints them. */
const DIRECTIONS = [
  ['bidirectional', 'BIDIRECTIONAL'],
  ['to-device', 'TO_DEVICE'],
  ['from-device', 'FROM_DEVICE'],
] as const;
const MODES = [
  ['single', 'DMA_MAP_SINGLE_MODE'],
  ['sg', 'DMA_MAP_SG_MODE'],
] as const;

/** Options of the tool by letter, as they were written. */
export interface DmaFlags {
  readonly threads?: string;
  readonly seconds?: string;
  readonly node?: string;
  readonly bits?: string;
  readonly direction?: string;
  readonly transfer?: string;
  readonly pages?: string;
  readonly mode?: string;
}

function pick<T>(option: string, value: number, choices: readonly (readonly [T, string])[]): T {
  const choice = choices[value];
  if (choice !== undefined) return choice[0];
  throw new IommuError('BAD_OPTION', option, `expected 0 to ${choices.length - 1}, got ${value}`);
}

function numberOf(option: string, text: string | undefined, otherwise: number): number {
  if (text === undefined) return otherwise;
  if (/^-?\d{1,10}$/.test(text)) return Number(text);
  throw new IommuError('BAD_OPTION', option, `expected a whole number, got '${text}'`);
}

/**
 * Options as the tool takes them; what is left out is as the tool has it.
 * @throws IommuError `BAD_OPTION`
 */
export function dmaOptions(flags: DmaFlags): DmaBenchmarkOptions {
  const tool = DMA_BENCHMARK_DEFAULTS;
  const options: DmaBenchmarkOptions = {
    threads: numberOf('threads', flags.threads, tool.threads),
    seconds: numberOf('seconds', flags.seconds, tool.seconds),
    node: numberOf('node', flags.node, tool.node),
    bits: numberOf('bits', flags.bits, tool.bits),
    direction: pick('direction', numberOf('direction', flags.direction, 0), DIRECTIONS),
    transferNs: numberOf('transfer', flags.transfer, tool.transferNs),
    granule: numberOf('pages', flags.pages, tool.granule),
    mode: pick('mode', numberOf('mode', flags.mode, 0), MODES),
  };
  checkDmaBenchmark(options);
  return options;
}

/** The tool's lines for one row. */
function linesOf(options: DmaBenchmarkOptions, { map, unmap }: DmaBenchmarkRow): string[] {
  const { threads, seconds, node, granule } = options;
  const direction = DIRECTIONS.find(([name]) => name === options.direction)?.[1] ?? '';
  const mode = MODES.find(([name]) => name === options.mode)?.[1] ?? '';
  const latency = (what: string, { average, deviation }: LatencyStatistics): string =>
    `average ${what} latency(us):${average.toFixed(1)} standard deviation:${deviation.toFixed(1)}`;
  return [
    `dma mapping mode: ${mode}`,
    `dma mapping benchmark: threads:${threads} seconds:${seconds} node:${node} dir:${direction} granule/sg_nents: ${granule}`,
    latency('map', map),
    latency('unmap', unmap),
  ];
}

function percentileTable(rows: readonly DmaBenchmarkRow[]): Table {
  const numbers = ['average', 'p50', 'p90', 'p99', 'maximum'].map((title) => ({
    title: `${title} us`,
    align: 'right' as const,
  }));
  return {
    columns: [{ title: 'layer' }, { title: 'policy' }, { title: 'operation' }, ...numbers, { title: 'loops' }],
    rows: rows.flatMap(({ layer, policy, loops, map, unmap }) =>
      (
        [
          ['map', map],
          ['unmap', unmap],
        ] as const
      ).map(([operation, { average, p50, p90, p99, maximum }]) => [
        layer,
        policy,
        operation,
        ...[average, p50, p90, p99, maximum].map((value) => value.toFixed(2)),
        loops,
      ]),
    ),
  };
}

/** The benchmark's lines for the whole DMA API, and every layer with its percentiles. */
export function dmaBenchmarkAnswer(
  options: DmaBenchmarkOptions,
  rows: readonly DmaBenchmarkRow[],
  notes: readonly string[],
): Answer {
  const whole = rows.find(({ layer }) => layer === 'dma') ?? rows[0];
  const lines = whole === undefined ? [] : linesOf(options, whole);
  const verdict =
    whole === undefined
      ? 'Nothing was measured.'
      : `A map takes ${whole.map.p50.toFixed(2)} us and an unmap ${whole.unmap.p50.toFixed(2)} us in this engine (median of ${whole.loops} loops, ${whole.policy}).`;
  return {
    schema: 'iommu.dma-benchmark',
    version: 1,
    outcome: 'fine',
    verdict,
    data: { options, rows },
    sections: [
      { id: 'lines', title: 'As dma_map_benchmark prints it', rank: 'main', blocks: [{ kind: 'lines', lines }] },
      tableSection('percentiles', 'Latency', percentileTable(rows)),
    ],
    notes: [...notes, 'threads are CPUs with caches of their own whose turns alternate: this engine has one writer'],
    records: rows,
    csv: percentileTable(rows),
  };
}
