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

/** Word in which kernels leave the depth that a walk reached. */
export const DEPTH_WALKED: number = WALK.walked / 4 + 2;
/** First of the words in which they leave the entries without a mark at each depth. */
const UNMARKED = WALK.unmarked / 4;

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

const TWO_52 = 2 ** 52;

/** Walks one tree; several trees of one memory take turns. */
export class Cursor {
  readonly #geometry: Geometry;
  readonly #memory: TableMemory;
  readonly #words: Uint32Array;
  /** Adds to the entries without a mark at each table that a walk goes on to as it is made. */
  readonly #unmarkedLink: number;

  constructor(geometry: Geometry, memory: TableMemory) {
    this.#geometry = geometry;
    this.#memory = memory;
    const { levels, tableField, tableFieldShift, entryBytes, syncedLo, syncedHi } = geometry;
    const { leafFieldLo, leafFieldHi, addressShift, contiguous } = geometry;
    const first = (WALK.levels - WALK.tree) / 4;
    const words = new Uint32Array(first + 4 * levels.length);
    words.set([memory.base, tableField, tableFieldShift, Math.log2(entryBytes), syncedLo, syncedHi]);
    words.set([leafFieldLo, leafFieldHi, addressShift, 0, contiguous?.lo ?? 0, contiguous?.hi ?? 0], 6);
    for (const [depth, { shift, entries, tableMask, tableValue }] of levels.entries()) {
      words.set([shift, entries - 1, tableMask, tableValue], first + 4 * depth);
    }
    this.#words = words;
    this.#unmarkedLink = (syncedLo | syncedHi) === 0 ? 1 : 0;
  }

  /**
   * Follows table entries towards the table at depth `target`, from where the last walk came past. Freeing a table makes it forget.
   * @param root byte offset of the root, with its depth in bits 3:0
   * @param keep whether the answer is that of the part that was walked, or of a walk from the root
   * @returns what `depthReached`, `depthBegun` and `tableReached` take apart
   */
  follow(root: number, iova: number, target: number, keep: boolean): number {
    const memory = this.#memory;
    if (memory.walker !== this) this.start();
    return memory.kernels.follow(root, iova, target, keep ? 1 : 0);
  }

  /** Output address behind an input address: −1 where nothing is mapped, NaN in a leaf of several entries. */
  translate(root: number, iova: number, last: number): number {
    const memory = this.#memory;
    if (memory.walker !== this) this.start();
    return memory.kernels.translate8(root, iova, last);
  }

  /** Depth that the last walk reached. */
  get depth(): number {
    return this.#memory.u32[DEPTH_WALKED] as number;
  }

  /**
   * Walks to the table at depth `depth` and writes `count` leaves of one entry of 8 bytes where their entries are zero.
   * @returns as `follow`; `wroteLeaf` tells whether it did
   */
  mapPages(root: number, iova: number, pa: number, count: number, depth: number, keep: boolean, bits: Entry): number {
    const memory = this.#memory;
    if (memory.walker !== this) this.start();
    return memory.kernels.mapPages8(root, iova, pa, count, depth, keep ? 1 : 0, bits.lo, bits.hi);
  }

  /** Entries that the last walk passed and that bear no mark of having been cleaned. */
  get unmarked(): number {
    return this.#memory.u32[DEPTH_WALKED + 1] as number;
  }

  /** The last walk went on to a table that is new. */
  extend(depth: number, table: number): void {
    const { u32 } = this.#memory;
    u32[WALK.path / 4 + depth] = table;
    u32[UNMARKED + depth] = (u32[UNMARKED + depth - 1] as number) + this.#unmarkedLink;
    u32[DEPTH_WALKED] = depth;
  }

  /** Makes the next walk start from the root. */
  forget(): void {
    if (this.#memory.walker === this) this.#memory.u32[DEPTH_WALKED] = 0;
  }

  /**
   * Lets kernels do whole calls, which know the root and the ends of the ranges.
   * @param root byte offset of the only root, at depth 0
   */
  allowCalls(root: number, inputEnd: number, outputEnd: number): void {
    const words = this.#words;
    const { levels, pageShift } = this.#geometry;
    const last = levels.length - 1;
    const first = (WALK.calls - WALK.tree) / 4;
    new Float64Array(words.buffer, WALK.calls - WALK.tree, 3).set([inputEnd, outputEnd, 2 ** (52 + pageShift)]);
    words.set([root, last, levels[last - 1]?.shift ?? 0, 0], first + 6);
    const end = Math.min(inputEnd, TWO_52);
    words.set([end, Math.floor(end / 2 ** 32)], first + 10);
    if (this.#memory.walker === this) this.#memory.walker = undefined;
  }

  /** Tells the kernels of this tree; the walk starts from the root. */
  start(): void {
    const memory = this.#memory;
    memory.u32.set(this.#words, WALK.tree / 4);
    memory.walker = this;
    memory.u32[DEPTH_WALKED] = 0;
  }
}
