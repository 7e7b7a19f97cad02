/**
 * A caller's list that is longer than the room for copies, cut into pieces that fit.
 * @module
 */
import type { ListArrays, ScatterList } from './scatter-list.ts';
import { STAGED_ELEMENTS, type TableMemory } from './table-memory.ts';

/** Neighbouring elements of a list, up to the end of a physically contiguous run. */
export interface ListPiece {
  /** Index of the first element. */
  readonly first: number;
  /** Elements. */
  readonly count: number;
  /** Bytes where the piece was checked to consist of whole pages, else 0. */
  bytes: number;
  /** Whether it was checked that every element is exactly one smallest page. */
  singlePages: boolean;
}

/** A long list; its pieces are copied in one after the other, each over the one before. */
export class PiecedList implements ListArrays {
  readonly addresses: ArrayLike<number>;
  readonly lengths: ArrayLike<number>;
  /** Pieces, in order. */
  readonly pieces: readonly ListPiece[];
  /** Whether every piece was just checked to consist of whole pages. */
  checked = false;

  private constructor({ addresses, lengths }: ListArrays, pieces: readonly ListPiece[]) {
    this.addresses = addresses;
    this.lengths = lengths;
    this.pieces = pieces;
  }

  /** Cuts a list where its runs end; undefined where a run has more elements than the room for copies. */
  static cut(list: ListArrays): PiecedList | undefined {
    const pieces: ListPiece[] = [];
    for (let first = 0; first < list.addresses.length; ) {
      const end = endOfPiece(list, first);
      if (end === first) return undefined;
      pieces.push({ first, count: end - first, bytes: 0, singlePages: false });
      first = end;
    }
    return new PiecedList(list, pieces);
  }

  /** Copies a piece into the engine's memory. */
  stage(memory: TableMemory, piece: ListPiece): ScatterList {
    const { first, count, bytes, singlePages } = piece;
    const staged = memory.stagedList(count);
    copy(this.addresses, first, staged.addresses);
    copy(this.lengths, first, staged.lengths);
    staged.wholeBytes = bytes;
    staged.singlePages = singlePages;
    return staged;
  }
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
