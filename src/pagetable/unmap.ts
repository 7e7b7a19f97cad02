/**
 * Unmapping a run of equal pages; splitting what is larger.
 * @module
 */
import type { Entry } from '../formats/contract.ts';
import type { Rules } from '../formats/rules.ts';
import { depthReached, tableReached } from './cursor.ts';
import { areSingle, clearRun, firstClear } from './entries.ts';
import { pagesToTableEnd } from './map.ts';
import type { Place } from './place.ts';
import type { TableTree } from './tree.ts';

const BITS: Entry = { lo: 0, hi: 0 };

/** How an unmap call behaves. */
export interface UnmapMode {
  /** A deferred flush follows: cleared leaves are not announced one by one. */
  queued: boolean;
  /** The range was found mapped: entries are not tested again. */
  mapped: boolean;
  /** What the semantics says of splits. */
  readonly rules: Rules;
}

/**
 * Unmaps pages from `iova` on, at most to the end of the table that holds the first, up to the first hole.
 * @returns pages unmapped; 0 at a hole, or where a split finds no memory
 */
export function unmapRun(tree: TableTree, iova: number, size: number, count: number, mode: UnmapMode): number {
  const place = tree.want(iova, size, count);
  const { depth: target } = place;
  tree.seek(place, target === -1 ? tree.last : target);
  return place.depth === target ? clearPages(tree, place, mode) : unmapPart(tree, place, size, mode);
}

/**
 * Unmaps a range that was found mapped and that lies in one last-level table, whose leaves end where it ends.
 * @returns whether they do
 */
export function unmapInTable(tree: TableTree, iova: number, bytes: number, mode: UnmapMode): boolean {
  const { last, meter } = tree;
  if (tree.depthOf(iova, iova + bytes) !== last) return false;
  const found = tree.follow(iova, last, false);
  if (depthReached(found) !== last) return false;
  const table = tableReached(found);
  const pages = bytes / tree.spanAt(last);
  const index = tree.indexAt(last, iova);
  if (isInsideLeaf(tree, table, index) || isInsideLeaf(tree, table, index + pages)) return false;
  meter.added.walks++;
  meter.added.tableReads += last + 1;
  eraseRun(tree, table, index, pages);
  tree.cleans.run(table, index, pages, 1);
  if (!mode.queued) tree.tlb.addPages(iova, tree.spanAt(last), pages);
  return true;
}

/** Whether a leaf of several entries reaches across the start of an entry of a last-level table. */
function isInsideLeaf(tree: TableTree, table: number, index: number): boolean {
  const { geometry, last } = tree;
  if (geometry.maxSlots === 1 || index === tree.levelAt(last).entries) return false;
  const at = table + (index << tree.entryShift);
  const lo = tree.lo(at);
  const hi = tree.hi(at);
  return (lo | hi) !== 0 && index % geometry.leafSlots(lo, hi, last) !== 0;
}

/** Unmaps pages of what is mapped by something larger, where the walk for them ended. */
function unmapPart(tree: TableTree, place: Place, size: number, mode: UnmapMode): number {
  place.slots = 1;
  if (mode.rules.partOfPage === 'refused' || tree.isEmptyAt(place) || place.depth === tree.last) return 0;
  const compared = separate(tree, place, mode.rules);
  return splitBlock(tree, place, compared, size, mode);
}

/**
 * Makes single entries of a contiguous page that is larger than what is to be unmapped, in place.
 * @returns low word that a further split compares its entry with: Linux 6.1 takes the first of the group
 */
function separate(tree: TableTree, place: Place, rules: Rules): number {
  const { geometry } = tree;
  const { depth, table, index, slots, count, iova } = place;
  const at = table + (index << tree.entryShift);
  const lo = tree.lo(at);
  const hi = tree.hi(at);
  if (tree.isTable(depth, lo)) return lo;
  const group = geometry.leafSlots(lo, hi, depth);
  if (group <= slots || (rules.separates === 'single entries' && slots > 1)) return lo;
  const first = index - (index % group);
  geometry.pieces(lo, hi, depth, depth, 1, BITS);
  place.select(first, 1, group);
  const { erased, memory, wordShift } = tree;
  if (erased.active) erased.keep(memory.u32, (table >>> 2) + (first << wordShift), group << wordShift);
  if (rules.splitOfGroup === 'first') sumsOf(tree, place);
  else tree.leaves.write(place, geometry.address(lo, hi, depth), BITS);
  place.select(index, slots, count);
  tree.cleans.count(table, first, 1, group);
  const whole = tree.spanAt(depth) * group;
  tree.tlb.flushWalk(iova, whole, whole);
  tree.meter.splits++;
  return tree.lo(rules.splitOfGroup === 'first' ? table + (first << tree.entryShift) : at);
}

