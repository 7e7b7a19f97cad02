/**
 * Mapping where the kernel does it leaf by leaf: a conflict ends the run after the leaves before it, and tables that are empty
 * give way to a larger page by way of a gather.
 * @module
 */
import { firstSet } from './entries.ts';
import { EADDRINUSE, EEXIST } from './errno.ts';
import type { GatheredTable } from './gather.ts';
import { pagesToTableEnd } from './map.ts';
import type { Place } from './place.ts';
import { findMapped } from './scan.ts';
import type { TableTree } from './tree.ts';

/** Told of each table entry that gave way: its address, its bytes and the tables that were below. */
export type Replaced = (iova: number, bytes: number, tables: readonly GatheredTable[]) => void;

/**
 * Maps the pages of a place to `pa` on, at most to the end of the table that holds the first; the place's count is then the
 * pages that were mapped, also where the call fails.
 * @returns 0 or a negative errno
 */
export function mapLeaves(tree: TableTree, place: Place, pa: number, prot: number, replaced: Replaced): number {
  const wanted = place.count;
  place.count = 0;
  const table = tree.descend(place.iova, place.depth, true);
  if (table < 0) return table === EEXIST ? EADDRINUSE : table;
  place.table = table;
  place.index = tree.indexAt(place.depth, place.iova);
  if (place.depth < tree.last) tree.hasBlocks = true;
  const { index, slots } = place;
  const pages = Math.min(wanted, pagesToTableEnd(tree, place));
  let done = 0;
  let errno = 0;
  while (done < pages && errno === 0) {
    const free = pagesBeforeUsed(tree, place, index + done * slots, pages - done);
    place.select(index + done * slots, slots, free);
    if (free > 0) writeLeaves(tree, place, pa + done * slots * tree.spanAt(place.depth), prot);
    done += free;
    if (done < pages) errno = makeRoom(tree, place, index, done, replaced);
  }
  place.select(index, slots, done);
  tree.cleans.count(table, index, 1, done * slots);
  return errno;
}

function writeLeaves(tree: TableTree, place: Place, pa: number, prot: number): void {
  tree.leaves.write(place, pa, tree.leaves.bits(place.depth, place.slots, prot));
  tree.addEntries(place.depth, place.table, place.entries);
}

function pagesBeforeUsed(tree: TableTree, { table, slots }: Place, from: number, pages: number): number {
  return Math.floor((firstSet(tree, table, from, from + pages * slots) - from) / slots);
}

/** Clears the entries of the page after `done` others, which may hold empty tables. */
function makeRoom(tree: TableTree, place: Place, first: number, done: number, replaced: Replaced): number {
  const { depth, table, slots, iova } = place;
  const span = tree.spanAt(depth);
  const from = first + done * slots;
  for (let i = from; i < from + slots; i++) {
    const at = table + (i << tree.entryShift);
    if ((tree.lo(at) | tree.hi(at)) === 0) continue;
    const start = iova + (i - first) * span;
    if (!tree.isTable(depth, tree.lo(at)) || findMapped(tree, start, start + span) !== -1) return EADDRINUSE;
    const below = tree.tableAt(at);
    tree.store(at, 0, 0);
    tree.forgetPath();
    tree.cleanEntry(at);
    const tables = [...tablesBelow(tree, depth + 1, below), { depth: depth + 1, table: below }];
    for (const each of tables) tree.memory.queue(each.table, tree.levelAt(each.depth).allocBytes);
    replaced(start, span, tables);
  }
  return 0;
}

/** Tables below a table, each before those below it. */
function tablesBelow(tree: TableTree, depth: number, table: number): GatheredTable[] {
  if (depth === tree.last) return [];
  const found: GatheredTable[] = [];
  const { entries } = tree.levelAt(depth);
  for (let i = firstSet(tree, table, 0, entries); i < entries; i = firstSet(tree, table, i + 1, entries)) {
    const below = tree.tableAt(table + (i << tree.entryShift));
    found.push({ depth: depth + 1, table: below }, ...tablesBelow(tree, depth + 1, below));
  }
  return found;
}
