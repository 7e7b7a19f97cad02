/**
 * Unmapping where the kernel takes whole entries only (Linux 6.13 and later, io-pgtable-arm): a run of equal pages at once, never
 * a part of a larger one.
 * @module
 */
import { firstClear } from './entries.ts';
import { pagesToTableEnd } from './map.ts';
import type { Place } from './place.ts';
import type { TableTree } from './tree.ts';
import { eraseRun } from './unmap.ts';

/**
 * Unmaps pages from `iova` on, at most to the end of the table that holds the first, up to the first hole.
 * @returns pages unmapped; 0 at a hole, and where something larger is mapped
 */
export function unmapWhole(tree: TableTree, iova: number, size: number, count: number, queued: boolean): number {
  const place = tree.want(iova, size, count);
  const { depth: target } = place;
  tree.seek(place, target === -1 ? tree.last : target);
  if (place.depth !== target) return 0;
  const { table, index } = place;
  const pages = Math.min(count, pagesToTableEnd(tree, place));
  place.count = firstClear(tree, table, index, index + pages) - index;
  if (place.count > 0) clear(tree, place, queued);
  return place.count;
}

/**
 * First the tables among the entries go, each with its clean and invalidation, then all entries at once; every entry is
 * announced where no deferred flush follows.
 */
function clear(tree: TableTree, place: Place, queued: boolean): void {
  const { depth, table, index, count, iova } = place;
  if (depth === tree.last) eraseRun(tree, table, index, count);
  else {
    unlinkTables(tree, place, queued);
    tree.eraseEntries(table, index, count);
  }
  tree.cleans.count(table, index, 1, count);
  if (!queued) tree.tlb.addPages(iova, tree.spanAt(depth), count);
}

function unlinkTables(tree: TableTree, { depth, table, index, count, iova }: Place, queued: boolean): void {
  const span = tree.spanAt(depth);
  for (let i = 0; i < count; i++) {
    const at = table + ((index + i) << tree.entryShift);
    if (!tree.isTable(depth, tree.lo(at))) continue;
    const below = tree.tableAt(at);
    tree.store(at, 0, 0);
    tree.forgetPath();
    tree.cleanEntry(at);
    tree.removal.freeUnlinked(depth + 1, below, iova + i * span, queued);
  }
}
