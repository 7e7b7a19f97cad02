/**
 * Invalidation of one VT-d domain: what Linux 6.1, 6.12 and 7.3 send for unmaps, tables and whole domains. Intel VT-d
 * specification, 6.5.2; drivers/iommu/intel/iommu.c, cache.c.
 * @module
 */
import type { Geometry } from '../../formats/contract.ts';
import type { Gather } from '../../pagetable/gather.ts';
import type { TlbOps } from '../../pagetable/tlb-ops.ts';
import { DeviceAddress, EVERYTHING, offsetsOf, pagesLog2, spanStart } from '../queue/iova.ts';
import { UnmapGather } from '../queue/unmap-gather.ts';
import { CONTEXT, DEVICE_TLB_SIZE, DID_SHIFT, HINT, IOTLB, KIND, PASID_CACHE, PASID_IOTLB } from './descriptors.ts';
import type { VtdUnit } from './unit.ts';

/** How one domain is invalidated. */
export interface VtdTlbSetup {
  readonly kernel: '6.1' | '6.12' | '7.3';
  readonly did: number;
  readonly firstStage: boolean;
  /** Source-ids whose device TLB is invalidated, too. */
  readonly atsSources: readonly number[];
}

/** Descriptors of one domain. */
export class VtdTlb implements TlbOps {
  readonly #unit: VtdUnit;
  readonly #geometry: Geometry;
  readonly #setup: VtdTlbSetup;
  readonly #gather = new UnmapGather();
  readonly #address: DeviceAddress;
  readonly #did: number;

  constructor(unit: VtdUnit, geometry: Geometry, setup: VtdTlbSetup) {
    this.#unit = unit;
    this.#geometry = geometry;
    this.#setup = setup;
    this.#address = new DeviceAddress(geometry);
    this.#did = (setup.did << DID_SHIFT) >>> 0;
  }

  flushWalk(iova: number, size: number): void {
    this.#flush(iova, iova + size, 0, true);
  }

  addPages(iova: number, granule: number, count: number): void {
    this.#add(iova, granule * count, granule);
  }

  removeTable(iova: number, size: number, _granule: number, queued: boolean): boolean {
    if (queued) return true;
    this.#add(iova, size, size);
    this.#gather.tables = true;
    return true;
  }

  split(iova: number, size: number): void {
    this.sync();
    this.#gather.add(iova - (iova % size), size, 0);
    this.#gather.tables = true;
  }

  flushAll(): void {
    this.#gather.reset();
    this.#flushDomain();
    this.#flushDeviceTlbs(0, EVERYTHING);
    this.#unit.queue.submit();
  }

  syncGather(gather: Gather): void {
    const [start, end] = offsetsOf(this.#geometry, gather.start, gather.end);
    this.#flush(start, end, this.#hint(gather.tables.length > 0), true);
  }

  /** Sends what was gathered. */
  sync(): void {
    const gather = this.#gather;
    if (gather.isEmpty) return;
    this.#flush(gather.start, gather.end, this.#hint(gather.tables), true);
    gather.reset();
  }

  /** After a map, where what is not present is cached: device TLBs never hold that. */
  flushNotPresent(iova: number, bytes: number): void {
    this.#flush(iova, iova + bytes, 0, false);
  }

  /** After the entries of a source-id were set or cleared: its context, then everything of the domain. */
  flushContext(source: number, wasPresent: boolean): void {
    const { queue, scalable } = this.#unit;
    const did = wasPresent ? this.#did : 0;
    if (!scalable || !wasPresent) queue.add(KIND.context, CONTEXT.device | did, source, 0, 0);
    queue.submit();
    if (scalable) this.#flushPasidCache();
    queue.submit();
    this.#flushDomain();
    queue.submit();
  }

  /** Everything in the device TLBs. */
  flushDevices(): void {
    this.#flushDeviceTlbs(0, EVERYTHING);
    this.#unit.queue.submit();
  }

  #add(iova: number, bytes: number, size: number): void {
    const gather = this.#gather;
    if (this.#setup.kernel !== '7.3' && (gather.hasOtherSize(size) || gather.isApart(iova, bytes))) this.sync();
    gather.add(iova, bytes, size);
  }

  /** Linux 6.1 says for no second stage that its tables are as they were. */
  #hint(tables: boolean): number {
    return tables || (this.#setup.kernel === '6.1' && !this.#setup.firstStage) ? 0 : HINT;
  }

  #flush(start: number, end: number, hint: number, devices: boolean): void {
    const { queue, mamv } = this.#unit;
    const log2 = pagesLog2(start, end);
    if (log2 > mamv) this.#flushDomain();
    else this.#flushPages(start, log2, hint);
    if (devices) this.#flushDeviceTlbs(start, log2);
    queue.submit();
  }

  #flushPages(start: number, log2: number, hint: number): void {
    const address = this.#address;
    address.set(spanStart(start, log2));
    const { queue, drain } = this.#unit;
    const third = address.lo | hint | log2;
    if (this.#setup.firstStage) queue.add(KIND.pasidIotlb, PASID_IOTLB.page | this.#did, 0, third, address.hi);
    else queue.add(KIND.iotlb, IOTLB.page | drain | this.#did, 0, third, address.hi);
  }

  /** Everything of the domain, in the batch that is open. */
  #flushDomain(): void {
    const { queue, drain } = this.#unit;
    if (this.#setup.firstStage) queue.add(KIND.pasidIotlb, PASID_IOTLB.all | this.#did, 0, 0, 0);
    else queue.add(KIND.iotlb, IOTLB.domain | drain | this.#did, 0, 0, 0);
  }

  #flushPasidCache(): void {
    const granularity = this.#setup.kernel === '6.1' ? PASID_CACHE.domain : PASID_CACHE.one;
    this.#unit.queue.add(KIND.pasidCache, granularity | this.#did, 0, 0, 0);
  }

  /** Device TLBs: Linux 6.1 sends each with a wait of its own, after that of the IOTLB. */
  #flushDeviceTlbs(start: number, log2: number): void {
    const { atsSources, kernel } = this.#setup;
    if (atsSources.length === 0) return;
    const { queue } = this.#unit;
    const address = this.#address;
    address.setSpan(start, log2);
    const size = log2 === 0 ? 0 : DEVICE_TLB_SIZE;
    for (const source of atsSources) {
      if (kernel === '6.1') queue.submit();
      queue.add(KIND.deviceTlb, 0, source, address.lo | size, address.hi);
    }
  }
}
