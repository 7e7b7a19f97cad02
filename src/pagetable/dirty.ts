/**
 * Dirty tracking: which leaves a device wrote to. The format says how entries tell. Entries of a last-level table are read by a
 * kernel, into a bit each; a leaf of several entries is dirty where one of them is.
 * @module
 */
import { alignDown, offsetIn } from '../address.ts';
import type { DirtyState } from '../formats/contract.ts';
import { SCRATCH } from '../memory/table-memory.ts';
import type { CleanedEntries } from './cleaned.ts';
import { depthReached, tableReached } from './cursor.ts';
import { firstContiguous, tellsContiguous } from './entries.ts';
import type { Place } from './place.ts';
import type { TableTree } from './tree.ts';

const BITS = SCRATCH.offset / 4;
/** The bits of a run of one leaf, which is dirty. */
const ONE = Uint32Array.of(1);

/** Neighbouring leaves of one table of which some are dirty; the object and its words are reused. */
export interface DirtyLeaves {
  /** Input address of the first, as an offset; also where the range begins within it. */
  readonly iova: number;
  /** Bytes of a leaf. */
  readonly size: number;
  /** Leaves. */
  readonly count: number;
  /** How many of them are dirty, at least one. */
  readonly dirty: number;
  /** Bit `i % 32` of word `first + i / 32` is set where leaf `i` is dirty. */
  readonly words: Uint32Array;
  /** See `words`. */
  readonly first: number;
}

/** Told of dirty leaves, in order of input address. */
export type DirtyVisitor = (leaves: DirtyLeaves) => void;

/** Calls `visit` with the index of each dirty leaf. */
export function forEachDirty(
  { words, first, count }: Pick<DirtyLeaves, 'words' | 'first' | 'count'>,
  visit: (index: number) => void,
): void {
  for (let start = 0; start < count; start += 32) {
    for (let word = words[first + start / 32] as number; word !== 0; word &= word - 1) {
      visit(start + 31 - Math.clz32(word & -word));
    }
  }
}

/** One leaf that is dirty. */
export function oneDirty({ memory }: TableTree, iova: number, size: number): DirtyLeaves {
  memory.u32[BITS] = 1;
  return { iova, size, count: 1, dirty: 1, words: memory.u32, first: BITS };
}

/** Index of the first dirty leaf, and of the last. */
export function dirtyEnds({ words, first, count }: DirtyLeaves): readonly [from: number, last: number] {
  let from = first;
  while (words[from] === 0) from++;
  let last = first + ((count - 1) >>> 5);
  while (words[last] === 0) last--;
  const low = words[from] as number;
  return [
    (from - first) * 32 + 31 - Math.clz32(low & -low),
    (last - first) * 32 + 31 - Math.clz32(words[last] as number),
  ];
}

/** Whether the bits of an entry say that its page was written to. */
export function isDirty(state: DirtyState, lo: number, hi: number): boolean {
  return (lo & state.maskLo) === (state.valueLo | 0) && (hi & state.maskHi) === (state.valueHi | 0);
}

/**
 * Visits the dirty leaves that touch [from, end), and makes them clean unless `keep`; then also the cache is cleaned of them and
 * the TLB told, where the semantics does so. Holes are passed.
 * @param cleaned where entries are noted that are made clean
 */
export function readDirty(
  tree: TableTree,
  from: number,
  end: number,
  keep: boolean,
  visit: DirtyVisitor,
  cleaned?: CleanedEntries,
): void {
  const { dirty } = tree.geometry;
  if (dirty === undefined) return;
  const reader = new Reader(tree, dirty, keep, visit, cleaned);
  const stop = Math.min(end, tree.reach);
  for (let at = from; at < stop; ) {
    const rootEnd = tree.roots.length === 1 ? stop : Math.min(stop, alignDown(at, tree.rootSpan) + tree.rootSpan);
    reader.below(tree.stand(tree.top, tree.rootOf(at), at, rootEnd), rootEnd);
    at = rootEnd;
  }
}

/** One read: what is the same for all its leaves. */
class Reader {
  readonly #tree: TableTree;
  readonly #state: DirtyState;
  readonly #keep: boolean;
  readonly #tells: boolean;
  readonly #visit: DirtyVisitor;
  readonly #cleaned: CleanedEntries | undefined;
  readonly #found: { -readonly [key in keyof DirtyLeaves]: DirtyLeaves[key] };

  constructor(tree: TableTree, state: DirtyState, keep: boolean, visit: DirtyVisitor, cleaned?: CleanedEntries) {
    this.#cleaned = cleaned;
    this.#tree = tree;
    this.#state = state;
    this.#keep = keep;
    this.#found = { iova: 0, size: 0, count: 0, dirty: 0, words: tree.memory.u32, first: BITS };
    this.#tells = !keep && tree.rules.dirtyCleared === 'cleaned and invalidated';
    this.#visit = visit;
  }

