/**
 * Bounce buffers (`kernel/dma/swiotlb.c`) for buffers that share a granule with something a device must not see. Slots
 * only: what memory holds is not modelled, so copies are counted and not made.
 * @module
 */
import { alignUp, hex, isPow2 } from '../address.ts';
import { IommuError } from '../errors.ts';

/** Bytes of a slot (`IO_TLB_SIZE`). */
const SLOT = 2048;
/** Slots that one buffer may take (`IO_TLB_SEGSIZE`): 256 KiB. */
const MOST_SLOTS = 128;

/** A pool of bounce buffers. */
export class BouncePool {
  readonly #base: number;
  /** Slots of the buffer that begins here, 0 where none does. */
  readonly #lengths: Uint16Array;
  readonly #taken: Uint8Array;
  #next = 0;
  /** Slots in use. */
  used = 0;
  /** Bytes copied to and from buffers, and zeroed around them. */
  copiedBytes = 0;
  zeroedBytes = 0;

  /**
   * @param base physical address, a multiple of 256 KiB
   * @param bytes a multiple of 256 KiB
   * @throws IommuError `UNALIGNED`, `BAD_OPTION`
   */
  constructor(base: number, bytes: number) {
    const segment = SLOT * MOST_SLOTS;
    if (base % segment !== 0) {
      throw new IommuError('UNALIGNED', 'base', `expected a multiple of ${hex(segment)}, got ${hex(base)}`);
    }
    if (!(bytes > 0 && bytes % segment === 0 && bytes <= 2 ** 32)) {
      throw new IommuError('BAD_OPTION', 'bytes', `expected a multiple of ${hex(segment)} up to 4G, got ${bytes}`);
    }
    this.#base = base;
    this.#lengths = new Uint16Array(bytes / SLOT);
    this.#taken = new Uint8Array(bytes / SLOT);
  }

  /** Most bytes that one buffer may have. */
  get largest(): number {
    return SLOT * MOST_SLOTS;
  }

  /** Whether an address lies in the pool. */
  holds(pa: number): boolean {
    return pa >= this.#base && pa < this.#base + this.#taken.length * SLOT;
  }

  /**
   * A buffer of `bytes` at an address aligned to `alignment`, a power of two; −1 where the pool is full.
   * @throws IommuError `OUT_OF_RANGE` where `bytes` is more than a buffer may have.
   */
  take(bytes: number, alignment: number): number {
    if (bytes > this.largest) {
      const message = `expected at most ${hex(this.largest)} bytes in a bounce buffer, got ${hex(bytes)}`;
      throw new IommuError('OUT_OF_RANGE', 'size', message, { got: hex(bytes), expected: hex(this.largest) });
    }
    const slots = Math.ceil(bytes / SLOT);
    const step = Math.max(1, alignment / SLOT);
    const total = this.#taken.length;
    for (let tried = 0, at = alignUp(this.#next, step); tried < total; tried += step, at += step) {
      const first = at + slots > total ? 0 : at;
      if (first === 0) at = 0;
      if (!this.#isFree(first, slots)) continue;
      this.#taken.fill(1, first, first + slots);
      this.#lengths[first] = slots;
      this.used += slots;
      this.#next = first + slots;
      return this.#base + first * SLOT;
    }
    return -1;
  }

  /** Gives a buffer back. */
  give(pa: number): void {
    const first = (pa - this.#base) / SLOT;
    const slots = this.#lengths[first] ?? 0;
    if (slots === 0)
      throw new IommuError('BAD_FREE', 'bounce', `expected the address of a buffer in use, got ${hex(pa)}`, {
        got: hex(pa),
      });
    this.#taken.fill(0, first, first + slots);
    this.#lengths[first] = 0;
    this.used -= slots;
  }

  /** Free slots in a row that do not cross a segment of 256 KiB. */
  #isFree(first: number, slots: number): boolean {
    if ((first % MOST_SLOTS) + slots > MOST_SLOTS) return false;
    for (let i = first; i < first + slots; i++) if (this.#taken[i] === 1) return false;
    return true;
  }
}

/** Whether the DMA layer must bounce a buffer of an untrusted device: it does not fill its granules. */
export function sharesGranule(pa: number, bytes: number, granule: number): boolean {
  return !isPow2(granule) || pa % granule !== 0 || bytes % granule !== 0;
}
