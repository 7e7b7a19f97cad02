/**
 * A list of smallest pages whose last-level tables are all missing: each is filled before it is linked.
 * @module
 */
import { offsetIn } from '../address.ts';
import type { Level } from '../formats/contract.ts';
import type { ScatterList } from '../memory/scatter-list.ts';
import { SCRATCH } from '../memory/table-memory.ts';
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

  /**
   * Maps a list to a range that is free, where each element is one smallest page; false where nothing was done. The list need not be
   * checked: its tables are filled while they are free, and only taken and linked once all of it is found right.
   */
  map(iova: number, list: ScatterList, prot: number): boolean {
    const tree = this.#tree;
    const before = offsetIn(iova, this.#span) / this.#page;
    const count = Math.ceil((before + list.length) / this.#tables.entries);
    const depth = this.#reached(iova, count);
    if (depth < 0 || this.#mayJoin(before, list)) return false;
    if (!this.#fillFree(tree.last - 1 - depth, before, list, prot)) return false;
    const upper = tree.descend(iova, tree.last - 1, false);
    this.#link(tree.entryAt(tree.last - 1, upper, iova), before, list, prot);
    this.#count(depth, count, list.length);
    return true;
  }

  /**
   * Depth of the deepest table that is there above `count` last-level tables from `iova` on; −1 where one of these is there or finds no
   * memory, or where they do not all hang below one table.
   */
  #reached(iova: number, count: number): number {
    const tree = this.#tree;
    const { last, memory, geometry } = tree;
    if (tree.indexAt(last - 1, iova) + count > tree.levelAt(last - 1).entries) return -1;
    const found = tree.follow(iova, last - 1, false);
    const depth = depthReached(found);
    const index = tree.indexAt(depth, iova);
    const end = index + (depth < last - 1 ? 1 : count);
    if (firstSet(tree, tableReached(found), index, end) < end) return -1;
    return memory.holds(count + last - 1 - depth, this.#tables.allocBytes, geometry.tableLimit) ? depth : -1;
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

  /**
   * Fills the free tables that are allocated next, behind `above` others, with the pages that take all of a table, and checks those that do
   * not; false, and the tables free of them again, where an element is not right. The first page is `before` entries behind the start of its table.
   */
  #fillFree(above: number, before: number, list: ScatterList, prot: number): boolean {
    const { memory } = this.#tree;
    const { entries, allocBytes } = this.#tables;
    let first = before;
    for (let i = 0, tables = above; i < list.length; tables++) {
      const pages = Math.min(entries - first, list.length - i);
      const whole = pages === entries;
      if (!this.#take(list, i, pages, whole ? memory.ahead(tables, allocBytes) : SCRATCH.offset, prot)) {
        for (let filled = above; filled <= tables; filled++)
          memory.kernels.clear(memory.ahead(filled, allocBytes), allocBytes);
        return false;
      }
      i += pages;
      first = 0;
    }
    return true;
  }

  /** Gathers `pages` elements from element `i` on into entries from `dest` on; false where one is not right. */
  #take({ offset, lengthsOffset }: ScatterList, i: number, pages: number, dest: number, prot: number): boolean {
    const { memory, leaves, last } = this.#tree;
    const { lo, hi } = leaves.bits(last, 1, prot);
    return memory.kernels.takePages8(offset + 8 * i, lengthsOffset + 8 * i, dest, pages, lo, hi) === 1;
  }

  /** Takes the tables of the entries from `at` on, fills those that are not full, and links them. */
  #link(at: number, before: number, list: ScatterList, prot: number): void {
    const tree = this.#tree;
    const { entries } = this.#tables;
    let entry = at;
    let first = before;
    for (let i = 0; i < list.length; entry += 8) {
      const pages = Math.min(entries - first, list.length - i);
      const table = tree.pool.take(tree.last, pages < entries);
      if (pages < entries) this.#take(list, i, pages, table + 8 * first, prot);
      tree.memory.addEntries(table, pages);
      tree.link(entry, table, tree.last - 1);
      i += pages;
      first = 0;
    }
  }

  /** Counts the search of the range, and one walk that goes on from table to table; where the root is above the last level, each goes from the root. */
  #count(depth: number, tables: number, pages: number): void {
    const { meter, last, top } = this.#tree;
    if (last - 1 === top) meter.added.walks += tables - 1;
    meter.added.tableReads += depth + (depth === last - 1 ? tables : 1) + tables;
    meter.added.entryWrites += pages;
    meter.added.wmb++;
  }
}
