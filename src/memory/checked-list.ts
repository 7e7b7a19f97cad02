/**
 * A list that was checked to its last element, and what was learnt about it: where kernels can read it. A list that lies in
 * the engine's memory is read there; others are copied in, long ones piece by piece.
 * @module
 */
import { type ListArrays, ScatterList } from './scatter-list.ts';
import { STAGED_ELEMENTS, type TableMemory } from './table-memory.ts';

/** Shorter lists are not worth a copy. */
const LEAST_ELEMENTS = 8;

/** What a check learnt of a list of whole pages. */
export interface ListFacts {
  /** Bytes of all its elements. */
  readonly bytes: number;
  /** Whether every element is exactly one smallest page. */
  readonly singlePages: boolean;
}

/** Checks a list that kernels can read; undefined where it is empty, wrong, or not made of whole pages. */
export type ListCheck = (list: ScatterList) => ListFacts | undefined;

/** Neighbouring elements of a list, up to the end of a physically contiguous run. */
export interface ListCut {
  /** Index of the first element. */
  readonly first: number;
  /** Elements. */
  readonly count: number;
}

/** A part of a list, as kernels read it. */
export interface ListPiece {
  readonly cut: ListCut;
  readonly facts: ListFacts;
}

/** A list of whole pages, checked; its pieces are copied in one after the other, each over the one before. */
export class CheckedList implements ListArrays {
  /** Pieces, in order. */
  readonly pieces: ListPiece[] = [];
  /** Bytes of all elements. */
  bytes = 0;
  readonly #memory: TableMemory;
  readonly #list: ListArrays;
  /** The list itself where it lies in the memory. */
  readonly #resident: ScatterList | undefined;
  #copied: ListCut | undefined = undefined;

  private constructor(memory: TableMemory, list: ListArrays, resident: ScatterList | undefined) {
    this.#memory = memory;
    this.#list = list;
    this.#resident = resident;
  }

  /**
   * The list as kernels can read it; undefined where they cannot: where it is short, where a contiguous run has more
   * elements than the room for copies, where that room holds another list (a call into a second domain, from an invalidation),
   * and where the check finds something wrong. What is not undefined must be closed.
   */
  static of(memory: TableMemory, list: ListArrays, check: ListCheck): CheckedList | undefined {
    if (list instanceof ScatterList && list.isIn(memory)) {
      const checked = new CheckedList(memory, list, list);
      return checked.#add({ first: 0, count: list.length }, check) ? checked : undefined;
    }
    const cuts = list.addresses.length < LEAST_ELEMENTS || memory.staging ? undefined : cutList(list);
    if (cuts === undefined) return undefined;
    const checked = new CheckedList(memory, list, undefined);
    if (cuts.every((cut) => checked.#add(cut, check))) return checked;
    checked.close();
    return undefined;
  }

  /** Whether a value is such a list. */
  static is(value: unknown): value is CheckedList {
    return typeof value === 'object' && value !== null && #copied in value;
  }

  get addresses(): ArrayLike<number> {
    return this.#list.addresses;
  }

  get lengths(): ArrayLike<number> {
    return this.#list.lengths;
  }

  /** A piece in the engine's memory, until the next one is opened. */
  open(piece: ListCut): ScatterList {
    if (this.#resident !== undefined) return this.#resident;
    const staged = this.#memory.stagedList(piece.count);
    if (this.#copied?.first !== piece.first) {
      copy(this.addresses, piece.first, staged.addresses);
      copy(this.lengths, piece.first, staged.lengths);
      this.#memory.staging = true;
      this.#copied = piece;
    }
    return staged;
  }

  /** Gives the room for copies back. */
  close(): void {
    if (this.#copied !== undefined) this.#memory.staging = false;
  }

  /** Checks one more piece; false where the check finds something wrong. */
  #add(cut: ListCut, check: ListCheck): boolean {
    const facts = check(this.open(cut));
    if (facts === undefined) return false;
    this.pieces.push({ cut, facts });
    this.bytes += facts.bytes;
    return true;
  }
}

/** Cuts a list where its runs end; undefined where a run has more elements than the room for copies. */
export function cutList(list: ListArrays): readonly ListCut[] | undefined {
  const cuts: ListCut[] = [];
  for (let first = 0; first < list.addresses.length; ) {
    const end = endOfPiece(list, first);
    if (end === first) return undefined;
    cuts.push({ first, count: end - first });
    first = end;
  }
  return cuts;
}

/** The last end of a run that leaves a piece that fits; `first` where there is none. */
function endOfPiece(list: ListArrays, first: number): number {
  const count = list.addresses.length;
  if (count - first <= STAGED_ELEMENTS) return count;
  let end = first + STAGED_ELEMENTS;
  while (end > first && joins(list, first, end)) end--;
  return end;
}

/** Whether an element continues the run before it; elements of no bytes do. */
function joins({ addresses, lengths }: ListArrays, first: number, i: number): boolean {
  if (lengths[i] === 0) return true;
  let before = i - 1;
  while (before > first && lengths[before] === 0) before--;
  return addresses[i] === (addresses[before] as number) + (lengths[before] as number);
}

function copy(from: ArrayLike<number>, first: number, to: Float64Array): void {
  if (from instanceof Float64Array) to.set(from.subarray(first, first + to.length));
  else for (let i = 0; i < to.length; i++) to[i] = from[first + i] as number;
}
