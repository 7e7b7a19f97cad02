/**
 * A trace's calls through the DMA layer under several invalidation policies: what would be invalidated, how long a device
 * could still reach what was unmapped, and what that costs in addresses.
 * @module
 */
import { Domain } from '../core/domain.ts';
import { type AddressUse, addressUse, Growth } from '../dma/address-use.ts';
import { DmaDevice, type DmaDeviceOptions } from '../dma/dma-device.ts';
import { DmaSpace, type DmaSpaceCounts } from '../dma/dma-space.ts';
import type { FlushQueueOptions } from '../dma/flush-queue.ts';
import type { IovaKernel } from '../dma/iova-cache.ts';
import { bareDriver } from '../drivers/bare.ts';
import { IommuError } from '../errors.ts';
import { TableMemory } from '../memory/table-memory.ts';
import type { TraceCall } from '../trace/calls.ts';
import { DIRECTIONS } from '../trace/events.ts';
import { Sketch, type Summary } from '../trace/sketch.ts';
import type { RowRefusal } from './row.ts';

/** How a kernel treats a device's DMA: the three words of `iommu.strict=` and `iommu.passthrough=`. */
export const POLICIES = ['strict', 'lazy', 'passthrough'] as const;

/** One of {@link POLICIES}. */
export type Policy = (typeof POLICIES)[number];

/** Calls between two readings of how full the address space is. */
const READING_CALLS = 1024;
/** Domains told apart in the exposure by device; further ones are counted together. */
const MAX_DOMAINS = 256;
const TRANSFERS = ['bidirectional', 'to-device', 'from-device'] as const;

/** What is known of the machine. */
export interface PolicyOptions {
  /** Format of the tables; default `arm-64-lpae-s1`. */
  readonly format?: string;
  /** Smallest page, bytes; default 4096. */
  readonly granule?: number;
  /** CPUs: each has caches and a flush queue; default 64. */
  readonly cpus?: number;
  /** Whose address caches; default 7.3. */
  readonly kernel?: IovaKernel;
  /** The flush queue of lazy domains; default 256 slots and 10 ms. */
  readonly queue?: Omit<FlushQueueOptions, 'cpus'>;
  /** What devices can address and take. */
  readonly device?: DmaDeviceOptions;
}

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
  /** Seconds until the addresses below 4 GiB are used up if live mappings grow as they did; undefined where they do not. */
  readonly secondsToExhaustion: number | undefined;
  /** Calls that were refused, by code. */
  readonly refusals: readonly RowRefusal[];
}

/** A live list of the trace and where it lies here. */
interface Placed {
  readonly address: number;
  readonly size: number;
  left: number;
}

/** One domain of the trace under one policy. */
interface Place {
  readonly device: DmaDevice;
  /** By the input address that the trace has. */
  readonly lists: Map<number, Placed>;
  readonly exposed: { byteSeconds: number; longest: number };
}

/** The calls of a trace under one policy. */
export class PolicyRow {
  readonly policy: Policy;
  readonly #options: PolicyOptions;
  readonly #memory = new TableMemory();
  readonly #places: (Place | undefined)[] = [];
  readonly #invalidations: InvalidationCounts = { leaves: 0, walks: 0, all: 0, syncs: 0 };
  readonly #windows = new Sketch();
  readonly #growth = new Growth();
  readonly #refusals: RowRefusal[] = [];
  #byteSeconds = 0;
  #maps = 0;
  #unmaps = 0;
  #partial = 0;
  #askedBytes = 0;
  #live = 0;
  #held = 0;
  #peakHeld = 0;
  #peakLive = 0;

  constructor(policy: Policy, options: PolicyOptions = {}) {
    this.policy = policy;
    this.#options = options;
  }

