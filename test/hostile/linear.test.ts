import { describe, expect, test } from 'vitest';
import { parseCases } from '../../src/conform/index.ts';
import { readLatencyTable, readProfile } from '../../src/cost/index.ts';
import { memorySource, openDump, parseRegisters } from '../../src/dump/index.ts';
import { InputError, IommuError } from '../../src/errors.ts';
import { explainTimings } from '../../src/explain/index.ts';
import { readFaultLog } from '../../src/fault/index.ts';
import { readMapList } from '../../src/gen/index.ts';
import { parseGroups, parseIomem, parsePciList } from '../../src/machine/index.ts';
import { createTraceReader, FunctionGraphReader, recogniseTrace } from '../../src/trace/index.ts';

/** A line that the reader knows, up to where the repeated text stands. */
interface Reader {
  readonly before: string;
  readonly after: string;
  readonly read: (text: string) => unknown;
}

const encoder = new TextEncoder();

function trace(format: 'ftrace' | 'trace-cmd-report' | 'perf-script') {
  return (text: string) => {
    const reader = createTraceReader(format, () => undefined);
    reader.push(encoder.encode(text));
    reader.end();
  };
}

function graph(text: string): void {
  const reader = new FunctionGraphReader({ call: () => undefined, root: () => undefined });
  reader.push(encoder.encode(text));
  reader.end();
}

const READERS: Readonly<Record<string, Reader>> = {
  'fault log': {
    before: '[   12.5] arm-smmu-v3 arm-smmu-v3.0.auto: event 0x10 received: ',
    after: '\n',
    read: readFaultLog,
  },
  'fault log of VT-d': {
    before: 'DMAR: [DMA Read NO_PASID] Request device [',
    after: '] fault addr 0x1\n',
    read: readFaultLog,
  },
  'ftrace text': { before: ' task-1 [000] d..1. 12.000001: map: IOMMU: ', after: ' iova=0x1\n', read: trace('ftrace') },
  'ftrace text, task': { before: '', after: '-1 [000] d..1. 12.000001: map: IOMMU: iova=0x1\n', read: trace('ftrace') },
  'trace-cmd report': { before: ' task-1 [000] 12.000001: unmap: ', after: '\n', read: trace('trace-cmd-report') },
  'perf script': { before: 'task 1 [000] 12.000001: iommu:map: IOMMU: iova=', after: '\n', read: trace('perf-script') },
  'function graph': { before: ' 0) ', after: ' | iommu_map() {\n', read: graph },
  'function graph, name': { before: ' 0)   1.000 us    |  ', after: '();\n', read: graph },
  'latency table': { before: 'op,pages,us\nmap,1,', after: '\n', read: (text) => readLatencyTable(text, 'table') },
  'latency table, heading': {
    before: 'op,pages,',
    after: ',us\nmap,1,2\n',
    read: (text) => readLatencyTable(text, 'table'),
  },
  'sparse pages': { before: '{"pa":"0x1000","kind":"', after: '","bytes_base64":""}\n', read: dump },
  debugfs: { before: 'Device 0000:00:01.0\n', after: ' | 0x1\n', read: dump },
  registers: { before: '{"iommu":"intel-vtd","named":{"CAP":"', after: '"}}', read: parseRegisters },
  'registers, brackets': { before: '', after: '', read: parseRegisters },
  'map list': { before: 'iova,pa,size,prot\n0,0,4K,', after: '\n', read: (text) => readMapList(text, 'list') },
  'map list, JSON': { before: '{"iova":"', after: '"}\n', read: (text) => readMapList(text, 'list') },
  vectors: { before: '{"id":"', after: '"}\n', read: (text) => parseCases('vectors', text) },
  profile: { before: '{"name":"', after: '"}', read: (text) => readProfile(text, 'profile') },
  'timing text': {
    before: '     usecs   : count    distribution\n',
    after: ' -> 1 : 1 |*|\n',
    read: (text) => explainTimings(text, 'text'),
  },
  'PCI list': { before: '0000:00:01.0 Class [0200]: ', after: ' [8086:1521]\n', read: parsePciList },
  'group list': { before: 'IOMMU Group 1 ', after: '\n', read: parseGroups },
  'memory map': { before: '00000000-00000fff : ', after: '\n', read: parseIomem },
  'first bytes of a trace': { before: '', after: '', read: (text) => recogniseTrace(encoder.encode(text)) },
};

async function dump(text: string): Promise<void> {
  await openDump(memorySource(encoder.encode(text)));
}

/** What is repeated: single characters, pairs, and what patterns of the readers begin with. */
const REPEATED: readonly string[] = [
  ...[' ', '\t', '0', 'a', '-', '(', '[', '{', '|', '"', ',', '=', ':', '.', '\\', '\r', '\n', '\r\n', '\0'],
  ...[
    '[ ',
    '] ',
    ' [',
    ', ',
    '"",',
    '0x',
    '1.',
    ' : ',
    '=> ',
    '/* ',
    ' 0) ',
    '{"a":',
    '[[',
    '() {',
    '0-',
    '[000] ',
    'é',
  ],
];

const LENGTH = 100_000;
/** Shorter times say nothing: the clock and the collector are in them. */
const LEAST_MS = 40;
/** Twice the text, four times the work: a quadratic pattern. Half of what a third doubling would show. */
const BOUND = 4;

async function costOf({ before, after, read }: Reader, unit: string, length: number): Promise<number> {
  const text = `${before}${unit.repeat(Math.ceil(length / unit.length))}${after}`;
  const from = process.cpuUsage();
  try {
    await read(text);
  } catch (error) {
    if (!(error instanceof IommuError || error instanceof InputError)) throw error;
  }
  const { user, system } = process.cpuUsage(from);
  return (user + system) / 1000;
}

/** The least of several runs, as the collector and the compiler take part in some. */
async function leastCost(reader: Reader, unit: string, length: number): Promise<number> {
  let least = Number.POSITIVE_INFINITY;
  for (let i = 0; i < 3; i++) least = Math.min(least, await costOf(reader, unit, length));
  return least;
}

describe('a long run of one text is read in linear time', () => {
  test.each(Object.entries(READERS))('%s', { timeout: 300_000 }, async (_, reader) => {
    for (const unit of REPEATED) {
      if ((await costOf(reader, unit, LENGTH)) < LEAST_MS) continue;
      const [once, twice] = [await leastCost(reader, unit, LENGTH), await leastCost(reader, unit, 4 * LENGTH)];
      const why = `${JSON.stringify(unit)}: ${once} ms, and ${twice} ms for four times as much`;
      expect(twice < BOUND * BOUND * Math.max(once, LEAST_MS / 4), why).toBe(true);
    }
  });
});
