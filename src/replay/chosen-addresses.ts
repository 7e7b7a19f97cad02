/**
 * Which input addresses a traced kernel chose, and whether its allocator, fed with the trace's dma events alone, chooses the
 * same. Where it does not, the replica follows the trace, and the reason is counted.
 * @module
 */
import { alignDown } from '../address.ts';
import { FlushQueue, type FlushQueueOptions } from '../dma/flush-queue.ts';
import { IovaAllocator, type IovaAllocatorOptions } from '../dma/iova-allocator.ts';
import { KIND, type TraceEvent, type TraceNames } from '../trace/events.ts';

/** Events of one device that wait until it shows whether it is translated. */
const MAX_UNDECIDED = 4096;
const DOUBLES_PER_EVENT = 4;
/**
 * When a lazy domain's timer has fired at the latest: after 10 ms, rounded up to ticks and late by one more. An earlier
 * flush shows when an address is used again.
 */
export const LATE_TIMEOUT_NS = 20e6;

/** What is known of the traced kernel. */
export interface AddressOptions extends Omit<IovaAllocatorOptions, 'frees'> {
  /** Whether its domains were lazy; default false. */
  readonly lazy?: boolean;
  /** Its flush queue, if not the usual one; the default timeout is {@link LATE_TIMEOUT_NS}. */
  readonly queue?: Omit<FlushQueueOptions, 'cpus'>;
  /** Bits that devices address above the first attempt below 4 GiB; default 48. */
  readonly bits?: number;
}

/** Why an address did not come out. Each is counted for one address. */
export const MISSES = {
  unseen: 'the address that was due is held by something without a dma event, or from before the trace',
  order:
    'the address was cached, but another one was due: caches of before the trace or of another CPU, or a flush at a time that no event shows',
  cache: 'a cached address was due, and the kernel made a new range: its CPU had none cached',
  taken: 'the address is taken as far as the trace says: an unmap is missing, or two devices share a domain',
  other: 'the kernel chose a free address where another one was due',
} as const;

/** One of {@link MISSES}. */
export type Miss = keyof typeof MISSES;

/** What came out for one device. */
export interface DeviceAddresses {
  /** Name of the device. */
  readonly device: string;
  /** `undecided`: it maps nothing, so that nothing shows whether its addresses are translated. */
  readonly translated: 'yes' | 'no' | 'undecided';
  /** Addresses that the kernel chose. */
  chosen: number;
  /** Of these, those that the replica chose too. */
  same: number;
  /** The rest, by reason. */
  readonly misses: Record<Miss, number>;
  /** Lists that the trace cut off: their size is unknown, and no address was asked for. */
  truncated: number;
  /** Unmaps of what the trace had not mapped. */
  unknownUnmaps: number;
  /** Flushes of a lazy domain that only the reuse of an address shows: the timer came earlier than its nominal time. */
  flushesSeen: number;
}

/** One device's domain, as far as dma events show it. */
class Replica {
  readonly row: DeviceAddresses;
  readonly #iova: IovaAllocator;
  readonly #queue: FlushQueue | undefined;
  readonly #options: AddressOptions;
  readonly #limit32: number;
  readonly #limit: number;
  readonly #live = new Map<number, number>();
  /** Frames of live lists by their first page and number of pages: their unmaps name pages only. */
  readonly #lists = new FramesByKey();
  /** Frames that wait in the flush queue. */
  readonly #waiting = new Set<number>();
  #first32 = true;

