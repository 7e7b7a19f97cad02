/**
 * Looking at tables without changing them: translation, the first mapped or unmapped address of a range, all leaves.
 * @module
 */
import { alignDown, offsetIn } from '../address.ts';
import { depthReached, tableReached } from './cursor.ts';
import { firstClear, firstSet } from './entries.ts';
import type { Place } from './place.ts';
import type { TableTree } from './tree.ts';

/**
 * The output address for an input address, or −1. Bits above the input range alias, as in Linux; the caller checks them.
 */
export function translate(tree: TableTree, iova: number): number {
  if (iova >= tree.reach) return -1;
  if (!tree.tellsLeaves) return translateEntry(tree, iova);
  const pa = tree.translate(iova);
  return Number.isNaN(pa) ? translateEntry(tree, iova) : pa;
}

function translateEntry(tree: TableTree, iova: number): number {
  const found = tree.follow(iova, tree.last, false);
  const depth = depthReached(found);
  const at = tree.entryAt(depth, tableReached(found), iova);
  const lo = tree.lo(at);
  const hi = tree.hi(at);
  tree.meter.added.tableReads += depth + 1;
  if ((lo | hi) === 0) return -1;
  const size = sizeOf(tree, depth, lo, hi);
  return join(tree.geometry.address(lo, hi, depth), offsetIn(iova, size), size);
}

/** Bytes of the leaf behind an input address, 0 where nothing is mapped. A contiguous page is one leaf. Counts no work. */
export function leafSize(tree: TableTree, iova: number): number {
  if (iova >= tree.reach) return 0;
  const found = tree.follow(iova, tree.last, false);
  const depth = depthReached(found);
  const at = tree.entryAt(depth, tableReached(found), iova);
  const lo = tree.lo(at);
  const hi = tree.hi(at);
  return (lo | hi) === 0 ? 0 : sizeOf(tree, depth, lo, hi);
}

function sizeOf(tree: TableTree, depth: number, lo: number, hi: number): number {
  const { geometry } = tree;
  return tree.spanAt(depth) * (geometry.maxSlots === 1 ? 1 : geometry.leafSlots(lo, hi, depth));
}

/** Base and offset joined by OR, as Linux does: they overlap only where an address was folded into low bits. */
function join(base: number, offset: number, size: number): number {
  return offsetIn(base, size) === 0 ? base + offset : Number(BigInt(base) | BigInt(offset));
}

/** The first mapped address in [from, end), or −1. */
export function findMapped(tree: TableTree, from: number, end: number): number {
  return find(tree, from, end, true);
}

/** The first unmapped address in [from, end), or −1. */
export function findHole(tree: TableTree, from: number, end: number): number {
  return find(tree, from, end, false);
}

function find(tree: TableTree, from: number, end: number, mapped: boolean): number {
  if (end > tree.reach) return findInReach(tree, from, mapped);
  return tree.roots.length === 1 ? findOnPath(tree, from, end, mapped) : findByRoots(tree, from, end, mapped);
}

function findByRoots(tree: TableTree, from: number, end: number, mapped: boolean): number {
  for (let at = from; at < end; at = alignDown(at, tree.rootSpan) + tree.rootSpan) {
    const stop = Math.min(end, alignDown(at, tree.rootSpan) + tree.rootSpan);
    const found = findBelow(tree, tree.stand(0, tree.rootOf(at), at, stop), stop, mapped);
    if (found !== -1) return found;
  }
  return -1;
}

/** A range that goes on above what the root reaches: there nothing is mapped. */
function findInReach(tree: TableTree, from: number, mapped: boolean): number {
  const found = from < tree.reach ? findOnPath(tree, from, tree.reach, mapped) : -1;
  if (found !== -1 || mapped) return found;
  return Math.max(from, tree.reach);
}

/** Walks to the deepest table that holds the whole range, and searches from there. */
function findOnPath(tree: TableTree, from: number, end: number, mapped: boolean): number {
  const target = tree.depthOf(from, end);
  const found = tree.follow(from, target, false);
  const depth = depthReached(found);
  const table = tableReached(found);
  tree.meter.added.tableReads += depth;
  if (depth === target) {
    if (depth === tree.last) return findLeaf(tree, table, from, end, mapped);
    return findBelow(tree, tree.stand(depth, table, from, end), end, mapped);
  }
  const at = tree.entryAt(depth, table, from);
  tree.meter.added.tableReads++;
  return ((tree.lo(at) | tree.hi(at)) !== 0) === mapped ? from : -1;
}

