/**
 * What a trace comes to under an invalidation policy.
 * @module
 */
import type { AddressUse } from '../dma/address-use.ts';
import type { CommandTotals } from '../meter/commands.ts';
import type { Summary } from '../trace/sketch.ts';
import type { RowRefusal } from './row-report.ts';

/** How a kernel treats a device's DMA: the three words of `iommu.strict=` and `iommu.passthrough=`. */
export const POLICIES = ['strict', 'lazy', 'passthrough'] as const;

/** One of {@link POLICIES}. */
export type Policy = (typeof POLICIES)[number];

/**
 * What the page tables and the core asked to be invalidated. What a driver sends for it depends on the driver: a counter of
 * commands hears the same calls.
 */
export interface InvalidationCounts {
  /** Leaves, one by one. */
  leaves: number;
  /** Tables with everything below them. */
  walks: number;
  /** Whole domains. */
  all: number;
  /** Synchronisations: the CPU waits for the IOMMU. */
  syncs: number;
}

/** How long unmapped memory stayed reachable. Times in nanoseconds. */
export interface Exposure {
  /** Sum of bytes × seconds. */
  readonly byteSeconds: number;
  /** Time from unmap to invalidation. */
  readonly window: Summary;
  /** The same by domain of the trace: bytes × seconds, the longest window, and flushes. */
  readonly byDomain: readonly {
    readonly domain: number;
    readonly byteSeconds: number;
    readonly longest: number;
    readonly flushes: number;
  }[];
}

/** One policy's row. */
export interface PolicyResult {
  readonly policy: Policy;
  readonly maps: number;
  readonly unmaps: number;
  /** Parts of lists that the trace unmapped: a DMA API call unmaps the whole. */
  readonly partialUnmaps: number;
  readonly invalidations: InvalidationCounts;
  /** Commands that the machine's driver sent, by kind, domains' making left out; undefined without a driver that has a queue. */
  readonly commands: CommandTotals | undefined;
  /** Undefined with passthrough: the device reaches all memory at all times. */
  readonly exposure: Exposure | undefined;
  /** Bytes of addresses that waited for an invalidation, at their peak. */
  readonly peakHeldBytes: number;
  /** Bytes of addresses of live mappings, at their peak. */
  readonly peakLiveBytes: number;
  /** Flushes of lazy domains, and those made early by a full ring. */
  readonly flushes: number;
  readonly earlyFlushes: number;
  /** The fullest address space below 4 GiB at the end, if any. */
  readonly use: AddressUse | undefined;
  /** Bytes that rounding to a power of two takes beyond what was asked for, at the end. */
  readonly wastedBytes: number;
  /**
   * Seconds from the last call until no range as large as the largest one fits below 4 GiB, if it goes on as it did; undefined
   * where the places for such ranges do not get fewer.
   */
  readonly secondsToExhaustion: number | undefined;
  /** Calls that were refused, by code. */
  readonly refusals: readonly RowRefusal[];
}
