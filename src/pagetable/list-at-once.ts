/**
 * A list of smallest pages whose last-level tables are all missing: each is filled before it is linked.
 * @module
 */
import { offsetIn } from '../address.ts';
import type { Level } from '../formats/contract.ts';
import type { ScatterList } from '../memory/scatter-list.ts';
import { PagesAtOnce } from './at-once.ts';
import { depthReached, tableReached } from './cursor.ts';
import { firstSet } from './entries.ts';
import { ListWalk } from './list-walk.ts';
import type { PageSizeChooser } from './page-size.ts';
import type { TableTree } from './tree.ts';

/** Lists of one tree. What it does not take is left to {@link ListWalk}, as if it had not been tried; the counts are those of that. */
export class ListAtOnce {
  readonly #tree: TableTree;
  readonly #tables: Level;
  readonly #page: number;
  /** Bytes of the next larger page. */
  readonly #next: number;
  /** Bytes that a last-level table spans. */
  readonly #span: number;

  constructor(tree: TableTree, chooser: PageSizeChooser) {
    const { last } = tree;
    this.#tree = tree;
    this.#tables = tree.levelAt(last);
    this.#page = chooser.smallest;
    this.#next = chooser.after(chooser.smallest);
    this.#span = tree.spanAt(last - 1);
  }

  /** Whether a tree can be served: as calls at once can, and where no larger page lies in a last-level table. */
  static serves(tree: TableTree, chooser: PageSizeChooser): boolean {
    if (!PagesAtOnce.serves(tree) || !ListWalk.serves(tree, chooser)) return false;
    return chooser.after(chooser.smallest) >= tree.spanAt(tree.last - 1);
  }

  /** Maps a checked list whose elements are smallest pages to a range that was found free; false where nothing was done. */
  map(iova: number, list: ScatterList, prot: number): boolean {
    const tree = this.#tree;
    const before = offsetIn(iova, this.#span) / this.#page;
    const count = Math.ceil((before + list.length) / this.#tables.entries);
    if (!this.#canMake(iova, count) || this.#mayJoin(before, list)) return false;
    const upper = tree.descend(iova, tree.last - 1, false);
    this.#fill(tree.entryAt(tree.last - 1, upper, iova), before, list, prot);
    this.#count(count, list.length);
    return true;
  }

  /** Whether `count` last-level tables from `iova` on are missing, hang below one table, and find memory. */
  #canMake(iova: number, count: number): boolean {
    const tree = this.#tree;
    const { last, memory, geometry } = tree;
    if (tree.indexAt(last - 1, iova) + count > tree.levelAt(last - 1).entries) return false;
    const found = tree.follow(iova, last - 1, false);
    const depth = depthReached(found);
    const index = tree.indexAt(depth, iova);
    const end = index + (depth < last - 1 ? 1 : count);
    if (firstSet(tree, tableReached(found), index, end) < end) return false;
    return memory.holds(count + last - 1 - depth, this.#tables.allocBytes, geometry.tableLimit);
  }

  /** Whether a larger page may begin at one of the elements: where two are contiguous, at the start of a table. */
  #mayJoin(before: number, { addresses, length }: ScatterList): boolean {
    const { entries } = this.#tables;
    if (length * this.#page < this.#next) return false;
    for (let i = before === 0 ? 0 : entries - before; i + 1 < length; i += entries) {
      if (addresses[i + 1] === (addresses[i] as number) + this.#page) return true;
    }
    return false;
  }

  /** Makes, fills and links the tables of the entries from `at` on; the first page is `before` entries behind the start of its table. */
  #fill(at: number, before: number, { offset, length }: ScatterList, prot: number): void {
    const { pool, last, leaves, memory, geometry } = this.#tree;
    const { addressShift, leafFieldLo, leafFieldHi } = geometry;
    const { entries } = this.#tables;
    const { lo, hi } = leaves.bits(last, 1, prot);
    let entry = at;
    let first = before;
    for (let i = 0; i < length; ) {
      const pages = Math.min(entries - first, length - i);
      const table = pool.take(last, pages < entries);
      const dest = table + (first << 3);
      memory.kernels.gatherPages8(offset, i, dest, pages, addressShift, leafFieldLo, leafFieldHi, lo, hi);
      memory.addEntries(table, pages);
      this.#tree.link(entry, table, last - 1);
      i += pages;
      first = 0;
      entry += 8;
    }
  }

  /** Counts one walk that goes on from table to table; where the root is above the last level, each goes from the root. */
  #count(tables: number, pages: number): void {
    const { meter, last, top } = this.#tree;
    if (last - 1 === top) meter.added.walks += tables - 1;
    meter.added.tableReads += tables;
    meter.added.entryWrites += pages;
    meter.added.wmb++;
  }
}
