/**
 * The DMA API of one device over the DMA side of a domain: what `dma_map_page()`, `dma_map_sg()` and their opposites do in
 * `drivers/iommu/dma-iommu.c`.
 * @module
 */
import { alignDown, alignUp, hex } from '../address.ts';
import { ArgumentCheck } from '../core/checks.ts';
import { checkOptions, IommuError, reading, shown } from '../errors.ts';
import { PROT } from '../formats/protection.ts';
import { CheckedList } from '../memory/checked-list.ts';
import { asArrays, type ListArrays, type ListInput } from '../memory/scatter-list.ts';
import { type BouncePool, sharesGranule } from './bounce.ts';
import { DmaSpace } from './dma-space.ts';
import { type SegmentLimits, SegmentList } from './segments.ts';

/** Directions of a transfer (`enum dma_data_direction`). */
export type Direction = 'bidirectional' | 'to-device' | 'from-device' | 'none';

/** Attributes of a mapping. */
export interface DmaAttributes {
  /** For privileged accesses only (`DMA_ATTR_PRIVILEGED`). */
  readonly privileged?: boolean;
  /** Device memory: no cache, no bounce (`DMA_ATTR_MMIO`). */
  readonly mmio?: boolean;
}

/** What a device is. */
export interface DmaDeviceOptions extends Partial<SegmentLimits> {
  /** Address bits of its streaming mappings (`dma_set_mask`); default 64. */
  readonly maskBits?: number;
  /** Address bits of its coherent allocations; default as `maskBits`. */
  readonly coherentBits?: number;
  /** Last address that its bus passes on, if it is narrower (`bus_dma_limit`). */
  readonly busLimit?: number;
  /** Whether its accesses snoop the CPUs' caches; default true. */
  readonly coherent?: boolean;
  /** Whether addresses below 4 GiB are tried first, as for PCI devices; default true. */
  readonly pci?: boolean;
  /** Bounce buffers of a device that is not trusted: it must see nothing but its own buffers. */
  readonly untrusted?: BouncePool;
}

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

const ACCESS: Readonly<Record<Direction, number>> = {
  bidirectional: PROT.READ | PROT.WRITE,
  'to-device': PROT.READ,
  'from-device': PROT.WRITE,
  none: 0,
};
const NO_ATTRIBUTES: DmaAttributes = {};
/** `dma_get_max_seg_size` and `dma_get_seg_boundary` where a device sets nothing. */
const MAX_SEGMENT = 65536;
const BOUNDARY = 2 ** 32;

function lastOf(bits: number, argument: string): number {
  if (!Number.isInteger(bits) || bits < 1 || bits > 64) {
    throw new IommuError('BAD_OPTION', argument, `expected 1 to 64 bits, got ${shown(bits)}`);
  }
  return 2 ** bits - 1;
}

