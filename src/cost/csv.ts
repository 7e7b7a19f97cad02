/**
 * Reader of latency tables: CSV with a header, one measurement a row, times in microseconds.
 * @module
 */
import { hex } from '../address.ts';
import { checkText, InputError } from '../errors.ts';

const MAX_ROWS = 4096;
/** A latency table has no more bytes than this. */
export const MAX_TABLE_BYTES: number = 4 << 20;
const DEFAULT_PAGE_BYTES = 4096;

/** Times from a picosecond to twelve days: what lies beyond was not measured, and would be lost in rounding. */
const LEAST_US = 1e-6;
const MOST_US = 1e12;
const NUMBER = /^(?:\d+(?:\.\d*)?|\.\d+)(?:e[+-]?\d+)?$/i;

/** Columns that hold measured values; all others tell series apart. */
const VALUE_COLUMNS: ReadonlySet<string> = new Set(['bytes', 'pages', 'us', 'sd_us']);

/** One row of a latency table. */
export interface Measurement {
  /** Line in the file, from 1. */
  readonly line: number;
  readonly pages: number;
  readonly bytes: number;
  readonly timeNs: number;
  /** Half of the last printed digit of the time. */
  readonly roundingNs: number;
  /** Standard deviation of the measurement where the source gives one (column `sd_us`), else null. */
  readonly spreadNs: number | null;
  /** The columns that tell series apart, by name. */
  readonly columns: Readonly<Record<string, string>>;
}

/** A latency table as read. */
export interface LatencyTable {
  readonly source: string;
  /** Names of the columns that tell series apart, in file order. */
  readonly columns: readonly string[];
  readonly rows: readonly Measurement[];
}

/** Index of the quote that ends a quoted field whose text begins at `at`, or -1. */
function closingQuote(line: string, at: number): number {
  let end = line.indexOf('"', at);
  while (end >= 0 && line[end + 1] === '"') end = line.indexOf('"', end + 2);
  return end;
}

function splitLine(line: string): string[] {
  const fields: string[] = [];
  for (let at = 0; at <= line.length; ) {
    const quote = line[at] === '"' ? closingQuote(line, at + 1) : -1;
    const comma = line.indexOf(',', quote < 0 ? at : quote);
    const end = comma < 0 ? line.length : comma;
    const text = quote < 0 ? line.slice(at, end) : line.slice(at + 1, quote).replaceAll('""', '"');
    fields.push(text.trim());
    at = end + 1;
  }
  return fields;
}

function malformed(source: string, line: number, column: string, text: string, want: string): InputError {
  const code = text === '' ? 'MISSING_VALUE' : 'MALFORMED';
  const got = text === '' ? 'nothing' : `"${text.slice(0, 40)}"`;
  return new InputError(code, source, `line ${line}, column ${column}: expected ${want}, got ${got}`, { line, column });
}

class RowReader {
  readonly #source: string;
  readonly #header: readonly string[];
  readonly #columns: readonly string[];

  constructor(source: string, header: readonly string[]) {
    this.#source = source;
    this.#header = header;
    this.#columns = header.filter((name) => !VALUE_COLUMNS.has(name));
  }

