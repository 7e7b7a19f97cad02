/**
 * Receive rings as "Fast & Safe IO Memory Protection" (Agarwal and others, SOSP 2024) describes them: descriptors of 64 pages, one
 * acknowledgement sent now and then, addresses from Linux's allocator, and invalidation page by page or by descriptor. A seed
 * decides everything, so that a run can be repeated.
 * @module
 */
import { IovaAllocator } from '../dma/iova-allocator.ts';
import { Random } from './random.ts';
import { type CacheSizes, WalkCaches, type WalkCounts } from './walk-caches.ts';

/** Where addresses come from, and how they are invalidated. */
export interface RingPolicy {
  /** `page`: one address range a page, from the CPU's cache. `chunk`: one range a descriptor. */
  readonly addresses: 'page' | 'chunk';
  /** `page`: one invalidation a page. `chunk`: one a descriptor. */
  readonly invalidation: 'page' | 'chunk';
  /** Whether an invalidation keeps what the IOMMU has cached of tables (the hint IH = 1). */
  readonly keepsTables: boolean;
}

/** A machine's load. */
export interface RingLoad {
  /** CPUs, each with a ring. */
  readonly cores: number;
  /** Pages that a ring holds; a multiple of a descriptor. */
  readonly ringPages: number;
  /** Acknowledgements a page received. */
  readonly acksPerPage: number;
  /** 2M regions over which the addresses in caches lie, when the run begins. */
  readonly regions: number;
  /** Share of invalidations during which another CPU's ring is written. */
  readonly overlap: number;
}

/** What was counted, a page received. */
export interface RingCounts {
  readonly pages: number;
  readonly iotlb: number;
  readonly level1: number;
  readonly level2: number;
  readonly level3: number;
  /** Reads of table memory: the sum of the four. */
  readonly reads: number;
  /** Invalidations, each with a wait. */
  readonly invalidations: number;
  readonly allocations: number;
  /** Different 2M regions between two uses of one, in order of allocation: median and 99th percentile. */
  readonly reuseMedian: number;
  readonly reuseP99: number;
}

/** Pages of a descriptor (mlx5 striding receive queue). */
export const DESCRIPTOR_PAGES = 64;
const REGION_PAGES = 512;
/** Limit of the addresses: 48 bits. */
const LIMIT = 2 ** 36 - 1;
const WARM_UP = 0.2;
const REUSE_WINDOW = 500;

/** A descriptor's pages, and how many of them are written. */
interface Descriptor {
  readonly pages: readonly number[];
  written: number;
}

/** The rings of one machine. */
class Rings {
  readonly caches: WalkCaches;
  pages = 0;
  invalidations = 0;
  allocations = 0;
  readonly regionsUsed: number[] = [];
  readonly #load: RingLoad;
  readonly #policy: RingPolicy;
  readonly #random: Random;
  readonly #iova: IovaAllocator;
  readonly #rings: Descriptor[][];
  /** Chunks that acknowledgements take their pages from, by CPU: first page and pages used. */
  readonly #sends: { chunk: number; used: number }[];

  constructor(load: RingLoad, policy: RingPolicy, sizes: CacheSizes, seed: number) {
    this.#load = load;
    this.#policy = policy;
    this.#random = new Random(seed);
    this.caches = new WalkCaches(sizes);
    this.#iova = new IovaAllocator({ granule: 4096, cpus: load.cores, frees: 'linux' });
    this.#age();
    this.#sends = Array.from({ length: load.cores }, () => ({ chunk: 0, used: DESCRIPTOR_PAGES }));
    this.#rings = Array.from({ length: load.cores }, (_, core) =>
      Array.from({ length: load.ringPages / DESCRIPTOR_PAGES }, () => this.#post(core)),
    );
  }

  /** Receives one page on each CPU in turn, from a random one on. */
  step(): void {
    const { cores, acksPerPage } = this.#load;
    const core = this.#random.below(cores);
    this.#write(core);
    if (this.#random.chance(acksPerPage)) this.#acknowledge(core);
  }

  /** Addresses as a machine that has run for long has them: all pages of the regions, freed in random order. */
  #age(): void {
    const { cores, regions } = this.#load;
    const pages = Array.from({ length: regions * REGION_PAGES }, () => this.#iova.allocFast(0, 1, LIMIT, true));
    this.#random.shuffle(pages);
    for (const [i, page] of pages.entries()) this.#iova.freeFast(Math.floor((i * cores) / pages.length), page, 1);
  }

  #post(core: number): Descriptor {
    if (this.#policy.addresses === 'chunk') {
      const first = this.#allocate(core, DESCRIPTOR_PAGES);
      return { pages: Array.from({ length: DESCRIPTOR_PAGES }, (_, i) => first + i), written: 0 };
    }
    return { pages: Array.from({ length: DESCRIPTOR_PAGES }, () => this.#allocate(core, 1)), written: 0 };
  }

  #allocate(core: number, pages: number): number {
    this.allocations++;
    const page = this.#iova.allocFast(core, pages, LIMIT, true);
    this.regionsUsed.push(Math.floor(page / REGION_PAGES));
    return page;
  }

  #write(core: number): void {
    const ring = this.#rings[core] as Descriptor[];
    const head = ring[0] as Descriptor;
    this.caches.access(head.pages[head.written++] as number);
    this.pages++;
    if (head.written < DESCRIPTOR_PAGES) return;
    ring.shift();
    this.#complete(core, head);
    ring.push(this.#post(core));
  }

  #complete(core: number, { pages }: Descriptor): void {
    const { addresses, invalidation } = this.#policy;
    if (invalidation === 'chunk') this.#invalidate(core, pages[0] as number, DESCRIPTOR_PAGES);
    else for (const page of pages) this.#invalidate(core, page, 1);
    if (addresses === 'chunk') this.#iova.freeFast(core, pages[0] as number, DESCRIPTOR_PAGES);
    else for (const page of pages) this.#iova.freeFast(core, page, 1);
  }

