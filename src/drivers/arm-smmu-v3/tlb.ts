/**
 * TLB maintenance of one SMMUv3 domain by commands: what Linux 6.1, 6.12 and 7.3 send for unmaps, tables and whole domains.
 * Arm IHI 0070, 4.4 (TLBI), 4.5 (ATC_INV); drivers/iommu/arm/arm-smmu-v3.
 * @module
 */
import { bitLength, highHalf, lowHalf, pow2 } from '../../address.ts';
import type { Geometry } from '../../formats/contract.ts';
import type { Gather } from '../../pagetable/gather.ts';
import type { TlbOps } from '../../pagetable/tlb-ops.ts';
import { DeviceAddress, offsetsOf, pagesLog2, spanStart } from '../queue/iova.ts';
import { UnmapGather } from '../queue/unmap-gather.ts';
import type { SmmuV3CommandQueue } from './command-queue.ts';
import { ATC_EVERYTHING, KIND, TLBI } from './commands.ts';

/** From this many pages on Linux 7.3 invalidates the whole address space where ranges are unknown. */
const MOST_SINGLE = 512;

/** How one domain is invalidated. */
export interface InvalidationSetup {
  readonly kernel: '6.1' | '6.12' | '7.3';
  readonly stage: 1 | 2;
  /** ASID of a first stage, VMID of a second one. */
  readonly tag: number;
  readonly e2h: boolean;
  /** Whether the device takes ranges (IDR3.RIL). */
  readonly ranges: boolean;
  /** Streams whose device TLB is invalidated, too. */
  readonly atsStreams: readonly number[];
  /** Whether the level of what was split is left open, so that the block goes with its pieces. */
  readonly minding: boolean;
}

/** Commands of one domain. */
export class SmmuV3Tlb implements TlbOps {
  readonly #queue: SmmuV3CommandQueue;
  readonly #setup: InvalidationSetup;
  readonly #gather = new UnmapGather();
  readonly #address: DeviceAddress;
  readonly #geometry: Geometry;
  readonly #pageShift: number;
  readonly #byAddress: number;
  readonly #tagHigh: number;
  /** Whether a device is attached: Linux 7.3 sends nothing where none is. */
  attached = false;

  constructor(queue: SmmuV3CommandQueue, geometry: Geometry, setup: InvalidationSetup) {
    this.#queue = queue;
    this.#setup = setup;
    this.#address = new DeviceAddress(geometry);
    this.#geometry = geometry;
    this.#pageShift = geometry.pageShift;
    this.#byAddress = setup.stage === 2 ? KIND.s2Ipa : setup.e2h ? KIND.el2Va : KIND.nhVa;
    this.#tagHigh = setup.stage === 2 ? setup.tag : (setup.tag << 16) >>> 0;
  }

  flushWalk(iova: number, size: number, granule: number): void {
    this.#invalidate(iova, size, granule, 0);
  }

  addPages(iova: number, granule: number, count: number): void {
    const gather = this.#gather;
    const bytes = granule * count;
    if (gather.hasOtherSize(granule) || gather.isApart(iova, bytes)) this.sync();
    gather.add(iova, bytes, granule);
  }

  removeTable(iova: number, size: number, granule: number, queued: boolean): boolean {
    this.flushWalk(iova, size, granule);
    if (this.#setup.kernel !== '6.1' && !queued) this.addPages(iova, size, 1);
    return false;
  }

  split(): void {
    if (!this.#setup.minding) return;
    this.sync();
    this.#gather.split = true;
  }

  flushAll(): void {
    this.#gather.reset();
    if (!this.#sends) return;
    this.#wholeTag();
    this.#queue.sync();
    this.#deviceTlbs(0, 0);
  }

  syncGather(gather: Gather): void {
    const [start, end] = offsetsOf(this.#geometry, gather.start, gather.end);
    this.#gather.add(start, end - start, pow2(this.#pageShift));
    this.sync();
  }

  /** Sends what was gathered. */
  sync(): void {
    const gather = this.#gather;
    if (gather.isEmpty) return;
    this.#invalidate(gather.start, gather.bytes, gather.size, 1);
    gather.reset();
  }

  /** Invalidates the whole address space, whether a device is attached or not. */
  flushTag(): void {
    this.#gather.reset();
    this.#wholeTag();
    this.#queue.sync();
  }

  /** Invalidates everything in the device TLBs. */
  flushDeviceTlbs(): void {
    this.#deviceTlbs(0, 0);
  }

  get #sends(): boolean {
    return this.attached || this.#setup.kernel !== '7.3';
  }

  #invalidate(iova: number, bytes: number, stride: number, leaf: 0 | 1): void {
    if (!this.#sends) return;
    const { kernel, ranges } = this.#setup;
    if (ranges) this.#byRange(iova, bytes, stride, leaf);
    else if (kernel === '7.3' && bytes >= MOST_SINGLE * stride) this.#wholeTag();
    else this.#byPage(iova, bytes, stride, leaf);
    this.#queue.sync();
    this.#deviceTlbs(iova, bytes);
  }

  #byPage(iova: number, bytes: number, stride: number, leaf: number): void {
    for (let at = iova; at < iova + bytes; at += stride) this.#command(at, 0, leaf);
  }

  /** One command for each run of set bits of the number of pages, at most 31 units of a power of two each. */
  #byRange(iova: number, bytes: number, stride: number, leaf: number): void {
    const shift = this.#pageShift;
    const ttl = leaf === 1 && !this.#gather.split ? 4 - Math.floor((bitLength(stride) - 4) / (shift - 3)) : 0;
    const page = pow2(shift);
    let pages = bytes / page;
    if (ttl === 0 && pages % 32 === 1) pages++;
    const third = leaf | (ttl << TLBI.ttlShift) | (((shift - 10) / 2) << TLBI.granuleShift);
    for (let at = iova; pages > 0; ) {
      const scale = trailingZeros(pages);
      const scaled = pow2(scale);
      const units = lowHalf(pages / scaled) & TLBI.mostPages;
      this.#command(at, ((units - 1) << TLBI.numShift) | (scale << TLBI.scaleShift), third);
      at += units * scaled * page;
      pages -= units * scaled;
    }
  }

  #command(iova: number, first: number, third: number): void {
    const address = this.#address;
    address.set(iova);
    this.#queue.add(this.#byAddress, first, this.#tagHigh, address.lo | third, address.hi);
  }

  #wholeTag(): void {
    const { stage, e2h } = this.#setup;
    const kind = stage === 2 ? KIND.s12Vmall : e2h ? KIND.el2Asid : KIND.nhAsid;
    this.#queue.add(kind, 0, this.#tagHigh, 0, 0);
  }

  /** The device TLBs of all streams: the smallest power of two of pages that holds the range, or everything for no bytes. */
  #deviceTlbs(iova: number, bytes: number): void {
    const { atsStreams } = this.#setup;
    if (atsStreams.length === 0 || !this.attached) return;
    const log2 = bytes === 0 ? ATC_EVERYTHING : pagesLog2(iova, iova + bytes);
    const address = this.#address;
    address.set(bytes === 0 ? 0 : spanStart(iova, log2));
    const [lo, hi] = bytes === 0 ? [0, 0] : [address.lo, address.hi];
    for (const stream of atsStreams) this.#queue.add(KIND.atcInv, 0, stream, lo | log2, hi);
    this.#queue.sync();
  }
}

function trailingZeros(value: number): number {
  const low = lowHalf(value);
  const word = low === 0 ? highHalf(value) : low;
  return 31 - Math.clz32(word & -word) + (low === 0 ? 32 : 0);
}
