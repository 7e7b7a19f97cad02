/**
 * Leaves put together to runs, as they are found.
 * @module
 */
import type { AddressBits } from './regime.ts';

/** Receives the leaves of a region in ascending order. `offset` counts from the region's base. */
export type LeafSink = (
  offset: number,
  pa: number,
  bytes: number,
  depth: number,
  lo: number,
  hi: number,
  attributes: number,
  entryAddress: number,
) => void;

/** Leaves of neighbouring entries with one size and the same attributes, in ascending order. Valid during the callback. */
export interface LeafRun {
  /** Leaves. */
  readonly count: number;
  /** Offset of the first from the region's base. */
  readonly offset: number;
  /** Bytes of each. */
  readonly bytes: number;
  readonly depth: number;
  readonly attributes: number;
  /** Physical address of the first entry, and bytes from one to the next. */
  readonly entryAddress: number;
  readonly entryStep: number;
  /** Output address of each. */
  readonly pa: Float64Array;
  /** Low half of the entry of a leaf, by its number in the run. */
  lo(k: number): number;
  /** High half of the same; 0 for entries of 32 bits. */
  hi(k: number): number;
}

/** Receives the leaves of a region in ascending order, run by run. */
export type RunSink = (run: LeafRun) => void;

/** Gives the leaves of a run one by one. */
export function eachLeaf(run: LeafRun, sink: LeafSink): void {
  const { count, offset, bytes, depth, attributes, entryAddress, entryStep, pa } = run;
  for (let k = 0; k < count; k++) {
    const entry = entryAddress + k * entryStep;
    sink(offset + k * bytes, pa[k] ?? 0, bytes, depth, run.lo(k), run.hi(k), attributes, entry);
  }
}

/** A piece of a table: `count` entries. */
export interface TablePiece {
  /** Physical address of the first entry, and bytes of each. */
  readonly address: number;
  readonly entryBytes: 4 | 8;
  readonly depth: number;
  /** Offset of the first entry from the region's base, and bytes that each covers. */
  readonly offset: number;
  readonly unit: number;
  readonly count: number;
  /** What the tables above denied. */
  readonly denied: number;
  /** The entries; unknown words read as zero. */
  readonly words: Uint32Array;
  /** Which words are known; `undefined` where all are. */
  readonly known: Uint8Array | undefined;
}

const TWO_32 = 2 ** 32;
/** Entries of a piece of a table, at most. */
const MOST_ENTRIES = 1024;

/** The run that is being put together, of leaves of one piece of a table. */
export class RunBuilder implements LeafRun {
  count = 0;
  offset = 0;
  bytes = 0;
  depth = 0;
  attributes = 0;
  entryAddress = 0;
  entryStep = 0;
  readonly pa: Float64Array = new Float64Array(MOST_ENTRIES);
  readonly #sink: RunSink;
  /** Words of the piece, that of the first leaf, and whether an entry has two. */
  #words: Uint32Array = new Uint32Array(0);
  #first = 0;
  #wide = true;

  constructor(sink: RunSink) {
    this.#sink = sink;
  }

  lo(k: number): number {
    return this.#words[this.#first + (k * this.entryStep) / 4] ?? 0;
  }

  hi(k: number): number {
    return this.#wide ? (this.#words[this.#first + (k * this.entryStep) / 4 + 1] ?? 0) : 0;
  }

  /** Adds the leaf at entry `i` of a piece, without its first `skipped` bytes. */
  add(piece: TablePiece, i: number, pa: number, bytes: number, attributes: number, skipped = 0): void {
    const offset = piece.offset + i * piece.unit + skipped;
    const entryAddress = piece.address + i * piece.entryBytes;
    if (!this.#continues(offset, bytes, attributes, entryAddress)) {
      this.flush();
      this.offset = offset;
      this.bytes = bytes;
      this.depth = piece.depth;
      this.attributes = attributes;
      this.entryAddress = entryAddress;
      this.#words = piece.words;
      this.#wide = piece.entryBytes === 8;
      this.#first = (i * piece.entryBytes) / 4;
    } else if (this.count === 1) this.entryStep = entryAddress - this.entryAddress;
    this.pa[this.count++] = pa;
  }

  /**
   * Adds the leaves behind entry `i`, which was added, as long as they differ from it in their addresses, and in what
   * hardware sets, only.
   * @param end - entries of the piece that are looked at
   * @returns how many
   */
  addNeighbours(piece: TablePiece, i: number, end: number, bits: AddressBits, statusBits: number): number {
    const { pa } = this;
    const { words, entryBytes } = piece;
    const { lo, hi, scale, limit } = bits;
    const stride = entryBytes / 4;
    // An entry of one word is its own high half, of which no bit is looked at
    const [high, same, sameHigh] = [stride - 1, ~(lo | statusBits), stride === 2 ? ~hi : 0];
    let k = this.count;
    let w = i * stride;
    const first = words[w] as number;
    const firstHigh = words[w + high] as number;
    const scaleHigh = scale * TWO_32;
    // What the bits that are the same in all add to each address
    const rest = (pa[k - 1] as number) - (firstHigh & hi) * scaleHigh - ((first & lo) >>> 0) * scale;
    for (w += stride; w < end * stride; w += stride) {
      const below = words[w] as number;
      const above = words[w + high] as number;
      if ((((below ^ first) & same) | ((above ^ firstHigh) & sameHigh)) !== 0) break;
      const output = (above & hi) * scaleHigh + ((below & lo) >>> 0) * scale + rest;
      if (output >= limit) break;
      pa[k++] = output;
    }
    const added = k - this.count;
    if (added > 0) this.entryStep = entryBytes;
    this.count = k;
    return added;
  }

  /** Gives the run to the sink. */
  flush(): void {
    if (this.count > 0) this.#sink(this);
    this.count = 0;
  }

  #continues(offset: number, bytes: number, attributes: number, entryAddress: number): boolean {
    const { count, entryStep } = this;
    return (
      count > 0 &&
      bytes === this.bytes &&
      attributes === this.attributes &&
      offset === this.offset + count * bytes &&
      (count === 1 || entryAddress === this.entryAddress + count * entryStep)
    );
  }
}
