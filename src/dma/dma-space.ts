/**
 * The DMA side of one domain, shared by the devices of a group (the IOMMU DMA cookie of `drivers/iommu/dma-iommu.c`): its
 * addresses, its reserved regions, its doorbells, and when what was unmapped may be used again.
 * @module
 */
import { alignDown, alignUp, hex } from '../address.ts';
import { Domain } from '../core/domain.ts';
import { UnmapChoices } from '../core/options.ts';
import { checkOptions, IommuError, reading, shown } from '../errors.ts';
import { PROT } from '../formats/protection.ts';
import { sizesOf } from '../formats/widths.ts';
import { attempt } from './attempt.ts';
import { FlushQueue, type FlushQueueOptions } from './flush-queue.ts';
import { IovaAllocator } from './iova-allocator.ts';
import type { IovaKernel } from './iova-cache.ts';

/** Invalidate before an unmap returns, or later from a flush queue. */
export type InvalidationPolicy = 'strict' | 'lazy';

/** A range of input addresses with a meaning of its own (`enum iommu_resv_type`). */
export interface ReservedRegion {
  /** First byte. */
  readonly start: number;
  /** Bytes. */
  readonly bytes: number;
  /**
   * `direct`: mapped to itself, as a firmware table asks (RMRR, IVMD, RMR); `direct-relaxable` too, until a user takes the
   * device. `reserved`: host bridge windows and others that are never given out. `hw-msi`: interrupt doorbells that the
   * hardware treats by itself: they are their own input addresses. `sw-msi`: where doorbells are mapped in domains that are not
   * managed by the DMA layer; not reserved here.
   */
  readonly kind: RegionKind;
}

const REGION_KINDS = ['direct', 'direct-relaxable', 'reserved', 'hw-msi', 'sw-msi'] as const;
type RegionKind = (typeof REGION_KINDS)[number];

/** Receives what becomes of unmapped ranges of a lazy domain. */
export interface DmaObserver {
  /** `bytes` were unmapped at `from` and stayed reachable by the device until the invalidation at `to`, nanoseconds. */
  exposed?(bytes: number, from: number, to: number): void;
}

/** What the DMA side of a domain is made of. */
export interface DmaSpaceOptions {
  /** The domain. Its input addresses must start at 0. */
  readonly domain: Domain;
  /** Default `strict`. */
  readonly policy?: InvalidationPolicy;
  /** CPUs that map and unmap; default 1. */
  readonly cpus?: number;
  /** Whose address caches; default 7.3. */
  readonly kernel?: IovaKernel;
  /** Regions that are kept free or mapped to themselves. */
  readonly regions?: readonly ReservedRegion[];
  /** The flush queue of a lazy domain. */
  readonly queue?: Omit<FlushQueueOptions, 'cpus'>;
  /** Last address that the hardware translates; default the end of the domain's input range. */
  readonly apertureEnd?: number;
  /** Told of exposure. */
  readonly observer?: DmaObserver;
}

/** What the DMA side of a domain did. */
export interface DmaSpaceCounts {
  /** Unmaps that were queued. */
  queued: number;
  /** Invalidations of the whole domain: by the timer, and early since a ring was full. */
  flushes: number;
  /** Of these, the early ones. */
  earlyFlushes: number;
  /** Frames that are unmapped and not yet free for reuse, now and at their peak. */
  heldFrames: number;
  peakHeldFrames: number;
  /** Frames allocated to live mappings, now and at their peak. */
  liveFrames: number;
  peakLiveFrames: number;
}

/** The options, each read once. */
function spaceOptions(given: DmaSpaceOptions): DmaSpaceOptions {
  checkOptions('options', given);
  const options = reading('options', () => ({ ...given }));
  if (!Domain.is(options.domain)) {
    throw new IommuError('BAD_OPTION', 'domain', `expected a Domain, got ${shown(options.domain)}`);
  }
  return options;
}

