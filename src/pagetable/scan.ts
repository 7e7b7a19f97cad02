/**
 * Looking at tables without changing them: translation, the first mapped or unmapped address of a range, all leaves.
 * @module
 */
import { highHalf, lowHalf, offsetIn } from '../address.ts';
import type { Level } from '../formats/contract.ts';
import { firstClear, firstSet } from './entries.ts';
import { indexOf, type TableTree } from './tree.ts';

/**
 * The output address for an input address, or −1. Bits above the input range alias, as in Linux; the caller checks them.
 */
export function translate(tree: TableTree, iova: number): number {
  const { geometry, levels, wordShift, meter } = tree;
  const { u32 } = tree.memory;
  const low = lowHalf(iova);
  const high = highHalf(iova);
  let table = tree.rootOf(iova);
  for (let depth = 0; depth <= tree.last; depth++) {
    const level = levels[depth] as Level;
    const word = (table >>> 2) + (indexOf(level, low, high) << wordShift);
    const lo = (u32[word] as number) | 0;
    const hi = wordShift === 1 ? (u32[word + 1] as number) | 0 : 0;
    meter.tableReads++;
    if ((lo | hi) === 0) return -1;
    if ((lo & level.tableMask) !== level.tableValue) {
      const size = tree.spanAt(depth) * geometry.leafSlots(lo, hi, depth);
      return join(geometry.address(lo, hi, depth), offsetIn(iova, size), size);
    }
    table = tree.tableOffset(lo);
  }
  return -1;
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
  if (tree.roots.length === 1) return findOnPath(tree, from, end, mapped);
  const covered = tree.spanAt(0) * tree.levelAt(0).entries;
  for (let at = from; at < end; at = Math.floor(at / covered + 1) * covered) {
    const stop = Math.min(end, Math.floor(at / covered + 1) * covered);
    const found = findBelow(tree, 0, tree.rootOf(at), at, stop, mapped);
    if (found !== -1) return found;
  }
  return -1;
}

/** Follows single entries as long as the whole range lies behind one, and searches from there. */
function findOnPath(tree: TableTree, from: number, end: number, mapped: boolean): number {
  const { levels, wordShift } = tree;
  const { u32 } = tree.memory;
  const low = lowHalf(from);
  const high = highHalf(from);
  let table = tree.roots[0] as number;
  for (let depth = 0; depth < tree.last; depth++) {
    const level = levels[depth] as Level;
    const span = tree.spanAt(depth);
    if (offsetIn(from, span) + (end - from) > span) return findBelow(tree, depth, table, from, end, mapped);
    const word = (table >>> 2) + (indexOf(level, low, high) << wordShift);
    const lo = (u32[word] as number) | 0;
    tree.meter.tableReads++;
    if ((lo & level.tableMask) !== level.tableValue) return ((lo | tree.hi(word * 4)) !== 0) === mapped ? from : -1;
    table = tree.tableOffset(lo);
  }
  return findBelow(tree, tree.last, table, from, end, mapped);
}

function findBelow(tree: TableTree, depth: number, table: number, from: number, end: number, mapped: boolean): number {
  const span = tree.spanAt(depth);
  const start = from - offsetIn(from, span);
  const index = tree.indexAt(depth, from);
  const count = Math.ceil((end - start) / span);
  const search = mapped ? firstSet : firstClear;
  if (depth === tree.last) {
    const used = tree.memory.entriesIn(table);
    if (mapped ? used === 0 : used === tree.levelAt(depth).entries) return -1;
    const i = search(tree, table, index, index + count) - index;
    return i === count ? -1 : Math.max(from, start + i * span);
  }
  for (let i = 0; i < count; i++) {
    const at = table + ((index + i) << tree.entryShift);
    const found = findInEntry(
      tree,
      depth,
      at,
      Math.max(from, start + i * span),
      Math.min(end, start + (i + 1) * span),
      mapped,
    );
    if (found !== -1) return found;
  }
  return -1;
}

function findInEntry(tree: TableTree, depth: number, at: number, from: number, end: number, mapped: boolean): number {
  const lo = tree.lo(at);
  const hi = tree.hi(at);
  tree.meter.tableReads++;
  if ((lo | hi) === 0) return mapped ? -1 : from;
  if (!tree.isTable(depth, lo)) return mapped ? from : -1;
  return findBelow(tree, depth + 1, tree.tableOffset(lo), from, end, mapped);
}

/** A leaf, as {@link forEachLeaf} hands it out. */
export type LeafVisitor = (iova: number, pa: number, size: number, lo: number, hi: number, depth: number) => void;

/** Calls `visit` for every leaf in order of input address; a contiguous page is one leaf. */
export function forEachLeaf(tree: TableTree, visit: LeafVisitor): void {
  const covered = tree.spanAt(0) * tree.levelAt(0).entries;
  for (const [i, root] of tree.roots.entries()) leavesBelow(tree, 0, root, i * covered, visit);
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
    if (tree.isTable(depth, lo)) leavesBelow(tree, depth + 1, tree.tableOffset(lo), base + i * span, visit);
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
  for (const root of tree.roots) entriesBelow(tree, 0, root, visit);
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
    if (tree.isTable(depth, tree.lo(at))) entriesBelow(tree, depth + 1, tree.tableOffset(tree.lo(at)), visit);
  }
}
