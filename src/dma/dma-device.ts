/**
 * The DMA API of one device over the DMA side of a domain: what `dma_map_page()`, `dma_map_sg()` and their opposites do in
 * `drivers/iommu/dma-iommu.c`.
 * @module
 */
import { alignDown, alignUp, hex } from '../address.ts';
import { ArgumentCheck } from '../core/checks.ts';
import { IommuError } from '../errors.ts';
import { PROT } from '../formats/protection.ts';
import { CheckedList } from '../memory/checked-list.ts';
import { asArrays, type ListArrays, type ListInput } from '../memory/scatter-list.ts';
import { attempt } from './attempt.ts';
import { type BouncePool, sharesGranule } from './bounce.ts';
import {
  ACCESS,
  addressEnds,
  allocatedSize,
  checkAttributes,
  checkBuffer,
  checkDirection,
  type Direction,
  type DmaAttributes,
  type DmaDeviceOptions,
  deviceOptions,
  NO_ATTRIBUTES,
  type SmallBuffers,
  segmentLimits,
} from './device-options.ts';
import type { DmaSpace } from './dma-space.ts';
import { MOST_CACHED } from './iova-cache.ts';
import { type SegmentLimits, SegmentList } from './segments.ts';

/** What a device's mappings were. */
export interface DmaCounts {
  /** Pages and lists mapped. */
  maps: number;
  /** Elements of lists, and segments that they became. */
  elements: number;
  segments: number;
  unmaps: number;
  /** Buffers that were bounced. */
  bounced: number;
  /** Maps that failed. */
  failures: number;
}

/** One device in a domain. A DMA address is where the device finds the first byte. */
export class DmaDevice {
  /** The domain's DMA side. */
  readonly space: DmaSpace;
  /** What was done. */
  readonly counts: DmaCounts = { maps: 0, elements: 0, segments: 0, unmaps: 0, bounced: 0, failures: 0 };
  /** Segments of the last list that was mapped; valid until the next one. */
  readonly list: SegmentList = new SegmentList();
  /** Last address of streaming mappings. */
  readonly last: number;
  /** Last address of coherent allocations. */
  readonly coherentLast: number;
  /** Whether the device snoops. */
  readonly coherent: boolean;
  /** What it takes. */
  readonly limits: SegmentLimits;
  readonly #pool: BouncePool | undefined;
  readonly #small: SmallBuffers | undefined;
  /** Bounce buffer by the page of the DMA address that leads to it. */
  readonly #bounced = new Map<number, number>();
  /** First pages of segments that were mapped one by one. */
  readonly #single = new Set<number>();
  readonly #check: ArgumentCheck;
  readonly #untrusted: boolean;
  #first32: boolean;

  /** @throws IommuError `BAD_OPTION`, also where the masks leave no address at all. */
  constructor(space: DmaSpace, given: DmaDeviceOptions = {}) {
    const options = deviceOptions(space, given);
    this.space = space;
    ({ last: this.last, coherentLast: this.coherentLast } = addressEnds(space, options));
    this.limits = segmentLimits(options, space.granule);
    this.coherent = options.coherent ?? true;
    this.#pool = options.untrusted ?? options.small?.pool;
    this.#small = options.small;
    this.#untrusted = options.untrusted !== undefined;
    this.#check = new ArgumentCheck(space.domain.geometry, space.domain.memory);
    this.#first32 = options.pci ?? true;
  }

  /** Most bytes that one mapping may have (`dma_max_mapping_size`). */
  get maxMapping(): number {
    return this.#untrusted ? (this.#pool?.largest ?? 0) : Number.MAX_SAFE_INTEGER;
  }

  /** Bytes of a mapping up to which its addresses come from caches (`dma_opt_mapping_size`). */
  get optimalMapping(): number {
    return MOST_CACHED * this.space.granule;
  }

  /** Low bits in which an element may end and the next begin and still be joined (`dma_get_merge_boundary`). */
  get mergeBoundary(): number {
    return this.space.granule - 1;
  }

  /**
   * Protection that a direction asks for. `none` gives no access, which a domain refuses.
   * @throws IommuError `BAD_OPTION` for an unknown direction, `UNSUPPORTED` for an unknown attribute.
   */
  protection(direction: Direction, attributes: DmaAttributes = NO_ATTRIBUTES): number {
    checkDirection(direction);
    if (attributes !== NO_ATTRIBUTES) checkAttributes(attributes);
    const { privileged = false, mmio = false } = attributes;
    const memory = mmio ? PROT.MMIO : this.coherent ? PROT.CACHE : 0;
    return ACCESS[direction] | memory | (privileged ? PROT.PRIV : 0);
  }