  #invalidate(core: number, first: number, pages: number): void {
    this.invalidations++;
    this.caches.invalidate(first, pages, !this.#policy.keepsTables);
    if (!this.#random.chance(this.#load.overlap)) return;
    const other = this.#random.below(this.#load.cores);
    const head = this.#rings[other]?.[0];
    if (other === core || head === undefined || head.written >= DESCRIPTOR_PAGES - 1) return;
    this.caches.access(head.pages[head.written++] as number);
    this.pages++;
  }

  #acknowledge(core: number): void {
    if (this.#policy.addresses === 'chunk') this.#acknowledgeFromChunk(core);
    else {
      const page = this.#allocate(core, 1);
      this.caches.access(page);
      this.#invalidate(core, page, 1);
      this.#iova.freeFast(core, page, 1);
    }
  }

  #acknowledgeFromChunk(core: number): void {
    const send = this.#sends[core] as { chunk: number; used: number };
    if (send.used === DESCRIPTOR_PAGES) {
      if (send.chunk !== 0) {
        this.#invalidate(core, send.chunk, DESCRIPTOR_PAGES);
        this.#iova.freeFast(core, send.chunk, DESCRIPTOR_PAGES);
      }
      send.chunk = this.#allocate(core, DESCRIPTOR_PAGES);
      send.used = 0;
    }
    this.caches.access(send.chunk + send.used++);
  }
}

/** Distinct values between two uses of one, within a window; sorted. */
function reuseDistances(regions: readonly number[]): number[] {
  const distances: number[] = [];
  for (let i = 0; i < regions.length; i++) {
    const seen = new Set<number>();
    for (let k = i - 1; k >= 0 && k >= i - REUSE_WINDOW; k--) {
      if (regions[k] === regions[i]) {
        distances.push(seen.size);
        break;
      }
      seen.add(regions[k] as number);
    }
  }
  return distances.sort((a, b) => a - b);
}

/**
 * Runs rings until about `pages` pages were received, and counts the last four fifths.
 * @param sizes of the caches: nobody publishes them
 */
export function runRings(
  load: RingLoad,
  policy: RingPolicy,
  sizes: CacheSizes,
  pages: number,
  seed: number,
): RingCounts {
  const rings = new Rings(load, policy, sizes, seed);
  while (rings.pages < pages * WARM_UP) rings.step();
  const before: WalkCounts = { ...rings.caches.counts };
  const from = { pages: rings.pages, invalidations: rings.invalidations, allocations: rings.allocations };
  while (rings.pages < pages) rings.step();
  const counts = rings.caches.counts;
  const counted = rings.pages - from.pages;
  const each = (name: keyof WalkCounts): number => (counts[name] - before[name]) / counted;
  const [iotlb, level1, level2, level3] = [each('iotlb'), each('level1'), each('level2'), each('level3')];
  const reuse = reuseDistances(rings.regionsUsed.slice(-2000));
  const quantile = (share: number): number => reuse[Math.floor((reuse.length - 1) * share)] ?? 0;
  return {
    pages: counted,
    iotlb,
    level1,
    level2,
    level3,
    reads: iotlb + level1 + level2 + level3,
    invalidations: (rings.invalidations - from.invalidations) / counted,
    allocations: (rings.allocations - from.allocations) / counted,
    reuseMedian: quantile(0.5),
    reuseP99: quantile(0.99),
  };
}

/** Prices of one machine, fitted by the paper's authors: time of a packet without IOMMU, and of one read, nanoseconds. */
export interface RingPrices {
  readonly packetBytes: number;
  readonly packetNs: number;
  readonly readNs: number;
}

/** The paper's machine: l0 = 65 ns, lm = 197 ns, packets of 4000 bytes. */
export const PAPER_PRICES: RingPrices = { packetBytes: 4000, packetNs: 65, readNs: 197 };

/** Throughput in Gbit/s that `reads` a packet allow: p / (l0 + M · lm). */
export function throughput(reads: number, { packetBytes, packetNs, readNs }: RingPrices = PAPER_PRICES): number {
  return (packetBytes * 8) / (packetNs + reads * readNs);
}