  read(fields: readonly string[], line: number): Measurement {
    if (fields.length !== this.#header.length) {
      const message = `line ${line}: expected ${this.#header.length} fields as in the header, got ${fields.length}`;
      throw new InputError('MALFORMED', this.#source, message, { line });
    }
    const row = new Map(this.#header.map((name, at) => [name, fields[at] ?? '']));
    const columns = Object.fromEntries(this.#columns.map((name) => [name, this.#text(row, name, line)]));
    const us = this.#time(row, 'us', line);
    const digits = (row.get('us') ?? '').match(/^\d*\.(\d+)$/)?.[1]?.length ?? 0;
    const spread = row.get('sd_us') ?? '';
    return {
      line,
      ...this.#size(row, line),
      timeNs: us * 1000,
      roundingNs: 500 * 10 ** -digits,
      spreadNs: spread === '' ? null : this.#time(row, 'sd_us', line) * 1000,
      columns,
    };
  }

  #text(row: ReadonlyMap<string, string>, name: string, line: number): string {
    const text = row.get(name) ?? '';
    if (text === '') throw malformed(this.#source, line, name, text, 'a value');
    return text;
  }

  #positive(row: ReadonlyMap<string, string>, name: string, line: number): number {
    const text = row.get(name) ?? '';
    const value = NUMBER.test(text) ? Number(text) : Number.NaN;
    if (value > 0 && Number.isFinite(value)) return value;
    throw malformed(this.#source, line, name, text, 'a positive number');
  }

  #time(row: ReadonlyMap<string, string>, name: string, line: number): number {
    const value = this.#positive(row, name, line);
    if (value >= LEAST_US && value <= MOST_US) return value;
    const want = `${LEAST_US} to ${MOST_US} microseconds`;
    throw malformed(this.#source, line, name, row.get(name) ?? '', want);
  }

  #whole(row: ReadonlyMap<string, string>, name: string, line: number): number {
    const value = this.#positive(row, name, line);
    if (Number.isSafeInteger(value)) return value;
    throw malformed(this.#source, line, name, row.get(name) ?? '', 'a whole number below 2^53');
  }

  #size(row: ReadonlyMap<string, string>, line: number): { pages: number; bytes: number } {
    const pageBytes = row.has('page_bytes') ? this.#whole(row, 'page_bytes', line) : DEFAULT_PAGE_BYTES;
    if (!row.has('pages')) {
      const bytes = this.#whole(row, 'bytes', line);
      return { pages: Math.ceil(bytes / pageBytes), bytes };
    }
    const pages = this.#whole(row, 'pages', line);
    const bytes = row.has('bytes') ? this.#whole(row, 'bytes', line) : pages * pageBytes;
    if (Number.isSafeInteger(bytes)) return { pages, bytes };
    throw malformed(this.#source, line, 'pages', row.get('pages') ?? '', 'fewer than 2^53 bytes');
  }
}

function checkHeader(source: string, header: readonly string[]): void {
  const found = header.slice(0, 20).join(', ').slice(0, 200);
  const missing = ['op', 'us'].find((name) => !header.includes(name));
  const size = header.includes('pages') || header.includes('bytes');
  const name = missing ?? (size ? null : 'pages (or bytes)');
  if (name !== null) {
    const fix = 'add it to the header and to each row (op: map or unmap; pages or bytes; us: microseconds)';
    throw new InputError('MISSING_COLUMN', source, `expected a column ${name}, got ${found}; ${fix}`, { column: name });
  }
  const twice = header.find((column, at) => header.indexOf(column) !== at);
  if (twice !== undefined)
    throw new InputError('MALFORMED', source, `expected each column once, got ${twice} twice`, { column: twice });
}

/**
 * Reads a latency table. Needed: `op`, `us`, and `pages` or `bytes`; every other column tells series apart. Lines that
 * start with `#` and empty lines are passed over.
 * @param text - the file's text
 * @param source - its name, for messages
 * @throws InputError `MISSING_COLUMN`, `MISSING_VALUE`, `MALFORMED`, `TOO_LARGE` (more than 4096 rows or 4 MiB), `NO_EVENTS` (no rows).
 */
export function readLatencyTable(text: string, source: string): LatencyTable {
  checkText('text', text);
  checkText('source', source);
  if (text.length > MAX_TABLE_BYTES) {
    throw new InputError('TOO_LARGE', source, `expected at most ${hex(MAX_TABLE_BYTES)} bytes, got more`, {
      bytes: text.length,
    });
  }
  let reader: RowReader | null = null;
  let columns: readonly string[] = [];
  const rows: Measurement[] = [];
  for (const [at, raw] of text
    .replace(/^\uFEFF/, '')
    .split(/\r?\n/)
    .entries()) {
    if (raw.trim() === '' || raw.startsWith('#')) continue;
    const fields = splitLine(raw);
    if (reader === null) {
      checkHeader(source, fields);
      columns = fields.filter((name) => !VALUE_COLUMNS.has(name));
      reader = new RowReader(source, fields);
    } else rows.push(reader.read(fields, at + 1));
    if (rows.length > MAX_ROWS)
      throw new InputError('TOO_LARGE', source, `expected at most ${MAX_ROWS} rows, got more`);
  }
  if (rows.length === 0)
    throw new InputError('NO_EVENTS', source, 'expected a header and rows with measurements, got none');
  return { source, columns, rows };
}

/** A column's name: a few words without punctuation of prose or of options. */
const COLUMN = /^\s*"?[\p{L}_][\p{L}\d_ ./()%-]{0,39}"?\s*$/u;

/** Whether the first bytes of a file look like a latency table's header. */
export function looksLikeLatencyTable(head: string): boolean {
  const first = head
    .replace(/^\uFEFF/, '')
    .split(/\r?\n/)
    .find((line) => line.trim() !== '' && !line.startsWith('#'));
  return first?.includes(',') === true && first.split(',').every((cell) => COLUMN.test(cell));
}

/**
 * Keeps the rows in which a column has a value; a column given twice keeps either value.
 * @throws InputError `MISSING_COLUMN` for an unknown column, `NO_EVENTS` if nothing is left.
 */
export function selectRows(table: LatencyTable, where: readonly (readonly [string, string])[]): LatencyTable {
  const wanted = new Map<string, string[]>();
  for (const [column, value] of where) wanted.set(column, [...(wanted.get(column) ?? []), value]);
  const names = [...table.columns, 'bytes', 'pages'];
  for (const column of wanted.keys()) {
    if (names.includes(column)) continue;
    throw new InputError(
      'MISSING_COLUMN',
      table.source,
      `expected one of the columns ${names.join(', ')}, got ${column}`,
      {
        column,
      },
    );
  }
  const cellOf = (row: Measurement, column: string): string =>
    row.columns[column] ?? String(column === 'bytes' ? row.bytes : row.pages);
  const rows = table.rows.filter((row) =>
    [...wanted].every(([column, values]) => values.includes(cellOf(row, column))),
  );
  if (rows.length === 0) {
    const asked = where.map(([column, value]) => `${column}=${value}`).join(', ');
    throw new InputError('NO_EVENTS', table.source, `expected a row with ${asked}, got none`);
  }
  return { ...table, rows };
}
