/**
 * The output options that verbs share: `--json`, `--output`, `-o`, `--color`, `--quiet`, `--bytes`. Data goes to
 * standard output or a file, talk to standard error.
 * @module
 */
import { writeFileSync } from 'node:fs';
import { type Command, Option } from 'commander';
import pc from 'picocolors';
import { showControlsOfLines } from '../report/controls.ts';
import { tableToCsv, tableToMarkdown } from '../report/csv.ts';
import { toJson, toNdjson } from '../report/json.ts';
import type { Cell, Table } from '../report/table.ts';
import { tableToText } from '../report/text-table.ts';
import { UsageError } from './exit.ts';
import { print } from './io.ts';

const EXTENSIONS = {
  table: ['.txt'],
  json: ['.json'],
  ndjson: ['.ndjson', '.jsonl'],
  csv: ['.csv'],
  markdown: ['.md'],
  dot: ['.dot', '.gv'],
  svg: ['.svg'],
  html: ['.html', '.htm'],
  perfetto: ['.perfetto-trace', '.pftrace'],
} as const;

/** A form in which an answer can be printed. */
export type OutputFormat = keyof typeof EXTENSIONS;

/** The environment and the terminal, injected by tests. */
export interface Surroundings {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly isTerminal: boolean;
  readonly columns: number | undefined;
}

/** How a verb's answer is to be printed. */
export interface Output {
  readonly format: OutputFormat;
  /** File named by `-o`; null for standard output. */
  readonly file: string | null;
  /** True if text may be coloured. */
  readonly color: boolean;
  /** True: no talk and no progress. */
  readonly quiet: boolean;
  /** True: sizes as plain numbers of bytes. */
  readonly bytes: boolean;
  /** True if a person reads along: rules in tables, text as wide as the terminal. */
  readonly terminal: boolean;
  /** Characters a line has. */
  readonly width: number;
}

/** What a verb can print; each form is made only if it is asked for. */
export interface Forms {
  /** The JSON answer, with schema and version. */
  readonly json: () => object;
  /** Text for people. */
  readonly table?: () => string | readonly Table[];
  /** The rows of `ndjson`; without it, the JSON answer on one line. */
  readonly rows?: () => Iterable<object>;
  /** The table of `csv`. */
  readonly csv?: () => Table;
  /** Text of any further form. */
  readonly other?: (format: OutputFormat) => string | Uint8Array;
}

interface Flags {
  readonly json?: boolean;
  readonly output?: string;
  readonly o?: string;
  readonly color?: string;
  readonly quiet?: boolean;
  readonly bytes?: boolean;
}

const WIDTH = 100;

/** Adds the shared output options to a verb that can print the given forms, the first one by default. */
export function addOutputOptions(command: Command, formats: readonly OutputFormat[]): Command {
  return command
    .option('--json', 'short for --output json')
    .addOption(new Option('--output <format>', 'how to print the answer').choices(formats))
    .option('-o <file>', 'write the answer to a file; its extension chooses the form')
    .addOption(new Option('--color <when>', 'colour the text').choices(['auto', 'always', 'never']).default('auto'))
    .option('--quiet', 'no notes and no progress on standard error')
    .option('--bytes', 'sizes as plain numbers of bytes instead of 4K, 2M, 1G');
}

function surroundings(): Surroundings {
  return { env: process.env, isTerminal: process.stdout.isTTY === true, columns: process.stdout.columns };
}

function formatOfFile(file: string, formats: readonly OutputFormat[]): OutputFormat | undefined {
  return formats.find((format) => EXTENSIONS[format].some((extension) => file.endsWith(extension)));
}

function formatOf(flags: Flags, formats: readonly OutputFormat[]): OutputFormat {
  if (flags.json === true && flags.output !== undefined && flags.output !== 'json') {
    throw new UsageError(`--json and --output ${flags.output} contradict each other`);
  }
  const asked = flags.json === true ? 'json' : flags.output;
  const named = asked === undefined ? undefined : formats.find((format) => format === asked);
  const chosen = named ?? (flags.o === undefined ? formats[0] : formatOfFile(flags.o, formats));
  if (chosen !== undefined) return chosen;
  const known = formats.flatMap((format) => EXTENSIONS[format]).join(', ');
  throw new UsageError(`-o ${flags.o ?? ''}: the extension names no form; use one of ${known}, or add --output`);
}

function colorOf(when: string, { env, isTerminal }: Surroundings): boolean {
  if (when !== 'auto') return when === 'always';
  return isTerminal && (env['NO_COLOR'] ?? '') === '' && env['TERM'] !== 'dumb';
}

/**
 * Reads the shared output options of a verb.
 * @throws UsageError if the file's extension names no form that this verb has, or options contradict each other.
 */
export function outputOf(
  flags: Flags,
  formats: readonly OutputFormat[],
  around: Surroundings = surroundings(),
): Output {
  const file = flags.o ?? null;
  return {
    format: formatOf(flags, formats),
    file,
    color: file === null && colorOf(flags.color ?? 'auto', around),
    quiet: flags.quiet === true,
    bytes: flags.bytes === true,
    terminal: around.isTerminal && file === null,
    width: around.columns ?? WIDTH,
  };
}

function withBytes(table: Table, { bytes }: Output): Table {
  if (!bytes) return table;
  const digits = (cell: Cell, i: number): Cell =>
    typeof cell === 'number' && table.columns[i]?.unit === 'bytes' ? String(cell) : cell;
  return { ...table, rows: table.rows.map((row) => row.map(digits)) };
}

function textOf(output: Output, forms: Forms): string {
  const text = forms.table?.() ?? toJson(forms.json());
  if (typeof text === 'string') return text;
  return text.map((table) => tableToText(withBytes(table, output), output.terminal)).join('\n');
}

function markdownOf(output: Output, forms: Forms): string {
  const text = forms.table?.() ?? [];
  if (typeof text === 'string') return text;
  return text.map((table) => tableToMarkdown(withBytes(table, output))).join('\n');
}

/** The answer in the form that was asked for. */
export function renderAnswer(output: Output, forms: Forms): string | Uint8Array {
  switch (output.format) {
    case 'table':
      return textOf(output, forms);
    case 'json':
      return toJson(forms.json());
    case 'ndjson':
      return [...toNdjson(forms.rows?.() ?? [forms.json()])].join('');
    case 'csv':
      return forms.csv === undefined ? '' : tableToCsv(forms.csv());
    case 'markdown':
      return markdownOf(output, forms);
    default:
      return forms.other?.(output.format) ?? '';
  }
}

/**
 * Writes to the file that `-o` named; of text, control characters that came from an input are shown by their code.
 * @throws UsageError if the file cannot be written.
 */
export function writeFile(file: string, data: string | Uint8Array): void {
  try {
    writeFileSync(file, typeof data === 'string' ? showControlsOfLines(data) : data);
  } catch (cause) {
    throw new UsageError(`cannot write ${file}: ${cause instanceof Error ? cause.message : String(cause)}`);
  }
}

/** Prints a verb's answer where and how it was asked for. */
export function emit(output: Output, forms: Forms): void {
  const data = renderAnswer(output, forms);
  if (output.file !== null) writeFile(output.file, data);
  else if (typeof data === 'string') print(data, output.color);
  else process.stdout.write(data);
}

/** Colours, switched off where the output is not to be coloured; letters and words must carry the meaning alone. */
export function colors(output: Pick<Output, 'color'>): ReturnType<typeof pc.createColors> {
  return pc.createColors(output.color);
}
