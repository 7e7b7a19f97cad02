/**
 * Leaves merged to ranges.
 * @module
 */
import type { LeafRun } from '../hardware/walk/leaf-run.ts';
import { MOST_ROWS } from './leaf-columns.ts';

/** Neighbouring leaves of one size with the same attributes, contiguous in input and output. */
export interface MappedRange {
  readonly iova: bigint;
  readonly pa: number;
  readonly bytes: number;
  readonly leafBytes: number;
  /** Attribute word of the leaves (hardware `ATTR` and memory-type code). */
  readonly attributes: number;
}

/** Rows of the first piece of a column, and of the longest. Pieces are added: nothing is copied or cleared twice. */
const FIRST_ROWS = 64;
const MOST_PIECE_ROWS = 1 << 14;

function pieceRows(before: number): number {
  return Math.min(MOST_PIECE_ROWS, Math.max(FIRST_ROWS, before));
}

/** Ranges of one span, in ascending order: each begins where the one before ends. */
interface RangePiece {
  rows: number;
  readonly pa: Float64Array;
  /** Leaves of each. */
  readonly leaves: Uint32Array;
}

/** Spans: leaves of one size with the same attributes, contiguous in input. */
interface SpanPiece {
  rows: number;
  readonly region: Uint8Array;
  readonly offset: Float64Array;
  readonly leafBytes: Float64Array;
  readonly attributes: Uint32Array;
  /** Ranges of each. */
  readonly ranges: Uint32Array;
}

function newRanges(rows: number): RangePiece {
  return { rows: 0, pa: new Float64Array(rows), leaves: new Uint32Array(rows) };
}

function newSpans(rows: number): SpanPiece {
  const [offset, leafBytes] = [new Float64Array(rows), new Float64Array(rows)];
  const [attributes, ranges] = [new Uint32Array(rows), new Uint32Array(rows)];
  return { rows: 0, region: new Uint8Array(rows), offset, leafBytes, attributes, ranges };
}

/** Where the leaves of a run end that are contiguous in output from `from` on. */
function endOfRange(pa: ArrayLike<number>, from: number, count: number, bytes: number): number {
  let to = from + 1;
  while (to < count && pa[to] === (pa[to - 1] as number) + bytes) to++;
  return to;
}

/**
 * Ranges, merged from leaves that come in ascending order; a {@link MappedRange} is made when asked for. What the ranges of a
 * span have in common is held once.
 */
export class MappedRanges implements Iterable<MappedRange> {
  /** Rows kept. */
  length = 0;
  /** Rows altogether. Those beyond the limit are counted and not kept. */
  total = 0;
  readonly #limit: number;
  readonly #bases: bigint[] = [];
  readonly #ranges: RangePiece[] = [];
  readonly #spans: SpanPiece[] = [];
  /** What a leaf must have to join the last span, and its output address to join the last range. */
  #next = -1;
  #nextPa = -1;
  #leafBytes = 0;
  #attributes = 0;
  #cutAt = 0n;

  constructor(limit: number = MOST_ROWS) {
    this.#limit = limit;
  }

  /** First input address of which no range is kept, or `undefined` where all are. */
  get cutAt(): bigint | undefined {
    return this.total > this.length ? this.#cutAt : undefined;
  }

  /** Starts a region: following offsets count from `base`. */
  begin(base: bigint): void {
    this.#bases.push(base);
    this.#next = -1;
  }

  /** Adds a leaf. */
  add(offset: number, pa: number, bytes: number, attributes: number): void {
    this.#add(offset, pa, 1, bytes, attributes);
  }

  /** Adds leaves that follow one another in input, `bytes` each. */
  addRun({ count, offset, bytes, pa }: Pick<LeafRun, 'count' | 'offset' | 'bytes' | 'pa'>, attributes: number): void {
    for (let from = 0; from < count; ) {
      const to = endOfRange(pa, from, count, bytes);
      this.#add(offset + from * bytes, pa[from] as number, to - from, bytes, attributes);
      from = to;
      // What follows breaks off from what is before it, and is of the same span
      if (from < count && this.total + count - from <= this.#limit) from = this.#append(pa, from, count);
    }
  }

  /** Adds leaves that are contiguous in output. */
  #add(offset: number, pa: number, leaves: number, bytes: number, attributes: number): void {
    const spans = offset === this.#next && bytes === this.#leafBytes && attributes === this.#attributes;
    const joins = spans && pa === this.#nextPa;
    this.#next = offset + leaves * bytes;
    this.#nextPa = pa + leaves * bytes;
    this.#leafBytes = bytes;
    this.#attributes = attributes;
    if (joins) this.#lengthen(leaves);
    else this.#push(offset, pa, leaves, spans);
  }

