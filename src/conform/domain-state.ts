/**
 * What of a domain a recorded vector is compared with: its entries and its totals.
 * @module
 */
import type { Domain } from '../core/domain.ts';
import { forEachEntry } from '../pagetable/scan.ts';
import type { CleanTotals, EntrySink } from './subject.ts';

/** Hands over the entries in use below the root, without those past the architectural end of a short root; `base` is the memory's. */
export function entriesOf({ table: { tree } }: Domain, base: number, sink: EntrySink): void {
  forEachEntry(tree, (table, depth, index, lo, hi) => {
    const entry = (BigInt(hi >>> 0) << 32n) | BigInt(lo >>> 0);
    sink(BigInt(table + base), tree.levelAt(depth).level, index, entry);
  });
}

/** Tables allocated and freed so far. */
export function tablesOf({ meter }: Domain): { readonly allocated: number; readonly freed: number } {
  return { allocated: meter.tablesAllocated, freed: meter.tablesFreed };
}

/** Cache cleans so far. */
export function cleansOf({ meter }: Domain): CleanTotals {
  return { calls: meter.cleanCalls, bytes: meter.cleanBytes };
}

/** Tables mapped for a walker that does not snoop so far: short descriptors by their bytes, the others by their allocation. */
export function walkerMapsOf({ meter, geometry }: Domain): CleanTotals {
  const [root, below = root] = geometry.levels;
  const calls = geometry.coherent ? 0 : meter.tablesAllocated;
  if (calls === 0 || root === undefined || below === undefined) return { calls, bytes: 0 };
  const first = geometry.entryBytes === 4 ? root.tableBytes : root.allocBytes;
  return { calls, bytes: first + (calls - 1) * below.allocBytes };
}
