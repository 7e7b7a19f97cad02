/**
 * Leaves written into a table: one, or a run of them.
 * @module
 */
import { highHalf, lowHalf } from '../address.ts';
import type { Entry, Geometry } from '../formats/contract.ts';
import { fillRun } from './entries.ts';
import type { Place } from './place.ts';
import type { TableTree } from './tree.ts';

/** Pages of one size. */
interface PageKind {
  size: number;
  depth: number;
  slots: number;
}

/** Writes leaves of one tree; remembers what it was asked last. */
export class LeafWriter {
  readonly #tree: TableTree;
  readonly #geometry: Geometry;
  readonly #strideScale: number;
  readonly #outputBreak: number;
  readonly #ownAddresses: boolean;
  readonly #outputEnd: number;
  readonly #kind: PageKind = { size: 0, depth: -1, slots: 0 };
  readonly #out: Entry = { lo: 0, hi: 0 };
  readonly #bits: Entry = { lo: 0, hi: 0 };
  #bitsDepth = -1;
  #bitsSlots = 0;
  #bitsProt = 0;

  constructor(tree: TableTree) {
    this.#tree = tree;
    this.#geometry = tree.geometry;
    this.#strideScale = 2 ** tree.geometry.addressShift;
    this.#outputBreak = tree.geometry.outputBreak;
    this.#outputEnd = 2 ** tree.geometry.outputBits;
    this.#ownAddresses = tree.geometry.ownAddresses === true;
  }

  /** Gives a place the depth and slots of pages of this size; depth −1 where no level has it. */
  choose(place: Place, size: number): void {
    const kind = this.#kind;
    if (kind.size !== size) this.#find(size);
    place.depth = kind.depth;
    place.slots = kind.slots;
  }

  #find(size: number): void {
    const kind = this.#kind;
    kind.size = size;
    kind.depth = -1;
    kind.slots = 0;
    for (let depth = this.#tree.last; depth >= 0; depth--) {
      const slots = this.#geometry.slots(depth, size);
      if (slots === 0) continue;
      kind.depth = depth;
      kind.slots = slots;
    }
  }

  /** Type and attribute bits of a leaf, without its address. The object is reused. */
  bits(depth: number, slots: number, prot: number): Entry {
    if (depth !== this.#bitsDepth || slots !== this.#bitsSlots || prot !== this.#bitsProt) {
      this.#geometry.leaf(depth, slots, prot, this.#bits);
      this.#bitsDepth = depth;
      this.#bitsSlots = slots;
      this.#bitsProt = prot;
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
   * Writes the leaves of a place, from output address `pa` on. Beyond the first `outputBreak` bits of an address may fall
   * together in an entry, so that its value has no constant stride: there pages that cannot lie in one stride are written one
   * by one.
   */
  write(place: Place, pa: number, bits: Entry): void {
    if (this.#ownAddresses && place.slots > 1) this.#writeSingle(place, pa, bits);
    else this.#writePages(place, pa, bits);
  }

  /** Pages whose entries each hold their own address are written as runs of entries. */
  #writeSingle(place: Place, pa: number, bits: Entry): void {
    const { index, slots, count } = place;
    place.select(index, 1, count * slots);
    this.#writePages(place, pa, bits);
    place.select(index, slots, count);
  }

  #writePages(place: Place, pa: number, bits: Entry): void {
    const { slots, count } = place;
    const size = this.#tree.spanAt(place.depth) * slots;
    if (pa + count * size <= this.#outputBreak) this.#writeRun(place, pa, bits);
    else this.#writeStrides(place, pa, bits, size);
    this.#tree.meter.added.entryWrites += count * slots;
  }

  #writeStrides(place: Place, pa: number, bits: Entry, size: number): void {
    const { index, slots, count: pages } = place;
    let from = pa;
    for (let left = pages; left > 0; ) {
      place.count = this.#inStride(from, left, size);
      this.#writeRun(place, from, bits);
      left -= place.count;
      from += place.count * size;
      place.index += place.entries;
    }
    place.select(index, slots, pages);
  }

  /** Writes entries as Linux 6.1 does for a split of v7s: each is the one before plus the bytes of a page, carries included. */
  writeSums(place: Place, first: Entry): void {
    fillRun(this.#tree, place, first, this.#tree.spanAt(place.depth) * place.slots);
    this.#tree.meter.added.entryWrites += place.entries;
  }

  /** Pages from output address `from` on, at most `pages`, whose entries differ by one stride. */
  #inStride(from: number, pages: number, size: number): number {
    const outputBreak = this.#outputBreak;
    if (from + pages * size <= outputBreak) return pages;
    if (from >= this.#outputEnd) return 1;
    return Math.min(pages, Math.ceil((outputBreak - (from % outputBreak)) / size));
  }

  #writeRun(place: Place, pa: number, bits: Entry): void {
    const out = this.#out;
    out.lo = bits.lo;
    out.hi = bits.hi;
    this.#geometry.addAddress(lowHalf(pa), highHalf(pa), place.depth, out);
    const stride = (this.#tree.spanAt(place.depth) * place.slots) / this.#strideScale;
    fillRun(this.#tree, place, out, stride);
  }
}
