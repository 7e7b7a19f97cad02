/**
 * Leaves as columns, and leaves merged to ranges.
 * @module
 */
import type { LeafRun } from '../hardware/walk/leaves.ts';

/** Ranges, or leaves of one decoding, that are kept: 2^20 rows of about 40 bytes each. What lies beyond is counted. */
export const MOST_ROWS: number = 1 << 20;

/** Columns of ranges grow by so much: copying and clearing what a few pages need is most of the work of a large decoding. */
const GROWTH = 4;

/** Leaves of one domain, a column a property; rows ascend by input address within a region. */
export class LeafColumns {
  /** Rows kept. */
  length = 0;
  /** Rows altogether. Those beyond the limit are counted and not kept. */
  total = 0;
  readonly #limit: number;
  /** Offset from the region's base. */
  offset: Float64Array = new Float64Array(64);
  pa: Float64Array = new Float64Array(64);
  bytes: Float64Array = new Float64Array(64);
  /** Level in the architecture's own counting. */
  level: Int8Array = new Int8Array(64);
  /** Halves of the entry. */
  lo: Uint32Array = new Uint32Array(64);
  hi: Uint32Array = new Uint32Array(64);
  /** Index of the region. */
  region: Uint8Array = new Uint8Array(64);

  constructor(limit: number = MOST_ROWS) {
    this.#limit = limit;
  }

  /** Adds a row. */
  push(offset: number, pa: number, bytes: number, level: number, lo: number, hi: number, region: number): void {
    this.total++;
    if (this.length >= this.#limit) return;
    if (this.length === this.offset.length) this.#grow();
    const i = this.length++;
    this.offset[i] = offset;
    this.pa[i] = pa;
    this.bytes[i] = bytes;
    this.level[i] = level;
    this.lo[i] = lo;
    this.hi[i] = hi;
    this.region[i] = region;
  }

  #grow(): void {
    const size = this.offset.length * 2;
    this.offset = longer(this.offset, new Float64Array(size));
    this.pa = longer(this.pa, new Float64Array(size));
    this.bytes = longer(this.bytes, new Float64Array(size));
    this.lo = longer(this.lo, new Uint32Array(size));
    this.hi = longer(this.hi, new Uint32Array(size));
    this.level = longer(this.level, new Int8Array(size));
    this.region = longer(this.region, new Uint8Array(size));
  }
}

function longer<T extends Float64Array | Uint32Array | Uint8Array | Int8Array>(from: T, to: T): T {
  to.set(from);
  return to;
}

/** Neighbouring leaves of one size with the same attributes, contiguous in input and output. */
export interface MappedRange {
  readonly iova: bigint;
  readonly pa: number;
  readonly bytes: number;
  readonly leafBytes: number;
  /** Attribute word of the leaves (hardware `ATTR` and memory-type code). */
  readonly attributes: number;
}

/** Where the leaves of a run end that are contiguous in output from `from` on. */
function endOfRange(pa: ArrayLike<number>, from: number, count: number, bytes: number): number {
  let to = from + 1;
  while (to < count && pa[to] === (pa[to - 1] as number) + bytes) to++;
  return to;
}

