/**
 * A driver with no device behind it: the page table, and callbacks that only tell what would be invalidated.
 * @module
 */
import type { ListArrays } from '../memory/scatter-list.ts';
import type { Meter } from '../meter/meter.ts';
import { PageTable } from '../pagetable/page-table.ts';
import type { Done } from '../pagetable/runs.ts';
import { NO_TLB, type TlbOps } from '../pagetable/tlb-ops.ts';
import type { DomainContext, DriverDomain, DriverFactory, ListWalk } from './contract.ts';

/** Callbacks of a {@link bareDriver}. */
export interface BareCallbacks extends TlbOps {
  /** The core's `iotlb_sync`. */
  sync(): void;
}

class BareDomain implements DriverDomain {
  readonly name = 'bare';
  readonly table: PageTable;
  readonly #meter: Meter;
  readonly #callbacks: BareCallbacks | undefined;

  constructor(context: DomainContext, callbacks: BareCallbacks | undefined) {
    this.#meter = context.meter;
    this.#callbacks = callbacks;
    this.table = new PageTable(context.geometry, context.memory, context.meter, callbacks ?? NO_TLB, context.semantics);
  }

  map(iova: number, pa: number, size: number, prot: number, done: Done): number {
    return this.mapPages(iova, pa, size, 1, prot, done);
  }

  mapPages(iova: number, pa: number, size: number, count: number, prot: number, done: Done): number {
    this.#meter.tableCalls++;
    return this.table.mapPages(iova, pa, size, count, prot, done);
  }

  mapSg(iova: number, list: ListArrays, prot: number, walk: ListWalk, done: Done): number {
    this.#meter.tableCalls++;
    return this.table.mapList(iova, list, prot, walk, done);
  }

  unmap(iova: number, size: number, queued: boolean): number {
    return this.unmapPages(iova, size, 1, queued);
  }

  unmapPages(iova: number, size: number, count: number, queued: boolean): number {
    this.#meter.tableCalls++;
    return this.table.unmapPages(iova, size, count, queued);
  }

  unmapRange(iova: number, bytes: number, queued: boolean): number {
    this.#meter.tableCalls++;
    return this.table.unmapRange(iova, bytes, queued);
  }

  iotlbSync(): void {
    this.#callbacks?.sync();
  }

  flushIotlbAll(): void {
    this.#callbacks?.flushAll();
  }

  iovaToPhys(iova: number): number {
    this.#meter.tableCalls++;
    return this.table.iovaToPhys(iova);
  }

  free(): void {
    this.#callbacks?.flushAll();
    this.table.destroy();
  }
}

/** A driver without a device; `callbacks` hear every invalidation. */
export function bareDriver(callbacks?: BareCallbacks): DriverFactory {
  return (context) => new BareDomain(context, callbacks);
}
