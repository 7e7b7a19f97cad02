/**
 * The address space of a domain, as `drivers/iommu/iova.c` hands it out: top down, first fit below the last allocation,
 * natural alignment, a remembered node for each side of 4 GiB. Addresses are page frame numbers in the domain's granule.
 * @module
 */
import { hex, isPow2 } from '../address.ts';
import { IommuError } from '../errors.ts';
import { ANCHOR, NIL, RangeTree, roundUpPow2 } from './range-tree.ts';

/** Steps from node to node before the search asks for the next gap that fits. */
const STEPS = 3;
const NO_ROOM = -1;

/** What an address space is made of. */
export interface IovaSpaceOptions {
  /** Smallest page, bytes: a power of two from 2048 up. */
  readonly granule: number;
  /** First frame that may be given out; default 1, since 0 means failure. */
  readonly startPfn?: number;
}

/**
 * @throws IommuError `BAD_OPTION` where a frame number is not a whole number below 2^53.
 */
export function checkPfn(argument: string, value: number, least = 0): void {
  if (Number.isSafeInteger(value) && value >= least) return;
  const got = Number.isInteger(value) ? hex(value) : String(value);
  throw new IommuError('BAD_OPTION', argument, `expected a frame number from ${hex(least)} to 2^53 − 1, got ${got}`);
}

/** Ranges allocated and reserved in one address space. */
export class IovaSpace {
  /** The ranges. */
  readonly ranges: RangeTree = new RangeTree();
  /** Bytes of a frame. */
  readonly granule: number;
  /** First frame that may be given out. */
  readonly startPfn: number;
  /** First frame at 4 GiB (`dma_32bit_pfn`). */
  readonly pfn32: number;
  /** Smallest size that failed below 4 GiB and would fail again (`max32_alloc_size`), in frames. */
  max32: number;
  /** The remembered node for limits above 4 GiB (`cached_node`). */
  cached: number = ANCHOR;
  /** The remembered node for limits up to 4 GiB (`cached32_node`). */
  cached32: number = ANCHOR;
  readonly #lastPfn: number;
  /** The node above the place that the last search found. */
  #above: number = ANCHOR;

  /** @throws IommuError `BAD_OPTION` where the granule is not a power of two from 2048 to 2^32. */
  constructor(options: IovaSpaceOptions) {
    const { granule, startPfn = 1 } = options;
    if (!isPow2(granule) || granule < 2048 || granule > 2 ** 32) {
      throw new IommuError('BAD_OPTION', 'granule', `expected a power of two from 2048 to 2^32, got ${granule}`);
    }
    checkPfn('startPfn', startPfn);
    this.granule = granule;
    this.startPfn = startPfn;
    this.pfn32 = 2 ** 32 / granule;
    this.max32 = this.pfn32;
    this.#lastPfn = 2 ** 64 / granule - 1;
  }

  /**
   * `alloc_iova`: the first frame of a new range, or 0 where there is no room.
   * @param size frames
   * @param limit last frame that the range may reach
   * @param aligned aligned to `size` rounded up to a power of two
   * @throws IommuError `BAD_OPTION` where an argument is not a frame number.
   */
  alloc(size: number, limit: number, aligned: boolean): number {
    if (!(size >= 1 && size <= 2 ** 52 && Math.floor(size) === size)) checkPfn('size', size, 1);
    if (!(limit >= 0 && limit < 2 ** 53 && Math.floor(limit) === limit)) checkPfn('limit', limit);
    const end = limit + 1;
    const low32 = end <= this.pfn32;
    if (low32 && size >= this.max32) return 0;
    const unit = aligned ? roundUpPow2(size) : 1;
    const from = low32 ? this.cached32 : this.cached;
    const resume = this.ranges.hi(from);
    let pfn = this.#search(from, size, end, unit, this.startPfn);
    if (pfn === NO_ROOM && resume < end) {
      const top = low32 ? this.ranges.firstReaching(end) : ANCHOR;
      pfn = this.#search(top, size, end, unit, resume + 1);
    }
    if (pfn === NO_ROOM) {
      this.max32 = size;
      return 0;
    }
    this.#insert(pfn, size);
    return pfn;
  }

  /** `free_iova`: removes the range that holds `pfn`. @returns whether there was one */
  free(pfn: number): boolean {
    const node = this.ranges.holding(pfn);
    if (node === NIL || node === ANCHOR) return false;
    this.#remove(node);
    return true;
  }

  /**
   * `reserve_iova`: takes [lo, hi] out of what can be given out. Ranges that it meets are extended downward over the free
   * frames between; what lies above the last of them becomes a range of its own.
   * @param mayInsert asked before a range is made; false is an allocation that failed
   * @returns the node that ends the reservation, or {@link NIL} where an end lies beyond 64 bits or there is no memory
   * @throws IommuError `BAD_OPTION` where the ends are not frame numbers in order.
   */
  reserve(lo: number, hi: number, mayInsert: () => boolean): number {
    checkPfn('lo', lo);
    checkPfn('hi', hi, lo);
    if (hi > this.#lastPfn) return NIL;
    const { ranges } = this;
    let from = lo;
    let node = ranges.firstReaching(from);
    while (node !== ANCHOR && ranges.lo(node) <= hi) {
      if (from < ranges.lo(node)) ranges.extendDown(node, from);
      if (hi <= ranges.hi(node)) return node;
      from = ranges.hi(node) + 1;
      node = ranges.next(node);
    }
    return mayInsert() ? ranges.insertBelow(node, from, hi) : NIL;
  }

  /** Where the first range that fits below `from` starts, going down; {@link NO_ROOM} where none does. */
  #search(from: number, size: number, end: number, unit: number, low: number): number {
    const { ranges } = this;
    // A gap of `size` frames holds an aligned quarter of them, wherever it lies.
    const needed = unit === 1 ? Math.ceil(size / 4) : size;
    let node = ranges.lo(from) > end ? ranges.firstReaching(end) : from;
    for (let step = 0; node !== NIL; step++) {
      const lo = ranges.lo(node);
      const room = Math.min(lo, end) - size;
      if (room < low) return NO_ROOM;
      const pfn = unit === 1 ? room : Math.floor(room / unit) * unit;
      if (pfn < low) return NO_ROOM;
      const below = ranges.prev(node);
      if (below === NIL || pfn > ranges.hi(below)) {
        this.#above = node;
        return pfn;
      }
      node = step < STEPS ? below : ranges.nextFit(node, needed);
    }
    return NO_ROOM;
  }

  #insert(pfn: number, size: number): void {
    const hi = pfn + size - 1;
    const node = this.ranges.insertBelow(this.#above, pfn, hi);
    if (hi < this.pfn32) this.cached32 = node;
    else this.cached = node;
  }

  #remove(node: number): void {
    const { ranges } = this;
    const lo = ranges.lo(node);
    const next = ranges.next(node);
    if (node === this.cached32 || (ranges.hi(node) < this.pfn32 && lo >= ranges.lo(this.cached32))) {
      this.cached32 = next;
    }
    if (lo < this.pfn32) this.max32 = this.pfn32;
    if (lo >= ranges.lo(this.cached)) this.cached = next;
    ranges.remove(node);
  }
}
