/**
 * Inner loops over runs of table entries.
 * @module
 */
import type { Entry } from '../formats/contract.ts';
import type { TableMemory } from '../memory/table-memory.ts';

const TWO_32 = 0x100000000;

/** What the loops need of a tree. */
interface Entries {
  readonly memory: TableMemory;
  readonly entryShift: number;
}

/** First index in [from, to) whose entry is not zero, or `to`. */
export function firstSet(tree: Entries, table: number, from: number, to: number): number {
  const { u32 } = tree.memory;
  const step = tree.entryShift === 3 ? 2 : 1;
  let word = (table >>> 2) + from * step;
  for (let i = from; i < to; i++, word += step) {
    if (((u32[word] as number) | (step === 2 ? (u32[word + 1] as number) : 0)) !== 0) return i;
  }
  return to;
}

/** First index in [from, to) whose entry is zero, or `to`. */
export function firstClear(tree: Entries, table: number, from: number, to: number): number {
  const { u32 } = tree.memory;
  const step = tree.entryShift === 3 ? 2 : 1;
  let word = (table >>> 2) + from * step;
  for (let i = from; i < to; i++, word += step) {
    if (((u32[word] as number) | (step === 2 ? (u32[word + 1] as number) : 0)) === 0) return i;
  }
  return to;
}

/** Zeroes `count` entries. */
export function clearRun(tree: Entries, table: number, index: number, count: number): void {
  const words = tree.entryShift === 3 ? 2 : 1;
  const from = (table >>> 2) + index * words;
  tree.memory.u32.fill(0, from, from + count * words);
}

/**
 * Writes `pages` values, each `slots` times, from `index` on; `first` is the first value, each further one is `stride`
 * more.
 */
export function fillRun(
  tree: Entries,
  table: number,
  index: number,
  pages: number,
  slots: number,
  first: Entry,
  stride: number,
): void {
  const { u32 } = tree.memory;
  const wide = tree.entryShift === 3;
  let word = (table >>> 2) + (wide ? index * 2 : index);
  let lo = first.lo >>> 0;
  let hi = first.hi | 0;
  const strideLo = stride % TWO_32;
  const strideHi = Math.floor(stride / TWO_32);
  for (let page = 0; page < pages; page++) {
    for (let slot = 0; slot < slots; slot++) {
      u32[word++] = lo;
      if (wide) u32[word++] = hi;
    }
    lo += strideLo;
    hi += strideHi;
    if (lo >= TWO_32) {
      lo -= TWO_32;
      hi++;
    }
  }
}
