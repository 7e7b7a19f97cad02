/**
 * The two-step DMA API (`dma_iova_try_alloc`, `dma_iova_link`, `dma_iova_sync`, `dma_iova_unlink`, `dma_iova_destroy`;
 * Linux 6.16 and later): one range of addresses, into which pieces are mapped one by one.
 * @module
 */
import { alignDown, alignUp, hex } from '../address.ts';
import { IommuError } from '../errors.ts';
import type { Direction, DmaDevice } from './dma-device.ts';

/** A range of addresses into which pieces are linked (`struct dma_iova_state`). */
export class LinkedRange {
  /** DMA address of the first byte. */
  readonly address: number;
  /** Bytes asked for. */
  readonly size: number;
  readonly #device: DmaDevice;
  readonly #first: number;
  readonly #length: number;
  /** Pieces that are mapped: first address → end. */
  readonly #pieces = new Map<number, number>();
  #alive = true;

  private constructor(device: DmaDevice, first: number, length: number, offset: number, size: number) {
    this.#device = device;
    this.#first = first;
    this.#length = length;
    this.address = first + offset;
    this.size = size;
  }

  /**
   * A range for `size` bytes that begin where `pa` lies in its page (`dma_iova_try_alloc`); undefined where no addresses are left: the
   * caller then maps page by page.
   * @throws IommuError `EMPTY`
   */
  static tryAlloc(device: DmaDevice, pa: number, size: number): LinkedRange | undefined {
    if (!(size > 0)) throw new IommuError('EMPTY', 'size', `expected at least one byte, got ${size}`);
    const { granule } = device.space;
    const offset = pa % granule;
    const length = alignUp(offset + size, granule);
    try {
      return new LinkedRange(device, device.allocate(length), length, offset, size);
    } catch (error) {
      if (error instanceof IommuError && error.code === 'NO_MEMORY') return undefined;
      throw error;
    }
  }

  /**
   * Maps a piece at `offset` bytes from the start (`dma_iova_link`).
   * @throws IommuError `UNALIGNED` where a piece after the first does not begin at a page, `OUT_OF_RANGE` where it leaves the range, and as
   * `Domain.map`.
   */
  link(pa: number, offset: number, bytes: number, direction: Direction): void {
    this.#checkAlive();
    const { space } = this.#device;
    const { granule } = space;
    if (offset > 0 && (pa % granule !== 0 || (this.address + offset) % granule !== 0)) {
      const message = `expected a piece after the first at a page of ${hex(granule)}, got ${hex(pa)} at ${hex(offset)}`;
      throw new IommuError('UNALIGNED', 'pa', message, { got: hex(pa), expected: hex(granule) });
    }
    if (!(offset >= 0 && bytes > 0 && offset + bytes <= this.size)) {
      const message = `expected a piece within ${hex(this.size)} bytes, got ${hex(bytes)} bytes at ${hex(offset)}`;
      throw new IommuError('OUT_OF_RANGE', 'offset', message, { got: hex(offset + bytes), expected: hex(this.size) });
    }
    const first = alignDown(this.address + offset, granule);
    const end = alignUp(this.address + offset + bytes, granule);
    space.domain.map(first, alignDown(pa, granule), end - first, this.#device.protection(direction));
    this.#pieces.set(first, end);
  }

  /** Makes the pieces visible where hardware caches what is not mapped (`dma_iova_sync`): a domain's map calls did it. */
  sync(): void {
    this.#checkAlive();
  }

  /**
   * Unmaps what was linked from `offset` bytes on (`dma_iova_unlink`).
   * @throws IommuError `NOT_MAPPED`
   */
  unlink(offset: number, bytes: number): void {
    this.#checkAlive();
    const { granule, domain } = this.#device.space;
    const first = alignDown(this.address + offset, granule);
    const end = alignUp(this.address + offset + bytes, granule);
    domain.unmap(first, end - first);
    for (const [start, stop] of [...this.#pieces]) {
      if (start >= end || stop <= first) continue;
      this.#pieces.delete(start);
      if (start < first) this.#pieces.set(start, first);
      if (stop > end) this.#pieces.set(end, stop);
    }
  }

  /** Unmaps everything and gives the addresses back at once, whatever the policy (`dma_iova_destroy` of Linux 7.3). */
  destroy(): void {
    this.#checkAlive();
    const { space } = this.#device;
    for (const [start, stop] of this.#pieces) space.domain.unmap(start, stop - start);
    this.#pieces.clear();
    this.#alive = false;
    space.abandon(this.#first, this.#length);
  }

  #checkAlive(): void {
    if (!this.#alive) throw new IommuError('FREED', 'range', `the range at ${hex(this.#first)} was destroyed`);
  }
}