/** Ranges as columns, merged from leaves that come in ascending order; a {@link MappedRange} is made when asked for. */
export class MappedRanges implements Iterable<MappedRange> {
  /** Rows kept. */
  length = 0;
  /** Rows altogether. Those beyond the limit are counted and not kept. */
  total = 0;
  readonly #limit: number;
  readonly #bases: bigint[] = [];
  #region: Uint8Array = new Uint8Array(64);
  #offset: Float64Array = new Float64Array(64);
  #pa: Float64Array = new Float64Array(64);
  #bytes: Float64Array = new Float64Array(64);
  #leafBytes: Float64Array = new Float64Array(64);
  #attributes: Uint32Array = new Uint32Array(64);
  /** The row that a leaf may join, −1 at the start of a region. */
  #open = -1;
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
    this.#open = -1;
  }

  /** Adds a leaf. */
  add(offset: number, pa: number, bytes: number, attributes: number): void {
    this.#add(offset, pa, bytes, bytes, attributes);
  }

  /** Adds leaves that follow one another in input, `bytes` each. */
  addRun({ count, offset, bytes, pa }: Pick<LeafRun, 'count' | 'offset' | 'bytes' | 'pa'>, attributes: number): void {
    let from = 0;
    while (from < count) {
      const to = endOfRange(pa, from, count, bytes);
      this.#add(offset + from * bytes, pa[from] as number, (to - from) * bytes, bytes, attributes);
      from = to;
      // What follows in the run breaks off from what is before it, and joins nothing
      if (this.total + count - from < this.#limit) from = this.#append(from, count, offset, bytes, pa, attributes);
    }
  }

  /** Adds the leaves of a run from `from` on, of which the first joins nothing, where all rows are kept; returns `count`. */
  #append(
    from: number,
    count: number,
    offset: number,
    bytes: number,
    pa: ArrayLike<number>,
    attributes: number,
  ): number {
    while (this.total + count - from > this.#offset.length) this.#grow();
    const [offsets, outputs, sizes] = [this.#offset, this.#pa, this.#bytes];
    const first = this.total;
    let row = first;
    for (let at = from; at < count; row++) {
      const to = endOfRange(pa, at, count, bytes);
      offsets[row] = offset + at * bytes;
      outputs[row] = pa[at] as number;
      sizes[row] = (to - at) * bytes;
      at = to;
    }
    this.#region.fill(this.#bases.length - 1, first, row);
    this.#leafBytes.fill(bytes, first, row);
    this.#attributes.fill(attributes, first, row);
    this.total = row;
    this.length = row;
    this.#open = row - 1;
    return count;
  }

  #add(offset: number, pa: number, bytes: number, leafBytes: number, attributes: number): void {
    const row = this.#open;
    const open = row < 0 ? 0 : (this.#bytes[row] as number);
    const joins =
      row >= 0 &&
      (this.#offset[row] as number) + open === offset &&
      (this.#pa[row] as number) + open === pa &&
      this.#leafBytes[row] === leafBytes &&
      this.#attributes[row] === attributes;
    if (joins) this.#bytes[row] = open + bytes;
    else this.#push(offset, pa, bytes, leafBytes, attributes);
  }

  /** The ranges, lowest input address of each region first. */
  *[Symbol.iterator](): Generator<MappedRange> {
    for (let row = 0; row < this.length; row++) yield this.#row(row);
  }

  /** What a function makes of each range, or of the first `most`. */
  map<T>(make: (range: MappedRange) => T, most: number = this.length): T[] {
    return Array.from({ length: Math.min(most, this.length) }, (_, row) => make(this.#row(row)));
  }

  #row(row: number): MappedRange {
    return {
      iova: (this.#bases[this.#region[row] as number] as bigint) + BigInt(this.#offset[row] as number),
      pa: this.#pa[row] as number,
      bytes: this.#bytes[row] as number,
      leafBytes: this.#leafBytes[row] as number,
      attributes: this.#attributes[row] as number,
    };
  }

  #push(offset: number, pa: number, bytes: number, leafBytes: number, attributes: number): void {
    // The row behind the last one kept is used again and again by those that are only counted.
    const row = Math.min(this.total, this.#limit);
    if (row === this.#offset.length) this.#grow();
    if (this.total === this.#limit) this.#cutAt = (this.#bases.at(-1) ?? 0n) + BigInt(offset);
    this.total++;
    this.length = Math.min(this.total, this.#limit);
    this.#region[row] = this.#bases.length - 1;
    this.#offset[row] = offset;
    this.#pa[row] = pa;
    this.#bytes[row] = bytes;
    this.#leafBytes[row] = leafBytes;
    this.#attributes[row] = attributes;
    this.#open = row;
  }

  #grow(): void {
    const size = Math.min(this.#offset.length * GROWTH, Math.max(this.#limit, this.#offset.length) + 1);
    this.#region = longer(this.#region, new Uint8Array(size));
    this.#offset = longer(this.#offset, new Float64Array(size));
    this.#pa = longer(this.#pa, new Float64Array(size));
    this.#bytes = longer(this.#bytes, new Float64Array(size));
    this.#leafBytes = longer(this.#leafBytes, new Float64Array(size));
    this.#attributes = longer(this.#attributes, new Uint32Array(size));
  }
}
