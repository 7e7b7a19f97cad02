/**
 * The paths and dispatches: at which height a request enters the same code.
 * @module
 */

import type { DriverDomain, PowerControl } from '../drivers/contract.ts';
import { IommuError } from '../errors.ts';
import type { ListArrays } from '../memory/scatter-list.ts';
import type { Meter } from '../meter/meter.ts';
import type { PageTable } from '../pagetable/page-table.ts';
import type { Done, PagesSink, UnmapSink } from '../pagetable/runs.ts';

/** How a request crosses the layers. */
export type Path = 'per-page' | 'map-pages' | 'map-sg' | 'one-walk';

/** All paths. */
export const PATHS: readonly Path[] = ['per-page', 'map-pages', 'map-sg', 'one-walk'];

/** Through the ops tables, or bound when the domain is made. */
export type Dispatch = 'indirect' | 'direct';

/** Both dispatches. */
export const DISPATCHES: readonly Dispatch[] = ['indirect', 'direct'];

/** What the core calls: the driver, or the page table with the driver's power around it. */
export interface Route extends PagesSink, UnmapSink {
  /** Maps a whole list. */
  mapList(iova: number, list: ListArrays, prot: number, walk: 'hook' | 'one-walk', done: Done): number;
  /** Unmaps a whole range. */
  unmapRange(iova: number, bytes: number, queued: boolean): number;
  /** The output address, or −1. */
  iovaToPhys(iova: number): number;
  /** The output addresses of neighbouring smallest pages, or −1. */
  translateRange(iova: number, count: number, out: Float64Array): void;
}

/** Every call goes through the driver's ops table, and from there through the page table's. */
class IndirectRoute implements Route {
  readonly #driver: DriverDomain;
  readonly #meter: Meter;
  readonly #single: boolean;

  constructor(driver: DriverDomain, meter: Meter, single: boolean) {
    this.#driver = driver;
    this.#meter = meter;
    this.#single = single;
  }

  mapPages(iova: number, pa: number, size: number, count: number, prot: number, done: Done): number {
    this.#meter.coreTurns++;
    this.#meter.driverCalls++;
    if (this.#single) return this.#driver.map(iova, pa, size, prot, done);
    return this.#driver.mapPages(iova, pa, size, count, prot, done);
  }

  mapList(iova: number, list: ListArrays, prot: number, walk: 'hook' | 'one-walk', done: Done): number {
    this.#meter.coreTurns++;
    this.#meter.driverCalls++;
    return this.#hook('mapSg', this.#driver.mapSg).call(this.#driver, iova, list, prot, walk, done);
  }

  unmapPages(iova: number, size: number, count: number, queued: boolean): number {
    this.#meter.coreTurns++;
    this.#meter.driverCalls++;
    return this.#single ? this.#driver.unmap(iova, size, queued) : this.#driver.unmapPages(iova, size, count, queued);
  }

  unmapRange(iova: number, bytes: number, queued: boolean): number {
    this.#meter.coreTurns++;
    this.#meter.driverCalls++;
    return this.#hook('unmapRange', this.#driver.unmapRange).call(this.#driver, iova, bytes, queued);
  }

  iovaToPhys(iova: number): number {
    this.#meter.driverCalls++;
    return this.#driver.iovaToPhys(iova);
  }

  translateRange(iova: number, count: number, out: Float64Array): void {
    this.#meter.driverCalls++;
    this.#meter.tableCalls++;
    this.#driver.table.translateRange(iova, count, out);
  }

  #hook<T>(name: string, hook: T | undefined): T {
    if (hook !== undefined) return hook;
    throw new IommuError('UNSUPPORTED', 'driver', `'${this.#driver.name}' has no ${name} hook; use the path map-pages`);
  }
}

/** The page table is called as bound when the domain was made; the driver is entered for power alone. */
class DirectRoute implements Route {
  readonly #table: PageTable;
  readonly #power: PowerControl | undefined;
  readonly #meter: Meter;

  constructor(driver: DriverDomain, meter: Meter) {
    this.#table = driver.table;
    this.#power = driver.power;
    this.#meter = meter;
  }

  mapPages(iova: number, pa: number, size: number, count: number, prot: number, done: Done): number {
    this.#meter.coreTurns++;
    this.#power?.get();
    try {
      return this.#table.mapPages(iova, pa, size, count, prot, done);
    } finally {
      this.#power?.put();
    }
  }

  mapList(iova: number, list: ListArrays, prot: number, walk: 'hook' | 'one-walk', done: Done): number {
    this.#meter.coreTurns++;
    this.#power?.get();
    try {
      return this.#table.mapList(iova, list, prot, walk, done);
    } finally {
      this.#power?.put();
    }
  }

  unmapPages(iova: number, size: number, count: number, queued: boolean): number {
    this.#meter.coreTurns++;
    this.#power?.get();
    try {
      return this.#table.unmapPages(iova, size, count, queued);
    } finally {
      this.#power?.put();
    }
  }

  unmapRange(iova: number, bytes: number, queued: boolean): number {
    this.#meter.coreTurns++;
    this.#power?.get();
    try {
      return this.#table.unmapRange(iova, bytes, queued);
    } finally {
      this.#power?.put();
    }
  }

  iovaToPhys(iova: number): number {
    return this.#table.iovaToPhys(iova);
  }

  translateRange(iova: number, count: number, out: Float64Array): void {
    this.#table.translateRange(iova, count, out);
  }
}

/** The route of a domain; `single` sends one page a call. */
export function makeRoute(driver: DriverDomain, meter: Meter, dispatch: Dispatch, single: boolean): Route {
  return dispatch === 'direct' ? new DirectRoute(driver, meter) : new IndirectRoute(driver, meter, single);
}