  /**
   * Maps one buffer (`dma_map_page`). @returns its DMA address
   * @throws IommuError `NO_MEMORY` where no address or no table is left, and as `Domain.map`; nothing stays mapped then.
   */
  mapPage(pa: number, bytes: number, direction: Direction, attributes: DmaAttributes = NO_ATTRIBUTES): number {
    checkBuffer(pa, bytes);
    const prot = this.protection(direction, attributes);
    if (this.#pool !== undefined && attributes.mmio !== true && this.bounces(pa, bytes, direction)) {
      return this.#mapBounced(this.#pool, pa, bytes, prot);
    }
    return this.#mapAt(pa, bytes, prot);
  }

  /** Whether a buffer goes by way of a bounce buffer. */
  bounces(pa: number, bytes: number, direction: Direction): boolean {
    if (this.#pool === undefined || !sharesGranule(pa, bytes, this.space.granule)) return false;
    return this.#untrusted || this.#sharesLine(bytes, direction);
  }

  /** A bounce buffer of one granule or more. @throws IommuError `NO_MEMORY` where none is free */
  takeBounce(length: number): number {
    const buffer = this.#pool?.take(length, this.space.granule) ?? -1;
    if (buffer !== -1) return buffer;
    this.counts.failures++;
    const got = hex(length);
    throw new IommuError('NO_MEMORY', 'bounce', `expected a free bounce buffer of ${got} bytes, got none`, { got });
  }

  /** Gives a bounce buffer back, of which `bytes` are copied to the buffer unless the device only read. */
  giveBounce(buffer: number, bytes: number, direction: Direction): void {
    if (this.#pool === undefined) return;
    if (direction !== 'to-device') this.#pool.copiedBytes += bytes;
    this.#pool.give(buffer);
  }

  /** Counts what is copied into a bounce buffer and zeroed around it. */
  fillBounce(bytes: number, length: number): void {
    if (this.#pool === undefined) return;
    this.counts.bounced++;
    this.#pool.copiedBytes += bytes;
    this.#pool.zeroedBytes += length - bytes;
  }

  /**
   * Unmaps what `mapPage` mapped.
   * @throws IommuError `BAD_FREE` or `NOT_MAPPED` where nothing of that size was mapped there; nothing was changed then.
   */
  unmapPage(address: number, bytes: number, direction: Direction): void {
    checkBuffer(address, bytes);
    this.#unmap(address, bytes, direction, false);
  }

  /**
   * Maps a list into one range of addresses (`dma_map_sg`). @returns the number of segments, which {@link list} holds
   * @throws IommuError as `mapPage`; `EMPTY` for a list without bytes, `BAD_OPTION` where its sum is not exact as a number
   */
  mapSg(list: ListInput, direction: Direction, attributes: DmaAttributes = NO_ATTRIBUTES): number {
    const arrays = asArrays(list);
    const count = arrays.addresses.length;
    const { space, limits } = this;
    if (this.#pool !== undefined && attributes.mmio !== true && this.#bouncesAny(arrays, count, direction)) {
      return this.#mapEach(arrays, count, direction, attributes);
    }
    const prot = this.protection(direction, attributes);
    const checked = this.#onePageEach(arrays);
    let iova: number;
    try {
      this.list.layOut(arrays, count, space.granule, limits, checked !== undefined);
      const laidOut = checked ?? (this.list.plain ? arrays : this.list.laidOut());
      iova = this.#mapLaidOut(laidOut, this.list.bytes, prot);
    } finally {
      checked?.close();
    }
    this.list.finish(arrays, iova, space.granule, limits);
    this.counts.maps++;
    this.counts.elements += count;
    this.counts.segments += this.list.segments;
    return this.list.segments;
  }

  /**
   * Unmaps a list as one range (`dma_unmap_sg`).
   * @param address DMA address of its first segment
   * @param bytes from there to the end of its last segment
   * @throws IommuError as `unmapPage`; `UNSUPPORTED` where its segments were mapped one by one, as bounced ones are: so they are
   * unmapped.
   */
  unmapSg(address: number, bytes: number, direction: Direction): void {
    if (this.#single.size > 0 && this.#single.has(alignDown(address, this.space.granule))) {
      const message = `expected one call of unmapPage for each segment of a list that was mapped through bounce buffers, got a call for all from ${hex(address)} on`;
      throw new IommuError('UNSUPPORTED', 'unmapSg', message, { got: hex(address) });
    }
    this.unmapPage(address, bytes, direction);
  }

  /**
   * Input address of an MSI doorbell (`iommu_dma_prepare_msi`): one page a domain, whichever device asks first.
   * @throws IommuError as `mapPage`
   */
  doorbell(pa: number): number {
    checkBuffer(pa, 1);
    return this.space.doorbell(pa, (bytes) => this.#allocate(bytes, this.last));
  }

  /**
   * An address range below `last`, below 4 GiB first for a PCI device until that fails once.
   * @throws IommuError `NO_MEMORY`
   */
  allocate(bytes: number, last: number = this.last): number {
    return this.#allocate(bytes, last);
  }

  #mapAt(pa: number, bytes: number, prot: number): number {
    const { space } = this;
    const { granule } = space;
    const first = alignDown(pa, granule);
    const length = alignUp(pa + bytes, granule) - first;
    const iova = this.#allocate(length, this.last);
    try {
      space.domain.map(iova, first, length, prot);
    } catch (error) {
      this.#failed(iova, length);
      throw error;
    }
    this.counts.maps++;
    return iova + (pa - first);
  }

  #mapBounced(pool: BouncePool, pa: number, bytes: number, prot: number): number {
    const { granule } = this.space;
    const offset = pa % granule;
    const length = alignUp(offset + bytes, granule);
    const buffer = this.takeBounce(length);
    try {
      const address = this.#mapAt(buffer + offset, bytes, prot);
      this.#bounced.set(address - offset, buffer);
      this.fillBounce(bytes, length);
      return address;
    } catch (error) {
      pool.give(buffer);
      throw error;
    }
  }

  /** The list, where kernels find that every element is one page; others are looked at element by element. */
  #onePageEach(list: ListArrays): CheckedList | undefined {
    const checked = CheckedList.of(this.space.domain.memory, list, this.#check.inMemory);
    if (checked?.pieces.every(({ facts }) => facts.singlePages) !== false) return checked;
    checked.close();
    return undefined;
  }

  /** Allocates addresses for a list that is laid out, and maps it. */
  #mapLaidOut(list: ListArrays | CheckedList, bytes: number, prot: number): number {
    checkBuffer(0, bytes, 'list');
    const iova = this.#allocate(bytes, this.last);
    try {
      this.space.domain.mapSg(iova, list, prot);
    } catch (error) {
      this.#failed(iova, bytes);
      throw error;
    }
    return iova;
  }

  /** Element by element, as a list is mapped of which one element is bounced. */
  #mapEach(list: ListArrays, count: number, direction: Direction, attributes: DmaAttributes): number {
    const mapped: number[] = [];
    const { granule } = this.space;
    try {
      for (let i = 0; i < count; i++) {
        mapped.push(this.mapPage(list.addresses[i] as number, list.lengths[i] as number, direction, attributes));
      }
    } catch (error) {
      for (const [i, address] of mapped.entries()) {
        attempt(() => this.#unmap(address, list.lengths[i] as number, 'to-device', true));
      }
      throw error;
    }
    for (const address of mapped) this.#single.add(alignDown(address, granule));
    this.list.takeSegments(mapped, list.lengths);
    this.counts.elements += count;
    this.counts.segments += count;
    return count;
  }

  #unmap(address: number, bytes: number, direction: Direction, strictly: boolean): void {
    const { granule } = this.space;
    const first = alignDown(address, granule);
    this.space.release(first, alignUp(address + bytes, granule) - first, strictly);
    this.counts.unmaps++;
    if (this.#pool === undefined) return;
    this.#single.delete(first);
    const buffer = this.#bounced.get(first);
    if (buffer === undefined) return;
    this.#bounced.delete(first);
    this.giveBounce(buffer, bytes, direction);
  }

  /** Whether a list is mapped element by element: every one of an untrusted device is, and one with an element to be bounced. */
  #bouncesAny({ addresses, lengths }: ListArrays, count: number, direction: Direction): boolean {
    if (this.#untrusted) return count > 0;
    for (let i = 0; i < count; i++) {
      if (this.bounces(addresses[i] as number, lengths[i] as number, direction)) return true;
    }
    return false;
  }

  /** Whether a buffer of that size may share a cache line with what the CPUs write (`dma_kmalloc_needs_bounce`). */
  #sharesLine(bytes: number, direction: Direction): boolean {
    if (this.#small === undefined || this.coherent || direction === 'to-device') return false;
    const { cacheLine } = this.#small;
    return bytes < 2 * cacheLine && allocatedSize(bytes) % cacheLine !== 0;
  }

  #allocate(bytes: number, last: number): number {
    if (this.#first32 && last >= 2 ** 32) {
      const low = this.space.allocate(bytes, 2 ** 32 - 1, false);
      if (low !== 0) return low;
      this.#first32 = this.space.kernel === '6.1';
    }
    const iova = this.space.allocate(bytes, last, true);
    if (iova !== 0) return iova;
    this.counts.failures++;
    const message = `expected ${hex(bytes)} bytes of free input addresses up to ${hex(last)}, got none`;
    throw new IommuError('NO_MEMORY', 'iova', message, { got: hex(bytes), last: hex(last) });
  }

  #failed(iova: number, bytes: number): void {
    this.counts.failures++;
    attempt(() => this.space.abandon(iova, bytes));
  }
}
