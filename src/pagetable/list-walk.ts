/**
 * A whole list in one walk: at each boundary where a larger page could begin, ask how far the list is physically
 * contiguous; where none fits, gather elements into the leaf table until it ends. A kernel reads the list where it lies.
 * @module
 */
import { lowHalf, offsetIn } from '../address.ts';
import type { CheckedList, ListPiece } from '../memory/checked-list.ts';
import { STATE_OFFSET } from '../memory/kernel-contract.ts';
import type { ScatterList } from '../memory/scatter-list.ts';
import { firstSet } from './entries.ts';
import { EEXIST } from './errno.ts';
import { mapRun } from './map.ts';
import type { PageSizeChooser } from './page-size.ts';
import type { Done } from './runs.ts';
import type { TableTree } from './tree.ts';

/** Walks one list after the other; made once a page table. */
export class ListWalk {
  readonly #tree: TableTree;
  readonly #chooser: PageSizeChooser;
  readonly #page: number;
  readonly #next: number;
  readonly #leafBytes: number;
  /** Smallest pages of a next larger one that lies in a leaf table too; 0 where none does. */
  readonly #contained: number;
  #index = 0;
  #offset = 0;
  #singlePages = false;

  constructor(tree: TableTree, chooser: PageSizeChooser) {
    this.#tree = tree;
    this.#chooser = chooser;
    this.#page = chooser.smallest;
    this.#next = chooser.after(chooser.smallest);
    this.#leafBytes = tree.spanAt(tree.last) * tree.levelAt(tree.last).entries;
    this.#contained = this.#next < this.#leafBytes ? this.#next / this.#page : 0;
  }

  /** Whether kernels can write this table's leaves: one stride over all output addresses, single-entry smallest pages. */
  static serves(tree: TableTree, chooser: PageSizeChooser): boolean {
    const { geometry } = tree;
    const { addressShift, entryBytes } = geometry;
    return (
      (entryBytes === 8 ? addressShift >= 0 : addressShift === 0) &&
      geometry.outputBreak >= 2 ** geometry.oas &&
      geometry.slots(tree.last, chooser.smallest) === 1
    );
  }

  /**
   * Maps a piece of a list behind what `done` says is mapped.
   * @returns 0 or a negative errno; `done` says how far it came
   */
  map(iova: number, whole: CheckedList, { cut, facts }: ListPiece, prot: number, done: Done): number {
    const list = whole.open(cut);
    const end = done.bytes + facts.bytes;
    this.#singlePages = facts.singlePages;
    this.#index = 0;
    this.#offset = 0;
    while (done.bytes < end) {
      const at = iova + done.bytes;
      const left = end - done.bytes;
      const errno = this.#block(at, left, list, prot, done) ? 0 : this.#gather(at, left, list, prot, done);
      if (errno < 0) return errno;
    }
    return 0;
  }

  /** Maps pages larger than the smallest where they fit; false where they do not. */
  #block(at: number, left: number, list: ScatterList, prot: number, done: Done): boolean {
    if (left < this.#next || offsetIn(at, this.#next) !== 0) return false;
    while (list.lengths[this.#index] === 0) this.#index++;
    const pa = (list.addresses[this.#index] as number) + this.#offset;
    if ((lowHalf(pa) & (this.#next - 1)) !== 0 && this.#next <= 0x80000000) return false;
    const run = this.#contiguous(list, pa, left);
    if (run < this.#next) return false;
    this.#chooser.choose(at, pa, run);
    if (this.#chooser.size < this.#next) return false;
    const pages = mapRun(this.#tree, this.#tree.want(at, this.#chooser.size, this.#chooser.count), pa, prot, true);
    if (pages <= 0) return false;
    this.#advance(list, pages * this.#chooser.size, done);
    return true;
  }

  /** Bytes from the current place on that are physically contiguous, at most `limit`. */
  #contiguous(list: ScatterList, pa: number, limit: number): number {
    const { addresses, lengths } = list;
    let bytes = (lengths[this.#index] as number) - this.#offset;
    for (let i = this.#index + 1; i < list.length && bytes < limit; i++) {
      const length = lengths[i] as number;
      if (length === 0) continue;
      if (addresses[i] !== pa + bytes) break;
      bytes += length;
    }
    return Math.min(bytes, limit);
  }

  #advance(list: ScatterList, bytes: number, done: Done): void {
    const { lengths } = list;
    done.bytes += bytes;
    this.#offset += bytes;
    while (this.#index < list.length && this.#offset >= (lengths[this.#index] as number)) {
      this.#offset -= lengths[this.#index] as number;
      this.#index++;
    }
  }

  /** Pages from here that are smallest ones: to the end of the leaf table, or to where a larger page may begin. */
  #smallPages(at: number, left: number, list: ScatterList): number {
    const bytes = Math.min(left, this.#leafBytes - offsetIn(at, this.#leafBytes));
    const pages = bytes / this.#page;
    if (this.#contained === 0) return pages;
    const { kernels } = this.#tree.memory;
    const { offset, lengthsOffset } = list;
    return kernels.smallPages(
      offset,
      lengthsOffset,
      this.#index,
      this.#offset,
      pages,
      left / this.#page,
      this.#tree.geometry.pageShift,
      this.#contained,
      offsetIn(at, this.#next) / this.#page,
      this.#singlePages ? 1 : 0,
    );
  }

  /** Writes smallest pages to the end of the leaf table, or to where a larger page may begin. */
  #gather(at: number, left: number, list: ScatterList, prot: number, done: Done): number {
    const tree = this.#tree;
    const depth = tree.last;
    const pages = this.#smallPages(at, left, list);
    const bytes = pages * this.#page;
    const { free } = tree.journal;
    const whole = free && bytes === this.#leafBytes;
    const table = whole ? tree.descendToWrite(at, true) : tree.descend(at, depth, true);
    if (table < 0) return table;
    const index = whole ? 0 : tree.indexAt(depth, at);
    if (!free && firstSet(tree, table, index, index + pages) < index + pages) return EEXIST;
    this.#write(table + (index << tree.entryShift), pages, list, prot);
    tree.meter.added.entryWrites += pages;
    tree.addEntries(depth, table, pages);
    tree.journal.wrote = true;
    tree.cleans.run(table, index, 1, pages);
    done.bytes += bytes;
    return 0;
  }

  #write(dest: number, pages: number, list: ScatterList, prot: number): void {
    const { geometry, memory, last } = this.#tree;
    const { kernels } = memory;
    const bits = this.#tree.leaves.bits(last, 1, prot);
    const { offset, lengthsOffset } = list;
    const shift = geometry.pageShift;
    if (geometry.entryBytes === 4) {
      kernels.gather4(offset, lengthsOffset, this.#index, this.#offset, dest, pages, shift, -this.#page, bits.lo);
    } else if (this.#singlePages) {
      const { addressShift, leafFieldLo: lo, leafFieldHi: hi } = geometry;
      kernels.gatherPages8(offset, this.#index, dest, pages, addressShift, lo, hi, bits.lo, bits.hi);
      this.#index += pages;
      return;
    } else {
      const { addressShift, leafFieldLo: lo, leafFieldHi: hi } = geometry;
      kernels.gather8(
        offset,
        lengthsOffset,
        this.#index,
        this.#offset,
        dest,
        pages,
        shift,
        addressShift,
        lo,
        hi,
        bits.lo,
        bits.hi,
      );
    }
    this.#index = memory.f64[STATE_OFFSET / 8] as number;
    this.#offset = memory.f64[STATE_OFFSET / 8 + 1] as number;
  }
}
