/**
 * Mapping a run of equal pages.
 * @module
 */
import { offsetIn } from '../address.ts';
import { firstSet } from './entries.ts';
import { EEXIST, EINVAL } from './errno.ts';
import type { Place } from './place.ts';
import type { TableTree } from './tree.ts';

/**
 * Maps the pages of a place (see `TableTree.want`) to `pa` on, at most to the end of the table that holds the first. An
 * occupied entry refuses the whole run; empty tables before it are unlinked already. Where the range was found free (`safe`),
 * leaf entries are not tested again, and a new table that is written from end to end is not zeroed.
 * @param keep whether the walk may begin where the last one ended
 * @returns pages mapped, or a negative errno
 */
export function mapRun(tree: TableTree, place: Place, pa: number, prot: number, keep: boolean): number {
  const { depth, iova } = place;
  if (depth === -1) return refuseSize(tree, iova, keep);
  if (depth < tree.last && blocksFit(tree, place, pa) && tree.mapPages(depth, iova, pa, place.count, prot, keep)) {
    return place.count;
  }
  const index = tree.indexAt(depth, iova);
  const known = tree.journal.free && depth === tree.last;
  const whole = known && index === 0 && place.entries >= tree.levelAt(depth).entries;
  const table = whole ? tree.descendToWrite(iova, keep) : tree.descend(iova, depth, keep);
  if (table < 0) return table;
  if (depth < tree.last) tree.hasBlocks = true;
  if (place.entries === 1) {
    const at = table + (index << tree.entryShift);
    if (tree.leaves.writeOne(depth, at, pa, tree.leaves.bits(depth, 1, prot))) {
      tree.addEntries(depth, table, 1);
      tree.journal.wrote = true;
      tree.cleans.run(table, index, 1, 1);
      return 1;
    }
  }
  place.table = table;
  place.index = index;
  return fillRoom(tree, place, pa, prot, known);
}

/** Whether a kernel can take the blocks of a place: of one entry each, in one table, with addresses that entries hold. */
function blocksFit(tree: TableTree, { depth, slots, iova, count }: Place, pa: number): boolean {
  if (!tree.masksLeaves || slots !== 1 || depth < tree.top) return false;
  const { entries, runEntries } = tree.levelAt(depth);
  const span = tree.spanAt(depth);
  const bytes = count * span;
  const table = span * Math.min(entries, runEntries);
  return pa + bytes <= tree.outputEnd && iova + bytes <= tree.reach && offsetIn(iova, table) + bytes <= table;
}

/** Linux walks, and makes tables, before it finds that no level has pages of the size. */
function refuseSize(tree: TableTree, iova: number, keep: boolean): number {
  const table = tree.descend(iova, tree.last, keep);
  return table < 0 ? table : EINVAL;
}

function fillRoom(tree: TableTree, place: Place, pa: number, prot: number, known: boolean): number {
  const { depth, table, index, slots } = place;
  const pages = Math.min(place.count, pagesToTableEnd(tree, place));
  if (pages === 0 && place.count > 0) return EINVAL;
  place.count = pages;
  if (!known && !makeRoom(tree, place)) return EEXIST;
  tree.leaves.write(place, pa, tree.leaves.bits(depth, slots, prot));
  tree.addEntries(depth, table, place.entries);
  tree.journal.wrote = true;
  tree.cleans.run(table, index, 1, place.entries);
  return pages;
}

/** Pages of a place's slots from its index to the end of its table. */
export function pagesToTableEnd(tree: TableTree, { depth, index, slots }: Place): number {
  const level = tree.levelAt(depth);
  const toWrap = level.runEntries - (index & (level.runEntries - 1));
  const toMemoryEnd = (level.allocBytes >> tree.entryShift) - index;
  const entries = Math.min(toWrap, toMemoryEnd);
  return slots === 1 ? entries : Math.floor(entries / slots);
}

function makeRoom(tree: TableTree, { depth, table, index, entries, iova }: Place): boolean {
  const span = tree.spanAt(depth);
  const end = index + entries;
  for (let i = firstSet(tree, table, index, end); i < end; i = firstSet(tree, table, i + 1, end)) {
    const at = table + (i << tree.entryShift);
    if (!tree.isTable(depth, tree.lo(at))) return false;
    tree.removal.unlink(depth, at, iova + (i - index) * span);
    if (tree.rules.unmapped === 'as a run') tree.cleanEntry(at);
  }
  return true;
}
