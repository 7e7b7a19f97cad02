/**
 * The two-step DMA API (`dma_iova_try_alloc`, `dma_iova_link`, `dma_iova_sync`, `dma_iova_unlink`, `dma_iova_destroy`;
 * Linux 6.16 and later): one range of addresses, into which pieces are mapped one by one.
 * @module
 */
import { alignDown, alignUp, hex } from '../address.ts';
import type { UnmapOptions } from '../core/options.ts';
import { IommuError, shown } from '../errors.ts';
import { attempt } from './attempt.ts';
import { checkBuffer, type Direction } from './device-options.ts';
import type { DmaDevice } from './dma-device.ts';

/** What is not linked is passed. */
const SKIPPING = { holes: 'skip' } as const;

/** A stretch of whole pages of a range that is mapped. */
interface Piece {
  readonly first: number;
  readonly end: number;
  /** Bounce buffer that it leads to, and bytes of the piece that are in it. */
  readonly buffer?: number;
  readonly bytes?: number;
  readonly direction: Direction;
}

/** A range of addresses into which pieces are linked (`struct dma_iova_state`). */
export class LinkedRange {
  /** DMA address of the first byte. */
  readonly address: number;
  /** Bytes asked for. */
  readonly size: number;
  readonly #device: DmaDevice;
  readonly #first: number;
  readonly #length: number;
  /** Pieces that are mapped, by their first address. */
  readonly #pieces = new Map<number, Piece>();
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
   * @throws IommuError `EMPTY`, `NOT_A_NUMBER`, `OUT_OF_RANGE`
   */
  static tryAlloc(device: DmaDevice, pa: number, size: number): LinkedRange | undefined {
    checkBuffer(pa, size);
    const { space } = device;
    const offset = pa % space.granule;
    const length = alignUp(offset + size, space.granule);
    try {
      const first = device.allocate(length);
      space.keep(first, 'a range of the two-step API');
      return new LinkedRange(device, first, length, offset, size);
    } catch (error) {
      if (error instanceof IommuError && error.code === 'NO_MEMORY') return undefined;
      throw error;
    }
  }

