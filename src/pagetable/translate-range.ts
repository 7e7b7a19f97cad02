/**
 * Translating many neighbouring pages in one call: one walk a leaf table.
 * @module
 */
import { highHalf, lowHalf } from '../address.ts';
import type { Level } from '../formats/contract.ts';
import { translate } from './scan.ts';
import { indexOf, type TableTree } from './tree.ts';

const TWO_32 = 0x100000000;

/** Whether smallest pages of this table decode by mask and shift alone. */
function decodesByMask(tree: TableTree): boolean {
  const { geometry } = tree;
  return geometry.maxSlots === 1 && geometry.outputBreak >= 2 ** geometry.oas;
}

/**
 * Writes the output addresses of `count` smallest pages from `iova` on into `out`; −1 where nothing is mapped.
 */
export function translateRange(tree: TableTree, iova: number, count: number, out: Float64Array): void {
  const page = 2 ** tree.geometry.pageShift;
  const byMask = decodesByMask(tree);
  for (let done = 0; done < count; ) {
    const at = iova + done * page;
    const table = byMask ? leafTableOf(tree, at) : -1;
    if (table === -1) {
      out[done++] = translate(tree, at);
      continue;
    }
    const index = tree.indexAt(tree.last, at);
    const pages = Math.min(count - done, tree.levelAt(tree.last).entries - index);
    decodeRun(tree, table + (index << tree.entryShift), pages, out, done);
    done += pages;
  }
}

/** Byte offset of the last-level table behind `iova`, or −1. */
function leafTableOf(tree: TableTree, iova: number): number {
  const low = lowHalf(iova);
  const high = highHalf(iova);
  let table = tree.rootOf(iova);
  for (let depth = 0; depth < tree.last; depth++) {
    const level = tree.levels[depth] as Level;
    const lo = tree.lo(table + (indexOf(level, low, high) << tree.entryShift));
    tree.meter.tableReads++;
    if ((lo & level.tableMask) !== level.tableValue) return -1;
    table = tree.tableOffset(lo);
  }
  return table;
}

function decodeRun(tree: TableTree, at: number, pages: number, out: Float64Array, first: number): void {
  const { leafFieldLo, leafFieldHi, addressShift } = tree.geometry;
  const { u32 } = tree.memory;
  const scale = 2 ** addressShift;
  let word = at >>> 2;
  for (let i = 0; i < pages; i++, word += 2) {
    const lo = u32[word] as number;
    const hi = u32[word + 1] as number;
    const field = ((lo & leafFieldLo) >>> 0) + (hi & leafFieldHi) * TWO_32;
    out[first + i] = (lo | hi) === 0 ? -1 : field * scale;
  }
  tree.meter.tableReads += pages;
}
