/**
 * Entries that a read of dirty bits made clean, so that it can be rolled back: a device whose TLB could not be invalidated does not
 * mark again what it believes to be marked.
 * @module
 */
import { type DirtyLeaves, forEachDirty, isDirty, isTracked } from './dirty.ts';
import type { TableTree } from './tree.ts';

/** Neighbouring entries of one table, and which of them were made clean. */
interface CleanedRun extends Pick<DirtyLeaves, 'words' | 'first' | 'count'> {
  /** Byte offset of the first. */
  readonly at: number;
}

/** Entries made clean by one call. */
export class CleanedEntries {
  readonly #runs: CleanedRun[] = [];

  /** Entries from a byte offset on of which those were made clean that `words` names, from its index `first` on. */
  add(at: number, count: number, words: Uint32Array, first: number): void {
    this.#runs.push({ at, count, words: words.slice(first, first + Math.ceil(count / 32)), first: 0 });
  }

  /** Marks them again, where they are still clean leaves. */
  mark(tree: TableTree): void {
    const { dirty } = tree.geometry;
    if (dirty === undefined) return;
    for (const run of this.#runs) {
      forEachDirty(run, (index) => {
        const at = run.at + (index << tree.entryShift);
        const lo = tree.lo(at);
        const hi = tree.hi(at);
        if (!isTracked(dirty, lo, hi) || isDirty(dirty, lo, hi)) return;
        tree.store(at, lo ^ dirty.flip, hi);
        tree.cleans.attempt(at);
      });
    }
  }
}
