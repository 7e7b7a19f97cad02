/**
 * Invalidation of one AMD-Vi domain: what Linux 6.1, 6.12 and 7.3 send for unmaps, tables and whole domains. AMD 48882, 2.4;
 * drivers/iommu/amd/iommu.c.
 * @module
 */
import { bitLength, offsetIn, pow2 } from '../../address.ts';
import type { Geometry } from '../../formats/contract.ts';
import type { Gather } from '../../pagetable/gather.ts';
import type { TlbOps } from '../../pagetable/tlb-ops.ts';
import { DeviceAddress, EVERYTHING, offsetsOf, pagesLog2 } from '../queue/iova.ts';
import { UnmapGather } from '../queue/unmap-gather.ts';
import { KIND, PAGES } from './commands.ts';
import type { AmdViUnit } from './unit.ts';

const PAGE_SHIFT = 12;
/** log2 of the pages beyond which Linux invalidates every address. */
const MOST_LOG2 = 40;

/** How one domain is invalidated. */
export interface AmdViTlbSetup {
  readonly kernel: '6.1' | '6.12' | '7.3';
  /** Domain ids: one, or one a device for guest tables. */
  readonly domains: readonly number[];
  readonly guest: boolean;
  /** Devices whose TLB is invalidated, too. */
  readonly atsDevices: readonly number[];
  /** Told of a root that moved. */
  readonly changeTop: (root: number, level: number) => void;
}

/** Commands of one domain. */
export class AmdViTlb implements TlbOps {
  readonly #unit: AmdViUnit;
  readonly #geometry: Geometry;
  readonly #setup: AmdViTlbSetup;
  readonly #gather = new UnmapGather();
  readonly #address: DeviceAddress;

  constructor(unit: AmdViUnit, geometry: Geometry, setup: AmdViTlbSetup) {
    this.#unit = unit;
    this.#geometry = geometry;
    this.#setup = setup;
    this.#address = new DeviceAddress(geometry);
  }

  /** Linux flushes the whole domain where tables give way to a page. */
  flushWalk(): void {
    this.#everything(true);
    this.#unit.commands.wait();
  }

  addPages(iova: number, granule: number, count: number): void {
    this.#add(iova, granule * count);
  }

  removeTable(iova: number, size: number, _granule: number, queued: boolean): boolean {
    if (queued) return true;
    this.#add(iova, size);
    this.#gather.tables = true;
    return true;
  }

  split(iova: number, size: number): void {
    this.#add(iova - (iova % size), size);
    this.#gather.tables = true;
  }

  flushAll(): void {
    this.#gather.reset();
    this.#everything(true);
    this.#unit.commands.wait();
  }

  changeTop(root: number, level: number): void {
    this.#setup.changeTop(root, level);
  }

  syncGather(gather: Gather): void {
    const [start, end] = offsetsOf(this.#geometry, gather.start, gather.end);
    this.#flush(start, end, gather.tables.length > 0);
  }

  /** Sends what was gathered; where nothing was, Linux's sums of an empty gather make it everything. */
  sync(): void {
    const gather = this.#gather;
    if (gather.isEmpty) this.flushAll();
    else this.#flush(gather.start, gather.end, gather.tables);
    gather.reset();
  }

  /** After a map, where what is not present is cached. */
  flushNotPresent(iova: number, bytes: number): void {
    this.#flush(iova, iova + bytes, true);
  }

  /** A device's entry, in the batch that is open. */
  flushEntry(device: number): void {
    this.#unit.commands.add(KIND.deviceEntry, device, 0, 0, 0);
  }

  #add(iova: number, bytes: number): void {
    if (this.#unit.npCache && this.#gather.isApart(iova, bytes)) this.sync();
    this.#gather.add(iova, bytes, 0);
  }

  #flush(start: number, end: number, tables: boolean): void {
    const withTables = tables || this.#setup.kernel !== '7.3';
    if (this.#unit.npCache) this.#pieces(start, end, withTables);
    else this.#span(start, pagesLog2(start, end), withTables);
    this.#unit.commands.wait();
  }

  /** Naturally aligned pieces, so that nothing is invalidated beyond what was changed. */
  #pieces(start: number, end: number, tables: boolean): void {
    for (let at = start; at < end; ) {
      let log2 = bitLength(end - at) - 1 - PAGE_SHIFT;
      while (offsetIn(at, pow2(log2 + PAGE_SHIFT)) !== 0) log2--;
      this.#span(at, log2, tables);
      at += pow2(log2 + PAGE_SHIFT);
    }
  }

  #everything(tables: boolean): void {
    this.#span(0, EVERYTHING, tables);
  }

  #span(start: number, log2: number, tables: boolean): void {
    const { commands } = this.#unit;
    const { domains, guest, atsDevices } = this.#setup;
    const address = this.#address;
    address.setSpan(start, log2 > MOST_LOG2 ? EVERYTHING : log2);
    const size = log2 === 0 ? 0 : PAGES.size;
    const bits = size | (tables ? PAGES.tables : 0) | (guest ? PAGES.guest : 0);
    for (const domain of domains) commands.add(KIND.pages, 0, domain, address.lo | bits, address.hi);
    const deviceBits = size | (guest ? PAGES.guest : 0);
    for (const device of atsDevices) commands.add(KIND.deviceTlb, device, device, address.lo | deviceBits, address.hi);
  }
}
