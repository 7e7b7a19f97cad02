/**
 * Unmapping a run of equal pages; splitting what is larger.
 * @module
 */
import type { Entry } from '../formats/contract.ts';
import { depthReached, tableReached } from './cursor.ts';
import { clearRun, firstClear } from './entries.ts';
import { pagesToTableEnd } from './map.ts';
import type { TableTree } from './tree.ts';

const BITS: Entry = { lo: 0, hi: 0 };

/** How an unmap call behaves. */
export interface UnmapMode {
  /** A deferred flush follows: cleared leaves are not announced one by one. */
  queued: boolean;
  /** The range was found mapped: entries are not tested again. */
  mapped: boolean;
  /** Splits as Linux 6.1 does, its defects included. */
  linux: boolean;
}

/**
 * Unmaps pages from `iova` on, at most to the end of the table that holds the first, up to the first hole.
 * @returns pages unmapped; 0 at a hole, or where a split finds no memory
 */
export function unmapRun(tree: TableTree, iova: number, size: number, count: number, mode: UnmapMode): number {
  const { depth: target, slots } = tree.leaves.placeOf(size);
  const found = tree.follow(iova, target === -1 ? tree.last : target, false);
  const depth = depthReached(found);
  tree.meter.walks++;
  tree.meter.tableReads += depth;
  if (depth !== target) return unmapPart(tree, depth, tableReached(found), iova, size, count, mode);
  tree.meter.tableReads++;
  return clearPages(tree, depth, tableReached(found), iova, slots, count, mode);
}

/**
 * Unmaps a range that was found mapped and that lies in one last-level table, all of smallest pages.
 * @returns whether it does
 */
export function unmapInTable(tree: TableTree, iova: number, bytes: number, mode: UnmapMode): boolean {
  const { last, meter } = tree;
  if (tree.depthOf(iova, iova + bytes) !== last) return false;
  const found = tree.follow(iova, last, false);
  if (depthReached(found) !== last) return false;
  meter.walks++;
  meter.tableReads += last + 1;
  clearLeaves(tree, tableReached(found), tree.indexAt(last, iova), bytes / tree.spanAt(last), iova, mode);
  return true;
}

/** Unmaps pages of what is mapped by something larger, at a depth where no such pages are. */
function unmapPart(
  tree: TableTree,
  depth: number,
  table: number,
  iova: number,
  size: number,
  count: number,
  mode: UnmapMode,
): number {
  const index = tree.indexAt(depth, iova);
  const at = table + (index << tree.entryShift);
  tree.meter.tableReads++;
  if ((tree.lo(at) | tree.hi(at)) === 0 || depth === tree.last) return 0;
  const compared = separate(tree, depth, table, index, iova, 1, mode);
  return splitBlock(tree, depth, at, compared, iova, size, count, mode);
}

/**
 * Makes single entries of a contiguous page that is larger than what is to be unmapped, in place.
 * @returns low word that a further split compares its entry with: Linux takes the first of the group
 */
function separate(
  tree: TableTree,
  depth: number,
  table: number,
  index: number,
  iova: number,
  slots: number,
  mode: UnmapMode,
): number {
  const { geometry } = tree;
  const at = table + (index << tree.entryShift);
  const lo = tree.lo(at);
  const hi = tree.hi(at);
  if (tree.isTable(depth, lo)) return lo;
  const group = geometry.leafSlots(lo, hi, depth);
  if (group <= slots || (mode.linux && slots > 1)) return lo;
  const first = index - (index % group);
  geometry.pieces(lo, hi, depth, depth, 1, BITS);
  if (mode.linux && geometry.linux61.splitsFirstOfGroupOnly) sumsOf(tree, depth, table, first, group);
  else tree.leaves.write(depth, table, first, group, 1, geometry.address(lo, hi, depth), BITS);
  tree.cleans.count(1, group);
  const whole = tree.spanAt(depth) * group;
  tree.tlb.flushWalk(iova, whole, whole);
  tree.meter.splits++;
  return tree.lo(mode.linux && geometry.linux61.splitsFirstOfGroupOnly ? table + (first << tree.entryShift) : at);
}

/**
 * Separates a group as Linux 6.1 does (v7s): a supersection keeps its address field as it stands, even where it is not a
 * multiple of 16 MiB; a large page has attributes in the bits below 64 KiB.
 */
function sumsOf(tree: TableTree, depth: number, table: number, first: number, group: number): void {
  const lo = tree.lo(table + (first << tree.entryShift));
  const unit = tree.spanAt(depth) * (depth === tree.last ? group : 1);
  tree.geometry.addAddress(lo & -unit, 0, depth, BITS);
  tree.leaves.writeSums(depth, table, first, group, 1, BITS);
}

function clearPages(
  tree: TableTree,
  depth: number,
  table: number,
  iova: number,
  slots: number,
  count: number,
  mode: UnmapMode,
): number {
  const index = tree.indexAt(depth, iova);
  const pages = Math.min(count, pagesToTableEnd(tree, depth, index, slots));
  if (tree.geometry.maxSlots === 1) {
    const mapped = mode.mapped ? pages : firstClear(tree, table, index, index + pages) - index;
    if (depth === tree.last) clearLeaves(tree, table, index, mapped, iova, mode);
    else clearEntries(tree, depth, table, index, mapped, 1, iova, mode);
    return mapped;
  }
  let done = 0;
  while (done < pages && clearPage(tree, depth, table, index + done * slots, slots, iova, done, mode)) done++;
  return done;
}

function clearLeaves(
  tree: TableTree,
  table: number,
  index: number,
  pages: number,
  iova: number,
  mode: UnmapMode,
): void {
  if (pages === 0) return;
  tree.eraseEntries(table, index, pages);
  tree.addEntries(tree.last, table, -pages);
  tree.cleans.run(table, pages, 1);
  if (!mode.queued) tree.tlb.addPages(iova, tree.spanAt(tree.last), pages);
}

