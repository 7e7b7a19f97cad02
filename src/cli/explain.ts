/**
 * `iommu explain`: where the latency goes, and what the numbers cannot tell.
 * @module
 */
import { existsSync, readdirSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Command } from 'commander';
import { looksLikeLatencyTable, MAX_TABLE_BYTES, readLatencyTable, selectRows } from '../cost/csv.ts';
import { fitProfile } from '../cost/profile.ts';
import { InputError } from '../errors.ts';
import { machineOf } from '../explain/machine.ts';
import { type MeasuredAnswer, MeasuredLayers } from '../explain/measured.ts';
import { measuredText } from '../explain/measured-text.ts';
import { explainTable, type TableAnswer } from '../explain/table.ts';
import { tableText } from '../explain/text.ts';
import { explainTimings, looksLikeTimings, type TimingAnswer } from '../explain/timing.ts';
import { timingText } from '../explain/timing-text.ts';
import type { Report } from '../report/html.ts';
import { FunctionGraphReader, type GraphSink } from '../trace/function-graph.ts';
import { hasGraphCalls, recogniseTrace } from '../trace/readers.ts';
import { UsageError } from './exit.ts';
import { GraphTimeline } from './explain/graph-timeline.ts';
import { graphReport, tableReport, timingReport } from './explain/pictures.ts';
import { readStart, startingWith } from './explain/start.ts';
import { print, readChunks, readFile } from './io.ts';
import { addOutputOptions, emit, note, type Output, type OutputFormat, outputOf, writeFile } from './output.ts';
import { pageOf } from './page.ts';

const TABLES = fileURLToPath(new URL('../../data/latency/', import.meta.url));

const EXAMPLES = `Examples:
  iommu explain map-sg-series-2021.csv --where posted=2021-01-11
  iommu explain --tables                       the published tables that come with the program
  iommu explain latencies.csv --json
  iommu explain latencies.csv -o latencies.html
  iommu explain latencies.csv --where op=map --fit-profile board.json --machine board
  iommu explain trace_fgraph.txt -o out.perfetto-trace
  iommu explain trace_fgraph.txt.gz            metadata.json, qemu-args.json and fgraph_functions.txt beside it are used
`;

const FORMATS: readonly OutputFormat[] = ['table', 'json', 'html', 'perfetto'];

interface Options {
  readonly where: readonly (readonly [string, string])[];
  readonly tables?: boolean;
  readonly json?: boolean;
  readonly output?: string;
  readonly o?: string;
  readonly quiet?: boolean;
  readonly functions?: string;
  readonly fitProfile?: string;
  readonly machine?: string;
}

interface Explained {
  readonly answer: TableAnswer | MeasuredAnswer | TimingAnswer;
  readonly text: string;
  readonly report: () => Report;
  /** Where it was asked for. */
  readonly timeline?: Uint8Array;
}

const NO_DURATIONS = {
  text: (format: string): string =>
    `${format} holds events without durations; a latency table, a function_graph trace, a histogram of funclatency or bpftrace, or the output of dma_map_benchmark is needed (iommu replay reads this one)`,
  dat: (): string =>
    'durations of function_graph are not read from trace.dat: pass the output of `trace-cmd report` (iommu replay reads the events of this file)',
} as const;

/** Enough to tell a format by. */
const SNIFFED_BYTES = 1 << 16;

function addWhere(text: string, before: Options['where']): Options['where'] {
  const at = text.indexOf('=');
  if (at < 1) throw new UsageError(`--where ${text}: expected column=value`);
  return [...before, [text.slice(0, at), text.slice(at + 1)]];
}

function shippedTables(): string[] {
  return readdirSync(TABLES)
    .filter((name) => name.endsWith('.csv'))
    .sort();
}

/** A path, or the shipped table of that name if there is no such file. */
function locate(file: string): string {
  if (file === '-' || existsSync(file)) return file;
  const shipped = shippedTables().find((name) => name === file || name === `${file}.csv`);
  return shipped === undefined ? file : `${TABLES}${shipped}`;
}

function sourceText(file: string, options: Options): string {
  const where = options.where.map(([column, value]) => `${column}=${value}`);
  return [basename(file), ...where].join(', ');
}

function textBeside(file: string, name: string): string | null {
  const path = join(dirname(file), name);
  return file !== '-' && existsSync(path) ? new TextDecoder().decode(readFile(path)) : null;
}

function explainLatencies(bytes: Uint8Array, file: string, options: Options, output: Output): Explained {
  if (output.format === 'perfetto') throw new UsageError(`${file} is a table: a timeline is made of traces only`);
  const table = selectRows(readLatencyTable(new TextDecoder().decode(bytes), file), options.where);
  const { answer, analyses } = explainTable(table);
  if (options.fitProfile !== undefined) {
    const described = textBeside(locate(file), 'metadata.json');
    const kind = described === null ? 'hardware' : machineOf(described, null).kind;
    const profile = fitProfile(analyses, { name: options.machine ?? table.source, kind }, sourceText(file, options));
    writeFile(options.fitProfile, `${JSON.stringify(profile, null, 2)}\n`);
    note(output, `machine profile written to ${options.fitProfile}`);
  }
  const published = locate(file) !== file || resolve(file).startsWith(TABLES);
  return { answer, text: tableText(answer), report: () => tableReport(answer, published) };
}

