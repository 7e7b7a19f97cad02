/**
 * Disjoint ranges of page frames in ascending order, with an anchor above them all: what Linux keeps in a red-black tree
 * (`drivers/iommu/iova.c`). Only the order of the ranges decides which addresses are given out, not the shape of the tree; this one
 * is a treap whose nodes also know the widest free gap below them, so that a search passes occupied stretches in
 * logarithmic time. Nodes are rows of typed arrays: inserting and removing allocate nothing once the arrays have grown.
 * @module
 */
import { PfnMap } from './pfn-map.ts';

/** No node. */
export const NIL = 0;
/** The node above every range; never removed. Its `lo` and `hi` are infinite. */
export const ANCHOR = 1;

/** A node is a row of 64 bytes: four doubles, then eight 32-bit numbers. Its doubles: what it spans, */
const DOUBLES = 8;
const LO = 0;
const HI = 1;
/** what fits into the gap directly below it, */
const FITS = 2;
/** and the most that fits below a node of its subtree. */
const MOST = 3;
/** Its 32-bit numbers, from the start of the row. */
const WORDS = 16;
const LEFT = 8;
const RIGHT = 9;
const PARENT = 10;
const PREV = 11;
const NEXT = 12;
const PRIORITY = 13;
const CACHED = 14;
const FIRST_CAPACITY = 256;

/** Ordered set of ranges [lo, hi], both inclusive, by node number. */
export class RangeTree {
  #bounds = new Float64Array(FIRST_CAPACITY * DOUBLES);
  #links = new Int32Array(this.#bounds.buffer);
  #capacity = FIRST_CAPACITY;
  #used = 2;
  #free = NIL;
  #root = ANCHOR;
  #lowest = ANCHOR;
  #random = 0x2545f491;
  readonly #index = new PfnMap();
  /** Ranges held, the anchor left out. */
  count = 0;

  constructor() {
    this.#bounds.fill(Infinity, ANCHOR * DOUBLES, ANCHOR * DOUBLES + MOST + 1);
    this.#links[ANCHOR * WORDS + PRIORITY] = 0x7fffffff;
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
    let found = ANCHOR;
    let node = this.#root;
    while (node !== NIL) {
      if (this.hi(node) >= pfn) {
        found = node;
        node = this.#links[node * WORDS + LEFT] as number;
      } else node = this.#links[node * WORDS + RIGHT] as number;
    }
    return found;
  }

