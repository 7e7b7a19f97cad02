/**
 * Map lists: what is to be mapped where, as CSV with a header or as JSON lines.
 * @module
 */
import { parseNamedAddress, parseSize } from '../address.ts';
import { checkText, emptyInput, InputError, IommuError, shown } from '../errors.ts';
import { parseProt } from '../formats/protection.ts';

/** One line of a map list. */
export interface MapLine {
  /** Line of the file, from 1. */
  readonly line: number;
  /** Input address. */
  readonly iova: bigint;
  /** Output address. */
  readonly pa: bigint;
  /** Bytes. */
  readonly size: number;
  /** Sum of `PROT` flags. */
  readonly prot: number;
}

const KEYS = ['iova', 'pa', 'size', 'prot'] as const;
type Fields = Readonly<Record<(typeof KEYS)[number], string>>;

function malformed(source: string, line: number, why: string): InputError {
  return new InputError('MALFORMED', source, `line ${line}: ${why}`, { line });
}

function protOf(text: string): number {
  return /^(0x[0-9a-f]+|\d+)$/i.test(text) ? Number(text) : parseProt(text.replaceAll('-', ''));
}

function toLine(source: string, line: number, fields: Fields): MapLine {
  try {
    return {
      line,
      iova: parseNamedAddress('iova', fields.iova),
      pa: parseNamedAddress('pa', fields.pa),
      size: parseSize(fields.size),
      prot: protOf(fields.prot),
    };
  } catch (cause) {
    if (cause instanceof IommuError) throw malformed(source, line, cause.message);
    throw cause;
  }
}

function missing(source: string, line: number, names: readonly string[]): void {
  const absent = KEYS.filter((key) => !names.includes(key));
  if (absent.length > 0)
    throw malformed(
      source,
      line,
      `expected the columns ${KEYS.join(', ')}, got ${shown(names.join(', '))}, without ${absent.join(', ')}`,
    );
}

function textOf(source: string, line: number, key: string, value: unknown): string {
  if (typeof value === 'string' || (typeof value === 'number' && Number.isSafeInteger(value))) return String(value);
  throw malformed(source, line, `${key}: expected a text or a whole number below 2^53, got ${shown(value)}`);
}

function jsonLine(source: string, line: number, text: string): MapLine {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw malformed(source, line, `expected JSON, got ${shown(text)}`);
  }
  const record = (typeof value === 'object' && value !== null ? value : {}) as Record<string, unknown>;
  missing(source, line, Object.keys(record));
  const fields = Object.fromEntries(KEYS.map((key) => [key, textOf(source, line, key, record[key])]));
  return toLine(source, line, fields as Fields);
}

function cells(text: string): string[] {
  return text.split(',').map((cell) => cell.trim().replace(/^"(.*)"$/, '$1'));
}

function csvLine(source: string, line: number, text: string, header: readonly string[]): MapLine {
  const values = cells(text);
  if (values.length !== header.length) {
    throw malformed(source, line, `expected ${header.length} cells, one under each heading, got ${values.length}`);
  }
  return toLine(source, line, Object.fromEntries(header.map((name, i) => [name, values[i]])) as Fields);
}

/**
 * Reads a map list; blank lines and lines that begin with `#` are skipped.
 * @throws InputError `MALFORMED` with the line, `NO_EVENTS` for a list without lines.
 */
export function readMapList(text: string, source: string): MapLine[] {
  checkText('text', text);
  checkText('source', source);
  const lines: MapLine[] = [];
  let header: string[] | undefined;
  for (const [i, raw] of text.split('\n').entries()) {
    const content = raw.trim();
    if (content === '' || content.startsWith('#')) continue;
    if (content.startsWith('{')) lines.push(jsonLine(source, i + 1, content));
    else if (header === undefined) {
      header = cells(content.toLowerCase());
      missing(source, i + 1, header);
    } else lines.push(csvLine(source, i + 1, content, header));
  }
  if (text === '') throw emptyInput('NO_EVENTS', source, `lines with ${KEYS.join(', ')}`);
  if (lines.length === 0)
    throw new InputError('NO_EVENTS', source, `expected mappings with ${KEYS.join(', ')}, got none`);
  return lines;
}
