/**
 * Leaves as columns, and leaves merged to ranges.
 * @module
 */

/** Leaves of one domain, a column a property; rows ascend by input address within a region. */
export class LeafColumns {
  /** Rows filled. */
  length = 0;
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

  /** Adds a row. */
  push(offset: number, pa: number, bytes: number, level: number, lo: number, hi: number, region: number): void {
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
    const f64 = (old: Float64Array) => {
      const next = new Float64Array(size);
      next.set(old);
      return next;
    };
    const u32 = (old: Uint32Array) => {
      const next = new Uint32Array(size);
      next.set(old);
      return next;
    };
    this.offset = f64(this.offset);
    this.pa = f64(this.pa);
    this.bytes = f64(this.bytes);
    this.lo = u32(this.lo);
    this.hi = u32(this.hi);
    const level = new Int8Array(size);
    level.set(this.level);
    this.level = level;
    const region = new Uint8Array(size);
    region.set(this.region);
    this.region = region;
  }
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

/** Merges leaves as they come, in ascending order. */
export class RangeBuilder {
  readonly ranges: MappedRange[] = [];
  #base = 0n;
  #offset = -1;
  #pa = 0;
  #bytes = 0;
  #leaf = 0;
  #attributes = 0;

  /** Starts a region: following offsets count from `base`. */
  begin(base: bigint): void {
    this.finish();
    this.#base = base;
  }

  /** Adds a leaf. */
  add(offset: number, pa: number, bytes: number, attributes: number): void {
    const joins =
      this.#offset + this.#bytes === offset &&
      this.#pa + this.#bytes === pa &&
      this.#leaf === bytes &&
      this.#attributes === attributes &&
      this.#offset >= 0;
    if (joins) {
      this.#bytes += bytes;
      return;
    }
    this.finish();
    this.#offset = offset;
    this.#pa = pa;
    this.#bytes = bytes;
    this.#leaf = bytes;
    this.#attributes = attributes;
  }

  /** Closes the last range. */
  finish(): void {
    if (this.#offset >= 0) {
      this.ranges.push({
        iova: this.#base + BigInt(this.#offset),
        pa: this.#pa,
        bytes: this.#bytes,
        leafBytes: this.#leaf,
        attributes: this.#attributes,
      });
    }
    this.#offset = -1;
    this.#bytes = 0;
  }
}
