/**
 * Mapping a run of equal pages.
 * @module
 */
import type { Entry } from '../formats/contract.ts';
import { firstSet } from './entries.ts';
import { EEXIST, EINVAL, type TableTree } from './tree.ts';

const BITS: Entry = { lo: 0, hi: 0 };

/**
 * Maps pages from `iova` on, at most to the end of the table that holds the first. An occupied entry refuses the whole
 * run; empty tables before it are unlinked already.
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
  const depth = tree.depthOf(size);
  const table = tree.descend(iova, depth === -1 ? tree.last : depth, keep);
  if (table < 0) return table;
  if (depth === -1) return EINVAL;
  const slots = tree.geometry.slots(depth, size);
  const index = tree.indexAt(depth, iova);
  const pages = Math.min(count, pagesToTableEnd(tree, depth, index, slots));
  if (pages === 0 && count > 0) return EINVAL;
  if (!makeRoom(tree, depth, table, index, pages * slots, iova)) return EEXIST;
  tree.geometry.leaf(depth, slots, prot, BITS);
  tree.writeLeaves(depth, table, index, pages, slots, pa, BITS);
  tree.cleanRun(table, 1, pages * slots);
  return pages;
}

/** Pages of `slots` entries from `index` to the end of its table. */
export function pagesToTableEnd(tree: TableTree, depth: number, index: number, slots: number): number {
  const level = tree.levelAt(depth);
  const toWrap = level.runEntries - (index % level.runEntries);
  const toMemoryEnd = (level.allocBytes >> tree.entryShift) - index;
  return Math.floor(Math.min(toWrap, toMemoryEnd) / slots);
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
