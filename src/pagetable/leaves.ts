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
  #depth = -1;
  #slots = -1;
  #prot = -1;

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
    if (prot !== this.#prot || depth !== this.#depth || slots !== this.#slots) {
      this.#geometry.leaf(depth, slots, prot, this.#bits);
      this.#depth = depth;
      this.#slots = slots;
      this.#prot = prot;
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

  /**
   * Writes `pages` leaves of `slots` entries each from index `index` of `table`, from output address `pa` on. Beyond the
   * first `outputBreak` bits of an address may fall together in an entry, so that its value has no constant stride: there
   * pages that cannot lie in one stride are written one by one.
   */
  write(depth: number, table: number, index: number, pages: number, slots: number, pa: number, bits: Entry): void {
    const size = this.#tree.spanAt(depth) * slots;
    const { outputBreak } = this.#geometry;
    let from = pa;
    let at = index;
    for (let left = pages; left > 0; ) {
      const count = this.#inStride(from, left, size, outputBreak);
      this.#writeRun(depth, table, at, count, slots, from, bits);
      left -= count;
      from += count * size;
      at += count * slots;
    }
    this.#tree.meter.entryWrites += pages * slots;
  }

  /** Writes entries as Linux 6.1 does for a split of v7s: each is the one before plus the bytes of a page, carries included. */
  writeSums(depth: number, table: number, index: number, pages: number, slots: number, first: Entry): void {
    fillRun(this.#tree, table, index, pages, slots, first, this.#tree.spanAt(depth) * slots);
    this.#tree.meter.entryWrites += pages * slots;
  }

  /** Pages from output address `from` on, at most `pages`, whose entries differ by one stride. */
  #inStride(from: number, pages: number, size: number, outputBreak: number): number {
    if (from + pages * size <= outputBreak) return pages;
    if (from >= 2 ** this.#geometry.outputBits) return 1;
    return Math.min(pages, Math.ceil((outputBreak - (from % outputBreak)) / size));
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
