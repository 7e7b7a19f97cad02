/**
 * Bookkeeping of table memory: which offsets are free, live, queued for invalidation, or hold a list. It knows offsets
 * only; the bytes belong to `TableMemory`.
 * @module
 */
import { hex } from '../address.ts';
import { IommuError } from '../errors.ts';
import type { PageState } from './table-memory.ts';

/** Smallest table: a second-level table of the Arm short-descriptor format. */
export const UNIT_BYTES = 1024;

/** log2 of {@link UNIT_BYTES}. */
export const UNIT_SHIFT = 10;

/** `reuse`: freed tables are handed out again, the last freed first; `bump`: addresses only grow. */
export type AllocationMode = 'reuse' | 'bump';

const STATES: readonly PageState[] = ['free', 'live', 'queued', 'list'];

/** States of a piece, as the allocator keeps them. */
export const STATE = { free: 0, live: 1, queued: 2, list: 3 } as const;

type StateCode = (typeof STATE)[PageState];

/** Units whose states are set at once, in pieces that are so long at least, and begin at a multiple of them. */
const QUAD_SHIFT = 2;
const EACH_UNIT = 0x01010101;

const ORDERS = 33;

/** Where tests make an allocation fail. */
export const REFUSED = -2;

/** log2 of a power of two, at most 32: larger pieces do not exist. */
function orderOf(bytes: number): number {
  return 32 - Math.clz32(bytes - 1);
}

/** Hands out offsets, naturally aligned in physical memory, deterministically. */
export class PageAllocator {
  /** Tables that are live or queued. */
  liveTables = 0;
  /** Bytes that are not free. */
  liveBytes = 0;
  readonly #base: number;
  readonly #reuses: boolean;
  readonly #freed: readonly number[][] = Array.from({ length: ORDERS }, () => []);
  #states = new Uint8Array(256);
  /** The same, four states at a time. */
  #quads = new Uint32Array(this.#states.buffer);
  #next: number;
  #left = -1;

  constructor(firstOffset: number, base: number, mode: AllocationMode) {
    this.#next = firstOffset;
    this.#base = base;
    this.#reuses = mode === 'reuse';
  }

  /** `count` more allocations succeed, all later ones fail; −1 ends it. */
  failAfter(count: number): void {
    this.#left = count;
  }

