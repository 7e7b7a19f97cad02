import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { predictionTable, predictRow } from '../../src/answers/bench/predictions.ts';
import { benchData, questionTable, rowTables, seriesTable, timingNotes } from '../../src/answers/bench/tables.ts';
import { benchAnswer } from '../../src/answers/bench.ts';
import { runBench } from '../../src/bench/bench.ts';
import { BENCH_OPS } from '../../src/bench/variants.ts';
import { EXIT, exitCodeOf } from '../../src/cli/exit.ts';
import { createProgram } from '../../src/cli/program.ts';
import { PATHS } from '../../src/core/paths.ts';
import { analyse } from '../../src/cost/analysis.ts';
import { readLatencyTable, selectRows } from '../../src/cost/csv.ts';
import { problemsOf } from '../../src/cost/problem.ts';
import { fitProfile } from '../../src/cost/profile.ts';
import { COUNT_NAMES } from '../../src/meter/meter.ts';
import { answerToJson } from '../../src/report/index.ts';

const LABEL = 'times of this engine on this machine';

let now = 0;
const result = runBench({
  clock: () => {
    now += 1;
    return now;
  },
  format: 'arm-64-lpae-s1',
  granule: 4096,
  groups: [[{ layout: 'scattered', bytes: 65536 }], [{ layout: 'aligned', bytes: 2 ** 21 }]],
  paths: PATHS,
  dispatches: ['indirect'],
  ops: BENCH_OPS,
  runs: 3,
  effort: { warmMs: 0, coldSamples: 1 },
});
const setting = { runtime: 'R', cpu: 'C', driver: 'bare', format: 'arm-64-lpae-s1', granule: 4096, seed: 1 };

describe('the JSON answer', () => {
  const answer = JSON.parse(answerToJson(benchAnswer({ result, setting }))) as Record<string, unknown>;

  it('begins with schema and version and has the keys that scripts rely on', () => {
    expect(Object.keys(answer).slice(0, 2)).toEqual(['schema', 'version']);
    expect([answer['schema'], answer['version']]).toEqual(['iommu.bench', 1]);
    for (const key of ['runtime', 'cpu', 'runs', 'floor', 'rows']) expect(answer).toHaveProperty(key);
    expect(answer['floor']).toHaveProperty('nsPerEntry');
  });

  it('every row has them too, with every count', () => {
    const keys =
      'op path format granule layout bytes pages medianNs madNs p99Ns nsPerPage ratioToPerPage counts dispatch hotNs coldNs samples coldSamples tables';
    for (const row of result.rows) {
      for (const key of keys.split(' ')) expect(row).toHaveProperty(key);
      expect(Object.keys(row.counts).toSorted()).toEqual([...COUNT_NAMES].toSorted());
    }
  });
});

describe('the text', () => {
  it('labels every table of times, and names runtime, processor, geometry and driver', () => {
    const tables = [...seriesTable(result), ...rowTables(result), questionTable('list-loop', [])];
    expect(tables.length).toBe(1 + 2 * 3 + 1);
    for (const { title } of tables) expect(title).toContain(LABEL);
    const head = timingNotes(result, setting).join('\n');
    for (const text of [LABEL, 'R, C', 'arm-64-lpae-s1 4K (given)', 'driver bare', '3 runs', 'Hot', 'Cold', 'Floor']) {
      expect(head).toContain(text);
    }
  });

  it('one table with every row, for CSV', () => {
    const [table] = rowTables(result, 'one');
    expect(table?.rows.length).toBe(result.rows.length);
    expect(new Set(table?.rows.map((row) => row.length))).toEqual(new Set([table?.columns.length]));
  });
});

describe('wrong usage', () => {
  it.each([
    ['--sizes', '5000'],
    ['--sizes', '0'],
    ['--layouts', 'diagonal'],
    ['--paths', 'per-page,none'],
    ['--ops', 'walk'],
    ['--dispatch', 'sideways'],
    ['--question', 'why'],
    ['--granule', '8K'],
    ['--tables', 'old'],
    ['--runs', '2'],
    ['--runs', 'many'],
  ])('%s %s is refused by name', async (option, value) => {
    const parsed = (await createProgram()).parseAsync(['node', 'iommu', 'bench', option, value]);
    const error = await parsed.then(String, (cause: unknown) => cause);
    expect(exitCodeOf(error)).toBe(EXIT.usage);
    expect(String(error)).toContain(option.slice(2));
  });
});

describe('predictions by a profile', () => {
  const name = 'map-sg-series-2021.csv';
  const text = readFileSync(new URL(`../../data/latency/${name}`, import.meta.url), 'utf8');
  const table = selectRows(readLatencyTable(text, name), [['posted', '2021-01-11']]);
  const profile = fitProfile(problemsOf(table).map(analyse), { name: 'series', kind: 'hardware' }, name);

  it('price maps and leave translations alone', () => {
    for (const row of result.rows) {
      const prediction = predictRow(profile, row);
      if (row.op === 'translate') expect(prediction).toBeNull();
      else expect(prediction?.high).toBeGreaterThanOrEqual(prediction?.low ?? Number.NaN);
    }
    expect(predictionTable(result.rows, profile).rows).toHaveLength(
      result.rows.filter((row) => row.op !== 'translate').length,
    );
  });

  it('stand beside the measured rows in the JSON answer', () => {
    const { rows } = benchData(result, setting, undefined, profile) as { rows: { op: string; predicted: unknown }[] };
    for (const row of rows) expect(row.predicted === null).toBe(row.op === 'translate');
  });
});
