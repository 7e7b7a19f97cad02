/**
 * A trace's calls through the DMA layer under several invalidation policies: what would be invalidated, how long a device
 * could still reach what was unmapped, and what that costs in addresses.
 * @module
 */
import { hex } from '../address.ts';
import { Domain } from '../core/domain.ts';
import { type AddressUse, addressUse, Trend } from '../dma/address-use.ts';
import type { DmaDeviceOptions } from '../dma/device-options.ts';
import { DmaDevice } from '../dma/dma-device.ts';
import { DmaSpace, type DmaSpaceCounts } from '../dma/dma-space.ts';
import type { FlushQueueOptions } from '../dma/flush-queue.ts';
import type { IovaKernel } from '../dma/iova-cache.ts';
import { bareDriver } from '../drivers/bare.ts';
import type { DriverFactory } from '../drivers/contract.ts';
import { IommuError } from '../errors.ts';
import { TableMemory } from '../memory/table-memory.ts';
import { Meter } from '../meter/meter.ts';
import type { TraceCall } from '../trace/calls.ts';
import { DIRECTIONS } from '../trace/events.ts';
import { Sketch } from '../trace/sketch.ts';
import { countedDriver } from './counted-driver.ts';
import { PlacedLists } from './placed-lists.ts';
import type { Exposure, InvalidationCounts, Policy, PolicyResult } from './policy-result.ts';
import type { RowRefusal } from './row-report.ts';

/** Calls between two readings of how full an address space is, and at least one for each range that is read. */
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
  /** Makes the machine's driver, so that its commands are counted; default none: no device. */
  readonly driver?: DriverFactory;
  /** CPUs: each has caches and a flush queue; default 64. */
  readonly cpus?: number;
  /** Whose address caches; default 7.3. */
  readonly kernel?: IovaKernel;
  /** The flush queue of lazy domains; default 256 slots and 10 ms. */
  readonly queue?: Omit<FlushQueueOptions, 'cpus'>;
  /** What devices can address and take. */
  readonly device?: DmaDeviceOptions;
}

/** One domain of the trace under one policy. */
interface Place {
  readonly device: DmaDevice;
  /** By the input address that the trace has. */
  readonly lists: PlacedLists;
  readonly exposed: { byteSeconds: number; longest: number };
  /** Calls, and the call after which the space is read next. */
  calls: number;
  reading: number;
  /** Frames of the largest list, and the places left for others like it. */
  largest: number;
  trend: Trend;
}

/** A domain whose lists are mapped in one walk, or page by page where the driver (virtio-iommu) has no hook for lists. */
function oneWalkOrPages(make: (path: 'one-walk' | 'map-pages') => Domain): Domain {
  try {
    return make('one-walk');
  } catch (error) {
    if (!(error instanceof IommuError) || error.code !== 'UNSUPPORTED') throw error;
    return make('map-pages');
  }
}

/** The calls of a trace under one policy. */
export class PolicyRow {
  readonly policy: Policy;
  readonly #options: PolicyOptions;
  readonly #memory = new TableMemory();
  readonly #meter = new Meter();
  readonly #places: (Place | undefined)[] = [];
  readonly #invalidations: InvalidationCounts = { leaves: 0, walks: 0, all: 0, syncs: 0 };
  readonly #windows = new Sketch();
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
    this.#count(space.counts.liveFrames - liveFrames, space.counts.heldFrames - heldFrames);
    if (++place.calls >= place.reading) read(place);
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
    const { use, seconds } = this.#fullest();
    const granule = spaces[0]?.granule ?? 4096;
    return {
      policy: this.policy,
      maps: this.#maps,
      unmaps: this.#unmaps,
      partialUnmaps: this.#partial,
      invalidations: { ...this.#invalidations },
      commands: this.#meter.commands?.snapshot(),
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
    const { iova, size, count } = call;
    const room = lists.room(iova, size);
    if (room === 0) {
      throw new IommuError(
        'OVERLAP',
        'iova',
        `expected ${hex(iova)} … ${hex(iova + size - 1)} to be free, got a mapping in it`,
      );
    }
    const direction = TRANSFERS[DIRECTIONS[call.direction] === undefined ? 0 : call.direction] ?? 'bidirectional';
    if (count === 1) lists.add(room, iova, size, device.mapPage(call.pa[0] as number, size, direction));
    else {
      device.mapSg({ addresses: call.pa.subarray(0, count), lengths: call.length.subarray(0, count) }, direction);
      lists.add(room, iova, size, device.list.dmaAddresses[0] as number);
    }
    this.#askedBytes += size;
    const frames = Math.ceil(size / device.space.granule);
    if (frames <= place.largest) return;
    place.largest = frames;
    place.trend = new Trend();
  }

  #unmap(place: Place, call: TraceCall): void {
    const { device, lists } = place;
    const id = lists.at(call.iova);
    if (id !== 0 && lists.left(id) === call.size && lists.bytes(id) === call.size) this.#unmapWhole(device, lists, id);
    else if (call.covered > 0) this.#unmapParts(place, call);
  }

