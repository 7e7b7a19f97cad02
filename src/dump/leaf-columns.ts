/**
 * Leaves as columns.
 * @module
 */

/** Ranges, or leaves of one decoding, that are kept: 2^20 rows of at most 40 bytes each. What lies beyond is counted. */
export const MOST_ROWS: number = 1 << 20;

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