/**
 * Separates a group as Linux 6.1 does (v7s): a supersection keeps its address field as it stands, even where it is not a
 * multiple of 16 MiB; a large page has attributes in the bits below 64 KiB.
 */
function sumsOf(tree: TableTree, place: Place): void {
  const { depth, table, index, count } = place;
  const lo = tree.lo(table + (index << tree.entryShift));
  const unit = tree.spanAt(depth) * (depth === tree.last ? count : 1);
  tree.geometry.addAddress(lo & -unit, 0, depth, BITS);
  tree.leaves.writeSums(place, BITS);
}

function clearPages(tree: TableTree, place: Place, mode: UnmapMode): number {
  const pages = Math.min(place.count, pagesToTableEnd(tree, place));
  const { table, index, slots, depth } = place;
  if (
    tree.geometry.maxSlots === 1 ||
    (slots === 1 && depth === tree.last && areSingle(tree, table, index, index + pages))
  ) {
    place.count = mode.mapped ? pages : firstClear(tree, table, index, index + pages) - index;
    const cleared = place.count;
    if (place.depth === tree.last) clearLeaves(tree, place, mode);
    else clearEntries(tree, place, mode);
    return cleared;
  }
  place.count = 1;
  let done = 0;
  while (done < pages && clearPage(tree, place, mode)) done++;
  return done;
}

/** Clears leaves of the last level. */
function clearLeaves(tree: TableTree, place: Place, mode: UnmapMode): void {
  const { table, index, slots, count } = place;
  const entries = count * slots;
  if (entries === 0) return;
  eraseRun(tree, table, index, entries);
  tree.cleans.run(table, index, count, slots);
  if (!mode.queued) tree.tlb.addPages(place.iova, tree.spanAt(tree.last), entries);
}

/** Zeroes entries of a last-level table, and counts them as free. */
export function eraseRun(tree: TableTree, table: number, index: number, entries: number): void {
  tree.eraseEntries(table, index, entries);
  tree.memory.addEntries(table, -entries);
}

/** Whether one entry of a contiguous page is all that is to be unmapped. */
function isPartOfPage(tree: TableTree, { depth, table, index, slots }: Place): boolean {
  const at = table + (index << tree.entryShift);
  const lo = tree.lo(at);
  return slots === 1 && !tree.isTable(depth, lo) && tree.geometry.leafSlots(lo, tree.hi(at), depth) > 1;
}

/** Clears the one page of a place, and moves on to the next; false where an entry is empty. */
function clearPage(tree: TableTree, place: Place, mode: UnmapMode): boolean {
  const { depth, table, index, slots, iova } = place;
  if (firstClear(tree, table, index, index + slots) < index + slots) return false;
  if (mode.rules.partOfPage === 'refused' && isPartOfPage(tree, place)) return false;
  separate(tree, place, mode.rules);
  if (depth === tree.last) clearLeaves(tree, place, mode);
  else clearEntries(tree, place, mode);
  place.index = index + slots;
  place.iova = iova + slots * tree.spanAt(depth);
  return true;
}

/** Clears the leaves among the entries of one page, so that no part of it is left where an invalidation throws. */
function clearLeavesOf(tree: TableTree, { depth, table, index, slots }: Place): void {
  for (let i = index; i < index + slots; i++) {
    const word = (table >>> 2) + (i << tree.wordShift);
    if (!tree.isTable(depth, tree.lo(word * 4))) tree.take(word);
  }
}

/** Clears neighbouring entries above the last level, which may be tables, telling the TLB entry by entry. */
function clearEntries(tree: TableTree, place: Place, mode: UnmapMode): void {
  const { depth, table, index, slots, count, entries } = place;
  const span = tree.spanAt(depth);
  if (entries === 0) return;
  const { erased, memory, wordShift } = tree;
  if (erased.active) erased.keep(memory.u32, (table >>> 2) + (index << wordShift), entries << wordShift);
  tree.cleans.run(table, index, count, slots);
  tree.meter.added.entryWrites += entries;
  if (slots > 1) clearLeavesOf(tree, place);
  const { tableMask, tableValue } = tree.levelAt(depth);
  let at = place.iova;
  for (let i = index; i < index + entries; i++) {
    const entry = table + (i << tree.entryShift);
    const below = (tree.lo(entry) & tableMask) === tableValue ? tree.tableAt(entry) : -1;
    tree.take(entry >>> 2);
    if (below !== -1) tree.removal.freeUnlinked(depth + 1, below, at, mode.queued);
    else if (!mode.queued) tree.tlb.addPages(at, span, 1);
    at += span;
  }
}

