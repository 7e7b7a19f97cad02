/**
 * Little-endian fields of the firmware's tables, and the 36-byte header that they share (ACPI 6.5, 5.2.6).
 * @module
 */

/** Something wrong in a table. */
export interface TableProblem {
  /** `length`: a structure or the table ends too early or too late; `checksum`; `contradiction`: its parts do not agree. */
  readonly kind: 'length' | 'checksum' | 'contradiction';
  /** Offset in the table, where there is one. */
  readonly offset?: number;
  readonly text: string;
}

/** The fields that every table begins with. */
export interface TableHeader {
  readonly signature: string;
  readonly length: number;
  readonly revision: number;
  readonly oem: string;
}

/** Bytes of one table; reads beyond its end give 0, and {@link has} says so beforehand. */
export class TableBytes {
  readonly length: number;
  readonly #view: DataView;

  constructor(bytes: Uint8Array) {
    this.length = bytes.length;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  }

  has(at: number, length: number): boolean {
    return at >= 0 && at + length <= this.length;
  }

  u8(at: number): number {
    return this.has(at, 1) ? this.#view.getUint8(at) : 0;
  }

  u16(at: number): number {
    return this.has(at, 2) ? this.#view.getUint16(at, true) : 0;
  }

  u32(at: number): number {
    return this.has(at, 4) ? this.#view.getUint32(at, true) : 0;
  }

  u64(at: number): bigint {
    return this.has(at, 8) ? this.#view.getBigUint64(at, true) : 0n;
  }

  /** Characters up to the first zero. */
  text(at: number, length: number): string {
    let text = '';
    for (let i = at; i < at + length && this.u8(i) !== 0; i++) text += String.fromCharCode(this.u8(i));
    return text.trim();
  }

  /** True where all bytes of the table add up to 0. */
  sumsToZero(length: number): boolean {
    let sum = 0;
    for (let i = 0; i < length; i++) sum += this.u8(i);
    return sum % 256 === 0;
  }
}

/** Bytes of the common header. */
export const HEADER_BYTES = 36;

/**
 * Checks the header against the bytes.
 * @returns the header, the bytes that the table says it has, and what is wrong; null where there is no header.
 */
export function checkHeader(
  all: Uint8Array,
  signature: string,
): { readonly header: TableHeader; readonly bytes: TableBytes; readonly problems: TableProblem[] } | null {
  const whole = new TableBytes(all);
  if (!whole.has(0, HEADER_BYTES) || whole.text(0, 4) !== signature) return null;
  const length = whole.u32(4);
  const problems: TableProblem[] = [];
  if (length > all.length || length < HEADER_BYTES) {
    problems.push({ kind: 'length', text: `the header says ${length} bytes, the file has ${all.length}` });
  } else if (!whole.sumsToZero(length)) {
    problems.push({ kind: 'checksum', text: 'the bytes do not add up to 0: the checksum is wrong' });
  }
  const bytes = new TableBytes(all.subarray(0, Math.min(all.length, Math.max(length, HEADER_BYTES))));
  return { header: { signature, length, revision: whole.u8(8), oem: whole.text(10, 6) }, bytes, problems };
}

/** A structure within a table: its place and length. */
export interface Piece {
  readonly at: number;
  readonly end: number;
}

/**
 * Structures one behind the other.
 * @param lengthOf - length of the structure at an offset
 * @param least - bytes that one has at least
 */
export function piecesOf(
  bytes: TableBytes,
  from: number,
  to: number,
  least: number,
  lengthOf: (at: number) => number,
  problems: TableProblem[],
): Piece[] {
  const pieces: Piece[] = [];
  for (let at = from; at < to; ) {
    const length = bytes.has(at, least) ? lengthOf(at) : 0;
    if (length < least || at + length > to) {
      const text = `the structure at ${at} has ${length} bytes: expected ${least} to ${to - at}`;
      problems.push({ kind: 'length', offset: at, text });
      break;
    }
    pieces.push({ at, end: at + length });
    at += length;
  }
  return pieces;
}
