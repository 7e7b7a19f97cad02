/**
 * makedumpfile's flattened format: a file as pieces with their offsets, for pipes. Seen as the file that the pieces make.
 * Layout: makedumpfile's IMPLEMENTATION file; all numbers big endian.
 * @module
 */
import { hex } from '../address.ts';
import { InputError } from '../errors.ts';
import { readExactly } from './source.ts';
import type { ByteSource } from './types.ts';

const SIGNATURE = 'makedumpfile';
const HEADER_BYTES = 4096;
const RECORD_BYTES = 16;
const FLAT_TYPE = 1n;
const END = -1n;
/** A file this many times larger than its pieces is none that a dump tool wrote. */
const MOST_GAP = 16;

interface Piece {
  readonly offset: number;
  readonly size: number;
  readonly at: number;
  readonly order: number;
}

/** True if the source starts as a flattened file. */
export function isFlattened(source: ByteSource): boolean {
  return new TextDecoder('latin1').decode(source.read(0, SIGNATURE.length)) === SIGNATURE;
}

function readPieces(source: ByteSource, name: string): Piece[] {
  const pieces: Piece[] = [];
  for (let at = HEADER_BYTES; ; ) {
    const record = readExactly(source, name, 'record of a flattened file', at, RECORD_BYTES);
    const offset = record.getBigInt64(0);
    if (offset === END) return pieces;
    const size = Number(record.getBigInt64(8));
    at += RECORD_BYTES;
    if (offset < 0n || size <= 0 || !Number.isSafeInteger(Number(offset) + size)) {
      throw new InputError(
        'MALFORMED',
        name,
        `expected a piece at an offset below 2^53, got ${hex(size)} bytes at ${hex(offset)}`,
        { at },
      );
    }
    pieces.push({ offset: Number(offset), size, at, order: pieces.length });
    at += size;
  }
}

/** First of the sorted pieces that could reach `offset`, given the size of the largest. */
function firstReaching(pieces: readonly Piece[], offset: number, largest: number): number {
  let low = 0;
  let high = pieces.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((pieces[middle]?.offset ?? 0) + largest <= offset) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** The file that the pieces make; where pieces overlap, the later one counts. Gaps are zeros. */
export function flattenedSource(source: ByteSource, name: string): ByteSource {
  const head = readExactly(source, name, 'header of a flattened file', 0, HEADER_BYTES);
  if (head.getBigInt64(16) !== FLAT_TYPE) {
    throw new InputError(
      'UNSUPPORTED_INPUT',
      name,
      `expected a flattened file of type ${FLAT_TYPE}, got ${head.getBigInt64(16)}`,
    );
  }
  const pieces = readPieces(source, name).sort((a, b) => a.offset - b.offset || a.order - b.order);
  const largest = pieces.reduce((most, piece) => Math.max(most, piece.size), 0);
  const size = pieces.reduce((end, piece) => Math.max(end, piece.offset + piece.size), 0);
  const held = pieces.reduce((sum, piece) => sum + piece.size, 0);
  if (size > MOST_GAP * held + HEADER_BYTES) {
    throw new InputError(
      'MALFORMED',
      name,
      `expected pieces that fill at least one in ${MOST_GAP} bytes of a file, got ${hex(held)} of ${hex(size)} bytes`,
      { held, size },
    );
  }
  const read = (offset: number, length: number): Uint8Array => {
    const end = Math.min(size, offset + length);
    const bytes = new Uint8Array(Math.max(0, end - offset));
    const found: Piece[] = [];
    for (let i = firstReaching(pieces, offset, largest); i < pieces.length; i++) {
      const piece = pieces[i];
      if (piece === undefined || piece.offset >= end) break;
      if (piece.offset + piece.size > offset) found.push(piece);
    }
    for (const piece of found.sort((a, b) => a.order - b.order)) {
      const from = Math.max(offset, piece.offset);
      const to = Math.min(end, piece.offset + piece.size);
      bytes.set(source.read(piece.at + from - piece.offset, to - from), from - offset);
    }
    return bytes;
  };
  return { size, read };
}