/**
 * Replaces a block by a table of pieces, without those that are to be unmapped; goes on below where the pieces are still
 * too large.
 * @param compared low word that the block must have for the new table to be kept
 */
function splitBlock(tree: TableTree, place: Place, compared: number, size: number, mode: UnmapMode): number {
  const { geometry } = tree;
  const { depth, iova, count } = place;
  const at = place.table + (place.index << tree.entryShift);
  const table = tree.pool.take(depth + 1, false);
  if (table === -1) return 0;
  const { erased } = tree;
  if (erased.active) {
    erased.keep(tree.memory.u32, at >>> 2, 1 << tree.wordShift);
    erased.made.push(depth + 1, table);
  }
  const lo = tree.lo(at);
  const hi = tree.hi(at);
  const slots = geometry.slots(depth + 1, size);
  place.depth = depth + 1;
  place.table = table;
  const most = slots > 0 ? count : 0;
  place.select(slots > 0 ? tree.indexAt(depth + 1, iova) : tree.levelAt(depth + 1).entries, Math.max(1, slots), most);
  const left = Math.min(most, Math.floor((tree.levelAt(depth + 1).entries - place.index) / place.slots));
  geometry.pieces(lo, hi, depth, depth + 1, place.slots, BITS);
  if (mode.rules.splitAddress === 'lost') writeSums(tree, place);
  else writeAround(tree, place, left, geometry.address(lo, hi, depth));
  if (lo !== compared) {
    tree.meter.dmaWmb++;
    tree.cleans.count(table, 0, 1, 1);
    tree.removal.releaseTable(depth + 1, table);
    return 0;
  }
  tree.link(at, table, depth);
  tree.meter.splits++;
  tree.tlb.split?.(iova, tree.spanAt(depth));
  if (slots > 0) {
    tree.tlb.addPages(iova, size, left);
    return left;
  }
  place.select(tree.indexAt(depth + 1, iova), 1, count);
  tree.meter.added.tableReads++;
  return unmapPart(tree, place, size, mode);
}

/** Writes the pieces of a block into a new table, but for `left` of them from the place's index on. */
function writeAround(tree: TableTree, place: Place, left: number, base: number): void {
  const { slots, index } = place;
  const pieces = tree.levelAt(place.depth).entries / slots;
  const skip = left > 0 ? Math.floor(index / slots) : 0;
  clearRun(tree, place.table, skip * slots, left * slots);
  place.select(0, slots, skip);
  writeSome(tree, place, base);
  place.select((skip + left) * slots, slots, pieces - skip - left);
  writeSome(tree, place, base);
}

/**
 * Writes the pieces of a v7s section as Linux 6.1 does: the physical address is lost, each piece is the one before plus
 * its bytes, and only a piece that begins at the unmapped address is left out.
 */
function writeSums(tree: TableTree, place: Place): void {
  const { depth, table, index, slots } = place;
  const { entries } = tree.levelAt(depth);
  const pieces = Math.floor(entries / slots);
  const whole = index % slots === 0 && index < pieces * slots;
  const before = whole ? index / slots : pieces;
  clearRun(tree, table, 0, entries);
  const first = { lo: BITS.lo, hi: 0 };
  place.select(0, slots, before);
  tree.leaves.writeSums(place, first);
  const rest = whole ? pieces - before - 1 : 0;
  first.lo = (BITS.lo + (before + 1) * slots * tree.spanAt(depth)) >>> 0;
  place.select(index + slots, slots, rest);
  tree.leaves.writeSums(place, first);
  tree.addEntries(depth, table, (before + rest) * slots);
  tree.cleans.run(table, 0, before + rest, slots);
}

function writeSome(tree: TableTree, place: Place, base: number): void {
  const { depth, table, index, slots, count } = place;
  if (count === 0) return;
  tree.leaves.write(place, base + index * tree.spanAt(depth), BITS);
  tree.addEntries(depth, table, place.entries);
  tree.cleans.run(table, index, count, slots);
}
