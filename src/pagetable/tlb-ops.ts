/**
 * What a page table tells its driver to invalidate. The page table says what, the driver decides how.
 * @module
 */
import type { Gather } from './gather.ts';

/** Callbacks of a page table; input addresses are offsets from the region's base. */
export interface TlbOps {
  /** A table was unlinked: everything in `size` bytes from `iova`, tables included, with the smallest page `granule`. */
  flushWalk(iova: number, size: number, granule: number): void;
  /** The same of `count` tables whose ranges of `size` bytes each lie one behind the other; absent: `flushWalk` for each. */
  flushWalks?(iova: number, size: number, granule: number, count: number): void;
  /** `count` leaves of `granule` bytes each, one behind the other, were cleared. */
  addPages(iova: number, granule: number, count: number): void;
  /**
   * An unmap removed a table entry, and with it everything in `size` bytes from `iova`; absent: as `flushWalk`.
   * @param queued a flush of everything follows: the leaves need not be announced
   * @returns whether the table must stay until the driver's next sync (with `queued`: its next `flushAll`) is done; otherwise
   * it is invalidated now and freed at once
   */
  removeTable?(iova: number, size: number, granule: number, queued: boolean): boolean;
  /** A page of `size` bytes gave way to smaller ones, of which those from `iova` on are announced as removed next. */
  split?(iova: number, size: number): void;
  /** Everything of this table. */
  flushAll(): void;
  /** Bytes of a table were cleaned for walks that do not snoop; physical address. */
  clean?(physical: number, bytes: number): void;
  /** The root grew, or shrank as a call failed: physical address and level of the new one. */
  changeTop?(root: number, level: number): void;
  /** Invalidate what was gathered; the tables in it are freed afterwards. */
  syncGather?(gather: Gather): void;
}

/** No device. */
export const NO_TLB: TlbOps = {
  flushWalk() {},
  flushWalks() {},
  addPages() {},
  flushAll() {},
};
