/**
 * Translating many neighbouring pages in one call: one walk and one kernel call a leaf table.
 * @module
 */
import { SCRATCH } from '../memory/table-memory.ts';
import { depthBegun, depthReached, tableReached } from './cursor.ts';
import { translate } from './scan.ts';
import type { TableTree } from './tree.ts';

const PLACES = SCRATCH.bytes / 8;

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
    out.set(tree.memory.f64.subarray(SCRATCH.offset / 8, SCRATCH.offset / 8 + places), done);
  }
}

/** As {@link translateRange}, into the room for copies. */
function translateInto(tree: TableTree, iova: number, count: number, page: number): void {
  for (let done = 0; done < count; ) {
    const at = iova + done * page;
    const pages = decodes(tree) && at < tree.reach ? decodeTable(tree, at, count - done, done) : 0;
    if (pages === 0) tree.memory.f64[SCRATCH.offset / 8 + done] = translate(tree, at);
    done += Math.max(1, pages);
  }
}

/** Whether every leaf of the last level is one entry with the output address as a field. */
function decodes({ masksLeaves, geometry }: TableTree): boolean {
  return masksLeaves && geometry.maxSlots === 1;
}

/** Decodes entries to the end of the last-level table; 0 where there is none. */
function decodeTable(tree: TableTree, iova: number, count: number, place: number): number {
  const { geometry, last, meter } = tree;
  const found = tree.follow(iova, last, true);
  if (depthReached(found) !== last) return 0;
  const index = tree.indexAt(last, iova);
  const pages = Math.min(count, tree.levelAt(last).entries - index);
  const from = tableReached(found) + (index << tree.entryShift);
  const { addressShift, leafFieldLo, leafFieldHi } = geometry;
  meter.tableReads += last - depthBegun(found) + pages;
  tree.memory.kernels.decode8(from, pages, SCRATCH.offset + 8 * place, addressShift, leafFieldLo, leafFieldHi);
  return pages;
}
