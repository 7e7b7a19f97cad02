/**
 * Latency: the published tables explained, and this engine's paths measured here.
 * @module
 */
import kunpeng from '../../data/latency/kunpeng-map-pages-2021.csv?raw';
import series from '../../data/latency/map-sg-series-2021.csv?raw';
import { benchAnswer } from '../../src/answers/bench.ts';
import { driverName, driverOf } from '../../src/answers/drivers.ts';
import { type Explained, type ExplainInput, explainAnswer, readExplained } from '../../src/answers/explain.ts';
import { type LatencyModel, latencyModels } from '../../src/answers/latency-model.ts';
import { runBench } from '../../src/bench/bench.ts';
import { PATHS } from '../../src/core/paths.ts';
import { InputError } from '../../src/errors.ts';
import type { Answer } from '../../src/report/answer.ts';
import { chunksOf, nameOf, type SayProgress } from './chunks.ts';
import { textOf } from './dumps.ts';
import type { Evidence, Question } from './protocol.ts';

type BenchQuestion = Extract<Question, { readonly ask: 'bench' }>;

interface Published {
  readonly source: string;
  readonly text: string;
  readonly where: readonly (readonly [string, string])[];
}

const PUBLISHED: ReadonlyMap<string, Published> = new Map([
  ['map-sg-series-2021', { source: 'map-sg-series-2021.csv', text: series, where: [['posted', '2021-01-11']] }],
  ['kunpeng-map-pages-2021', { source: 'kunpeng-map-pages-2021.csv', text: kunpeng, where: [] }],
]);

function inputOf(name: string): ExplainInput {
  const found = PUBLISHED.get(name);
  if (found === undefined) {
    throw new InputError('UNSUPPORTED_INPUT', 'table', `expected ${[...PUBLISHED.keys()].join(', ')}, got '${name}'`);
  }
  const { source, text, where } = found;
  return { source, chunks: chunksOf(new Blob([text]), 'reading', () => undefined), published: true, where };
}

/** A published table explained. @throws InputError for a name that is not a table's. */
export async function publishedOf(name: string): Promise<Answer> {
  return explainAnswer([await readExplained(inputOf(name))]);
}

/** Texts of the files beside traces, by the names that they are asked for by. */
async function besideOf({ metadata, machine, traced }: Evidence): Promise<(name: string) => string | null> {
  const texts = new Map([
    ['metadata.json', await textOf(metadata)],
    ['qemu-args.json', await textOf(machine)],
    ['fgraph_functions.txt', await textOf(traced)],
  ]);
  return (name) => texts.get(name) ?? null;
}

/** A dropped file read to its end: a latency table, a function_graph trace, a histogram. */
export async function readDropped(file: Blob, evidence: Evidence, progress: SayProgress): Promise<Explained> {
  const source = nameOf(file, 'table');
  const chunks = chunksOf(file, `reading ${source}`, progress);
  return await readExplained({ source, chunks, beside: await besideOf(evidence) });
}

/** Dropped files explained. */
export async function explainedOf(files: readonly Blob[], evidence: Evidence, progress: SayProgress): Promise<Answer> {
  const read: Explained[] = [];
  for (const file of files) read.push(await readDropped(file, evidence, progress));
  return explainAnswer(read);
}

/** The models of a table, by its name or as a file; none for anything but a latency table. @throws InputError as the readers do. */
export async function modelsOf(table: string | Blob): Promise<readonly LatencyModel[]> {
  const input =
    typeof table === 'string' ? inputOf(table) : { source: 'table', chunks: chunksOf(table, '', () => undefined) };
  const found = await readExplained(input);
  return found.kind === 'table' ? latencyModels(found.analyses) : [];
}

const SIZES = [4096, 65536, 2 ** 20, 2 ** 22, 2 ** 25];
const LAYOUTS = ['scattered', 'contiguous'] as const;
/** Samples a row: enough for a picture; the program takes more. */
const RUNS = 15;
const EFFORT = { warmMs: 40, coldSamples: 3 };
const SEED = 1;

/** This engine's paths, measured in this worker. */
export function benchHere({ format, granule, what }: BenchQuestion, progress: SayProgress): Answer {
  const layouts = what === 'all' ? LAYOUTS : LAYOUTS.slice(0, 1);
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
    groups: layouts.flatMap((layout) => SIZES.map((bytes) => [{ layout, bytes }])),
    paths: PATHS,
    dispatches: ['indirect'],
    ops: what === 'all' ? ['map', 'unmap'] : ['map'],
    runs: RUNS,
    effort: EFFORT,
    seed: SEED,
    progress: (done, total) => progress('measuring', done / total),
  });
  return benchAnswer({ result, setting });
}