  /**
   * Takes a freed piece of exactly this size as a live table.
   * @returns its offset; −1 where there is none, {@link REFUSED} where no allocation is let through (see `failAfter`)
   */
  reuse(bytes: number, limit: number): number {
    if (this.#left >= 0 && this.#left-- === 0) return this.#refuse();
    const offset = this.recycled(bytes, limit);
    if (offset !== -1) this.take(offset, bytes, STATE.live);
    return offset;
  }

  /** A freed piece of exactly this size that ends at or below the physical `limit`, or −1. */
  recycled(bytes: number, limit: number): number {
    const stack = this.#stack(bytes);
    if (stack.length === 0) return -1;
    const offset = stack[stack.length - 1] as number;
    if (this.#base + offset + bytes > limit) return -1;
    stack.pop();
    return offset;
  }

  /**
   * For when no fresh memory is left: a freed piece of this size that `recycled` passes over since another was freed last, or a part of
   * a larger one. The rest of that is free in its halves.
   * @returns its offset; −1 where there is none
   */
  lastResort(bytes: number, limit: number): number {
    const fits = (offset: number): boolean => this.#base + offset + bytes <= limit;
    for (let order = orderOf(bytes); this.#reuses && order < ORDERS; order++) {
      const stack = this.#freed[order] as number[];
      const at = stack.findLastIndex(fits);
      const [offset = -1] = at === -1 ? [] : stack.splice(at, 1);
      if (offset !== -1) return this.#split(offset, order, bytes);
    }
    return -1;
  }

  /** Where the next fresh piece of this size would lie. Takes nothing. */
  next(bytes: number): number {
    const physical = this.#base + this.#next;
    const rest = physical % bytes;
    return this.#next + (rest === 0 ? 0 : bytes - rest);
  }

  /** Whether `count` pieces of one size can be taken, freed ones first, of which fresh ones end at or below `end`. */
  holds(count: number, bytes: number, end: number): boolean {
    const fresh = count - this.#stack(bytes).length;
    return this.#left < 0 && (fresh <= 0 || this.next(bytes) + fresh * bytes <= end);
  }

  /** Where the piece lies that is taken when `index` others of this size were taken, of those that {@link PageAllocator.holds} tells of. */
  ahead(index: number, bytes: number): number {
    const stack = this.#stack(bytes);
    const fresh = index - stack.length;
    return fresh < 0 ? (stack[stack.length - 1 - index] as number) : this.next(bytes) + fresh * bytes;
  }

  /** Takes a piece that `recycled` or `next` proposed. */
  take(offset: number, bytes: number, state: StateCode): void {
    if (offset >= this.#next) this.#next = offset + bytes;
    this.mark(offset, bytes, state);
    this.liveBytes += bytes;
    if (state !== STATE.list) this.liveTables++;
  }

  /** Sets the state of a piece. */
  mark(offset: number, bytes: number, state: StateCode): void {
    const end = (offset + bytes) >>> UNIT_SHIFT;
    if (end > this.#states.length) this.#widen(end);
    this.#mark(offset, bytes, state);
  }

  #mark(offset: number, bytes: number, state: StateCode): void {
    const first = offset >>> UNIT_SHIFT;
    const units = bytes >>> UNIT_SHIFT;
    const states = this.#states;
    const quads = this.#quads;
    const end = first + units;
    if (units < 1 << QUAD_SHIFT) for (let unit = first; unit < end; unit++) states[unit] = state;
    else for (let quad = first >>> QUAD_SHIFT; quad < end >>> QUAD_SHIFT; quad++) quads[quad] = state * EACH_UNIT;
  }

  /**
   * Gives a piece back.
   * @throws IommuError `BAD_FREE` where it is free already.
   */
  release(offset: number, bytes: number): void {
    const state = this.#giveBack(offset, bytes, this.#stack(bytes));
    this.liveBytes -= bytes;
    if (state !== STATE.list) this.liveTables--;
  }

  /**
   * Gives back `count` tables of one size, whose offsets are words of a list: all that `release` does for each.
   * @throws IommuError `BAD_FREE` at one that is free already; those before it are given back.
   */
  releaseAll(words: Uint32Array, first: number, count: number, bytes: number): void {
    const stack = this.#stack(bytes);
    let tables = 0;
    try {
      for (; tables < count; tables++) this.#giveBack(words[first + tables] as number, bytes, stack);
    } finally {
      this.liveBytes -= tables * bytes;
      this.liveTables -= tables;
    }
  }

  /** Whether a device may read at `offset`: live or queued. */
  isReadable(offset: number): boolean {
    const state = this.#states[Math.floor(offset / UNIT_BYTES)];
    return state === STATE.live || state === STATE.queued;
  }

  /** State of the unit that holds `offset`; free outside all that was ever handed out. */
  stateAt(offset: number): PageState {
    return STATES[this.#states[Math.floor(offset / UNIT_BYTES)] ?? 0] ?? 'free';
  }

  /** Keeps the first `bytes` of a freed piece and frees the others. */
  #split(offset: number, order: number, bytes: number): number {
    for (let rest = 2 ** order / 2; rest >= bytes; rest /= 2) this.#stack(rest).push(offset + rest);
    return offset;
  }

  /** Makes a piece free, but counts nothing. @returns the state that it had */
  #giveBack(offset: number, bytes: number, stack: number[]): number {
    const state = this.#states[offset >>> UNIT_SHIFT];
    if (state === undefined || state === STATE.free) {
      throw new IommuError(
        'BAD_FREE',
        'offset',
        `expected memory in use, got ${hex(offset)} (${hex(bytes)} bytes), which is free already`,
      );
    }
    this.#mark(offset, bytes, STATE.free);
    if (this.#reuses || state === STATE.list) stack.push(offset);
    return state;
  }

  #refuse(): number {
    this.#left = 0;
    return REFUSED;
  }

  #stack(bytes: number): number[] {
    return this.#freed[orderOf(bytes)] as number[];
  }

  #widen(units: number): void {
    const wider = new Uint8Array(Math.max(units, this.#states.length * 2));
    wider.set(this.#states);
    this.#states = wider;
    this.#quads = new Uint32Array(wider.buffer, 0, wider.length >>> 2);
  }
}