  constructor(device: string, options: AddressOptions) {
    this.row = {
      device,
      translated: 'yes',
      chosen: 0,
      same: 0,
      misses: { unseen: 0, order: 0, cache: 0, taken: 0, other: 0 },
      truncated: 0,
      unknownUnmaps: 0,
      flushesSeen: 0,
    };
    this.#options = options;
    this.#iova = new IovaAllocator({ ...options, frees: 'linux' });
    this.#limit32 = this.#iova.pfn32 - 1;
    this.#limit = 2 ** (options.bits ?? 48) / options.granule - 1;
    const hooks = { flush: () => undefined, release: this.#release.bind(this) };
    if (options.lazy === true)
      this.#queue = new FlushQueue({ timeoutNs: LATE_TIMEOUT_NS, ...options.queue, cpus: options.cpus ?? 1 }, hooks);
  }

  advance(time: number): void {
    this.#iova.advance(time);
    this.#queue?.advance(time);
  }

  map(cpu: number, time: number, address: number, bytes: number): void {
    const { granule } = this.#options;
    const pfn = Math.floor(address / granule);
    const pages = Math.ceil((address + bytes) / granule) - pfn;
    if (this.#waiting.has(pfn)) {
      this.#queue?.drain(time, cpu);
      this.row.flushesSeen++;
    }
    const before = this.#iova.ranges;
    const due = this.#allocate(cpu, pages);
    this.row.chosen++;
    if (due === pfn) this.row.same++;
    else this.row.misses[this.#follow(cpu, due, this.#iova.ranges > before, pfn, pages)]++;
    this.#live.set(pfn, pages);
  }

  mapList(event: TraceEvent): void {
    const { dma, lengths, physical, count, physicalCount, truncated } = event.list;
    if (truncated || count === 0) {
      this.row.truncated++;
      return;
    }
    const first = dma[0] as number;
    const last = (dma[count - 1] as number) + (lengths[count - 1] as number);
    this.map(event.cpu, event.time, first, last - first);
    this.#lists.add(listKey(physical, physicalCount), Math.floor(first / this.#options.granule));
  }

  unmap(cpu: number, time: number, address: number, bytes: number): void {
    const { granule } = this.#options;
    const pfn = Math.floor(address / granule);
    const pages = this.#live.get(pfn) ?? Math.ceil((address + bytes) / granule) - pfn;
    if (!this.#live.delete(pfn)) {
      this.row.unknownUnmaps++;
      if (this.#iova.claim(pfn, pages) !== 'free') return;
    }
    if (this.#queue === undefined) this.#iova.freeFast(cpu, pfn, pages);
    else {
      this.#queue.add(cpu, time, pfn, pages);
      this.#waiting.add(pfn);
    }
  }

  unmapList(event: TraceEvent): void {
    const { physical, physicalCount } = event.list;
    const pfn = this.#lists.take(listKey(physical, physicalCount));
    if (pfn === undefined) this.row.unknownUnmaps++;
    else this.unmap(event.cpu, event.time, pfn * this.#options.granule, this.#options.granule);
  }

  /** As dma-iommu asks: below 4 GiB until that fails once, then anywhere. */
  #allocate(cpu: number, pages: number): number {
    if (this.#first32) {
      const low = this.#iova.allocFast(cpu, pages, this.#limit32, false);
      if (low !== 0) return low;
      this.#first32 = false;
    }
    return this.#iova.allocFast(cpu, pages, this.#limit, true);
  }

  /** Makes the replica hold what the kernel chose instead of what was due; says why they may differ. */
  #follow(cpu: number, due: number, fresh: boolean, pfn: number, pages: number): Miss {
    const was = this.#iova.claim(pfn, pages);
    if (was === 'taken') {
      if (due !== 0) this.#iova.freeFast(cpu, due, pages);
      return 'taken';
    }
    if (fresh && due > pfn && was === 'free') return 'unseen';
    if (due !== 0) this.#iova.freeFast(cpu, due, pages);
    if (was === 'cached') return 'order';
    return fresh ? 'other' : 'cache';
  }

  #release(cpu: number, pfn: number, pages: number): void {
    this.#waiting.delete(pfn);
    this.#iova.freeFast(cpu, pfn, pages);
  }
}

/** Frames by a number, the latest of equal ones first; mostly one a number. */
class FramesByKey {
  readonly #frames = new Map<number, number | number[]>();

  add(key: number, frame: number): void {
    const known = this.#frames.get(key);
    if (known === undefined) this.#frames.set(key, frame);
    else if (typeof known === 'number') this.#frames.set(key, [known, frame]);
    else known.push(frame);
  }

  take(key: number): number | undefined {
    const known = this.#frames.get(key);
    if (typeof known === 'object' && known.length > 1) return known.pop();
    this.#frames.delete(key);
    return typeof known === 'object' ? known[0] : known;
  }
}

/** First page and number of pages of a list as one number, exact below 2^47 bytes. */
function listKey(physical: Float64Array, count: number): number {
  return (physical[0] as number) * 64 + (count % 64);
}

/** Events of a device that was not yet seen mapping anything. */
class Undecided {
  readonly #events: number[] = [];

  add(event: TraceEvent): boolean {
    if (this.#events.length >= MAX_UNDECIDED * DOUBLES_PER_EVENT) return false;
    this.#events.push(event.kind, event.cpu, event.iova, event.size);
    return true;
  }

  replay(replica: Replica): void {
    for (let i = 0; i < this.#events.length; i += DOUBLES_PER_EVENT) {
      const [kind, cpu, address, bytes] = this.#events.slice(i, i + DOUBLES_PER_EVENT) as [
        number,
        number,
        number,
        number,
      ];
      if (kind === KIND.DMA_ALLOC) replica.map(cpu, 0, address, bytes);
      else replica.unmap(cpu, 0, address, bytes);
    }
  }
}

/** Follows the dma events of a trace. One domain a device is assumed. Memory grows with what is live. */
export class ChosenAddresses {
  readonly #names: TraceNames;
  readonly #options: AddressOptions;
  readonly #replicas = new Map<number, Replica | 'untranslated' | Undecided>();

  /** @throws IommuError `BAD_OPTION` */
  constructor(names: TraceNames, options: AddressOptions) {
    this.#names = names;
    this.#options = options;
    new Replica('', options);
  }

  /** Takes one event; those that are not of dma are let pass. */
  event(event: TraceEvent): void {
    if (event.kind < KIND.DMA_MAP || event.kind > KIND.DMA_FREE || event.device < 0) return;
    const known = this.#replicas.get(event.device);
    const replica = known instanceof Replica ? known : this.#decide(event, known);
    if (replica === undefined) return;
    replica.advance(event.time);
    if (event.kind === KIND.DMA_MAP || event.kind === KIND.DMA_ALLOC)
      replica.map(this.#cpu(event), event.time, event.iova, event.size);
    else if (event.kind === KIND.DMA_MAP_SG) replica.mapList(event);
    else if (event.kind === KIND.DMA_UNMAP_SG) replica.unmapList(event);
    else replica.unmap(this.#cpu(event), event.time, event.iova, event.size);
  }

  /** Addresses that kernels chose so far. */
  get chosen(): number {
    return this.#sum(({ chosen }) => chosen);
  }

  /** Of these, those that came out. */
  get same(): number {
    return this.#sum(({ same }) => same);
  }

  /** What came out, device by device. */
  get devices(): DeviceAddresses[] {
    return [...this.#replicas].map(([id, replica]) => {
      if (replica instanceof Replica) return replica.row;
      const row = new Replica(this.#names.devices.text(id), this.#options).row;
      return { ...row, translated: replica === 'untranslated' ? 'no' : 'undecided' };
    });
  }

  /** The replica of a device that has none yet; undefined where the event is not followed. */
  #decide(event: TraceEvent, known: 'untranslated' | Undecided | undefined): Replica | undefined {
    if (known === 'untranslated') return undefined;
    const physical = event.kind === KIND.DMA_MAP_SG ? event.list.physical[0] : event.pa;
    const chosen = event.kind === KIND.DMA_MAP_SG ? event.list.dma[0] : event.iova;
    const maps = event.kind === KIND.DMA_MAP || event.kind === KIND.DMA_MAP_SG;
    if (!maps || physical === undefined || chosen === undefined) {
      const waiting = known ?? new Undecided();
      waiting.add(event);
      this.#replicas.set(event.device, waiting);
      return undefined;
    }
    const { granule } = this.#options;
    if (alignDown(physical, granule) === alignDown(chosen, granule)) {
      this.#replicas.set(event.device, 'untranslated');
      return undefined;
    }
    const replica = new Replica(this.#names.devices.text(event.device), this.#options);
    known?.replay(replica);
    this.#replicas.set(event.device, replica);
    return replica;
  }

  #sum(of: (row: DeviceAddresses) => number): number {
    let sum = 0;
    for (const replica of this.#replicas.values()) if (replica instanceof Replica) sum += of(replica.row);
    return sum;
  }

  #cpu(event: TraceEvent): number {
    return event.cpu >= 0 && event.cpu < (this.#options.cpus ?? 1) ? event.cpu : 0;
  }
}
