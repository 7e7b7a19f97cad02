/**
 * What an unmap call removed, until its sync: one range of input addresses, as offsets, and what is needed to invalidate it.
 * Linux's `struct iommu_iotlb_gather` for calls of equal pages.
 * @module
 */

/** One gather, reused from sync to sync. */
export class UnmapGather {
  /** First address; infinite where nothing was gathered. */
  start: number = Number.POSITIVE_INFINITY;
  /** Where the range ends. */
  end = 0;
  /** Bytes of the pages added last, as the core cut the request. */
  size = 0;
  /** Bytes of the smallest leaves. */
  leaf: number = Number.POSITIVE_INFINITY;
  /** Whether tables were removed, too. */
  tables = false;
  /** Whether a larger page was split. */
  split = false;

  /** Whether nothing was gathered. */
  get isEmpty(): boolean {
    return this.end === 0;
  }

  /** Bytes. */
  get bytes(): number {
    return this.end - this.start;
  }

  /** Whether a range neither meets nor touches what was gathered. */
  isApart(iova: number, bytes: number): boolean {
    return this.end !== 0 && (iova > this.end || iova + bytes < this.start);
  }

  /** Whether pages of another size were gathered. */
  hasOtherSize(size: number): boolean {
    return this.size !== 0 && this.size !== size;
  }

  /** Adds `bytes` bytes from `iova` on, in pages of `size`. */
  add(iova: number, bytes: number, size: number): void {
    if (iova < this.start) this.start = iova;
    if (iova + bytes > this.end) this.end = iova + bytes;
    this.size = size;
  }

  /** Makes it empty again. */
  reset(): void {
    this.start = Number.POSITIVE_INFINITY;
    this.end = 0;
    this.size = 0;
    this.leaf = Number.POSITIVE_INFINITY;
    this.tables = false;
    this.split = false;
  }
}
