/**
 * Lines of a text source, read piece by piece.
 * @module
 */
import type { NoteCounter } from './notes.ts';
import type { ByteSource } from './types.ts';

const PIECE = 1 << 18;
const NEWLINE = 10;
/** Longest line that is looked at: a row of 8 MiB of memory and more. */
const LONGEST_LINE = 1 << 24;

/** One line: its text without the line end, where it starts and how long it is in bytes, and its number from 1. */
export interface TextLine {
  readonly text: string;
  readonly offset: number;
  readonly bytes: number;
  readonly number: number;
}

/** End of the line that starts at `start`: the offset of its newline, or the size of the source. */
function lineEnd(source: ByteSource, start: number): number {
  for (let at = start; at < source.size; ) {
    const piece = source.read(at, PIECE);
    if (piece.length === 0) break;
    const newline = piece.indexOf(NEWLINE);
    if (newline >= 0) return at + newline;
    at += piece.length;
  }
  return source.size;
}

/** All lines of a UTF-8 text; lines above 16 MiB are left out and counted. */
export function* lines(source: ByteSource, notes: NoteCounter): Generator<TextLine> {
  const decoder = new TextDecoder();
  let piece = new Uint8Array(0) as Uint8Array;
  let pieceAt = 0;
  let number = 0;
  for (let start = 0; start < source.size; ) {
    if (start >= pieceAt + piece.length || piece.indexOf(NEWLINE, start - pieceAt) < 0) {
      pieceAt = start;
      piece = source.read(start, PIECE);
      if (piece.length === 0) return;
    }
    const newline = piece.indexOf(NEWLINE, start - pieceAt);
    const end = newline >= 0 ? pieceAt + newline : lineEnd(source, start);
    number++;
    if (end - start > LONGEST_LINE) {
      notes.add('lines-too-long', `lines above ${LONGEST_LINE} bytes left out, the first is line ${number}`);
    } else {
      const bytes = newline >= 0 ? piece.subarray(start - pieceAt, newline) : source.read(start, end - start);
      yield { text: decoder.decode(bytes), offset: start, bytes: end - start, number };
    }
    start = end + 1;
  }
}
