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

/** `reuse`: freed tables are handed out again, the last freed first; `bump`: addresses only grow. */
export type AllocationMode = 'reuse' | 'bump';

const STATES: readonly PageState[] = ['free', 'live', 'queued', 'list'];
const CODE: Readonly<Record<PageState, number>> = { free: 0, live: 1, queued: 2, list: 3 };

/** log2 of a power of two up to 2^31. */
function orderOf(bytes: number): number {
  return 31 - Math.clz32(bytes);
}

/** Hands out offsets, naturally aligned in physical memory, deterministically. */
export class PageAllocator {
  /** Tables that are live or queued. */
  liveTables = 0;
  /** Bytes that are not free. */
  liveBytes = 0;
  readonly #base: number;
  readonly #mode: AllocationMode;
  readonly #freed: number[][] = [];
  #states = new Uint8Array(256);
  #next: number;
  #left = -1;

  constructor(firstOffset: number, base: number, mode: AllocationMode) {
    this.#next = firstOffset;
    this.#base = base;
    this.#mode = mode;
  }

  /** `count` more allocations succeed, all later ones fail; −1 ends it. */
  failAfter(count: number): void {
    this.#left = count;
  }

  /** Whether another allocation is let through (see {@link PageAllocator.failAfter}). */
  admits(): boolean {
    if (this.#left === 0) return false;
    if (this.#left > 0) this.#left--;
    return true;
  }

  /** A freed piece of exactly this size that ends at or below the physical `limit`, or −1. */
  recycled(bytes: number, limit: number): number {
    const stack = this.#freed[orderOf(bytes)];
    const offset = stack?.at(-1) ?? -1;
    if (offset === -1 || this.#base + offset + bytes > limit) return -1;
    stack?.pop();
    return offset;
  }

  /** Where the next fresh piece of this size would lie. Takes nothing. */
  next(bytes: number): number {
    const physical = this.#base + this.#next;
    const rest = physical % bytes;
    return this.#next + (rest === 0 ? 0 : bytes - rest);
  }

  /** Takes a piece that `recycled` or `next` proposed. */
  take(offset: number, bytes: number, state: PageState): void {
    if (offset >= this.#next) this.#next = offset + bytes;
    this.mark(offset, bytes, state);
    this.liveBytes += bytes;
    if (state !== 'list') this.liveTables++;
  }

  /** Sets the state of a piece. */
  mark(offset: number, bytes: number, state: PageState): void {
    const first = offset / UNIT_BYTES;
    const last = first + bytes / UNIT_BYTES;
    if (last > this.#states.length) this.#widen(last);
    const code = CODE[state];
    for (let unit = first; unit < last; unit++) this.#states[unit] = code;
  }

  /**
   * Gives a piece back.
   * @throws IommuError `BAD_FREE` where it is free already.
   */
  release(offset: number, bytes: number): void {
    const state = this.stateAt(offset);
    if (state === 'free') {
      throw new IommuError('BAD_FREE', 'offset', `${hex(offset)} (${hex(bytes)} bytes) is free already`);
    }
    this.mark(offset, bytes, 'free');
    this.liveBytes -= bytes;
    if (state !== 'list') this.liveTables--;
    if (this.#mode === 'reuse' || state === 'list') this.#stack(orderOf(bytes)).push(offset);
  }

  /** State of the unit that holds `offset`; free outside all that was ever handed out. */
  stateAt(offset: number): PageState {
    return STATES[this.#states[Math.floor(offset / UNIT_BYTES)] ?? 0] ?? 'free';
  }

  #stack(order: number): number[] {
    while (this.#freed.length <= order) this.#freed.push([]);
    return this.#freed[order] ?? [];
  }

  #widen(units: number): void {
    const wider = new Uint8Array(Math.max(units, this.#states.length * 2));
    wider.set(this.#states);
    this.#states = wider;
  }
}