  /**
   * Maps a piece at `offset` bytes from the start (`dma_iova_link`). The ends of a piece that share a page with something an
   * untrusted device must not see go by way of bounce buffers.
   * @throws IommuError `UNALIGNED` where a piece after the first does not begin at a page, or does not lie in its page as the
   * range does; `OUT_OF_RANGE` where it leaves the range; `NO_MEMORY` without a bounce buffer; and as `Domain.map`. Nothing of the
   * piece stays mapped then.
   */
  link(pa: number, offset: number, bytes: number, direction: Direction): void {
    this.#checkAlive();
    checkBuffer(pa, bytes);
    const { granule } = this.#device.space;
    this.#checkWithin(offset, bytes);
    if ((offset > 0 && pa % granule !== 0) || (this.address + offset) % granule !== pa % granule) {
      const message = `expected ${offset === 0 ? 'the place in a page that the range has' : 'a page of its own'}, got ${hex(pa)} at ${hex(offset)}`;
      throw new IommuError('UNALIGNED', 'pa', message, { got: hex(pa), expected: hex(granule) });
    }
    const prot = this.#device.protection(direction);
    const mapped: Piece[] = [];
    try {
      this.#linkParts(pa, this.address + offset, bytes, direction, prot, mapped);
    } catch (error) {
      for (const piece of mapped) attempt(() => this.#unmap([piece], piece.first, piece.end));
      throw error;
    }
  }

  /** Makes the pieces visible where hardware caches what is not mapped (`dma_iova_sync`): a domain's map calls did it. */
  sync(): void {
    this.#checkAlive();
  }

  /**
   * Unmaps what was linked from `offset` bytes on (`dma_iova_unlink`), in one call, at once whatever the policy.
   * @throws IommuError `OUT_OF_RANGE` where that leaves the range, `NOT_MAPPED` where not all of it is linked, and what an invalidation
   * throws; nothing was changed then.
   */
  unlink(offset: number, bytes: number): void {
    this.#checkAlive();
    this.#checkWithin(offset, bytes);
    const { granule } = this.#device.space;
    const first = alignDown(this.address + offset, granule);
    const end = alignUp(this.address + offset + bytes, granule);
    const exact = this.#pieces.get(first);
    if (exact?.end === end) {
      this.#unmap([exact], first, end);
      return;
    }
    const pieces = [...this.#pieces.values()].filter((piece) => piece.first < end && piece.end > first);
    const linked = pieces.reduce((sum, piece) => sum + Math.min(piece.end, end) - Math.max(piece.first, first), 0);
    if (linked < end - first) {
      const message = `expected ${hex(end - first)} linked bytes from ${hex(first)} on, got ${hex(linked)}`;
      throw new IommuError('NOT_MAPPED', 'offset', message, { got: hex(first) });
    }
    this.#unmap(pieces, first, end);
  }

  /**
   * Unmaps everything and gives the addresses back at once, whatever the policy (`dma_iova_destroy` of Linux 7.3). Where an invalidation
   * throws, nothing was changed.
   */
  destroy(): void {
    this.#checkAlive();
    const { space } = this.#device;
    const end = this.#first + this.#length;
    if (this.#pieces.size > 0) this.#unmap([...this.#pieces.values()], this.#first, end, SKIPPING);
    this.#alive = false;
    space.letGo(this.#first);
    space.abandon(this.#first, this.#length);
  }

  /** Head, middle and tail: the ends through bounce buffers where they must be. */
  #linkParts(pa: number, at: number, bytes: number, direction: Direction, prot: number, mapped: Piece[]): void {
    const { granule } = this.#device.space;
    if (!this.#device.bounces(pa, bytes, direction)) {
      this.#map({ first: alignDown(at, granule), end: alignUp(at + bytes, granule), direction }, pa, prot, mapped);
      return;
    }
    const head = pa % granule === 0 ? 0 : Math.min(bytes, granule - (pa % granule));
    const tail = head === bytes ? 0 : (pa + bytes) % granule;
    const middle = bytes - head - tail;
    if (head > 0) this.#bounce(at, head, direction, prot, mapped);
    if (middle > 0) {
      this.#map({ first: at + head, end: at + head + middle, direction }, pa + head, prot, mapped);
    }
    if (tail > 0) this.#bounce(at + bytes - tail, tail, direction, prot, mapped);
  }

  #bounce(at: number, bytes: number, direction: Direction, prot: number, mapped: Piece[]): void {
    const { granule } = this.#device.space;
    const first = alignDown(at, granule);
    const buffer = this.#device.takeBounce(granule);
    try {
      this.#map({ first, end: first + granule, buffer, bytes, direction }, buffer, prot, mapped);
    } catch (error) {
      this.#device.giveBounce(buffer, 0, direction);
      throw error;
    }
    this.#device.fillBounce(bytes, granule);
  }

  #map(piece: Piece, pa: number, prot: number, mapped: Piece[]): void {
    const { domain, granule } = this.#device.space;
    domain.map(piece.first, alignDown(pa, granule), piece.end - piece.first, prot);
    this.#pieces.set(piece.first, piece);
    mapped.push(piece);
  }

  /** Unmaps [from, to), in which these pieces lie in whole or in part; what is left of them stays. */
  #unmap(pieces: readonly Piece[], from: number, to: number, options?: UnmapOptions): void {
    this.#device.space.domain.unmap(from, to - from, options);
    for (const { first, end, buffer, bytes = 0, direction } of pieces) {
      this.#pieces.delete(first);
      if (buffer !== undefined) this.#device.giveBounce(buffer, bytes, direction);
      if (first < from) this.#pieces.set(first, { first, end: from, direction });
      if (to < end) this.#pieces.set(to, { first: to, end, direction });
    }
  }

  #checkWithin(offset: number, bytes: number): void {
    if (Number.isSafeInteger(offset) && Number.isSafeInteger(bytes) && offset >= 0 && bytes > 0) {
      if (offset + bytes <= this.size) return;
    }
    const message = `expected a piece within ${hex(this.size)} bytes, got ${shown(bytes)} bytes at ${shown(offset)}`;
    throw new IommuError('OUT_OF_RANGE', 'offset', message, { got: String(offset), expected: hex(this.size) });
  }

  #checkAlive(): void {
    if (!this.#alive)
      throw new IommuError(
        'FREED',
        'range',
        `expected a live range, got that at ${hex(this.#first)}, which was destroyed`,
      );
  }
}
