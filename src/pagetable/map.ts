/**
 * Mapping a run of equal pages.
 * @module
 */
import { firstSet } from './entries.ts';
import { EEXIST, EINVAL, type TableTree } from './tree.ts';

/** From here on, Linux 6.1's unchecked output addresses need care. */
const EXACT = 2 ** 52;

/**
 * Maps pages from `iova` on, at most to the end of the table that holds the first. An occupied entry refuses the whole
 * run; empty tables before it are unlinked already. Where the range was found free (`safe`), leaf entries are not tested
 * again, and a new table that is written from end to end is not zeroed.
 * @param keep whether the walk may begin where the last one ended
 * @returns pages mapped, or a negative errno
 */
export function mapRun(
  tree: TableTree,
  iova: number,
  pa: number,
  size: number,
  count: number,
  prot: number,
  keep: boolean,
): number {
  const { depth, slots } = tree.leaves.placeOf(size);
  const index = depth === -1 ? 0 : tree.indexAt(depth, iova);
  const known = tree.journal.free && depth === tree.last;
  const whole = known && index === 0 && count * slots >= tree.levelAt(depth).entries;
  const table = whole ? tree.descendToWrite(iova, keep) : tree.descend(iova, depth === -1 ? tree.last : depth, keep);
  if (table < 0) return table;
  if (depth === -1) return EINVAL;
  if (depth < tree.last) tree.hasBlocks = true;
  if (count === 1 && slots === 1 && pa < EXACT) {
    const at = table + (index << tree.entryShift);
    if (tree.leaves.writeOne(depth, at, pa, tree.leaves.bits(depth, 1, prot))) {
      tree.addEntries(depth, table, 1);
      tree.cleans.run(table, 1, 1);
      return 1;
    }
  }
  const pages = Math.min(count, pagesToTableEnd(tree, depth, index, slots));
  if (pages === 0 && count > 0) return EINVAL;
  if (!known && !makeRoom(tree, depth, table, index, pages * slots, iova)) return EEXIST;
  tree.leaves.write(depth, table, index, pages, slots, pa, tree.leaves.bits(depth, slots, prot));
  tree.addEntries(depth, table, pages * slots);
  tree.cleans.run(table, 1, pages * slots);
  return pages;
}

/** Pages of `slots` entries from `index` to the end of its table. */
export function pagesToTableEnd(tree: TableTree, depth: number, index: number, slots: number): number {
  const level = tree.levelAt(depth);
  const toWrap = level.runEntries - (index & (level.runEntries - 1));
  const toMemoryEnd = (level.allocBytes >> tree.entryShift) - index;
  const entries = Math.min(toWrap, toMemoryEnd);
  return slots === 1 ? entries : Math.floor(entries / slots);
}

function makeRoom(
  tree: TableTree,
  depth: number,
  table: number,
  index: number,
  entries: number,
  iova: number,
): boolean {
  const span = tree.spanAt(depth);
  const end = index + entries;
  for (let i = firstSet(tree, table, index, end); i < end; i = firstSet(tree, table, i + 1, end)) {
    const at = table + (i << tree.entryShift);
    if (!tree.isTable(depth, tree.lo(at))) return false;
    tree.unlink(depth, at, iova + (i - index) * span);
  }
  return true;
}
