/**
 * What the core asks of a driver: Linux's `iommu_domain_ops`, with the hooks that were proposed and merged over time.
 * @module
 */
import type { Geometry } from '../formats/contract.ts';
import type { Semantics } from '../formats/rules.ts';
import type { ListArrays } from '../memory/scatter-list.ts';
import type { TableMemory } from '../memory/table-memory.ts';
import type { Meter } from '../meter/meter.ts';
import type { PageTable } from '../pagetable/page-table.ts';
import type { Done } from '../pagetable/runs.ts';

/** Runtime power, as calls that go around every piece of work. */
export interface PowerControl {
  /** Takes a reference; powers the device up where it sleeps. */
  get(): void;
  /** Gives it back. */
  put(): void;
}

/** How the page table walks a list that it is given whole. */
export type ListWalk = 'hook' | 'one-walk';

/**
 * One domain of a driver. Input addresses are offsets from the region's base; results are as the kernel's: 0 or a
 * negative errno for map calls, with progress in `done`; bytes for unmap calls.
 */
export interface DriverDomain {
  /** Name of the driver. */
  readonly name: string;
  /** Its page table: `direct` dispatch calls it without the driver. */
  readonly table: PageTable;
  /** Runtime power; absent where the device needs none. */
  readonly power?: PowerControl;
  /** Maps one page (Linux up to 5.14). */
  map(iova: number, pa: number, size: number, prot: number, done: Done): number;
  /** Maps equal pages, at most to the end of a table (Linux from 5.15). */
  mapPages(iova: number, pa: number, size: number, count: number, prot: number, done: Done): number;
  /** Maps a whole list: the hook proposed in 2021, or this project's one walk. */
  mapSg?(iova: number, list: ListArrays, prot: number, walk: ListWalk, done: Done): number;
  /** Unmaps one page; `queued`: a flush of everything follows later, so that leaves need not be announced. */
  unmap(iova: number, size: number, queued: boolean): number;
  /** Unmaps equal pages, at most to the end of a table. */
  unmapPages(iova: number, size: number, count: number, queued: boolean): number;
  /** Unmaps a range in one call (this project's). */
  unmapRange?(iova: number, bytes: number, queued: boolean): number;
  /** Completes the TLB invalidations of an unmap. */
  iotlbSync?(): void;
  /** After a map, for devices that cache what is not there. */
  iotlbSyncMap?(iova: number, bytes: number): void;
  /** Invalidates all of the domain. */
  flushIotlbAll?(): void;
  /** The output address, or −1. */
  iovaToPhys(iova: number): number;
  /** Frees the tables; the domain is dead afterwards. */
  free(): void;
}

/** What a driver gets to make a domain. */
export interface DomainContext {
  /** The table format as granted. */
  readonly geometry: Geometry;
  /** Memory for tables. */
  readonly memory: TableMemory;
  /** Counts. */
  readonly meter: Meter;
  /** Semantics of the domain. */
  readonly semantics: Semantics;
}

/** Makes the driver's part of a domain: allocates the table, finalises, attaches. */
export type DriverFactory = (context: DomainContext) => DriverDomain;