/** Searches the entries of a place, and the tables below them, up to the address `end`. */
function findBelow(tree: TableTree, place: Place, end: number, mapped: boolean): number {
  const { depth, table, index, count, iova } = place;
  if (depth === tree.last) return findLeaf(tree, table, iova, end, mapped);
  const span = tree.spanAt(depth);
  const start = iova - offsetIn(iova, span);
  const { tableMask, tableValue } = tree.levelAt(depth);
  const { u32 } = tree.memory;
  const first = (table >>> 2) + (index << tree.wordShift);
  const { meter } = tree;
  const none = entriesOf(tree, !mapped);
  const skipped = mapped ? firstSet(tree, table, index, index + count) - index : 0;
  meter.added.tableReads += skipped;
  for (let i = skipped; i < count; i++) {
    meter.added.tableReads++;
    const word = first + (i << tree.wordShift);
    const lo = (u32[word] as number) | 0;
    if ((lo & tableMask) !== tableValue) {
      if (((lo | tree.hi(word * 4)) !== 0) === mapped) return Math.max(iova, start + i * span);
      continue;
    }
    const below = tree.tableAt(word * 4);
    if (depth + 1 === tree.last && tree.memory.entriesIn(below) === none) continue;
    const base = start + i * span;
    const stop = Math.min(end, base + span);
    const found = findBelow(tree, tree.stand(depth + 1, below, Math.max(iova, base), stop), stop, mapped);
    if (found !== -1) return found;
  }
  return -1;
}

/** Entries in use of a last-level table that is full, or empty. */
function entriesOf(tree: TableTree, full: boolean): number {
  return full ? tree.levelAt(tree.last).entries : 0;
}

/** Searches the leaves of a last-level table that hold [from, end). */
function findLeaf(tree: TableTree, table: number, from: number, end: number, mapped: boolean): number {
  if (tree.memory.entriesIn(table) === entriesOf(tree, !mapped)) return -1;
  const span = tree.spanAt(tree.last);
  const start = from - offsetIn(from, span);
  const index = tree.indexAt(tree.last, from);
  const count = Math.ceil((end - start) / span);
  const search = mapped ? firstSet : firstClear;
  const i = search(tree, table, index, index + count) - index;
  return i === count ? -1 : Math.max(from, start + i * span);
}

/** A leaf, as {@link forEachLeaf} hands it out. */
export type LeafVisitor = (iova: number, pa: number, size: number, lo: number, hi: number, depth: number) => void;

/** Calls `visit` for every leaf in order of input address; a contiguous page is one leaf. */
export function forEachLeaf(tree: TableTree, visit: LeafVisitor): void {
  for (const [i, root] of tree.roots.entries()) leavesBelow(tree, tree.top, root, i * tree.rootSpan, visit);
}

function leavesBelow(tree: TableTree, depth: number, table: number, base: number, visit: LeafVisitor): void {
  const { geometry } = tree;
  const { entries } = tree.levelAt(depth);
  const span = tree.spanAt(depth);
  for (let i = firstSet(tree, table, 0, entries); i < entries; ) {
    const at = table + (i << tree.entryShift);
    const lo = tree.lo(at);
    const hi = tree.hi(at);
    let slots = 1;
    if (tree.isTable(depth, lo)) leavesBelow(tree, depth + 1, tree.tableAt(at), base + i * span, visit);
    else {
      slots = geometry.leafSlots(lo, hi, depth);
      visit(base + i * span, geometry.address(lo, hi, depth), span * slots, lo, hi, depth);
    }
    i = firstSet(tree, table, i + slots, entries);
  }
}

/** An entry in use, as {@link forEachEntry} hands it out: table (byte offset), depth, index, value. */
export type EntryVisitor = (table: number, depth: number, index: number, lo: number, hi: number) => void;

/** Calls `visit` for every non-zero entry of every table, a table before the tables below it. */
export function forEachEntry(tree: TableTree, visit: EntryVisitor): void {
  for (const root of tree.roots) entriesBelow(tree, tree.top, root, visit);
}

function entriesBelow(tree: TableTree, depth: number, table: number, visit: EntryVisitor): void {
  const { entries } = tree.levelAt(depth);
  for (let i = firstSet(tree, table, 0, entries); i < entries; i = firstSet(tree, table, i + 1, entries)) {
    const at = table + (i << tree.entryShift);
    visit(table, depth, i, tree.lo(at), tree.hi(at));
  }
  if (depth === tree.last) return;
  for (let i = firstSet(tree, table, 0, entries); i < entries; i = firstSet(tree, table, i + 1, entries)) {
    const at = table + (i << tree.entryShift);
    if (tree.isTable(depth, tree.lo(at))) entriesBelow(tree, depth + 1, tree.tableAt(at), visit);
  }
}
