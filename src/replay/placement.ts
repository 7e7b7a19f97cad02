/**
 * Where a traced list is mapped in a what-if: input addresses handed out anew, elements rounded to a larger granule.
 * @module
 */
import { type IovaPolicy, WhatIfAddresses } from '../dma/what-if-addresses.ts';

/** A list as it was traced and as it is mapped. */
interface Placed {
  /** Traced start. */
  readonly start: number;
  /** Traced end. */
  readonly end: number;
  /** Mapped start. */
  readonly iova: number;
  /** Mapped bytes; other than traced ones where elements were rounded. */
  readonly bytes: number;
  /** Traced bytes still live. */
  left: number;
}

/** Unmaps `bytes` from `iova`. */
type Unmap = (iova: number, bytes: number) => void;

/** Places the lists of one domain. */
export class Placement {
  readonly #allocator: WhatIfAddresses;
  readonly #placed: Placed[] = [];

  constructor(policy: IovaPolicy, granule: number, top: number) {
    this.#allocator = new WhatIfAddresses(policy, granule, top);
  }

  /** Reserves room for a traced list of `size` bytes that takes `bytes` here; returns its input address. */
  place(start: number, size: number, bytes: number): number {
    const iova = this.#allocator.allocate(bytes);
    this.#placed.splice(this.#above(start), 0, { start, end: start + size, iova, bytes, left: size });
    return iova;
  }

  /** Takes back a list that could not be mapped. */
  forget(start: number): void {
    const i = this.#above(start) - 1;
    const placed = this.#placed[i];
    if (placed?.start === start) this.#drop(i, placed);
  }

  /**
   * Unmaps what lies in a traced range. A list whose elements were rounded goes as a whole, when its last traced byte
   * goes.
   */
  remove(start: number, size: number, unmap: Unmap): void {
    const end = start + size;
    for (let i = Math.max(0, this.#above(start) - 1); i < this.#placed.length; ) {
      const placed = this.#placed[i] as Placed;
      if (placed.start >= end) return;
      const from = Math.max(start, placed.start);
      const to = Math.min(end, placed.end);
      if (from < to) {
        placed.left -= to - from;
        if (placed.bytes === placed.end - placed.start) unmap(placed.iova + from - placed.start, to - from);
        else if (placed.left <= 0) unmap(placed.iova, placed.bytes);
      }
      if (placed.left <= 0) this.#drop(i, placed);
      else i++;
    }
  }

  #drop(i: number, placed: Placed): void {
    this.#placed.splice(i, 1);
    this.#allocator.release(placed.iova, placed.bytes);
  }

  /** Index of the first list that starts above `start`. */
  #above(start: number): number {
    let low = 0;
    let high = this.#placed.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#placed[middle] as Placed).start <= start) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
