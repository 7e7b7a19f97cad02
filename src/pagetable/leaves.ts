/**
 * Leaves written into a table: one, or a run of them.
 * @module
 */
import { highHalf, lowHalf } from '../address.ts';
import type { Entry, Geometry } from '../formats/contract.ts';
import { fillRun } from './entries.ts';
import type { TableTree } from './tree.ts';

/** Linux 6.1 lets a run go past the output range, and so past what `highHalf` takes. */
const TWO_52 = 2 ** 52;
const BIT_52_HI = 1 << 20;

/** Where pages of a size live. */
export interface PagePlace {
  /** Bytes of a page. */
  size: number;
  /** Depth of the level, or −1. */
  depth: number;
  /** Neighbouring entries of a page. */
  slots: number;
}

/** Writes leaves of one tree; remembers what it was asked last. */
export class LeafWriter {
  readonly #tree: TableTree;
  readonly #geometry: Geometry;
  readonly #strideScale: number;
  readonly #place: PagePlace = { size: 0, depth: -1, slots: 0 };
  readonly #out: Entry = { lo: 0, hi: 0 };
  readonly #bits: Entry = { lo: 0, hi: 0 };
  #bitsKey = -1;

  constructor(tree: TableTree) {
    this.#tree = tree;
    this.#geometry = tree.geometry;
    this.#strideScale = 2 ** tree.geometry.addressShift;
  }

  /** Depth and slots of pages of this size; depth −1 where no level has it. The object is reused. */
  placeOf(size: number): PagePlace {
    const place = this.#place;
    if (place.size === size) return place;
    place.size = size;
    place.depth = -1;
    for (let depth = this.#tree.last; depth >= 0; depth--) {
      const slots = this.#geometry.slots(depth, size);
      if (slots === 0) continue;
      place.depth = depth;
      place.slots = slots;
    }
    return place;
  }

  /** Type and attribute bits of a leaf, without its address. The object is reused. */
  bits(depth: number, slots: number, prot: number): Entry {
    const key = (depth << 16) | (slots << 8) | (prot & 0xff);
    if (key !== this.#bitsKey) {
      this.#geometry.leaf(depth, slots, prot, this.#bits);
      this.#bitsKey = key;
    }
    return this.#bits;
  }

  /**
   * Writes one leaf of one entry where the entry is empty.
   * @returns whether it was
   */
  writeOne(depth: number, at: number, pa: number, bits: Entry): boolean {
    const tree = this.#tree;
    if ((tree.lo(at) | tree.hi(at)) !== 0) return false;
    const out = this.#out;
    out.lo = bits.lo;
    out.hi = bits.hi;
    this.#geometry.addAddress(lowHalf(pa), highHalf(pa), depth, out);
    tree.store(at, out.lo, out.hi);
    return true;
  }

  /** Writes `pages` leaves of `slots` entries each from index `index` of `table`, from output address `pa` on. */
  write(depth: number, table: number, index: number, pages: number, slots: number, pa: number, bits: Entry): void {
    const size = this.#tree.spanAt(depth) * slots;
    const { outputBreak } = this.#geometry;
    let from = pa;
    let at = index;
    for (let left = pages; left > 0; ) {
      const inBreak = from + left * size <= outputBreak;
      const count = inBreak ? left : Math.min(left, Math.ceil((outputBreak - (from % outputBreak)) / size));
      this.#writeRun(depth, table, at, count, slots, from, bits);
      left -= count;
      from += count * size;
      at += count * slots;
    }
    this.#tree.meter.entryWrites += pages * slots;
  }

  #writeRun(depth: number, table: number, index: number, pages: number, slots: number, pa: number, bits: Entry): void {
    const out = this.#out;
    out.lo = bits.lo;
    out.hi = bits.hi;
    const over = pa >= TWO_52;
    const address = over ? pa - TWO_52 : pa;
    this.#geometry.addAddress(lowHalf(address), highHalf(address) + (over ? BIT_52_HI : 0), depth, out);
    const stride = (this.#tree.spanAt(depth) * slots) / this.#strideScale;
    fillRun(this.#tree, table, index, pages, slots, out, stride);
  }
}
