/**
 * `iommu explain`: where the latency goes, and what the numbers cannot tell.
 * @module
 */
import { existsSync, readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { Command } from 'commander';
import { looksLikeLatencyTable, readLatencyTable, selectRows } from '../cost/csv.ts';
import { InputError } from '../errors.ts';
import { explainTable, type TableAnswer } from '../explain/table.ts';
import { tableText } from '../explain/text.ts';
import { UsageError } from './exit.ts';
import { print, printJson, readFile } from './io.ts';

const TABLES = fileURLToPath(new URL('../../data/latency/', import.meta.url));

const EXAMPLES = `Examples:
  iommu explain map-sg-series-2021.csv --where posted=2021-01-11
  iommu explain --tables                       the published tables that come with the program
  iommu explain latencies.csv --json
`;

interface Options {
  readonly where: readonly (readonly [string, string])[];
  readonly tables?: boolean;
  readonly json?: boolean;
}

type Answer = TableAnswer;

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

function explainLatencies(bytes: Uint8Array, file: string, options: Options): { answer: Answer; text: string } {
  const table = selectRows(readLatencyTable(new TextDecoder().decode(bytes), file), options.where);
  const { answer } = explainTable(table);
  return { answer, text: tableText(answer) };
}

function explainFile(file: string, options: Options): { answer: Answer; text: string } {
  const bytes = readFile(locate(file));
  const head = new TextDecoder().decode(bytes.subarray(0, 4096));
  if (bytes.length === 0 || looksLikeLatencyTable(head)) return explainLatencies(bytes, file, options);
  throw new InputError(
    'NOT_RECOGNISED',
    file,
    'neither a latency table (CSV with a header) nor a function_graph trace',
  );
}

function explain(files: readonly string[], options: Options): void {
  if (options.tables === true) {
    print(shippedTables().join('\n'));
    return;
  }
  if (files.length === 0) throw new UsageError('explain: a latency table or a function_graph trace is needed');
  const results = files.map((file) => explainFile(file, options));
  const [first] = results;
  if (options.json !== true) print(results.map(({ text }) => text).join('\n'));
  else if (results.length === 1 && first !== undefined) printJson(first.answer);
  else printJson({ schema: 'iommu.explain', version: 1, files: results.map(({ answer }) => answer) });
}

/** Adds the verb `explain`. */
export function addExplain(program: Command): void {
  program
    .command('explain')
    .summary('where the latency goes, and what the numbers cannot tell')
    .description('Explains latency tables (CSV), with the estimator beside each figure.')
    .argument('[FILE...]', 'latency tables; a name that is no file may name a shipped table')
    .option('--where <column=value>', 'keep only such rows; may be given again', addWhere, [])
    .option('--tables', 'list the published tables that come with the program')
    .option('--json', 'print the answer as JSON')
    .addHelpText('before', EXAMPLES)
    .action((files: string[], options: Options) => explain(files, options));
}
