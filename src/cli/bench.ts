/**
 * `iommu bench`: how fast mapping is here, by path, dispatch, size and layout.
 * @module
 */
import { availableParallelism, cpus } from 'node:os';
import type { Command } from 'commander';
import { formatSize, parseNamedSize } from '../address.ts';
import { type DmaFlags, dmaBenchmarkAnswer, dmaOptions } from '../answers/bench/dma.ts';
import { ringsAnswer } from '../answers/bench/rings.ts';
import type { Setting } from '../answers/bench/tables.ts';
import { benchAnswer } from '../answers/bench.ts';
import { driverName, driverOf } from '../answers/drivers.ts';
import { wordsOf } from '../answers/words.ts';
import { type BenchCase, type BenchOptions, runBench, SERIES_BYTES } from '../bench/bench.ts';
import { TABLES, type Tables } from '../bench/calls.ts';
import { DMA_LAYERS, runDmaBenchmark } from '../bench/dma-benchmark.ts';
import { LAYOUTS } from '../bench/layouts.ts';
import { QUESTION_CASES, QUESTIONS, type Question } from '../bench/questions.ts';
import { ALL_OPS, BENCH_OPS } from '../bench/variants.ts';
import { DISPATCHES, PATHS } from '../core/paths.ts';
import { readProfile } from '../cost/profile.ts';
import { formatById } from '../formats/registry.ts';
import { ASSUMED_CACHES } from '../replay/ring-paper.ts';
import type { Answer } from '../report/answer.ts';
import { givenOf, refuseAlone, refuseBeside } from './beside.ts';
import { UsageError } from './exit.ts';
import { addFormOptions, type FormFlags, outputOf } from './forms.ts';
import { Progress, readFile } from './io.ts';
import { printAnswer } from './print.ts';

const EXAMPLES = `Examples:
  iommu bench                                               the 2021 series' table, live
  iommu bench --sizes 64K,32M --layouts scattered --ops map  a part of it
  iommu bench --sizes 4K --layouts aligned --ops map-run --paths one-walk --dispatch indirect --tables present
                                                            one page, hot and cold, as npm run bench measures it
  iommu bench --question list-loop                          is the loop over the list significant?
  iommu bench --question lined-up                           can 32M cost less than 64K?
  iommu bench --json -o bench.json                          every row with its counts by layer
  iommu bench --dma -t 4 -s 2 -g 8 -m 1                     dma_map_benchmark over this engine
  iommu bench --rings                                       ring buffers beside the figures of a paper
  iommu bench -o bench.html                                 a page with pictures
`;

const LEAST_RUNS = 3;
const MOST_RUNS = 100_000;

interface BenchFlags extends FormFlags, DmaFlags {
  readonly sizes?: string;
  readonly layouts: string;
  readonly paths: string;
  readonly ops: string;
  readonly tables: string;
  readonly mixed?: true;
  readonly dispatch: string;
  readonly question?: string;
  readonly format: string;
  readonly granule?: string;
  readonly runs: string;
  readonly seed: string;
  readonly profile?: string;
  readonly dma?: true;
  readonly policy?: string;
  readonly layer?: string;
  readonly rings?: string | true;
}

function wholeNumber(option: string, text: string, least: number, most: number): number {
  const value = /^\d{1,10}$/.test(text) ? Number(text) : Number.NaN;
  if (value >= least && value <= most) return value;
  throw new UsageError(`--${option}: expected a whole number from ${least} to ${most}, got ${text}`);
}

function sizesOf(text: string | undefined, granule: number): number[] {
  if (text === undefined) return SERIES_BYTES.filter((bytes) => bytes % granule === 0);
  return text.split(',').map((word) => {
    const bytes = parseNamedSize('--sizes', word);
    if (bytes > 0 && bytes % granule === 0) return bytes;
    throw new UsageError(`--sizes: expected multiples of the granule ${formatSize(granule)}, got ${formatSize(bytes)}`);
  });
}

