/**
 * `iommu explain`: where the latency goes, and what the numbers cannot tell.
 * @module
 */
import { existsSync, readdirSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Command } from 'commander';
import { GraphTimeline } from '../answers/explain/timeline.ts';
import { type Explained, explainAnswer, readExplained } from '../answers/explain.ts';
import { fitProfile } from '../cost/profile.ts';
import { machineOf } from '../explain/machine.ts';
import { UsageError } from './exit.ts';
import { ANSWER_FORMS, addFormOptions, type Form, type FormFlags, outputOf } from './forms.ts';
import { print, readChunks, readFile, say } from './io.ts';
import { printAnswer, writeFile } from './print.ts';

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

const FORMS: readonly Form[] = [...ANSWER_FORMS, 'perfetto'];

interface Flags extends FormFlags {
  readonly where: readonly (readonly [string, string])[];
  readonly tables?: boolean;
  readonly functions?: string;
  readonly fitProfile?: string;
  readonly machine?: string;
}

function addWhere(text: string, before: Flags['where']): Flags['where'] {
  const at = text.indexOf('=');
  if (at < 1) throw new UsageError(`--where: expected column=value, got ${text}`);
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

function textOf(path: string): string {
  return new TextDecoder().decode(readFile(path));
}

/** Files beside an input; `--functions` stands for the list of traced functions. */
function besideOf(file: string, functions?: string): (name: string) => string | null {
  return (name) => {
    if (name === 'fgraph_functions.txt' && functions !== undefined) return textOf(functions);
    const path = join(dirname(file), name);
    return file !== '-' && existsSync(path) ? textOf(path) : null;
  };
}

function writeProfile(explained: Explained, file: string, path: string, flags: Flags): void {
  if (explained.kind !== 'table')
    throw new UsageError(
      '--fit-profile: expected a latency table, got a trace or a timing text: a profile is fitted from latency tables only',
    );
  const described = besideOf(locate(file))('metadata.json');
  const kind = described === null ? 'hardware' : machineOf(described, null).kind;
  const source = [basename(file), ...flags.where.map(([column, value]) => `${column}=${value}`)].join(', ');
  const machine = { name: flags.machine ?? explained.answer.source, kind };
  writeFile(path, `${JSON.stringify(fitProfile(explained.analyses, machine, source), null, 2)}\n`);
  if (flags.quiet !== true) say(`machine profile written to ${path}`);
}

async function explainFile(file: string, flags: Flags, sink: GraphTimeline | undefined): Promise<Explained> {
  const path = locate(file);
  const explained = await readExplained({
    source: file,
    chunks: readChunks(path),
    published: path !== file || resolve(file).startsWith(TABLES),
    where: flags.where,
    beside: besideOf(file, flags.functions),
    ...(sink === undefined ? {} : { sink }),
  });
  if (sink !== undefined && explained.kind !== 'graph') {
    throw new UsageError(`--output perfetto: expected a trace, of which a timeline is made, got ${file}`);
  }
  if (flags.fitProfile !== undefined) writeProfile(explained, file, flags.fitProfile, flags);
  return explained;
}

async function explain(files: readonly string[], flags: Flags): Promise<void> {
  if (flags.tables === true) {
    print(shippedTables().join('\n'));
    return;
  }
  if (flags.fitProfile !== undefined && files.length > 1)
    throw new UsageError(`--fit-profile: expected one table, got ${files.length}`);
  if (files.length === 0)
    throw new UsageError('file: expected a latency table, a function_graph trace or a timing text, got none');
  const output = outputOf(flags, FORMS);
  const timeline = output.form === 'perfetto' ? new GraphTimeline() : undefined;
  if (timeline !== undefined && files.length > 1)
    throw new UsageError(`--output perfetto: expected one file, got ${files.length}`);
  const inputs: Explained[] = [];
  for (const file of files) inputs.push(await explainFile(file, flags, timeline));
  await printAnswer(explainAnswer(inputs), output, { perfetto: () => timeline?.take() ?? '' });
}

/** Adds the verb `explain`. */
export function addExplain(program: Command): void {
  const verb = program
    .command('explain')
    .description(
      'Explains latency tables (CSV), with the estimator beside each figure; function_graph traces: self time by layer; histograms of funclatency and bpftrace; the output of dma_map_benchmark.',
    )
    .argument(
      '[FILE...]',
      'latency tables, function_graph traces, histograms, dma_map_benchmark; a name without a file may name a shipped table',
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
  addFormOptions(verb, FORMS).action(explain);
}