/** Regions, each read once, in order of their addresses. */
function checkedRegions(given: readonly ReservedRegion[], end: number, granule: number): ReservedRegion[] {
  if (!Array.isArray(given)) throw new IommuError('BAD_OPTION', 'regions', `expected a list, got ${shown(given)}`);
  const sorted: ReservedRegion[] = reading('regions', () => given.map((region: ReservedRegion) => ({ ...region })));
  sorted.sort((a, b) => a.start - b.start);
  for (const [i, { start, bytes, kind }] of sorted.entries()) {
    if (!REGION_KINDS.includes(kind)) {
      throw new IommuError('BAD_OPTION', 'regions', `expected one of ${REGION_KINDS.join(', ')}, got ${shown(kind)}`);
    }
    if (!(Number.isSafeInteger(start) && Number.isSafeInteger(bytes) && start >= 0 && bytes > 0)) {
      throw new IommuError('BAD_OPTION', 'regions', `expected a start and bytes, got ${start} and ${bytes}`);
    }
    if (start + bytes > end) {
      const message = `expected a region up to ${hex(end - 1)}, the last address of the aperture, got ${hex(start)} … ${hex(start + bytes - 1)}`;
      throw new IommuError('OUT_OF_RANGE', 'regions', message, { got: hex(start), last: hex(end - 1) });
    }
    const before = sorted[i - 1];
    if (before !== undefined && alignUp(before.start + before.bytes, granule) > alignDown(start, granule)) {
      const message = `expected a page of its own, got ${hex(start)} in a page of the region from ${hex(before.start)}`;
      throw new IommuError('OVERLAP', 'regions', message, { got: hex(start), expected: hex(before.start) });
    }
  }
  return sorted;
}

/** Addresses of one domain and the life of what is mapped in it. */
export class DmaSpace {
  /** The domain. */
  readonly domain: Domain;
  /** Policy. */
  readonly policy: InvalidationPolicy;
  /** Smallest page of the domain, bytes: every mapping is rounded out to it. */
  readonly granule: number;
  /** Whose allocator. */
  readonly kernel: IovaKernel;
  /** End of the input range, exclusive. */
  readonly end: number;
  /** What was done. */
  readonly counts: DmaSpaceCounts = {
    queued: 0,
    flushes: 0,
    earlyFlushes: 0,
    heldFrames: 0,
    peakHeldFrames: 0,
    liveFrames: 0,
    peakLiveFrames: 0,
  };
  /** The allocator. */
  readonly iova: IovaAllocator;
  readonly #cpus: number;
  readonly #queue: FlushQueue | undefined;
  readonly #observer: DmaObserver | undefined;
  /** Input address by page of a doorbell. */
  readonly #doorbells = new Map<number, number>();
  readonly #hardwareMsi: readonly ReservedRegion[];
  /** Frames at which ranges begin that no unmap gives back, and what they are. */
  readonly #kept = new Map<number, string>();
  #cpu = 0;
  #now = 0;