function granuleOf(format: string, text: string | undefined): number {
  const { granules } = formatById(format);
  const granule = text === undefined ? granules[0] : parseNamedSize('--granule', text);
  if (granule !== undefined && granules.includes(granule)) return granule;
  const known = granules.map(formatSize).join(', ');
  throw new UsageError(`--granule: expected ${known} for ${format}, got ${text ?? 'none'}`);
}

function groupsOf(flags: BenchFlags, question: Question | undefined, granule: number): BenchCase[][] {
  if (question !== undefined) return [[...QUESTION_CASES[question]]];
  const sizes = sizesOf(flags.sizes, granule);
  return wordsOf('layouts', flags.layouts, LAYOUTS).flatMap((layout) => sizes.map((bytes) => [{ layout, bytes }]));
}

function questionOf(flags: BenchFlags): Question | undefined {
  if (flags.question === undefined) return undefined;
  return wordsOf('question', flags.question, QUESTIONS)[0];
}

function tablesOf(text: string): Tables {
  const known = TABLES.find((one) => one === text);
  if (known === undefined) throw new UsageError(`--tables: expected ${TABLES.join(' or ')}, got ${text}`);
  return known;
}

function optionsOf(flags: BenchFlags, question: Question | undefined): Omit<BenchOptions, 'progress'> {
  const format = formatById(flags.format).id;
  const granule = granuleOf(format, flags.granule);
  return {
    clock: () => performance.now(),
    format,
    granule,
    driver: driverOf(format),
    groups: groupsOf(flags, question, granule),
    paths: wordsOf('paths', flags.paths, PATHS),
    dispatches: wordsOf('dispatch', flags.dispatch, DISPATCHES),
    ops: question === undefined ? wordsOf('ops', flags.ops, ALL_OPS) : ['map'],
    runs: wholeNumber('runs', flags.runs, LEAST_RUNS, MOST_RUNS),
    tables: tablesOf(flags.tables),
    mixed: flags.mixed === true,
    seed: wholeNumber('seed', flags.seed, 0, 2 ** 32 - 1),
  };
}

function settingOf(flags: BenchFlags, seed: number): Setting {
  const format = formatById(flags.format).id;
  return {
    runtime: `Node ${process.version} (V8 ${process.versions.v8}) on ${process.platform} ${process.arch}`,
    cpu: `${cpus()[0]?.model.trim() ?? 'unknown processor'}, ${availableParallelism()} processors`,
    driver: driverName(format),
    format,
    granule: granuleOf(format, flags.granule),
    seed,
  };
}

/** Seconds of `--dma` for each layer and policy; the tool takes 20. */
const DMA_SECONDS = '1';
/** Options that only `--dma` has. */
const OF_DMA = ['threads', 'seconds', 'node', 'bits', 'direction', 'transfer', 'pages', 'mode', 'layer', 'policy'];
/** Options of the table of rows. */
const OF_ROWS = [
  'sizes',
  'layouts',
  'ops',
  'paths',
  'dispatch',
  'tables',
  'runs',
  'mixed',
  'question',
  'granule',
  'profile',
];
/** Options that a question has settled. */
const OF_QUESTIONS = ['sizes', 'layouts', 'ops'];
/** Pages that each run of `--rings` receives. */
const RING_PAGES = 20_000;

function dmaAnswer(flags: BenchFlags): Answer {
  const options = dmaOptions({ seconds: DMA_SECONDS, ...flags });
  const format = formatById(flags.format).id;
  const layers = wordsOf('layer', flags.layer ?? 'all', DMA_LAYERS);
  const rows = wordsOf('policy', flags.policy ?? 'strict', ['strict', 'lazy'] as const).flatMap((policy) =>
    runDmaBenchmark(options, { format, policy, layers, clock: () => performance.now() }),
  );
  const { runtime, cpu } = settingOf(flags, 1);
  return dmaBenchmarkAnswer(options, rows, [
    `times of this engine on this machine: ${runtime}, ${cpu}; format ${format}`,
  ]);
}