  /** Reads the entries of a place, and those below, up to the address `end`. */
  below(place: Place, end: number): void {
    const tree = this.#tree;
    const { depth, table, index, count, iova } = place;
    const span = tree.spanAt(depth);
    const start = iova - offsetIn(iova, span);
    const byKernel = depth === tree.last && tellsContiguous(tree);
    tree.meter.added.tableReads += count;
    for (let i = index; i < index + count; ) {
      const base = start + (i - index) * span;
      const run = byKernel ? firstContiguous(tree, table, i, index + count) - i : 0;
      if (run > 0) this.#run(table, i, run, base, span);
      i += run > 0 ? run : this.#entry(depth, table, i, Math.max(iova, base), Math.min(end, base + span));
    }
  }

  /** Reads the entry at an index, which holds [from, end) of the range; returns how many entries that were. */
  #entry(depth: number, table: number, i: number, from: number, end: number): number {
    const tree = this.#tree;
    const at = table + (i << tree.entryShift);
    const lo = tree.lo(at);
    const hi = tree.hi(at);
    if ((lo | hi) === 0) return 1;
    if (tree.isTable(depth, lo)) {
      this.below(tree.stand(depth + 1, tree.tableAt(at), from, end), end);
      return 1;
    }
    const slots = tree.geometry.leafSlots(lo, hi, depth);
    const first = i - (i % slots);
    const span = tree.spanAt(depth);
    this.#leaf(table, first, slots, from - offsetIn(from, span * slots), span * slots);
    return first + slots - i;
  }

  /** Leaves of one entry each, from an index of a last-level table on. */
  #run(table: number, index: number, count: number, iova: number, size: number): void {
    const tree = this.#tree;
    const { maskLo, maskHi, valueLo, valueHi, flip } = this.#state;
    const at = table + (index << tree.entryShift);
    const turned = this.#keep ? 0 : flip;
    const { kernels } = tree.memory;
    const dirty = kernels.dirty8(at, count, SCRATCH.offset, maskLo, maskHi, valueLo, valueHi, turned);
    if (dirty === 0) return;
    if (!this.#keep) {
      tree.meter.added.entryWrites += dirty;
      this.#cleaned?.add(at, count, tree.memory.u32, BITS);
    }
    this.#hand(iova, size, count, dirty);
    if (!this.#tells) return;
    const [from, last] = dirtyEnds(this.#found);
    tree.cleans.count(table, index + from, 1, last + 1 - from);
    tree.tlb.addPages(iova + from * size, size, last + 1 - from);
  }

  /** A leaf of `slots` entries from an index of a table on. */
  #leaf(table: number, first: number, slots: number, iova: number, size: number): void {
    const tree = this.#tree;
    let found = false;
    for (let i = first; i < first + slots; i++) {
      const at = table + (i << tree.entryShift);
      const lo = tree.lo(at);
      const hi = tree.hi(at);
      if (!isDirty(this.#state, lo, hi)) continue;
      found = true;
      if (this.#keep) continue;
      tree.store(at, lo ^ this.#state.flip, hi);
      this.#cleaned?.add(at, 1, ONE, 0);
    }
    if (!found) return;
    tree.memory.u32[BITS] = 1;
    this.#hand(iova, size, 1, 1);
    if (!this.#tells) return;
    tree.cleans.count(table, first, 1, slots);
    tree.tlb.addPages(iova, size, 1);
  }

  #hand(iova: number, size: number, count: number, dirty: number): void {
    const found = this.#found;
    found.iova = iova;
    found.size = size;
    found.count = count;
    found.dirty = dirty;
    found.words = this.#tree.memory.u32;
    this.#visit(found);
  }
}

/** Whether a device's write shows in an entry: the bits beside the one that it turns over say so. */
export function isTracked({ maskLo, maskHi, valueLo, valueHi, flip }: DirtyState, lo: number, hi: number): boolean {
  return ((lo ^ valueLo) & maskLo & ~flip) === 0 && ((hi ^ valueHi) & maskHi) === 0;
}

/** Marks the entry behind `iova` as a device's write does; false where nothing is mapped, or writes do not show. */
export function setDirty(tree: TableTree, iova: number): boolean {
  const { dirty } = tree.geometry;
  if (dirty === undefined || iova >= tree.reach) return false;
  const found = tree.follow(iova, tree.last, false);
  const at = tree.entryAt(depthReached(found), tableReached(found), iova);
  const lo = tree.lo(at);
  const hi = tree.hi(at);
  if ((lo | hi) === 0 || !isTracked(dirty, lo, hi)) return false;
  if (!isDirty(dirty, lo, hi)) tree.store(at, lo ^ dirty.flip, hi);
  return true;
}