  /**
   * The highest node below `node` into whose gap `size` frames fit at an address aligned to `size` rounded up to a power of
   * two; {@link NIL} where there is none.
   */
  nextFit(node: number, size: number): number {
    const links = this.#links;
    let at = node;
    for (;;) {
      const left = links[at * WORDS + LEFT] as number;
      if (this.#most(left) >= size) return this.#highestFit(left, size);
      let parent = links[at * WORDS + PARENT] as number;
      while (parent !== NIL && links[parent * WORDS + LEFT] === at) {
        at = parent;
        parent = links[at * WORDS + PARENT] as number;
      }
      if (parent === NIL) return NIL;
      at = parent;
      if ((this.#bounds[at * DOUBLES + FITS] as number) >= size) return at;
    }
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
    links[next * WORDS + PREV] = node;
    if (prev === NIL) this.#lowest = node;
    else links[prev * WORDS + NEXT] = node;
    this.#attach(node, prev, next);
    this.#index.set(lo, node);
    this.count++;
    return node;
  }

  /** Moves the first frame of a node down, over free frames. */
  extendDown(node: number, lo: number): void {
    this.#index.delete(this.lo(node));
    this.#bounds[node * DOUBLES + LO] = lo;
    this.#index.set(lo, node);
    this.#refreshGap(node);
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
    this.#detach(node);
    this.#refreshGap(next);
    links[node * WORDS + NEXT] = this.#free;
    this.#free = node;
    this.count--;
  }

  #most(node: number): number {
    return node === NIL ? -1 : (this.#bounds[node * DOUBLES + MOST] as number);
  }

  #highestFit(top: number, size: number): number {
    let node = top;
    for (;;) {
      const right = this.#links[node * WORDS + RIGHT] as number;
      if (this.#most(right) >= size) node = right;
      else if ((this.#bounds[node * DOUBLES + FITS] as number) >= size) return node;
      else node = this.#links[node * WORDS + LEFT] as number;
    }
  }

  /** A new leaf goes where the tree has room between two neighbours, and then up by its priority. */
  #attach(node: number, prev: number, next: number): void {
    const links = this.#links;
    const underNext = links[next * WORDS + LEFT] === NIL;
    links[(underNext ? next : prev) * WORDS + (underNext ? LEFT : RIGHT)] = node;
    links[node * WORDS + PARENT] = underNext ? next : prev;
    this.#refreshGap(node);
    this.#refreshGap(next);
    const priority = links[node * WORDS + PRIORITY] as number;
    for (;;) {
      const parent = links[node * WORDS + PARENT] as number;
      if (parent === NIL || (links[parent * WORDS + PRIORITY] as number) >= priority) return;
      this.#rotateUp(node, parent);
    }
  }

  /** Down to where one side is empty, then out. */
  #detach(node: number): void {
    const links = this.#links;
    for (;;) {
      const left = links[node * WORDS + LEFT] as number;
      const right = links[node * WORDS + RIGHT] as number;
      if (left === NIL || right === NIL) break;
      const higher = (links[left * WORDS + PRIORITY] as number) > (links[right * WORDS + PRIORITY] as number);
      this.#rotateUp(higher ? left : right, node);
    }
    const left = links[node * WORDS + LEFT] as number;
    const child = left === NIL ? (links[node * WORDS + RIGHT] as number) : left;
    const parent = links[node * WORDS + PARENT] as number;
    this.#replaceChild(parent, node, child);
    this.#refreshUp(parent);
  }

  #replaceChild(parent: number, old: number, child: number): void {
    const links = this.#links;
    if (child !== NIL) links[child * WORDS + PARENT] = parent;
    if (parent === NIL) this.#root = child;
    else links[parent * WORDS + (links[parent * WORDS + LEFT] === old ? LEFT : RIGHT)] = child;
  }

  #rotateUp(node: number, parent: number): void {
    const links = this.#links;
    const side = links[parent * WORDS + LEFT] === node ? LEFT : RIGHT;
    const inner = links[node * WORDS + (LEFT + RIGHT - side)] as number;
    this.#replaceChild(links[parent * WORDS + PARENT] as number, parent, node);
    links[parent * WORDS + side] = inner;
    if (inner !== NIL) links[inner * WORDS + PARENT] = parent;
    links[node * WORDS + (LEFT + RIGHT - side)] = parent;
    links[parent * WORDS + PARENT] = node;
    this.#bounds[node * DOUBLES + MOST] = this.#bounds[parent * DOUBLES + MOST] as number;
    this.#bounds[parent * DOUBLES + MOST] = this.#mostOf(parent);
  }

  #mostOf(node: number): number {
    const left = this.#most(this.#links[node * WORDS + LEFT] as number);
    const right = this.#most(this.#links[node * WORDS + RIGHT] as number);
    const own = this.#bounds[node * DOUBLES + FITS] as number;
    const child = Math.max(left, right);
    return Math.max(own, child);
  }

  /** Recomputes what fits below a node whose gap has changed, and the maxima that it raises or lowers. */
  #refreshGap(node: number): void {
    const bounds = this.#bounds;
    const below = this.prev(node);
    const fits = below === NIL ? Infinity : alignedFit(this.hi(below) + 1, this.lo(node));
    bounds[node * DOUBLES + FITS] = fits;
    let at = node;
    while (at !== NIL && (bounds[at * DOUBLES + MOST] as number) < fits) {
      bounds[at * DOUBLES + MOST] = fits;
      at = this.#links[at * WORDS + PARENT] as number;
    }
    if (at === node) this.#refreshUp(node);
  }

  /** Recomputes maxima from a node towards the root, as far as they change. */
  #refreshUp(from: number): void {
    for (let node = from; node !== NIL; node = this.#links[node * WORDS + PARENT] as number) {
      const most = this.#mostOf(node);
      if (this.#bounds[node * DOUBLES + MOST] === most) return;
      this.#bounds[node * DOUBLES + MOST] = most;
    }
  }

  #take(): number {
    let node = this.#free;
    if (node === NIL) {
      if (this.#used === this.#capacity) this.#grow();
      node = this.#used++;
    } else this.#free = this.#links[node * WORDS + NEXT] as number;
    let random = this.#random;
    random ^= random << 13;
    random ^= random >>> 17;
    random ^= random << 5;
    this.#random = random;
    const links = this.#links;
    links[node * WORDS + LEFT] = NIL;
    links[node * WORDS + RIGHT] = NIL;
    links[node * WORDS + CACHED] = 0;
    links[node * WORDS + PRIORITY] = random >>> 2;
    this.#bounds[node * DOUBLES + MOST] = -1;
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