  /** Adds to the last range, unless it is only counted. */
  #lengthen(leaves: number): void {
    const piece = this.#ranges.at(-1);
    if (piece === undefined || this.total > this.length) return;
    piece.leaves[piece.rows - 1] = (piece.leaves[piece.rows - 1] as number) + leaves;
  }

  #push(offset: number, pa: number, leaves: number, spans: boolean): void {
    if (this.total >= this.#limit) {
      if (this.total++ === this.#limit) this.#cutAt = (this.#bases.at(-1) ?? 0n) + BigInt(offset);
      return;
    }
    if (!spans) this.#pushSpan(offset);
    const piece = this.#room(1);
    piece.pa[piece.rows] = pa;
    piece.leaves[piece.rows] = leaves;
    this.#added(piece, 1);
  }

  #pushSpan(offset: number): void {
    let piece = this.#spans.at(-1);
    if (piece === undefined || piece.rows === piece.offset.length) {
      piece = newSpans(pieceRows(piece === undefined ? 0 : 2 * piece.rows));
      this.#spans.push(piece);
    }
    const row = piece.rows++;
    piece.region[row] = this.#bases.length - 1;
    piece.offset[row] = offset;
    piece.leafBytes[row] = this.#leafBytes;
    piece.attributes[row] = this.#attributes;
  }

  /** A piece with room for so many ranges. */
  #room(rows: number): RangePiece {
    const last = this.#ranges.at(-1);
    if (last !== undefined && last.rows + rows <= last.pa.length) return last;
    const piece = newRanges(Math.max(rows, pieceRows(this.length)));
    this.#ranges.push(piece);
    return piece;
  }

  /** Adds the ranges of leaves of the last span, where all of them can be kept; returns `count`. */
  #append(pa: ArrayLike<number>, from: number, count: number): number {
    const piece = this.#room(count - from);
    const { pa: outputs, leaves, rows } = piece;
    const bytes = this.#leafBytes;
    let row = rows;
    let first = from;
    outputs[row] = pa[from] as number;
    let next = pa[from] as number;
    for (let at = from; at < count; at++) {
      const output = pa[at] as number;
      if (output !== next) {
        leaves[row++] = at - first;
        first = at;
        outputs[row] = output;
      }
      next = output + bytes;
    }
    leaves[row++] = count - first;
    this.#added(piece, row - rows);
    this.#next += (count - from) * bytes;
    this.#nextPa = next;
    return count;
  }

  /** Counts rows that were added to the last span. */
  #added(piece: RangePiece, rows: number): void {
    piece.rows += rows;
    this.length += rows;
    this.total += rows;
    const span = this.#spans.at(-1);
    if (span !== undefined) span.ranges[span.rows - 1] = (span.ranges[span.rows - 1] as number) + rows;
  }

  /** The ranges, lowest input address of each region first. */
  *[Symbol.iterator](): Generator<MappedRange> {
    const rows = this.#rows();
    for (const spans of this.#spans) {
      for (let k = 0; k < spans.rows; k++) {
        const base = this.#bases[spans.region[k] as number] as bigint;
        const leafBytes = spans.leafBytes[k] as number;
        const attributes = spans.attributes[k] as number;
        let offset = spans.offset[k] as number;
        for (let left = spans.ranges[k] as number; left > 0; left--) {
          const { pa, leaves } = rows();
          const bytes = leaves * leafBytes;
          yield { iova: base + BigInt(offset), pa, bytes, leafBytes, attributes };
          offset += bytes;
        }
      }
    }
  }

  /** What the ranges cover, those joined that follow one another with the same attributes and leaf size. */
  *stretches(): Generator<{ readonly iova: bigint; readonly bytes: number }> {
    const rows = this.#rows();
    for (const spans of this.#spans) {
      for (let k = 0; k < spans.rows; k++) {
        const base = this.#bases[spans.region[k] as number] as bigint;
        let leaves = 0;
        for (let left = spans.ranges[k] as number; left > 0; left--) leaves += rows().leaves;
        yield { iova: base + BigInt(spans.offset[k] as number), bytes: leaves * (spans.leafBytes[k] as number) };
      }
    }
  }

  /** Bytes that lead to their own address. */
  toSelf(): number {
    const rows = this.#rows();
    let bytes = 0;
    for (const spans of this.#spans) {
      for (let k = 0; k < spans.rows; k++) {
        const base = Number(this.#bases[spans.region[k] as number]);
        const leafBytes = spans.leafBytes[k] as number;
        let iova = base + (spans.offset[k] as number);
        for (let left = spans.ranges[k] as number; left > 0; left--) {
          const { pa, leaves } = rows();
          if (pa === iova) bytes += leaves * leafBytes;
          iova += leaves * leafBytes;
        }
      }
    }
    return bytes;
  }

  /** Gives row after row of the ranges. */
  #rows(): () => { pa: number; leaves: number } {
    let [at, row] = [0, 0];
    return () => {
      if (row === this.#ranges[at]?.rows) [at, row] = [at + 1, 0];
      const piece = this.#ranges[at];
      const range = { pa: piece?.pa[row] ?? 0, leaves: piece?.leaves[row] ?? 0 };
      row++;
      return range;
    };
  }

  /** What a function makes of each range, or of the first `most`. */
  map<T>(make: (range: MappedRange) => T, most: number = this.length): T[] {
    const made: T[] = [];
    for (const range of this) {
      if (made.length >= most) break;
      made.push(make(range));
    }
    return made;
  }
}