function ringAnswer(flags: BenchFlags): Answer {
  const level3 = flags.rings === true ? 64 : wholeNumber('rings', flags.rings ?? '', 1, 65536);
  const seed = wholeNumber('seed', flags.seed, 0, 2 ** 32 - 1);
  return ringsAnswer({ ...ASSUMED_CACHES, level3 }, RING_PAGES, seed);
}

async function bench(flags: BenchFlags, verb: Command): Promise<void> {
  const output = outputOf(flags);
  const given = givenOf(flags, verb);
  if (flags.dma !== undefined) {
    refuseBeside(given, [...OF_ROWS, 'rings'], 'dma');
    return printAnswer(dmaAnswer(flags), output);
  }
  refuseAlone(flags, OF_DMA, 'dma');
  if (flags.rings !== undefined) {
    refuseBeside(given, OF_ROWS, 'rings');
    return printAnswer(ringAnswer(flags), output);
  }
  if (flags.question !== undefined) refuseBeside(given, OF_QUESTIONS, 'question');
  const question = questionOf(flags);
  const options = optionsOf(flags, question);
  const profile =
    flags.profile === undefined ? null : readProfile(new TextDecoder().decode(readFile(flags.profile)), flags.profile);
  const progress = new Progress('bench', 'groups', output.quiet);
  const result = runBench({ ...options, progress: (done, total) => progress.update(done, total) });
  progress.done();
  await printAnswer(benchAnswer({ result, setting: settingOf(flags, options.seed ?? 1), question, profile }), output);
}

/** Adds `bench`. */
export function addBench(program: Command): void {
  const command = program
    .command('bench')
    .description(
      "Measure mapping here: sizes × layouts × paths × dispatches, with counts by layer and the store's floor.",
    )
    .option('--sizes <sizes>', 'bytes, such as 4K,64K,32M; the sizes of the 2021 series by default')
    .option('--layouts <words>', `${LAYOUTS.join(', ')}, or all`, 'all')
    .option('--paths <words>', `${PATHS.join(', ')}, or all`, 'all')
    .option('--ops <words>', `${ALL_OPS.join(', ')}, or all`, BENCH_OPS.join(','))
    .option('--tables <word>', 'new: each call makes its tables in a new domain; present: they exist', 'new')
    .option('--mixed', 'first use every format, path and kind of list, so that no code is compiled for one of them')
    .option('--dispatch <words>', 'indirect, direct, or all', 'all')
    .option('--question <name>', `answer one question instead: ${QUESTIONS.join(', ')}`)
    .option('--format <id>', 'table format', 'arm-64-lpae-s1')
    .option('--granule <size>', "smallest page; the format's first by default")
    .option('--profile <file>', 'also predict the times of the machine that this profile describes')
    .option('--dma', "the kernel's dma_map_benchmark instead; -t to -m are its tool's options")
    .option('-t, --threads <n>', 'with --dma: CPUs, 1 to 1024')
    .option('-s, --seconds <n>', 'with --dma: 1 to 300; 1 by default')
    .option('-n, --node <n>', 'with --dma: NUMA node; printed, without effect')
    .option('-b, --bits <n>', 'with --dma: address bits of the device, 20 to 64')
    .option('-d, --direction <n>', 'with --dma: 0 bidirectional, 1 to the device, 2 from it')
    .option('-x, --transfer <ns>', 'with --dma: time between map and unmap, up to 10000000')
    .option('-g, --pages <n>', 'with --dma: pages of a buffer, or one-page elements of a list, 1 to 1024')
    .option('-m, --mode <n>', 'with --dma: 0 a buffer, 1 a list')
    .option('--layer <words>', `with --dma: ${DMA_LAYERS.join(', ')}, or all, which is the default`)
    .option('--policy <words>', 'with --dma: strict, lazy, or all; strict by default')
    .option(
      '--rings [entries]',
      'receive rings over IOMMU caches instead; entries of the cache of 2M tables, 64 by default',
    )
    .option('--runs <n>', 'samples a row', '41')
    .option('--seed <n>', 'seed of the scattered lists', '1')
    .addHelpText('before', EXAMPLES);
  addFormOptions(command).action(bench);
}
