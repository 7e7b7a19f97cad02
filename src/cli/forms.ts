/**
 * The forms in which an answer can be printed, their names and file extensions, and the options that choose them.
 * @module
 */
import { type Command, Option } from 'commander';
import { UsageError } from './exit.ts';

/** Extensions of each form; the first one is the usual one. `table` is accepted as another name of `text`. */
const EXTENSIONS = {
  text: ['.txt'],
  json: ['.json'],
  ndjson: ['.ndjson', '.jsonl'],
  csv: ['.csv'],
  markdown: ['.md'],
  html: ['.html', '.htm'],
  svg: ['.svg'],
  dot: ['.dot', '.gv'],
  perfetto: ['.perfetto-trace', '.pftrace'],
  tree: ['.tree', '.txt'],
  snapshot: ['.snapshot', '.snap'],
  binary: ['.bin', '.img'],
  c: ['.c', '.h'],
  assembler: ['.s', '.asm'],
} as const;

/** A form in which an answer can be printed. */
export type Form = keyof typeof EXTENSIONS;

/** The forms that every answer has; SVG only where it has a picture. */
export const ANSWER_FORMS: readonly Form[] = ['text', 'json', 'ndjson', 'csv', 'markdown', 'html', 'svg'];

/** The environment and the terminal, injected by tests. */
export interface Surroundings {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly isTerminal: boolean;
  readonly columns: number | undefined;
  readonly rows: number | undefined;
  /** `process.platform`. */
  readonly platform: string;
}

/** The flags of {@link addFormOptions}. */
export interface FormFlags {
  readonly json?: boolean;
  readonly output?: readonly string[];
  readonly color?: string;
  readonly quiet?: boolean;
  readonly bytes?: boolean;
  readonly verbose?: boolean;
  readonly pager?: boolean;
  readonly section?: string;
}

/** How and where an answer is printed. */
export interface Output {
  readonly form: Form;
  /** File to write; null for standard output. */
  readonly file: string | null;
  readonly color: boolean;
  /** True: nothing but ASCII in text. */
  readonly ascii: boolean;
  /** True: no talk and no progress. */
  readonly quiet: boolean;
  /** True: sizes as plain numbers of bytes. */
  readonly bytes: boolean;
  /** True: details too. */
  readonly verbose: boolean;
  /** True if a person reads along at a terminal. */
  readonly terminal: boolean;
  /** Characters a line has. */
  readonly width: number;
  /** Lines a screen has where a pager may be used; undefined for no pager. */
  readonly screen: number | undefined;
  /** The only section to print. */
  readonly section: string | undefined;
}

const NARROWEST = 40;
const WIDTH = 80;

function collect(value: string, before: readonly string[] | undefined): readonly string[] {
  return [...(before ?? []), value];
}

/** Adds the options that choose form, file and looks, the same for every verb. */
export function addFormOptions(command: Command, forms: readonly Form[] = ANSWER_FORMS): Command {
  const names = forms.join(', ');
  return command
    .option('-o, --output <form|file>', `print as ${names}; or write a file, whose extension chooses`, collect)
    .option('--json', 'short for --output json')
    .option('-v, --verbose', 'details too, and every row of every table')
    .option('--section <id>', 'only this section of the answer')
    .addOption(new Option('--color <when>', 'colour the text').choices(['auto', 'always', 'never']).default('auto'))
    .option('--bytes', 'sizes as plain numbers of bytes instead of 4K, 2M, 1G')
    .option('--no-pager', 'never start a pager')
    .option('--quiet', 'no progress on standard error');
}

function formNamed(name: string): Form | undefined {
  if (name === 'table') return 'text';
  if (name === 'md') return 'markdown';
  return Object.hasOwn(EXTENSIONS, name) ? (name as Form) : undefined;
}

function formOfFile(file: string, forms: readonly Form[]): Form | undefined {
  return forms.find((form) => EXTENSIONS[form].some((extension) => file.toLowerCase().endsWith(extension)));
}

function once<T>(values: readonly T[], what: string): T | undefined {
  const different = new Set(values);
  if (different.size > 1) throw new UsageError(`--output: expected one ${what}, got ${[...different].join(' and ')}`);
  return values[0];
}

function formAndFile(flags: FormFlags, forms: readonly Form[]): { form: Form; file: string | null } {
  const values = flags.output ?? [];
  const named = values.flatMap((value) => formNamed(value) ?? []);
  const files = values.filter((value) => formNamed(value) === undefined);
  const form = once([...(flags.json === true ? (['json'] as const) : []), ...named], 'form');
  const file = once(files, 'file') ?? null;
  const chosen = form ?? (file === null ? forms[0] : formOfFile(file, forms));
  if (chosen !== undefined && forms.includes(chosen)) return { form: chosen, file };
  const extensions = forms.map((one) => EXTENSIONS[one][0]).join(', ');
  throw new UsageError(
    `--output: expected one of ${forms.join(', ')}, or a file ending in ${extensions}, got ${chosen ?? file ?? ''}`,
  );
}

function colorOf(when: string, { env, isTerminal }: Surroundings): boolean {
  if (when !== 'auto') return when === 'always';
  return isTerminal && (env['NO_COLOR'] ?? '') === '' && env['TERM'] !== 'dumb';
}

/** The first of the variables that is set decides, as in POSIX; without any the locale is C. */
function asciiOnly({ env, platform }: Surroundings): boolean {
  if (env['TERM'] === 'dumb') return true;
  const locale = [env['LC_ALL'], env['LC_CTYPE'], env['LANG']].find((one) => one !== undefined && one !== '');
  return locale === undefined ? platform === 'linux' : !/utf-?8/i.test(locale);
}

function widthOf({ columns, env }: Surroundings): number {
  const asked = Number(env['COLUMNS']);
  const width = columns ?? (Number.isInteger(asked) && asked > 0 ? asked : WIDTH);
  return Math.max(NARROWEST, width);
}

/** The surroundings of this process. */
export function surroundings(): Surroundings {
  const { env, stdout, platform } = process;
  return { env, platform, isTerminal: stdout.isTTY === true, columns: stdout.columns, rows: stdout.rows };
}

/**
 * Reads the options of {@link addFormOptions}.
 * @throws UsageError for a form that the verb has not, for two forms or two files.
 */
export function outputOf(
  flags: FormFlags,
  forms: readonly Form[] = ANSWER_FORMS,
  around: Surroundings = surroundings(),
): Output {
  const { form, file } = formAndFile(flags, forms);
  const terminal = around.isTerminal && file === null;
  return {
    form,
    file,
    color: (file === null || flags.color === 'always') && colorOf(flags.color ?? 'auto', around),
    ascii: file === null && asciiOnly(around),
    quiet: flags.quiet === true,
    bytes: flags.bytes === true,
    verbose: flags.verbose === true,
    terminal,
    width: widthOf(around),
    screen: terminal && flags.pager !== false ? around.rows : undefined,
    section: flags.section,
  };
}
