/**
 * What an unmap leaves to be invalidated by one later sync: a range, tables that may be freed once the TLB was told, and the
 * levels concerned. Linux's `struct iommu_iotlb_gather`.
 * @module
 */

const NOTHING = (1n << 64n) - 1n;

/** A table that is unlinked and waits for the sync. */
export interface GatheredTable {
  /** Depth that it had. */
  readonly depth: number;
  /** Byte offset. */
  readonly table: number;
}

/** One gather, reused from sync to sync. Addresses are public 64-bit ones. */
export class Gather {
  /** First address; 2^64 − 1 where nothing was gathered. */
  start: bigint = NOTHING;
  /** Last address; 0 where nothing was gathered. */
  end = 0n;
  /** Tables in the order in which they are freed. */
  tables: readonly GatheredTable[] = [];
  /** Levels at which leaves were removed, as a bitmap. */
  leafLevels = 0;
  /** Levels of the entries whose table was removed, as a bitmap. */
  tableLevels = 0;
  /** A deferred flush of everything follows: no range is gathered. */
  readonly queued: boolean;

  constructor(queued: boolean) {
    this.queued = queued;
  }

  /** Whether there is something for a sync to invalidate. */
  get wantsSync(): boolean {
    return !this.queued && this.start < this.end;
  }

  /** Adds `bytes` bytes from `iova` on; none still move the ends, as in Linux. */
  addRange(iova: bigint, bytes: bigint): void {
    if (this.queued) return;
    const last = BigInt.asUintN(64, iova + bytes - 1n);
    if (iova < this.start) this.start = iova;
    if (last > this.end) this.end = last;
  }

  /** Whether a range neither meets nor touches what was gathered; sums wrap at 2^64. */
  isApart(iova: bigint, bytes: bigint): boolean {
    if (this.queued || this.end === 0n) return false;
    const last = BigInt.asUintN(64, iova + bytes - 1n);
    return iova > BigInt.asUintN(64, this.end + 1n) || BigInt.asUintN(64, last + 1n) < this.start;
  }

  /** Puts the tables of one call in front of those gathered before. */
  addTables(tables: readonly GatheredTable[]): void {
    if (tables.length > 0) this.tables = [...tables, ...this.tables];
  }

  /** Makes it empty again. */
  reset(): void {
    this.start = NOTHING;
    this.end = 0n;
    this.tables = [];
    this.leafLevels = 0;
    this.tableLevels = 0;
  }
}
