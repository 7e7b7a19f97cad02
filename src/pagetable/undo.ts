/**
 * What the semantics `safe` needs beyond the kernel's calls: leaves removed again without touching tables, and the number of
 * tables that a partial unmap will need.
 * @module
 */
import { alignDown, offsetIn } from '../address.ts';
import { depthReached, tableReached } from './cursor.ts';
import { firstSet } from './entries.ts';
import type { Place } from './place.ts';
import type { TableTree } from './tree.ts';

/**
 * Clears the leaves that start in [from, end), leaving every table in place; the caller tells the TLB. A root that could not
 * grow does not reach all of it.
 * @returns whether there were any
 */
export function eraseLeaves(tree: TableTree, from: number, end: number): boolean {
  const before = tree.meter.entryWrites;
  const reached = Math.min(end, tree.reach);
  for (let at = from; at < reached; at = alignDown(at, tree.rootSpan) + tree.rootSpan) {
    const stop = Math.min(reached, alignDown(at, tree.rootSpan) + tree.rootSpan);
    eraseBelow(tree, tree.stand(tree.top, tree.rootOf(at), at, stop), stop);
  }
  return tree.meter.entryWrites > before;
}

function eraseBelow(tree: TableTree, { depth, table, index, count, iova }: Place, end: number): void {
  const span = tree.spanAt(depth);
  const start = iova - offsetIn(iova, span);
  const stop = index + count;
  for (let i = firstSet(tree, table, index, stop); i < stop; i = firstSet(tree, table, i + 1, stop)) {
    const at = table + (i << tree.entryShift);
    const lo = tree.lo(at);
    const base = start + (i - index) * span;
    if (tree.isTable(depth, lo)) {
      const last = Math.min(end, base + span);
      eraseBelow(tree, tree.stand(depth + 1, tree.tableAt(at), Math.max(iova, base), last), last);
    } else {
      tree.store(at, 0, 0);
      tree.addEntries(depth, table, -1);
      tree.cleans.attempt(at);
    }
  }
}

const NONE: readonly number[] = [];

/** Depth and slots of the leaf that `iova` lies in; depth −1 where nothing is mapped. */
function blockAt(tree: TableTree, iova: number): { depth: number; slots: number } {
  if (iova >= tree.reach) return { depth: -1, slots: 1 };
  const found = tree.follow(iova, tree.last, false);
  const depth = depthReached(found);
  const at = tree.entryAt(depth, tableReached(found), iova);
  const lo = tree.lo(at);
  const hi = tree.hi(at);
  return (lo | hi) === 0 ? { depth: -1, slots: 1 } : { depth, slots: tree.geometry.leafSlots(lo, hi, depth) };
}

/** Spans of the entries that must be split so that an entry boundary lies at `iova`, largest first. */
function splitSpans(tree: TableTree, iova: number): readonly number[] {
  const { depth } = blockAt(tree, iova);
  if (depth === -1 || depth === tree.last) return NONE;
  const spans: number[] = [];
  for (let at = depth; at < tree.last && offsetIn(iova, tree.spanAt(at)) !== 0; at++) spans.push(tree.spanAt(at));
  return spans;
}

/** Whether both ends lie on entries of the deepest table that holds the range: no block reaches across them. */
function isCutAlready(tree: TableTree, from: number, end: number): boolean {
  const depth = tree.depthOf(from, end);
  const span = tree.spanAt(depth);
  return (
    offsetIn(from, span) === 0 && offsetIn(end, span) === 0 && depthReached(tree.follow(from, depth, true)) === depth
  );
}

/** Tables that unmapping exactly [from, end) needs for splits at both ends; a split at both in one block counts once. */
export function tablesForSplits(tree: TableTree, from: number, end: number): number {
  if (!tree.hasBlocks || isCutAlready(tree, from, end)) return 0;
  const left = splitSpans(tree, from);
  const right = splitSpans(tree, end);
  if (left.length + right.length === 0) return 0;
  const shared = right.filter((span) => left.includes(span) && Math.floor(from / span) === Math.floor(end / span));
  return left.length + right.length - shared.length;
}

/** Whether a block or contiguous page straddles `iova`. */
export function straddles(tree: TableTree, iova: number): boolean {
  const { depth, slots } = blockAt(tree, iova);
  return depth !== -1 && iova % (tree.spanAt(depth) * slots) !== 0;
}
