/**
 * Dirty tracking as Linux 7.3's io-pgtable-arm does it: leaf after leaf from an address on, up to the first hole.
 * @module
 */
import { type DirtyVisitor, isDirty, oneDirty } from './dirty.ts';
import { EINVAL } from './errno.ts';
import type { TableTree } from './tree.ts';

/**
 * Visits the dirty leaves from `from` on and makes them clean unless `keep`. As in that kernel, a leaf is told with the address
 * at which the walk came to it: where the start lies inside a block, that offset stays in every address that follows.
 * @returns 0, or EINVAL at a hole; what lies before it was visited
 */
export function readDirtyRun(tree: TableTree, from: number, end: number, keep: boolean, visit: DirtyVisitor): number {
  return new DirtyRun(tree, from, end, keep, visit).below(0, tree.rootOf(from));
}

/** One walk. */
class DirtyRun {
  readonly #tree: TableTree;
  readonly #end: number;
  readonly #keep: boolean;
  readonly #visit: DirtyVisitor;
  #at: number;

  constructor(tree: TableTree, from: number, end: number, keep: boolean, visit: DirtyVisitor) {
    this.#tree = tree;
    this.#at = from;
    this.#end = end;
    this.#keep = keep;
    this.#visit = visit;
  }

  /** Walks the entries of a table from the address that the walk is at. */
  below(depth: number, table: number): number {
    const tree = this.#tree;
    const { entries } = tree.levelAt(depth);
    for (let i = tree.indexAt(depth, this.#at); i < entries && this.#at < this.#end; i++) {
      const errno = this.#entry(depth, table + (i << tree.entryShift));
      if (errno !== 0) return errno;
    }
    return 0;
  }

  #entry(depth: number, at: number): number {
    const tree = this.#tree;
    const lo = tree.lo(at);
    const hi = tree.hi(at);
    tree.meter.added.tableReads++;
    if ((lo | hi) === 0) return EINVAL;
    if (tree.isTable(depth, lo)) return this.below(depth + 1, tree.tableAt(at));
    const { dirty } = tree.geometry;
    const size = tree.spanAt(depth);
    if (dirty !== undefined && isDirty(dirty, lo, hi)) {
      this.#visit(oneDirty(tree, this.#at, size));
      if (!this.#keep) tree.store(at, lo ^ dirty.flip, hi);
    }
    this.#at += size;
    return 0;
  }
}