  #unmapWhole(device: DmaDevice, lists: PlacedLists, id: number): void {
    const [address, bytes] = [lists.address(id), lists.bytes(id)];
    lists.remove(id);
    this.#askedBytes -= bytes;
    device.unmapSg(address, bytes, 'bidirectional');
  }

  /** Unmaps what a call covers of each list: lists that it covers whole go as they are, parts of others are cut out. */
  #unmapParts({ device, lists }: Place, call: TraceCall): void {
    const end = call.iova + call.size;
    let from = call.iova;
    for (let id = lists.first(from, end); id !== 0; id = lists.first(from, end)) {
      const [start, size] = [lists.start(id), lists.bytes(id)];
      from = Math.max(start, from);
      const bytes = Math.min(start + size, end) - from;
      if (bytes === lists.left(id) && bytes === size) this.#unmapWhole(device, lists, id);
      else this.#unmapPart(device, lists, id, from - start, bytes);
      from += bytes;
    }
  }

  #unmapPart(device: DmaDevice, lists: PlacedLists, id: number, offset: number, bytes: number): void {
    const { space } = device;
    const address = lists.address(id);
    this.#partial++;
    const unmapped = space.domain.unmap(address + offset, bytes, { holes: 'skip' }).bytes;
    if (lists.cut(id, unmapped) > 0) return;
    const size = lists.bytes(id);
    lists.remove(id);
    this.#askedBytes -= size;
    space.abandon(address, size);
  }

  #place(id: number): Place {
    const known = this.#places[Math.min(id, MAX_DOMAINS)];
    if (known !== undefined) return known;
    const { format = 'arm-64-lpae-s1', granule = 4096, cpus = 64, kernel = '7.3', device = {} } = this.#options;
    let strict = this.policy !== 'lazy';
    const driver = countedDriver(this.#options.driver ?? bareDriver(), this.#invalidations, ({ hooks }) => {
      if (hooks.strict === true) strict = true;
    });
    const domain = this.#domain(format, granule, driver);
    const exposed = { byteSeconds: 0, longest: 0 };
    const observer = {
      exposed: (bytes: number, from: number, to: number) => this.#exposed(exposed, bytes, to - from),
    };
    const policy = strict ? 'strict' : 'lazy';
    const place = {
      device: new DmaDevice(
        new DmaSpace({ domain, policy, cpus, kernel, observer, queue: this.#options.queue ?? {} }),
        device,
      ),
      lists: new PlacedLists(),
      exposed,
      calls: 0,
      reading: READING_CALLS,
      largest: 1,
      trend: new Trend(),
    };
    this.#places[Math.min(id, MAX_DOMAINS)] = place;
    return place;
  }

  /** A domain of the row; what making it sends and asks for is not counted. */
  #domain(format: string, granule: number, driver: DriverFactory): Domain {
    const before = { ...this.#invalidations };
    const sent = this.#meter.commands?.snapshot();
    const shared = { format, granule, dispatch: 'direct', memory: this.#memory, meter: this.#meter, driver } as const;
    const domain = oneWalkOrPages((path) => new Domain({ ...shared, path }));
    Object.assign(this.#invalidations, before);
    this.#meter.commands?.restore(sent);
    return domain;
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

  /** Peaks over all domains together. */
  #count(live: number, held: number): void {
    this.#live += live;
    this.#held += held;
    if (this.#live > this.#peakLive) this.#peakLive = this.#live;
    if (this.#held > this.#peakHeld) this.#peakHeld = this.#held;
  }

  /** The domain whose addresses end first, by its forecast or else by what is free. */
  #fullest(): { readonly use: AddressUse | undefined; readonly seconds: number } {
    const uses = this.#places.flatMap((place) => {
      if (place === undefined) return [];
      const use = addressUse(place.device.space.iova, undefined, place.largest);
      return [{ use, seconds: place.trend.secondsUntilNone(use.places) }];
    });
    const order = (a: number, b: number): number => (a === b ? 0 : a - b);
    return (
      uses.sort((a, b) => order(a.seconds, b.seconds) || a.use.free - b.use.free)[0] ?? {
        use: undefined,
        seconds: Number.POSITIVE_INFINITY,
      }
    );
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

/** Reads how many lists like the largest still fit. */
function read(place: Place): void {
  const { iova, now } = place.device.space;
  place.trend.add(now, addressUse(iova, undefined, place.largest).places);
  place.reading = place.calls + Math.max(READING_CALLS, iova.ranges);
}