  /** Replays one call. */
  call(call: TraceCall): void {
    if (call.kind === 'unmap') this.#unmaps++;
    else this.#maps++;
    if (this.policy === 'passthrough') return;
    const place = this.#place(call.domain);
    const { space } = place.device;
    const { liveFrames, heldFrames } = space.counts;
    try {
      space.at(Math.max(0, call.cpu) % (this.#options.cpus ?? 64), Math.max(call.time, space.now));
      if (call.kind === 'unmap') this.#unmap(place, call);
      else this.#map(place, call);
    } catch (error) {
      this.#refuse(error);
    }
    this.#read(call.time, space.counts.liveFrames - liveFrames, space.counts.heldFrames - heldFrames);
  }

  /** Ends the trace: what is queued is flushed. */
  finish(): void {
    for (const place of this.#places) place?.device.space.drain();
  }

  /** What came of it. */
  get result(): PolicyResult {
    const spaces = this.#places.flatMap((place) => (place === undefined ? [] : [place.device.space]));
    const sum = (of: (counts: DmaSpaceCounts) => number): number =>
      spaces.reduce((total, { counts }) => total + of(counts), 0);
    const use = this.#fullest(spaces);
    const seconds = use === undefined ? Number.POSITIVE_INFINITY : this.#growth.secondsUntil(use.free);
    const granule = spaces[0]?.granule ?? 4096;
    return {
      policy: this.policy,
      maps: this.#maps,
      unmaps: this.#unmaps,
      partialUnmaps: this.#partial,
      invalidations: { ...this.#invalidations },
      exposure: this.policy === 'passthrough' ? undefined : this.#exposure(),
      peakHeldBytes: this.#peakHeld * granule,
      peakLiveBytes: this.#peakLive * granule,
      flushes: sum(({ flushes }) => flushes),
      earlyFlushes: sum(({ earlyFlushes }) => earlyFlushes),
      use,
      wastedBytes: Math.max(0, this.#allocatedBytes(spaces) - this.#askedBytes),
      secondsToExhaustion: Number.isFinite(seconds) ? seconds : undefined,
      refusals: this.#refusals,
    };
  }

  #map(place: Place, call: TraceCall): void {
    const { device, lists } = place;
    const direction = TRANSFERS[DIRECTIONS[call.direction] === undefined ? 0 : call.direction] ?? 'bidirectional';
    const addresses = call.pa.subarray(0, call.count);
    const lengths = call.length.subarray(0, call.count);
    if (call.count === 1)
      lists.set(call.iova, placed(device.mapPage(addresses[0] as number, call.size, direction), call.size));
    else {
      device.mapSg({ addresses, lengths }, direction);
      lists.set(call.iova, placed(device.list.dmaAddresses[0] as number, device.list.bytes));
    }
    this.#askedBytes += call.size;
  }

  #unmap(place: Place, call: TraceCall): void {
    const { device, lists } = place;
    const whole = lists.get(call.iova);
    if (whole !== undefined && whole.size === call.size && whole.left === call.size) {
      lists.delete(call.iova);
      this.#askedBytes -= whole.size;
      device.unmapSg(whole.address, whole.size, 'bidirectional');
    } else if (call.covered > 0) this.#unmapParts(place, call);
  }

  /** Unmaps what a call covers of each list: lists that it covers whole go as they are, parts of others are cut out. */
  #unmapParts({ device, lists }: Place, call: TraceCall): void {
    const end = call.iova + call.size;
    for (const [start, list] of lists) {
      const from = Math.max(start, call.iova);
      const bytes = Math.min(start + list.size, end) - from;
      if (bytes <= 0) continue;
      if (bytes === list.left && bytes === list.size) device.unmapSg(list.address, list.size, 'bidirectional');
      else {
        this.#partial++;
        device.space.domain.unmap(list.address + (from - start), bytes, { holes: 'skip' });
        list.left -= bytes;
        if (list.left > 0) continue;
        device.space.abandon(list.address, list.size);
      }
      lists.delete(start);
      this.#askedBytes -= list.size;
    }
  }

  #place(id: number): Place {
    const known = this.#places[Math.min(id, MAX_DOMAINS)];
    if (known !== undefined) return known;
    const { format = 'arm-64-lpae-s1', granule = 4096, cpus = 64, kernel = '7.3', device = {} } = this.#options;
    const counts = this.#invalidations;
    const driver = bareDriver({
      flushWalk: () => counts.walks++,
      addPages: (_iova, _granule, leaves) => {
        counts.leaves += leaves;
      },
      flushAll: () => counts.all++,
      sync: () => counts.syncs++,
    });
    const domain = new Domain({ format, granule, path: 'one-walk', dispatch: 'direct', memory: this.#memory, driver });
    const exposed = { byteSeconds: 0, longest: 0 };
    const observer = {
      exposed: (bytes: number, from: number, to: number) => this.#exposed(exposed, bytes, to - from),
    };
    const policy = this.policy === 'lazy' ? 'lazy' : 'strict';
    const place = {
      device: new DmaDevice(
        new DmaSpace({ domain, policy, cpus, kernel, observer, queue: this.#options.queue ?? {} }),
        device,
      ),
      lists: new Map<number, Placed>(),
      exposed,
    };
    this.#places[Math.min(id, MAX_DOMAINS)] = place;
    return place;
  }

  #exposed(domain: Place['exposed'], bytes: number, nanoseconds: number): void {
    const byteSeconds = (bytes * nanoseconds) / 1e9;
    this.#byteSeconds += byteSeconds;
    this.#windows.add(nanoseconds);
    domain.byteSeconds += byteSeconds;
    domain.longest = Math.max(domain.longest, nanoseconds);
  }

  #exposure(): Exposure {
    const byDomain = this.#places.flatMap((place, domain) =>
      place === undefined ? [] : [{ domain, ...place.exposed, flushes: place.device.space.counts.flushes }],
    );
    return { byteSeconds: this.#byteSeconds, window: this.#windows.summary(), byDomain };
  }

  /** Peaks over all domains together, and now and then how full the spaces are. */
  #read(time: number, live: number, held: number): void {
    this.#live += live;
    this.#held += held;
    if (this.#live > this.#peakLive) this.#peakLive = this.#live;
    if (this.#held > this.#peakHeld) this.#peakHeld = this.#held;
    if ((this.#maps + this.#unmaps) % READING_CALLS === 0) this.#growth.add(time, this.#live);
  }

  #fullest(spaces: readonly DmaSpace[]): AddressUse | undefined {
    const uses = spaces.map(({ iova }) => addressUse(iova));
    return uses.sort((a, b) => a.free - b.free)[0];
  }

  #allocatedBytes(spaces: readonly DmaSpace[]): number {
    let frames = 0;
    for (const { iova } of spaces) {
      iova.forEachRange((lo, hi, cached) => {
        if (!cached) frames += hi - lo + 1;
      });
    }
    return frames * (spaces[0]?.granule ?? 4096);
  }

  #refuse(error: unknown): void {
    if (!(error instanceof IommuError)) throw error;
    const known = this.#refusals.find((refusal) => refusal.code === error.code);
    if (known === undefined) this.#refusals.push({ code: error.code, count: 1, first: error.message });
    else known.count++;
  }
}

function placed(address: number, size: number): Placed {
  return { address, size, left: size };
}
