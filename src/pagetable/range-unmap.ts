/**
 * Unmapping a whole range in one descent: leaves go whole, a table goes with its entry where all below it went, and the first
 * hole ends it.
 * @module
 */
import { offsetIn } from '../address.ts';
import type { Gather, GatheredTable } from './gather.ts';
import type { Place } from './place.ts';
import type { TableTree } from './tree.ts';

/** Unmaps ranges of one tree. */
export class RangeUnmapper {
  readonly #tree: TableTree;
  #gather: Gather | undefined;
  #tables: GatheredTable[] = [];
  #bytes = 0;

  constructor(tree: TableTree) {
    this.#tree = tree;
  }

  /**
   * Unmaps [from, end), up to the first hole; tables that go are left to the gather.
   * @returns bytes unmapped, which the last leaf may carry beyond the end
   */
  unmap(from: number, end: number, gather: Gather): number {
    const tree = this.#tree;
    this.#gather = gather;
    this.#tables = [];
    this.#bytes = 0;
    tree.forgetPath();
    this.#below(tree.stand(tree.top, tree.rootOf(from), from, end), end);
    gather.addTables(this.#tables);
    return this.#bytes;
  }

  /** Clears the entries of a place, and those below; false where a hole ended it. */
  #below(place: Place, end: number): boolean {
    const tree = this.#tree;
    const { depth, table, index, count } = place;
    let first = -1;
    let last = index;
    let i = index;
    while (i < index + count) {
      const slots = this.#clear(place, i, end);
      if (slots === 0) break;
      if (tree.isEmptyEntry(table, i)) {
        if (first === -1) first = i;
        last = i + slots;
      }
      i += slots;
    }
    if (first !== -1) tree.cleans.count(table, first, 1, last - first);
    tree.meter.added.tableReads += i - index + 1;
    if (depth === tree.last) tree.memory.addEntries(table, index - i);
    return i >= index + count;
  }

  /** Clears the entry at an index; returns how many entries went with it or were done below it, 0 at a hole. */
  #clear({ depth, table, index, iova }: Place, i: number, end: number): number {
    const tree = this.#tree;
    const at = table + (i << tree.entryShift);
    const lo = tree.lo(at);
    const hi = tree.hi(at);
    if ((lo | hi) === 0) return 0;
    const span = tree.spanAt(depth);
    const base = iova - offsetIn(iova, span) + (i - index) * span;
    const from = Math.max(iova, base);
    if (tree.isTable(depth, lo)) return this.#table(depth, at, from, Math.min(end, base + span)) ? 1 : 0;
    const slots = tree.geometry.leafSlots(lo, hi, depth);
    if (from !== base || i % slots !== 0) return 0;
    tree.eraseEntries(table, i, slots);
    this.#bytes += slots * span;
    if (this.#gather !== undefined) this.#gather.leafLevels |= 1 << tree.levelAt(depth).level;
    return slots;
  }

  /** Unmaps below a table entry, and drops the table where that was all of it; false where a hole ended it. */
  #table(depth: number, at: number, from: number, end: number): boolean {
    const tree = this.#tree;
    const table = tree.tableAt(at);
    if (!this.#below(tree.stand(depth + 1, table, from, end), end)) return false;
    if (end - from < tree.spanAt(depth)) return true;
    tree.store(at, 0, 0);
    tree.forgetPath();
    tree.memory.queue(table, tree.levelAt(depth + 1).allocBytes);
    this.#tables.push({ depth: depth + 1, table });
    if (this.#gather !== undefined) this.#gather.tableLevels |= 1 << tree.levelAt(depth).level;
    return true;
  }
}
