/**
 * Translating many neighbouring pages in one call: one walk and one kernel call a leaf table, one look at a larger leaf.
 * @module
 */
import { offsetIn } from '../address.ts';
import { SCRATCH } from '../memory/table-memory.ts';
import { depthBegun, depthReached, tableReached } from './cursor.ts';
import { firstContiguous, tellsContiguous } from './entries.ts';
import { translate } from './scan.ts';
import type { TableTree } from './tree.ts';

const PLACES = SCRATCH.bytes / 8;
const PLACE = SCRATCH.offset / 8;

/**
 * Writes the output addresses of `count` smallest pages from `iova` on into `out`; −1 where nothing is mapped. What it
 * counts depends on the tables alone, not on the walk before it.
 */
export function translateRange(tree: TableTree, iova: number, count: number, out: Float64Array): void {
  const page = 2 ** tree.geometry.pageShift;
  tree.forgetPath();
  for (let done = 0; done < count; done += PLACES) {
    const places = Math.min(PLACES, count - done);
    translateInto(tree, iova + done * page, places, page);
    out.set(tree.memory.f64.subarray(PLACE, PLACE + places), done);
  }
}

/** As {@link translateRange}, into the room for copies. */
function translateInto(tree: TableTree, iova: number, count: number, page: number): void {
  for (let done = 0; done < count; ) {
    const at = iova + done * page;
    if (tree.masksLeaves && at < tree.reach) done += translateSome(tree, at, count - done, done, page);
    else tree.memory.f64[PLACE + done++] = translate(tree, at);
  }
}

/** Translates what lies behind one walk, into the places from `place` on; returns the pages. */
function translateSome(tree: TableTree, iova: number, count: number, place: number, page: number): number {
  const { last, meter } = tree;
  const found = tree.follow(iova, last, true);
  const depth = depthReached(found);
  const table = tableReached(found);
  const index = tree.indexAt(depth, iova);
  meter.added.tableReads += depth - depthBegun(found) + 1;
  if (depth < last || !tellsContiguous(tree))
    return translateEntry(tree, depth, table, index, iova, count, place, page);
  const end = Math.min(index + count, tree.levelAt(last).entries);
  const pages = (tree.geometry.ownAddresses === true ? end : firstContiguous(tree, table, index, end)) - index;
  if (pages === 0) return translateEntry(tree, depth, table, index, iova, count, place, page);
  const { addressShift, leafFieldLo, leafFieldHi } = tree.geometry;
  const from = table + (index << tree.entryShift);
  meter.added.tableReads += pages - 1;
  tree.memory.kernels.decode8(from, pages, 8 * (PLACE + place), addressShift, leafFieldLo, leafFieldHi);
  return pages;
}

/** Translates pages of one leaf, or of an entry in which nothing is mapped. */
function translateEntry(
  tree: TableTree,
  depth: number,
  table: number,
  index: number,
  iova: number,
  count: number,
  place: number,
  page: number,
): number {
  const { geometry } = tree;
  const { f64 } = tree.memory;
  const at = table + (index << tree.entryShift);
  const lo = tree.lo(at);
  const hi = tree.hi(at);
  const none = (lo | hi) === 0;
  const size = tree.spanAt(depth) * (none || geometry.maxSlots === 1 ? 1 : geometry.leafSlots(lo, hi, depth));
  const offset = offsetIn(iova, size);
  const pages = Math.min(count, Math.ceil((size - offset) / page));
  const first = none ? -1 : geometry.address(lo, hi, depth) + offset;
  const step = none ? 0 : page;
  for (let i = 0; i < pages; i++) f64[PLACE + place + i] = first + i * step;
  return pages;
}
