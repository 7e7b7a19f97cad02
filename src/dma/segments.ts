/**
 * How `iommu_dma_map_sg()` lays a list out in one range of input addresses, and what the device then sees of it. Arrays
 * are kept and grow: a list as long as an earlier one allocates nothing.
 * @module
 */
import type { ListArrays } from '../memory/scatter-list.ts';

/** What a device can take (`struct device_dma_parameters`). */
export interface SegmentLimits {
  /** Most bytes of one segment (`dma_get_max_seg_size`). */
  readonly maxSegment: number;
  /** Segments must not cross multiples of this, a power of two (`dma_get_seg_boundary() + 1`). */
  readonly boundary: number;
}

/** A list rounded out to granules, and its DMA segments. */
export class SegmentList {
  /** Physical addresses, rounded down to the granule. */
  addresses: Float64Array = new Float64Array(16);
  /** Bytes, rounded out to granules, padding before a boundary included. */
  lengths: Float64Array = new Float64Array(16);
  /** Elements. */
  count = 0;
  /** DMA addresses of the segments. */
  dmaAddresses: Float64Array = new Float64Array(16);
  /** Their bytes. */
  dmaLengths: Float64Array = new Float64Array(16);
  /** Segments. */
  segments = 0;
  /** Bytes of the whole range. */
  bytes = 0;
  /** Whether every element is exactly one granule, at its boundary: the list may be mapped as it is. */
  plain = false;

  /**
   * Lays a list out: every element rounded out to granules, and padding in front of an element that would cross a
   * boundary.
   * @param plain whether it is known that every element is one granule
   */
  layOut(list: ListArrays, count: number, granule: number, { boundary }: SegmentLimits, plain: boolean): void {
    this.count = count;
    this.plain = plain || isPlain(list, count, granule);
    if (this.plain) {
      this.bytes = count * granule;
      return;
    }
    if (this.addresses.length < count) this.#grow(count);
    const { addresses, lengths } = this;
    let total = 0;
    for (let i = 0; i < count; i++) {
      const address = list.addresses[i] as number;
      const first = Math.floor(address / granule) * granule;
      const length = Math.ceil((address + (list.lengths[i] as number)) / granule) * granule - first;
      const rest = total % boundary;
      const pad = rest === 0 ? 0 : boundary - rest;
      if (i > 0 && pad !== 0 && pad < length - 1) {
        lengths[i - 1] = (lengths[i - 1] as number) + pad;
        total += pad;
      }
      addresses[i] = first;
      lengths[i] = length;
      total += length;
    }
    this.bytes = total;
  }

  /** The list as it is laid out; valid until the next one. */
  laidOut(): ListArrays {
    const { addresses, lengths, count } = this;
    if (addresses.length === count) return { addresses, lengths };
    return { addresses: addresses.subarray(0, count), lengths: lengths.subarray(0, count) };
  }

  /** Joins elements to segments, once the range has its address. */
  finish(list: ListArrays, iova: number, granule: number, limits: SegmentLimits): void {
    if (this.plain) this.#finishPlain(iova, granule, limits);
    else this.#finish(list, iova, granule, limits);
  }

  /** Takes segments that were mapped one by one. */
  takeSegments(addresses: readonly number[], lengths: ArrayLike<number>): void {
    this.segments = 0;
    for (const [i, address] of addresses.entries()) {
      this.segments = this.#open(this.segments, address);
      this.dmaLengths[i] = lengths[i] as number;
    }
  }

  #finish(list: ListArrays, iova: number, granule: number, { maxSegment, boundary }: SegmentLimits): void {
    let segments = 0;
    let length = 0;
    let at = iova;
    for (let i = 0; i < this.count; i++) {
      const offset = (list.addresses[i] as number) % granule;
      const bytes = list.lengths[i] as number;
      const room = this.lengths[i] as number;
      if (length > 0 && offset === 0 && at % boundary !== 0 && maxSegment - length >= bytes) length += bytes;
      else {
        segments = this.#open(segments, at + offset);
        length = bytes;
      }
      this.dmaLengths[segments - 1] = length;
      at += room;
      if (bytes + offset < room) length = 0;
    }
    this.segments = segments;
  }

  /** Whole granules in a row: segments follow from the limits alone. */
  #finishPlain(iova: number, granule: number, { maxSegment, boundary }: SegmentLimits): void {
    const step = Math.max(granule, Math.floor(maxSegment / granule) * granule);
    const end = iova + this.bytes;
    this.#reserve(Math.ceil(this.bytes / step) + Math.ceil(this.bytes / boundary) + 1);
    const { dmaAddresses, dmaLengths } = this;
    let segments = 0;
    let edge = (Math.floor(iova / boundary) + 1) * boundary;
    for (let at = iova; at < end; segments++) {
      const next = Math.min(at + step, edge, end);
      dmaAddresses[segments] = at;
      dmaLengths[segments] = next - at;
      if (next === edge) edge += boundary;
      at = next;
    }
    this.segments = segments;
  }

  #open(segments: number, address: number): number {
    this.#reserve(segments + 1);
    this.dmaAddresses[segments] = address;
    return segments + 1;
  }

  /** Makes room for segments; those there are kept. */
  #reserve(segments: number): void {
    if (segments <= this.dmaAddresses.length) return;
    const capacity = 2 ** Math.ceil(Math.log2(segments));
    this.dmaAddresses = enlarged(this.dmaAddresses, capacity);
    this.dmaLengths = enlarged(this.dmaLengths, capacity);
  }

  #grow(count: number): void {
    const capacity = 2 ** Math.ceil(Math.log2(count));
    this.addresses = new Float64Array(capacity);
    this.lengths = new Float64Array(capacity);
  }
}

function enlarged(array: Float64Array, capacity: number): Float64Array {
  const larger = new Float64Array(capacity);
  larger.set(array);
  return larger;
}

function isPlain({ addresses, lengths }: ListArrays, count: number, granule: number): boolean {
  const inverse = 1 / granule;
  for (let i = 0; i < count; i++) {
    const page = (addresses[i] as number) * inverse;
    if (Math.floor(page) !== page || lengths[i] !== granule) return false;
  }
  return true;
}
