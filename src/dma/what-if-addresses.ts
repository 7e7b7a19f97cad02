/**
 * IOVA allocation for what-if replays: where lists would lie if addresses were handed out anew. Downwards from the top of
 * the space, freed ranges of the same size first. `iova-allocator.ts` is the allocator of Linux.
 * @module
 */
import { alignDown, hex } from '../address.ts';
import { IommuError } from '../errors.ts';

/** `packed`: one behind the other; `aligned`: each aligned to its size, rounded up to a power of two. */
export type IovaPolicy = 'packed' | 'aligned';

/** Hands out ranges of input addresses. */
export class WhatIfAddresses {
  readonly #policy: IovaPolicy;
  readonly #granule: number;
  readonly #free = new Map<number, number[]>();
  #next: number;

  /**
   * @param top end of the space, exclusive
   * @param granule every range starts and ends on a multiple of this
   */
  constructor(policy: IovaPolicy, granule: number, top: number) {
    this.#policy = policy;
    this.#granule = granule;
    this.#next = alignDown(top, granule);
  }

  /**
   * A range of `bytes`, a multiple of the granule.
   * @throws IommuError `NO_MEMORY` where the space is used up.
   */
  allocate(bytes: number): number {
    const size = this.#rounded(bytes);
    const freed = this.#free.get(size)?.pop();
    if (freed !== undefined) return freed;
    const start = this.#policy === 'aligned' ? alignDown(this.#next - size, size) : this.#next - size;
    if (start < this.#granule) {
      throw new IommuError(
        'NO_MEMORY',
        'iova',
        `expected ${hex(bytes)} bytes of free input addresses, got less below ${hex(this.#next)}`,
      );
    }
    this.#next = start;
    return start;
  }

  /** Gives a range back. */
  release(start: number, bytes: number): void {
    const size = this.#rounded(bytes);
    const stack = this.#free.get(size);
    if (stack === undefined) this.#free.set(size, [start]);
    else stack.push(start);
  }

  #rounded(bytes: number): number {
    return this.#policy === 'aligned' ? 2 ** Math.ceil(Math.log2(bytes)) : bytes;
  }
}
