/**
 * Dirty tracking: which leaves a device wrote to. The format says how entries tell.
 * @module
 */
import { offsetIn } from '../address.ts';
import type { DirtyState } from '../formats/contract.ts';
import { depthReached, tableReached } from './cursor.ts';
import type { Place } from './place.ts';
import type { TableTree } from './tree.ts';

/** Told of each dirty leaf: its input address (an offset) and its bytes, also where the range covers a part of it. */
export type DirtyVisitor = (iova: number, size: number) => void;

function isDirty(state: DirtyState, lo: number, hi: number): boolean {
  return (lo & state.maskLo) === (state.valueLo | 0) && (hi & state.maskHi) === (state.valueHi | 0);
}

/** Visits the dirty leaves that touch [from, end), and makes them clean unless `keep`. Holes are passed. */
export function readDirty(tree: TableTree, from: number, end: number, keep: boolean, visit: DirtyVisitor): void {
  const { dirty } = tree.geometry;
  if (dirty !== undefined)
    below(tree, tree.stand(tree.top, tree.rootOf(from), from, end), end, new Reader(tree, dirty, keep, visit));
}

/** One read: what is the same for all its leaves. */
class Reader {
  readonly #tree: TableTree;
  readonly #state: DirtyState;
  readonly #keep: boolean;
  readonly #visit: DirtyVisitor;

  constructor(tree: TableTree, state: DirtyState, keep: boolean, visit: DirtyVisitor) {
    this.#tree = tree;
    this.#state = state;
    this.#keep = keep;
    this.#visit = visit;
  }

  /** Reads the leaf of `slots` entries from index `first` of a table on, at input address `iova`. */
  leaf(table: number, first: number, slots: number, iova: number, size: number): void {
    const tree = this.#tree;
    let found = false;
    for (let i = first; i < first + slots; i++) {
      const at = table + (i << tree.entryShift);
      const lo = tree.lo(at);
      const hi = tree.hi(at);
      if (!isDirty(this.#state, lo, hi)) continue;
      found = true;
      if (!this.#keep) tree.store(at, lo ^ this.#state.flip, hi);
    }
    if (found) this.#visit(iova, size);
  }
}

function below(tree: TableTree, place: Place, end: number, reader: Reader): void {
  const { depth, table, index, count, iova } = place;
  const span = tree.spanAt(depth);
  const start = iova - offsetIn(iova, span);
  tree.meter.tableReads += count;
  for (let i = index; i < index + count; ) {
    const at = table + (i << tree.entryShift);
    const lo = tree.lo(at);
    const hi = tree.hi(at);
    const base = start + (i - index) * span;
    if ((lo | hi) === 0) i++;
    else if (tree.isTable(depth, lo)) {
      const stop = Math.min(end, base + span);
      below(tree, tree.stand(depth + 1, tree.tableAt(at), Math.max(iova, base), stop), stop, reader);
      i++;
    } else {
      const slots = tree.geometry.leafSlots(lo, hi, depth);
      const first = i - (i % slots);
      reader.leaf(table, first, slots, base - (i - first) * span, slots * span);
      i = first + slots;
    }
  }
}

/** Marks the entry behind `iova` as a device's write does; false where nothing is mapped. */
export function setDirty(tree: TableTree, iova: number): boolean {
  const { dirty } = tree.geometry;
  if (dirty === undefined || iova >= tree.reach) return false;
  const found = tree.follow(iova, tree.last, false);
  const at = tree.entryAt(depthReached(found), tableReached(found), iova);
  const lo = tree.lo(at);
  const hi = tree.hi(at);
  if ((lo | hi) === 0) return false;
  if (!isDirty(dirty, lo, hi)) tree.store(at, lo ^ dirty.flip, hi);
  return true;
}
