/**
 * Disjoint ranges of page frames in ascending order, with an anchor above them all: what Linux keeps in a red-black tree
 * (`drivers/iommu/iova.c`). Only the order of the ranges decides which addresses are given out, not the shape of the tree; here
 * neighbours are linked, ranges are found by their first frame, and an index of the gaps between them lets a search
 * pass occupied stretches in logarithmic time. Nodes are rows of typed arrays: inserting and removing allocate nothing once the
 * arrays have grown.
 * @module
 */
import { FitIndex } from './fit-index.ts';
import { PfnMap } from './pfn-map.ts';

/** No node. */
export const NIL = 0;
/** The node above every range; never removed. Its `lo` and `hi` are infinite. */
export const ANCHOR = 1;

/** A node is a row of 32 bytes: two doubles, what it spans, */
const DOUBLES = 4;
const LO = 0;
const HI = 1;
/** then 32-bit numbers, from the start of the row: its neighbours and a mark. */
const WORDS = 8;
const PREV = 4;
const NEXT = 5;
const CACHED = 6;
const FIRST_CAPACITY = 256;

/** Ordered set of ranges [lo, hi], both inclusive, by node number. */
export class RangeTree {
  #bounds = new Float64Array(FIRST_CAPACITY * DOUBLES);
  #links = new Int32Array(this.#bounds.buffer);
  #capacity = FIRST_CAPACITY;
  #used = 2;
  #free = NIL;
  #lowest = ANCHOR;
  readonly #index = new PfnMap();
  /** Each range with what fits into the gap directly below it. */
  readonly #gaps = new FitIndex(ANCHOR);
  /** Ranges held, the anchor left out. */
  count = 0;

  constructor() {
    this.#bounds[NIL * DOUBLES + LO] = -1;
    this.#bounds.fill(Infinity, ANCHOR * DOUBLES, ANCHOR * DOUBLES + HI + 1);
  }

  /** First frame of a node. */
  lo(node: number): number {
    return this.#bounds[node * DOUBLES + LO] as number;
  }

  /** Last frame of a node. */
  hi(node: number): number {
    return this.#bounds[node * DOUBLES + HI] as number;
  }

  /** The node below, or {@link NIL}. */
  prev(node: number): number {
    return this.#links[node * WORDS + PREV] as number;
  }

  /** The node above; the anchor has none. */
  next(node: number): number {
    return this.#links[node * WORDS + NEXT] as number;
  }

  /** The lowest node, the anchor where there is no range. */
  get lowest(): number {
    return this.#lowest;
  }

  /** Whether a mark of the caller's is set: the range lies in a cache. */
  isCached(node: number): boolean {
    return this.#links[node * WORDS + CACHED] === 1;
  }

  /** Sets or clears that mark. */
  setCached(node: number, cached: boolean): void {
    this.#links[node * WORDS + CACHED] = cached ? 1 : 0;
  }

  /** The node that starts at `pfn`, or {@link NIL}. */
  startingAt(pfn: number): number {
    return this.#index.get(pfn);
  }

  /** The node that holds `pfn`, or {@link NIL}. */
  holding(pfn: number): number {
    const node = this.#index.get(pfn);
    if (node !== NIL) return node;
    const above = this.firstReaching(pfn);
    return this.lo(above) <= pfn ? above : NIL;
  }

  /** The lowest node whose `hi` is `pfn` or above. */
  firstReaching(pfn: number): number {
    const node = this.#gaps.near(pfn);
    if (this.lo(node) <= pfn) return this.hi(node) >= pfn ? node : this.next(node);
    const below = this.prev(node);
    return below !== NIL && this.hi(below) >= pfn ? below : node;
  }

  /**
   * The highest node below `node` into whose gap `size` frames fit at an address aligned to `size` rounded up to a power of
   * two; {@link NIL} where there is none.
   */
  nextFit(node: number, size: number): number {
    return this.#gaps.nextBelow(node, size);
  }

  /** Inserts [lo, hi] directly below `next`, which the caller knows to be its successor. @returns the new node */
  insertBelow(next: number, lo: number, hi: number): number {
    const node = this.#take();
    const links = this.#links;
    const prev = links[next * WORDS + PREV] as number;
    this.#bounds[node * DOUBLES + LO] = lo;
    this.#bounds[node * DOUBLES + HI] = hi;
    links[node * WORDS + PREV] = prev;
    links[node * WORDS + NEXT] = next;
    links[node * WORDS + CACHED] = 0;
    links[next * WORDS + PREV] = node;
    if (prev === NIL) this.#lowest = node;
    else links[prev * WORDS + NEXT] = node;
    this.#gaps.insert(next, node, lo, this.#gapBelow(node));
    this.#gaps.setFit(next, this.#gapBelow(next));
    this.#index.set(lo, node);
    this.count++;
    return node;
  }

  /** Moves the first frame of a node down, over free frames. */
  extendDown(node: number, lo: number): void {
    this.#index.delete(this.lo(node));
    this.#bounds[node * DOUBLES + LO] = lo;
    this.#index.set(lo, node);
    this.#gaps.lowerKey(node, lo);
    this.#gaps.setFit(node, this.#gapBelow(node));
  }

  /** Removes a node. */
  remove(node: number): void {
    const links = this.#links;
    const prev = links[node * WORDS + PREV] as number;
    const next = links[node * WORDS + NEXT] as number;
    this.#index.delete(this.lo(node));
    links[next * WORDS + PREV] = prev;
    if (prev === NIL) this.#lowest = next;
    else links[prev * WORDS + NEXT] = next;
    this.#gaps.setFit(next, this.#gapBelow(next));
    this.#gaps.remove(node);
    links[node * WORDS + NEXT] = this.#free;
    this.#free = node;
    this.count--;
  }

  #gapBelow(node: number): number {
    const below = this.prev(node);
    return below === NIL ? Infinity : alignedFit(this.hi(below) + 1, this.lo(node));
  }

  #take(): number {
    const node = this.#free;
    if (node === NIL) {
      if (this.#used === this.#capacity) this.#grow();
      return this.#used++;
    }
    this.#free = this.#links[node * WORDS + NEXT] as number;
    return node;
  }

  #grow(): void {
    this.#capacity *= 2;
    const bounds = new Float64Array(this.#capacity * DOUBLES);
    bounds.set(this.#bounds);
    this.#bounds = bounds;
    this.#links = new Int32Array(bounds.buffer);
  }
}

/**
 * The largest size that fits into the frames from `start` to below `end` at an address aligned to that size rounded up to
 * a power of two. Every smaller size fits then, too.
 */
export function alignedFit(start: number, end: number): number {
  const width = end - start;
  if (width <= 1 || width === Infinity) return width;
  for (let unit = roundUpPow2(width); ; unit /= 2) {
    const room = end - Math.ceil(start / unit) * unit;
    if (room * 2 > unit) return Math.min(room, unit);
  }
}

/** `size` rounded up to a power of two. */
export function roundUpPow2(size: number): number {
  if (size <= 2 ** 30) return size <= 1 ? 1 : 1 << (32 - Math.clz32(size - 1));
  return 2 ** Math.ceil(Math.log2(size));
}