function tracedFunctions(file: string, options: Options): ReadonlySet<string> | null {
  const given = options.functions === undefined ? null : new TextDecoder().decode(readFile(options.functions));
  const text = given ?? textBeside(file, 'fgraph_functions.txt');
  return text === null ? null : new Set(text.split(/\s+/).filter((name) => name !== ''));
}

/** Hands every call to several sinks. */
function tee(sinks: readonly GraphSink[]): GraphSink {
  return {
    call: (call) => {
      for (const sink of sinks) sink.call(call);
    },
    root: (root) => {
      for (const sink of sinks) sink.root(root);
    },
  };
}

async function explainGraph(
  chunks: AsyncIterable<Uint8Array>,
  file: string,
  options: Options,
  output: Output,
): Promise<Explained> {
  if (options.where.length > 0) throw new UsageError(`--where selects rows of latency tables; ${file} is a trace`);
  if (options.fitProfile !== undefined) {
    throw new UsageError('--fit-profile: a profile is fitted from latency tables only');
  }
  const layers = new MeasuredLayers();
  const timeline = output.format === 'perfetto' ? new GraphTimeline() : null;
  const reader = new FunctionGraphReader(timeline === null ? layers : tee([layers, timeline]));
  for await (const chunk of chunks) reader.push(chunk);
  const machine = machineOf(textBeside(file, 'metadata.json'), textBeside(file, 'qemu-args.json'));
  const answer = layers.answer(file, reader.end(), machine, tracedFunctions(file, options));
  const report = (): Report => graphReport(answer);
  return { answer, text: measuredText(answer), report, ...(timeline === null ? {} : { timeline: timeline.take() }) };
}

function explainTimingText(bytes: Uint8Array, file: string, options: Options, output: Output): Explained {
  if (output.format === 'perfetto')
    throw new UsageError(`${file} has no times of calls: a timeline is made of traces only`);
  if (options.where.length > 0 || options.fitProfile !== undefined) {
    throw new UsageError(`--where and --fit-profile are for latency tables; ${file} is not one`);
  }
  const answer = explainTimings(new TextDecoder().decode(bytes), file);
  if (answer === undefined)
    throw new InputError('MISSING_VALUE', file, 'expected a whole histogram or run, got its beginning');
  return { answer, text: timingText(answer), report: () => timingReport(answer) };
}

async function explainFile(file: string, options: Options, output: Output): Promise<Explained> {
  const rest = readChunks(locate(file));
  const start = await readStart(rest, SNIFFED_BYTES);
  const head = new TextDecoder().decode(start.subarray(0, 4096));
  if (start.length === 0 || looksLikeLatencyTable(head)) {
    const table = await readStart(startingWith(start, rest), MAX_TABLE_BYTES + 1);
    return explainLatencies(table, file, options, output);
  }
  if (looksLikeTimings(new TextDecoder().decode(start))) {
    return explainTimingText(await readStart(startingWith(start, rest), MAX_TABLE_BYTES), file, options, output);
  }
  const format = recogniseTrace(start, file);
  if (format === 'function_graph' || hasGraphCalls(start)) {
    return explainGraph(startingWith(start, rest), file, options, output);
  }
  throw new InputError('UNSUPPORTED_INPUT', file, NO_DURATIONS[format === 'trace.dat' ? 'dat' : 'text'](format));
}

async function explain(files: readonly string[], options: Options): Promise<void> {
  if (options.tables === true) {
    print(shippedTables().join('\n'));
    return;
  }
  if (options.fitProfile !== undefined && files.length > 1) throw new UsageError('--fit-profile takes one table');
  if (files.length === 0) throw new UsageError('explain: a latency table or a function_graph trace is needed');
  const output = outputOf(options, FORMATS);
  if ((output.format === 'perfetto' || output.format === 'html') && files.length > 1) {
    throw new UsageError(`--output ${output.format} takes one file`);
  }
  const results: Explained[] = [];
  for (const file of files) results.push(await explainFile(file, options, output));
  const answers = results.map(({ answer }) => answer);
  const page = output.format === 'html' && results[0] !== undefined ? await pageOf(results[0].report()) : '';
  emit(output, {
    json: () => (answers.length === 1 && answers[0] !== undefined ? answers[0] : several(answers)),
    table: () => results.map(({ text }) => text).join('\n'),
    other: (format) => (format === 'html' ? page : (results[0]?.timeline ?? '')),
  });
}

function several(files: readonly Explained['answer'][]): object {
  return { schema: 'iommu.explain', version: 1, files };
}

/** Adds the verb `explain`. */
export function addExplain(program: Command): void {
  const command = program
    .command('explain')
    .summary('where the latency goes, and what the numbers cannot tell')
    .description(
      'Explains latency tables (CSV), with the estimator beside each figure; function_graph traces: self time by layer; histograms of funclatency and bpftrace; the output of dma_map_benchmark.',
    )
    .argument(
      '[FILE...]',
      'latency tables, function_graph traces, histograms, dma_map_benchmark; a name that is no file may name a shipped table',
    )
    .option('--where <column=value>', 'keep only such rows; may be given again', addWhere, [])
    .option(
      '--functions <file>',
      'names of the functions that were traced (else fgraph_functions.txt beside the trace)',
    )
    .option('--fit-profile <file>', 'write a machine profile fitted from the table')
    .option('--machine <name>', 'name of the machine in that profile')
    .option('--tables', 'list the published tables that come with the program')
    .addHelpText('before', EXAMPLES);
  addOutputOptions(command, FORMATS).action((files: string[], options: Options) => explain(files, options));
}