function clearPage(
  tree: TableTree,
  depth: number,
  table: number,
  index: number,
  slots: number,
  iova: number,
  page: number,
  mode: UnmapMode,
): boolean {
  if (firstClear(tree, table, index, index + slots) < index + slots) return false;
  const start = iova + page * slots * tree.spanAt(depth);
  separate(tree, depth, table, index, start, slots, mode);
  clearEntries(tree, depth, table, index, 1, slots, start, mode);
  return true;
}

/** Clears the leaves among the entries of one page, so that no part of it is left where an invalidation throws. */
function clearLeavesOf(tree: TableTree, depth: number, table: number, index: number, slots: number): void {
  for (let i = index; i < index + slots; i++) {
    const word = (table >>> 2) + (i << tree.wordShift);
    if (!tree.isTable(depth, tree.lo(word * 4))) tree.take(word);
  }
  tree.addEntries(depth, table, -slots);
}

/** Clears neighbouring entries, which may be tables, telling the TLB entry by entry. */
function clearEntries(
  tree: TableTree,
  depth: number,
  table: number,
  index: number,
  pages: number,
  slots: number,
  iova: number,
  mode: UnmapMode,
): void {
  const span = tree.spanAt(depth);
  const entries = pages * slots;
  if (entries === 0) return;
  tree.cleans.run(table, pages, slots);
  tree.meter.entryWrites += entries;
  if (slots > 1) clearLeavesOf(tree, depth, table, index, slots);
  const { tableMask, tableValue } = tree.levelAt(depth);
  let at = iova;
  for (let i = index; i < index + entries; i++) {
    const lo = tree.take((table >>> 2) + (i << tree.wordShift));
    if (slots === 1) tree.addEntries(depth, table, -1);
    if ((lo & tableMask) === tableValue) tree.freeUnlinked(depth + 1, tree.tableOffset(lo), at);
    else if (!mode.queued) tree.tlb.addPages(at, span, 1);
    at += span;
  }
}

/**
 * Replaces a block by a table of pieces, without those that are to be unmapped; goes on below where the pieces are still
 * too large.
 */
function splitBlock(
  tree: TableTree,
  depth: number,
  at: number,
  compared: number,
  iova: number,
  size: number,
  count: number,
  mode: UnmapMode,
): number {
  const { geometry } = tree;
  const below = depth + 1;
  const table = tree.pool.take(below, false);
  if (table === -1) return 0;
  const lo = tree.lo(at);
  const hi = tree.hi(at);
  const slots = geometry.slots(below, size);
  const pieceSlots = Math.max(1, slots);
  const index = slots > 0 ? tree.indexAt(below, iova) : tree.levelAt(below).entries;
  const skipped = slots > 0 ? Math.min(count, Math.floor((tree.levelAt(below).entries - index) / pieceSlots)) : 0;
  geometry.pieces(lo, hi, depth, below, pieceSlots, BITS);
  if (mode.linux && geometry.linux61.splitsLoseAddress) writeSums(tree, below, table, index, pieceSlots);
  else
    writeAround(
      tree,
      below,
      table,
      Math.floor(index / pieceSlots),
      skipped,
      pieceSlots,
      geometry.address(lo, hi, depth),
    );
  if (lo !== compared) {
    tree.meter.dmaWmb++;
    tree.cleans.count(1, 1);
    tree.releaseTable(below, table);
    return 0;
  }
  tree.link(at, table);
  tree.meter.splits++;
  if (slots === 0) return unmapPart(tree, below, table, iova, size, count, mode);
  tree.tlb.addPages(iova, size, skipped);
  return skipped;
}

/** Writes the pieces of a block except `skipped` from `skip` on. */
function writeAround(
  tree: TableTree,
  depth: number,
  table: number,
  skip: number,
  skipped: number,
  slots: number,
  base: number,
): void {
  const pieces = tree.levelAt(depth).entries / slots;
  clearRun(tree, table, skip * slots, skipped * slots);
  writePieces(tree, depth, table, 0, skip, slots, base);
  writePieces(tree, depth, table, skip + skipped, pieces - skip - skipped, slots, base);
}

/**
 * Writes the pieces of a v7s section as Linux 6.1 does: the physical address is lost, each piece is the one before plus
 * its bytes, and only a piece that begins at the unmapped address is left out.
 */
function writeSums(tree: TableTree, depth: number, table: number, unmapped: number, slots: number): void {
  const { entries } = tree.levelAt(depth);
  const pieces = Math.floor(entries / slots);
  const whole = unmapped % slots === 0 && unmapped < pieces * slots;
  const before = whole ? unmapped / slots : pieces;
  clearRun(tree, table, 0, entries);
  const first = { lo: BITS.lo, hi: 0 };
  tree.leaves.writeSums(depth, table, 0, before, slots, first);
  const rest = whole ? pieces - before - 1 : 0;
  first.lo = (BITS.lo + (before + 1) * slots * tree.spanAt(depth)) >>> 0;
  tree.leaves.writeSums(depth, table, unmapped + slots, rest, slots, first);
  tree.addEntries(depth, table, (before + rest) * slots);
  tree.cleans.run(table, before + rest, slots);
}

function writePieces(
  tree: TableTree,
  depth: number,
  table: number,
  first: number,
  pieces: number,
  slots: number,
  base: number,
): void {
  if (pieces === 0) return;
  const size = tree.spanAt(depth) * slots;
  tree.leaves.write(depth, table, first * slots, pieces, slots, base + first * size, BITS);
  tree.addEntries(depth, table, pieces * slots);
  tree.cleans.run(table, pieces, slots);
}
