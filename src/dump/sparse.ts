/**
 * Sparse pages: JSON lines `{"pa": "0x…", "kind": "…", "bytes_base64": "…"}`, one run of memory each. The file is
 * indexed once; rows are decoded when they are read.
 * @module
 */
import { InputError } from '../errors.ts';
import { base64Length, decodeBase64 } from './base64.ts';
import { lines, type TextLine } from './lines.ts';
import { type OpenedMemory, segmentMemory } from './memory.ts';
import { LineTally, NoteCounter } from './notes.ts';
import { arrangeSegments, type Segment } from './pages.ts';
import type { ByteSource } from './types.ts';

const EMPTY = new Uint8Array(0);

interface Row {
  readonly pa: number;
  readonly base64: string;
}

/** True if the text starts as JSON lines do. */
export function isSparse(head: Uint8Array): boolean {
  const text = new TextDecoder().decode(head.subarray(0, 512)).trimStart();
  return text.startsWith('{') && /"(pa|kind|bytes_base64)"/.test(text);
}

function parseRow(text: string): Row | undefined {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (typeof value !== 'object' || value === null) return undefined;
  const { pa, bytes_base64: base64 } = value as Record<string, unknown>;
  const address = typeof pa === 'string' || typeof pa === 'number' ? Number(pa) : Number.NaN;
  if (typeof base64 !== 'string' || !Number.isSafeInteger(address) || address < 0) return undefined;
  return Number.isSafeInteger(address + base64Length(base64)) ? { pa: address, base64 } : undefined;
}

function rowSegment(source: ByteSource, line: TextLine, row: Row): Segment {
  const { offset: at, bytes: length } = line;
  return {
    start: row.pa,
    bytes: base64Length(row.base64),
    read: (offset, n) => {
      const again = parseRow(new TextDecoder().decode(source.read(at, length)));
      return (again && decodeBase64(again.base64)?.subarray(offset, offset + n)) ?? EMPTY;
    },
  };
}

interface Indexing {
  readonly source: ByteSource;
  readonly rows: Map<number, Segment>;
  readonly notes: NoteCounter;
  readonly tally: LineTally;
}

function indexRow({ source, rows, notes, tally }: Indexing, line: TextLine): void {
  tally.all();
  if (line.text.trim() === '') return;
  const row = parseRow(line.text);
  if (row === undefined || decodeBase64(row.base64) === undefined) {
    tally.left(line);
    return;
  }
  if (rows.has(row.pa)) notes.add('rows-repeated', 'addresses given more than once; the last row counts');
  if (base64Length(row.base64) > 0) rows.set(row.pa, rowSegment(source, line, row));
}

/**
 * Opens sparse pages.
 * @throws InputError `MALFORMED` where no line of it is a page.
 */
export function openSparse(source: ByteSource, name: string): OpenedMemory {
  const rows = new Map<number, Segment>();
  const notes = new NoteCounter();
  const tally = new LineTally();
  for (const line of lines(source, notes)) indexRow({ source, rows, notes, tally }, line);
  tally.addTo(notes, 'rows-skipped', 'rows that do not describe a page');
  if (rows.size === 0) throw new InputError('MALFORMED', name, 'expected lines {"pa", "bytes_base64"}, got none');
  const arranged = arrangeSegments([...rows.values()]);
  if (arranged.cut > 0) notes.add('rows-overlap', 'rows that repeat addresses of others, cut', arranged.cut);
  return segmentMemory('sparse-pages', arranged.segments, notes);
}
