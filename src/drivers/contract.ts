/**
 * What the core asks of a driver. A driver is a device: it programs a page table into it, invalidates what the page table says,
 * and waits until that is done. It never maps and never walks; the core calls the page table itself.
 * @module
 */
import type { Geometry, Registers } from '../formats/contract.ts';
import type { Semantics } from '../formats/rules.ts';
import type { TableMemory } from '../memory/table-memory.ts';
import type { Meter } from '../meter/meter.ts';
import type { TlbOps } from '../pagetable/tlb-ops.ts';

/** Runtime power, as calls that go around every piece of work. */
export interface PowerControl {
  /** Takes a reference; powers the device up where it sleeps. */
  get(): void;
  /** Gives it back. */
  put(): void;
  /** The same as `get` and then `put`, `count` times. */
  visits?(count: number): void;
  /** Whether the device has power and keeps it: a visit then changes nothing but counts, whatever is done meanwhile. */
  readonly isSteady?: boolean;
}

/** How the page table walks a list that it is given whole. */
export type ListWalk = 'hook' | 'one-walk';

/** What a driver offers beyond invalidation. Input addresses are offsets from the region's base. */
export interface DriverHooks {
  /** Takes whole lists: the hook proposed in 2021, and this project's one walk. */
  readonly mapSg: boolean;
  /** Takes a whole range to unmap (this project's). */
  readonly unmapRange: boolean;
  /** Whether no invalidation may wait for a flush of everything (Linux: no `IOMMU_CAP_DEFERRED_FLUSH`). */
  readonly strict?: boolean;
  /** After a map call, for devices that cache what is not there, or that are told of mappings (Linux's `iotlb_sync_map`). */
  readonly syncMap?: (iova: number, bytes: number) => void;
  /** Translates in the device: the output address, −1 where nothing is mapped, undefined where the device gives no answer. */
  readonly translate?: (iova: number) => number | undefined;
  /** Hears of equal pages that were mapped, for a device that has no tables of its own. */
  readonly mapped?: (iova: number, pa: number, bytes: number, prot: number) => void;
  /** Hears of a range that was unmapped, for such a device. */
  readonly unmapped?: (iova: number, bytes: number) => void;
}

/** One domain of a driver: Linux's `iommu_domain_ops` without what only passes a call on to the page table. */
export interface Driver {
  /** Name of the driver. */
  readonly name: string;
  /** Runtime power; absent where the device needs none. The core takes it around every call below and of the page table. */
  readonly power?: PowerControl;
  /** What the page table tells it to invalidate. */
  readonly tlb: TlbOps;
  /** What else it offers. */
  readonly hooks: DriverHooks;
  /** True where none of its calls can throw: then nothing is kept of an unmap that would roll it back. */
  readonly cannotFail?: boolean;
  /** Points the device at the tables, once they are there: `registers` of the format, by flat name. */
  attach(registers: Registers): void;
  /** Invalidates what unmap calls left since the last one, and waits until that is done (Linux's `iotlb_sync`). */
  sync(): void;
  /** Takes the tables from the device, which must use nothing of them afterwards; they are freed next. */
  detach(): void;
  /**
   * Gives back what the driver allocated, before the tables are freed. Where it throws, nothing of it may be given back: the call is
   * made again.
   */
  release?(): void;
}

/** What a driver gets to make its part of a domain. */
export interface DomainContext {
  /** The table format as granted. */
  readonly geometry: Geometry;
  /** Memory for tables, and for what else the device reads. */
  readonly memory: TableMemory;
  /** Counts. */
  readonly meter: Meter;
  /** Semantics of the domain. */
  readonly semantics: Semantics;
}

/**
 * Makes the driver's part of a domain, before its tables.
 * @throws IommuError `UNSUPPORTED` for tables that the device does not walk, `BAD_OPTION`, `NO_MEMORY`.
 */
export type DriverFactory = (context: DomainContext) => Driver;
