/**
 * Latency: the published tables explained, and this engine's paths measured here.
 * @module
 */
import kunpeng from '../../data/latency/kunpeng-map-pages-2021.csv?raw';
import series from '../../data/latency/map-sg-series-2021.csv?raw';
import { benchAnswer } from '../../src/answers/bench.ts';
import { driverName, driverOf } from '../../src/answers/drivers.ts';
import { explainAnswer, readExplained } from '../../src/answers/explain.ts';
import { runBench } from '../../src/bench/bench.ts';
import { PATHS } from '../../src/core/paths.ts';
import { InputError } from '../../src/errors.ts';
import type { Answer } from '../../src/report/answer.ts';
import { chunksOf, type SayProgress } from './chunks.ts';

interface Published {
  readonly source: string;
  readonly text: string;
  readonly where: readonly (readonly [string, string])[];
}

const PUBLISHED: ReadonlyMap<string, Published> = new Map([
  ['map-sg-series-2021', { source: 'map-sg-series-2021.csv', text: series, where: [['posted', '2021-01-11']] }],
  ['kunpeng-map-pages-2021', { source: 'kunpeng-map-pages-2021.csv', text: kunpeng, where: [] }],
]);

/** A published table explained. @throws InputError for a name that is not a table's. */
export async function publishedOf(name: string): Promise<Answer> {
  const found = PUBLISHED.get(name);
  if (found === undefined) {
    throw new InputError('UNSUPPORTED_INPUT', 'table', `expected ${[...PUBLISHED.keys()].join(', ')}, got '${name}'`);
  }
  const { source, text, where } = found;
  return explainAnswer([
    await readExplained({
      source,
      chunks: chunksOf(new Blob([text]), 'reading', () => undefined),
      published: true,
      where,
    }),
  ]);
}

/** A dropped file explained: a latency table, a function_graph trace, a histogram. */
export async function explainedOf(file: Blob, name: string, progress: SayProgress): Promise<Answer> {
  const chunks = chunksOf(file, `reading ${name}`, progress);
  return explainAnswer([await readExplained({ source: name, chunks })]);
}

const SIZES = [4096, 65536, 2 ** 20, 2 ** 22, 2 ** 25];
const LAYOUTS = ['scattered', 'contiguous'] as const;
/** Samples a row: enough for a picture; the program takes more. */
const RUNS = 15;
const SEED = 1;

/** This engine's paths, measured in this worker. */
export function benchHere(format: string, granule: number, progress: SayProgress): Answer {
  const setting = {
    runtime: navigator.userAgent,
    cpu: `${navigator.hardwareConcurrency} processors`,
    driver: driverName(format),
    format,
    granule,
    seed: SEED,
  };
  const result = runBench({
    clock: () => performance.now(),
    format,
    granule,
    driver: driverOf(format),
    groups: LAYOUTS.flatMap((layout) => SIZES.map((bytes) => [{ layout, bytes }])),
    paths: PATHS,
    dispatches: ['indirect'],
    ops: ['map', 'unmap'],
    runs: RUNS,
    seed: SEED,
    progress: (done, total) => progress('measuring', done / total),
  });
  return benchAnswer({ result, setting });
}
