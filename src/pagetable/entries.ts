/**
 * Loops over runs of table entries: short ones here, long ones in a kernel.
 * @module
 */
import type { Entry, Geometry } from '../formats/contract.ts';
import type { TableMemory } from '../memory/table-memory.ts';
import type { Place } from './place.ts';

const TWO_32 = 0x100000000;

/** Runs up to this length are not worth a kernel call. */
const SHORT = 8;

/** What the loops need of a tree. */
interface Entries {
  readonly memory: TableMemory;
  readonly entryShift: number;
}

/** First index in [from, to) whose entry is not zero, or `to`. */
export function firstSet(tree: Entries, table: number, from: number, to: number): number {
  const { kernels } = tree.memory;
  if (to - from > SHORT) {
    return tree.entryShift === 3 ? kernels.firstSet8(table, from, to) : kernels.firstSet4(table, from, to);
  }
  for (let i = from; i < to; i++) if (!isClear(tree, table, i)) return i;
  return to;
}

/** First index in [from, to) whose entry is zero, or `to`. */
export function firstClear(tree: Entries, table: number, from: number, to: number): number {
  const { kernels } = tree.memory;
  if (to - from > SHORT) {
    return tree.entryShift === 3 ? kernels.firstClear8(table, from, to) : kernels.firstClear4(table, from, to);
  }
  for (let i = from; i < to; i++) if (isClear(tree, table, i)) return i;
  return to;
}

/** What tells leaves of several entries. */
interface Leaves extends Entries {
  readonly geometry: Pick<Geometry, 'maxSlots' | 'contiguous'>;
}

/** Whether bits of an 8-byte entry tell a last-level leaf of one entry from one of several. */
export function tellsContiguous({ entryShift, geometry }: Leaves): boolean {
  return entryShift === 3 && (geometry.maxSlots === 1 || geometry.contiguous !== undefined);
}

/** First index in [from, to) whose entry is one of several of a leaf, or `to`; only where {@link tellsContiguous}. */
export function firstContiguous(tree: Leaves, table: number, from: number, to: number): number {
  const { contiguous } = tree.geometry;
  if (contiguous === undefined) return to;
  return tree.memory.kernels.firstWith8(table, from, to, contiguous.lo, contiguous.hi);
}

/** Whether entries [from, to) are leaves of one entry each, or empty: of a last-level table. */
export function areSingle(tree: Leaves, table: number, from: number, to: number): boolean {
  return tree.geometry.maxSlots === 1 || (tellsContiguous(tree) && firstContiguous(tree, table, from, to) === to);
}

function isClear(tree: Entries, table: number, index: number): boolean {
  const { u32 } = tree.memory;
  if (tree.entryShift === 2) return u32[(table >>> 2) + index] === 0;
  const word = (table >>> 2) + 2 * index;
  return ((u32[word] as number) | (u32[word + 1] as number)) === 0;
}

/** Zeroes `count` entries. */
export function clearRun(tree: Entries, table: number, index: number, count: number): void {
  tree.memory.kernels.clear(table + (index << tree.entryShift), count << tree.entryShift);
}

/** Writes the entries of a place's pages: `first` is the value of the first page, each further page's is `stride` more. */
export function fillRun(tree: Entries, place: Place, first: Entry, stride: number): void {
  const { u32, kernels } = tree.memory;
  const { slots, count } = place;
  const at = place.table + (place.index << tree.entryShift);
  if (slots > 1 || count <= SHORT) fillShort(u32, at >>> 2, tree.entryShift === 3, place, first, stride);
  else if (tree.entryShift === 2) kernels.fill4(at, count, first.lo, stride);
  else kernels.fill8(at, count, first.lo, first.hi, stride % TWO_32, Math.floor(stride / TWO_32));
}

function fillShort(
  u32: Uint32Array,
  start: number,
  wide: boolean,
  { slots, count: pages }: Place,
  first: Entry,
  stride: number,
): void {
  let word = start;
  let lo = first.lo >>> 0;
  let hi = first.hi | 0;
  for (let page = 0; page < pages; page++) {
    for (let slot = 0; slot < slots; slot++) {
      u32[word++] = lo;
      if (wide) u32[word++] = hi;
    }
    lo += stride % TWO_32;
    hi = (hi + Math.floor(stride / TWO_32) + (lo >= TWO_32 ? 1 : 0)) | 0;
    if (lo >= TWO_32) lo -= TWO_32;
  }
}