/** The options, each read once. */
function deviceOptions(space: DmaSpace, given: DmaDeviceOptions): DmaDeviceOptions {
  if (!DmaSpace.is(space)) throw new IommuError('BAD_OPTION', 'space', `expected a DmaSpace, got ${shown(space)}`);
  checkOptions('options', given);
  return reading('options', () => ({ ...given }));
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
  /** Bounce buffer by the page of the DMA address that leads to it. */
  readonly #bounced = new Map<number, number>();
  readonly #check: ArgumentCheck;
  #first32: boolean;

  /** @throws IommuError `BAD_OPTION`, also where the masks leave no address at all. */
  constructor(space: DmaSpace, given: DmaDeviceOptions = {}) {
    const options = deviceOptions(space, given);
    const {
      maskBits = 64,
      busLimit = Number.POSITIVE_INFINITY,
      maxSegment = MAX_SEGMENT,
      boundary = BOUNDARY,
    } = options;
    this.space = space;
    this.last = Math.min(lastOf(maskBits, 'maskBits'), busLimit, space.end - 1);
    this.coherentLast = Math.min(lastOf(options.coherentBits ?? maskBits, 'coherentBits'), busLimit, space.end - 1);
    const least = (space.iova.startPfn + 1) * space.granule - 1;
    if (Math.min(this.last, this.coherentLast) < least) {
      const got = hex(Math.max(0, Math.min(this.last, this.coherentLast)));
      throw new IommuError('BAD_OPTION', 'maskBits', `expected to reach ${hex(least)} at least, got ${got}`, { got });
    }
    if (!(maxSegment >= space.granule)) {
      throw new IommuError('BAD_OPTION', 'maxSegment', `expected ${space.granule} or more, got ${maxSegment}`);
    }
    if (!(boundary >= space.granule && Number.isInteger(Math.log2(boundary)))) {
      const expected = `a power of two from ${space.granule} on`;
      throw new IommuError('BAD_OPTION', 'boundary', `expected ${expected}, got ${boundary}`);
    }
    this.limits = { maxSegment, boundary };
    this.coherent = options.coherent ?? true;
    this.#pool = options.untrusted;
    this.#check = new ArgumentCheck(space.domain.geometry, space.domain.memory);
    this.#first32 = options.pci ?? true;
  }

  /** Most bytes that one mapping may have (`dma_max_mapping_size`). */
  get maxMapping(): number {
    return this.#pool?.largest ?? Number.MAX_SAFE_INTEGER;
  }

  /** Protection that a direction asks for. `none` gives no access, which a domain refuses. */
  protection(direction: Direction, { privileged = false, mmio = false }: DmaAttributes = NO_ATTRIBUTES): number {
    const memory = mmio ? PROT.MMIO : this.coherent ? PROT.CACHE : 0;
    return ACCESS[direction] | memory | (privileged ? PROT.PRIV : 0);
  }

  /**
   * Maps one buffer (`dma_map_page`). @returns its DMA address
   * @throws IommuError `NO_MEMORY` where no address or no table is left, and as `Domain.map`; nothing stays mapped then.
   */
  mapPage(pa: number, bytes: number, direction: Direction, attributes: DmaAttributes = NO_ATTRIBUTES): number {
    checkBuffer(pa, bytes);
    const { granule } = this.space;
    const prot = this.protection(direction, attributes);
    if (this.#pool !== undefined && attributes.mmio !== true && sharesGranule(pa, bytes, granule)) {
      return this.#mapBounced(this.#pool, pa, bytes, prot, direction);
    }
    return this.#mapAt(pa, bytes, prot);
  }

  /**
   * Unmaps what `mapPage` mapped.
   * @throws IommuError `BAD_FREE` or `NOT_MAPPED` where nothing of that size was mapped there; nothing was changed then.
   */
  unmapPage(address: number, bytes: number, direction: Direction): void {
    checkBuffer(address, bytes);
    const { granule } = this.space;
    const first = alignDown(address, granule);
    const buffer = this.#bounced.get(first);
    this.space.release(first, alignUp(address + bytes, granule) - first);
    this.counts.unmaps++;
    if (buffer === undefined) return;
    this.#bounced.delete(first);
    const pool = this.#pool as BouncePool;
    if (direction !== 'to-device') pool.copiedBytes += bytes;
    pool.give(buffer);
  }

  /**
   * Maps a list into one range of addresses (`dma_map_sg`). @returns the number of segments, which {@link list} holds
   * @throws IommuError as `mapPage`; `EMPTY` for a list without bytes, `BAD_OPTION` where its sum is not exact as a number
   */
  mapSg(list: ListInput, direction: Direction, attributes: DmaAttributes = NO_ATTRIBUTES): number {
    const arrays = asArrays(list);
    const count = arrays.addresses.length;
    const { space, limits } = this;
    if (this.#pool !== undefined && attributes.mmio !== true && this.#sharesGranules(arrays, count)) {
      return this.#mapEach(arrays, count, direction);
    }
    const checked = this.#onePageEach(arrays);
    let iova: number;
    try {
      this.list.layOut(arrays, count, space.granule, limits, checked !== undefined);
      const laidOut = checked ?? (this.list.plain ? arrays : this.list.laidOut());
      iova = this.#mapLaidOut(laidOut, this.list.bytes, this.protection(direction, attributes));
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
   * @throws IommuError as `unmapPage`
   */
  unmapSg(address: number, bytes: number, direction: Direction): void {
    if (this.#bounced.size === 0) {
      this.unmapPage(address, bytes, direction);
      return;
    }
    throw new IommuError(
      'UNSUPPORTED',
      'unmapSg',
      'segments of an untrusted device are unmapped one by one: unmapPage',
    );
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

  #mapBounced(pool: BouncePool, pa: number, bytes: number, prot: number, direction: Direction): number {
    const { granule } = this.space;
    const offset = pa % granule;
    const length = alignUp(offset + bytes, granule);
    const buffer = pool.take(length, granule);
    if (buffer === -1) {
      this.counts.failures++;
      throw new IommuError('NO_MEMORY', 'bounce', `no bounce buffer of ${hex(length)} bytes is free`, {
        got: hex(length),
      });
    }
    try {
      const address = this.#mapAt(buffer + offset, bytes, prot);
      this.#bounced.set(address - offset, buffer);
      this.counts.bounced++;
      pool.copiedBytes += bytes;
      pool.zeroedBytes += direction === 'none' ? 0 : length - bytes;
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

  /** Element by element, as a list of an untrusted device is mapped. */
  #mapEach(list: ListArrays, count: number, direction: Direction): number {
    const mapped: number[] = [];
    try {
      for (let i = 0; i < count; i++) {
        mapped.push(this.mapPage(list.addresses[i] as number, list.lengths[i] as number, direction));
      }
    } catch (error) {
      for (const [i, address] of mapped.entries()) this.unmapPage(address, list.lengths[i] as number, direction);
      throw error;
    }
    this.list.takeSegments(mapped, list.lengths);
    this.counts.elements += count;
    this.counts.segments += count;
    return count;
  }

  #sharesGranules({ addresses, lengths }: ListArrays, count: number): boolean {
    for (let i = 0; i < count; i++) {
      if (sharesGranule(addresses[i] as number, lengths[i] as number, this.space.granule)) return true;
    }
    return false;
  }

  #allocate(bytes: number, last: number): number {
    if (this.#first32 && last >= 2 ** 32) {
      const low = this.space.allocate(bytes, 2 ** 32 - 1, false);
      if (low !== 0) return low;
      this.#first32 = false;
    }
    const iova = this.space.allocate(bytes, last, true);
    if (iova !== 0) return iova;
    this.counts.failures++;
    const message = `no input addresses for ${hex(bytes)} bytes up to ${hex(last)}`;
    throw new IommuError('NO_MEMORY', 'iova', message, { got: hex(bytes), last: hex(last) });
  }

  #failed(iova: number, bytes: number): void {
    this.space.abandon(iova, bytes);
    this.counts.failures++;
  }
}

/** @throws IommuError `NOT_A_NUMBER`, `EMPTY`, `OUT_OF_RANGE` where a buffer is not one. */
function checkBuffer(pa: number, bytes: number, argument = 'size'): void {
  if (!(Number.isSafeInteger(pa) && pa >= 0)) {
    throw new IommuError('NOT_A_NUMBER', 'pa', `expected a whole number from 0 to 2^53 − 1, got ${String(pa)}`);
  }
  if (bytes === 0) throw new IommuError('EMPTY', argument, 'expected at least one byte, got 0x0');
  if (!(Number.isSafeInteger(bytes) && bytes > 0 && Number.isSafeInteger(pa + bytes))) {
    throw new IommuError('OUT_OF_RANGE', argument, `expected a size that ends below 2^53, got ${String(bytes)}`);
  }
}
