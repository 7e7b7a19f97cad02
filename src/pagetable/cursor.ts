/**
 * The position of a walk in one tree: the walk kernel, told of this tree, and the tables that it passed last.
 * @module
 */
import type { Entry, Geometry } from '../formats/contract.ts';
import { WALK } from '../memory/kernel-contract.ts';
import type { TableMemory } from '../memory/table-memory.ts';

/** Bits of what {@link Cursor.follow} returns. */
const DEPTH = 15;
const FROM_SHIFT = 4;
const OFFSET = -1024;
const WRITTEN = 256;

/** Depth that a walk reached. */
export function depthReached(found: number): number {
  return found & DEPTH;
}

/** Depth at which a walk began. */
export function depthBegun(found: number): number {
  return (found >>> FROM_SHIFT) & DEPTH;
}

/** Byte offset of the table that a walk reached. */
export function tableReached(found: number): number {
  return (found & OFFSET) >>> 0;
}

/** Whether a walk also wrote the leaf that it was given. */
export function wroteLeaf(found: number): boolean {
  return (found & WRITTEN) !== 0;
}

/** Walks one tree; several trees of one memory take turns. */
export class Cursor {
  readonly #memory: TableMemory;
  readonly #words: Uint32Array;
  #known = false;

  constructor(geometry: Geometry, memory: TableMemory) {
    this.#memory = memory;
    const { levels, tableField, tableFieldShift, entryBytes, syncedLo, syncedHi } = geometry;
    const { leafFieldLo, leafFieldHi, addressShift } = geometry;
    const first = (WALK.levels - WALK.tree) / 4;
    const words = new Uint32Array(first + 4 * levels.length);
    words.set([memory.base, tableField, tableFieldShift, Math.log2(entryBytes), syncedLo, syncedHi]);
    words.set([leafFieldLo, leafFieldHi, addressShift], 6);
    for (const [depth, { shift, entries, tableMask, tableValue }] of levels.entries()) {
      words.set([shift, entries - 1, tableMask, tableValue], first + 4 * depth);
    }
    this.#words = words;
  }

  /**
   * Follows table entries towards the table at depth `target`.
   * @param root byte offset of the root, with its depth in bits 3:0
   * @param keep whether the walk may begin where the last one ended
   * @returns what `depthReached`, `depthBegun` and `tableReached` take apart
   */
  follow(root: number, iova: number, target: number, keep: boolean): number {
    const kept = this.#begin(keep);
    return this.#memory.kernels.follow(root, iova, target, kept);
  }

  /**
   * Walks to the last table, at depth `last`, and writes `count` leaves of 8 bytes where their entries are zero.
   * @returns as `follow`; `wroteLeaf` tells whether it did
   */
  mapPages(root: number, iova: number, pa: number, count: number, last: number, keep: boolean, bits: Entry): number {
    const kept = this.#begin(keep);
    return this.#memory.kernels.mapPages8(root, iova, pa, count, last, kept, bits.lo, bits.hi);
  }

  /** Entries that the last walk passed and that bear no mark of having been cleaned. */
  get unmarked(): number {
    return this.#memory.u32[WALK.walked / 4 + 3] as number;
  }

  /** The last walk went on to a table that is new. */
  extend(depth: number, table: number): void {
    const { u32 } = this.#memory;
    u32[WALK.path / 4 + depth] = table;
    u32[WALK.walked / 4 + 2] = depth;
  }

  /** Makes the next walk start from the root. */
  forget(): void {
    this.#known = false;
  }

  /** Tells the kernels of this tree; 1 where they may begin at the last walk's place, else 0. */
  #begin(keep: boolean): number {
    if (this.#memory.walker !== this) this.#take();
    const kept = keep && this.#known ? 1 : 0;
    this.#known = true;
    return kept;
  }

  #take(): void {
    const memory = this.#memory;
    const { u32 } = memory;
    const words = this.#words;
    for (let i = 0; i < words.length; i++) u32[WALK.tree / 4 + i] = words[i] as number;
    memory.walker = this;
    this.#known = false;
  }
}