  /** @throws IommuError `BAD_OPTION`, `OUT_OF_RANGE` or `OVERLAP` of a region; the domain is then as before. */
  constructor(options: DmaSpaceOptions) {
    const { domain, policy = 'strict', cpus = 1, kernel = '7.3', regions = [], apertureEnd } = spaceOptions(options);
    const { geometry } = domain;
    if (geometry.iovaBase !== 0n) {
      throw new IommuError('BAD_OPTION', 'domain', `expected input addresses from 0x0, got ${hex(geometry.iovaBase)}`);
    }
    if (policy !== 'strict' && policy !== 'lazy') {
      throw new IommuError('BAD_OPTION', 'policy', `expected strict or lazy, got ${shown(policy)}`);
    }
    this.domain = domain;
    this.policy = policy;
    this.granule = sizesOf(geometry.pageSizes)[0] ?? 2 ** geometry.pageShift;
    if (apertureEnd !== undefined && !(Number.isSafeInteger(apertureEnd) && apertureEnd >= this.granule)) {
      const message = `expected an address from ${hex(this.granule)} on, got ${shown(apertureEnd)}`;
      throw new IommuError('BAD_OPTION', 'apertureEnd', message);
    }
    this.end = Math.min(2 ** geometry.ias, (apertureEnd ?? Number.POSITIVE_INFINITY) + 1);
    const checked = checkedRegions(regions, this.end, this.granule);
    this.kernel = kernel;
    this.iova = new IovaAllocator({ granule: this.granule, cpus, kernel });
    this.#cpus = cpus;
    this.#observer = options.observer;
    this.#hardwareMsi = checked.filter(({ kind }) => kind === 'hw-msi');
    if (policy === 'lazy') {
      this.#queue = new FlushQueue(
        { ...options.queue, cpus },
        {
          flush: this.#flush.bind(this),
          invalidated: (frames, from, to) => this.#observer?.exposed?.(frames * this.granule, from, to),
          release: this.#release.bind(this),
        },
      );
    }
    this.#reserveAll(checked);
  }

  /** Whether a value is such a space; asks nothing of it. */
  static is(value: unknown): value is DmaSpace {
    return typeof value === 'object' && value !== null && #cpus in value;
  }

  /** Current time, nanoseconds. */
  get now(): number {
    return this.#now;
  }

  /**
   * Says which CPU calls and what time it is: timers that are due run first.
   * @throws IommuError `BAD_OPTION` for a CPU that there is not, or a time that is not a number.
   */
  at(cpu: number, time: number): void {
    if (!(cpu >= 0 && cpu < this.#cpus && Number.isInteger(cpu))) {
      throw new IommuError('BAD_OPTION', 'cpu', `expected a CPU from 0 to ${this.#cpus - 1}, got ${cpu}`);
    }
    if (!Number.isFinite(time)) {
      throw new IommuError('BAD_OPTION', 'time', `expected nanoseconds, got ${shown(time)}`);
    }
    this.#cpu = cpu;
    this.#now = time;
    this.#queue?.advance(time);
    this.iova.advance(time);
  }

  /**
   * A range of input addresses for `bytes`, or 0.
   * @param bytes a multiple of the granule
   * @param last last address that the range may reach
   * @param flush whether all CPUs' caches are emptied before it fails
   */
  allocate(bytes: number, last: number, flush: boolean): number {
    const limit = Math.floor(Math.min(last, this.end - 1) / this.granule);
    const frames = bytes / this.granule;
    const pfn = this.iova.allocFast(this.#cpu, frames, limit, flush);
    if (pfn === 0) return 0;
    const { counts } = this;
    counts.liveFrames += frames;
    if (counts.liveFrames > counts.peakLiveFrames) counts.peakLiveFrames = counts.liveFrames;
    return pfn * this.granule;
  }

  /**
   * Gives back a range that is not mapped.
   * @throws IommuError `BAD_FREE` where no range of that size was allocated there, or its first or last page is mapped; nothing was changed
   * then.
   */
  abandon(iova: number, bytes: number): void {
    this.#checkFree(iova, bytes);
    for (const page of [iova, iova + bytes - this.granule]) {
      if (this.domain.translate(page) === undefined) continue;
      throw new IommuError(
        'BAD_FREE',
        'iova',
        `expected a range of which nothing is mapped, got a mapping at ${hex(page)}`,
        { got: hex(page) },
      );
    }
    this.iova.freeFast(this.#cpu, iova / this.granule, bytes / this.granule);
    this.counts.liveFrames -= bytes / this.granule;
  }

  /**
   * Unmaps a whole range and gives its addresses back: now, or after the flush that invalidates it.
   * @param strictly now, whatever the policy
   * @throws IommuError `BAD_FREE` where no range of that size was allocated there, `NOT_MAPPED` where it is not mapped, and what an
   * invalidation throws, that of a full ring among them; the range is then as before.
   */
  release(iova: number, bytes: number, strictly = false): void {
    const { granule } = this;
    const pfn = iova / granule;
    const frames = bytes / granule;
    const held = this.#checkFree(iova, bytes);
    if (held > frames && this.domain.translate(iova + bytes) !== undefined) {
      const message = `expected all bytes that are mapped from ${hex(iova)} on, got ${hex(bytes)}, and a mapping at ${hex(iova + bytes)}`;
      throw new IommuError('BAD_FREE', 'size', message, { got: hex(bytes) });
    }
    const queue = strictly ? undefined : this.#queue;
    queue?.reserve(this.#cpu, this.#now);
    this.domain.unmap(iova, bytes, queue === undefined ? NOW : LATER);
    this.counts.liveFrames -= frames;
    if (queue === undefined) {
      this.iova.freeFast(this.#cpu, pfn, frames);
      return;
    }
    this.counts.queued++;
    this.counts.heldFrames += frames;
    if (this.counts.heldFrames > this.counts.peakHeldFrames) this.counts.peakHeldFrames = this.counts.heldFrames;
    queue.add(this.#cpu, this.#now, pfn, frames);
  }

  /**
   * Input address of an MSI doorbell: its page is mapped once a domain, for writes, and stays until the domain goes.
   * One in a region of the hardware's own is its own input address.
   * @param allocate gives an address range of so many bytes
   * @throws IommuError as `allocate` and `Domain.map`
   */
  doorbell(pa: number, allocate: (bytes: number) => number): number {
    if (this.#hardwareMsi.some(({ start, bytes }) => pa >= start && pa < start + bytes)) return pa;
    const page = alignDown(pa, this.granule);
    const known = this.#doorbells.get(page);
    if (known !== undefined) return known + (pa - page);
    const iova = allocate(this.granule);
    try {
      this.domain.map(iova, page, this.granule, PROT.WRITE | PROT.NOEXEC | PROT.MMIO);
    } catch (error) {
      this.abandon(iova, this.granule);
      throw error;
    }
    this.#doorbells.set(page, iova);
    this.keep(iova, 'a doorbell');
    return iova + (pa - page);
  }

  /** Marks an allocated range as one that `release` refuses to give back, until {@link letGo}. */
  keep(iova: number, what: string): void {
    this.#kept.set(iova / this.granule, what);
  }

  /**
   * As `release`, of a range that was marked.
   * @throws IommuError as `release`; `BAD_FREE` where the range is marked otherwise; the mark is then as before.
   */
  releaseKept(iova: number, bytes: number, what: string): void {
    const kept = this.#kept.get(iova / this.granule);
    if (kept !== what) {
      throw new IommuError('BAD_FREE', 'iova', `expected ${what} at ${hex(iova)}, got ${kept ?? 'none'}`, {
        got: hex(iova),
      });
    }
    this.letGo(iova);
    try {
      this.release(iova, bytes);
    } catch (error) {
      this.keep(iova, what);
      throw error;
    }
  }

  /** Takes that mark away. */
  letGo(iova: number): void {
    this.#kept.delete(iova / this.granule);
  }

  /** Flushes what is queued, as the end of a domain does. */
  drain(): void {
    if (this.#queue !== undefined && this.#queue.waiting > 0) this.#queue.drain(this.#now, this.#cpu);
  }

  /** @returns frames of the range at `iova` */
  #checkFree(iova: number, bytes: number): number {
    const kept = this.#kept.size === 0 ? undefined : this.#kept.get(iova / this.granule);
    if (kept === undefined) return this.iova.checkFree(iova / this.granule, bytes / this.granule);
    throw new IommuError(
      'BAD_FREE',
      'iova',
      `expected a range that was handed out by allocate, got ${hex(iova)}, which is ${kept}`,
      { got: hex(iova) },
    );
  }

  #reserveAll(regions: readonly ReservedRegion[]): void {
    const mapped: (readonly [first: number, bytes: number])[] = [];
    try {
      for (const region of regions) this.#reserve(region, mapped);
    } catch (error) {
      for (const [first, bytes] of mapped) attempt(() => this.domain.unmap(first, bytes));
      throw error;
    }
  }

  #reserve({ start, bytes, kind }: ReservedRegion, mapped: (readonly [first: number, bytes: number])[]): void {
    if (kind === 'sw-msi') return;
    const { granule } = this;
    const first = alignDown(start, granule);
    const length = alignUp(start + bytes, granule) - first;
    this.iova.reserve(first / granule, (first + length) / granule - 1);
    this.keep(first, 'a reserved region');
    if (kind !== 'direct' && kind !== 'direct-relaxable') return;
    this.domain.map(first, first, length, PROT.READ | PROT.WRITE);
    mapped.push([first, length]);
  }

  #flush(_time: number, early: boolean): void {
    this.domain.flushAll();
    this.counts.flushes++;
    if (early) this.counts.earlyFlushes++;
  }

  #release(cpu: number, pfn: number, frames: number): void {
    this.iova.freeFast(cpu, pfn, frames);
    this.counts.heldFrames -= frames;
  }
}

const NOW = UnmapChoices.of({ invalidation: 'now' });
const LATER = UnmapChoices.of({ invalidation: 'later' });
