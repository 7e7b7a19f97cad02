/**
 * The figures of "Fast & Safe IO Memory Protection" (Agarwal and others, SOSP 2024; figures 2, 3, 7 and 8), and what counting over the same
 * rings gives. Vector figures were read with an error of about 1 %.
 * @module
 */
import { type RingCounts, type RingLoad, type RingPolicy, runRings, throughput } from './ring-workload.ts';
import type { CacheSizes } from './walk-caches.ts';

/** Linux 6.0: an address range and an invalidation a page, and what is cached of tables goes each time. */
export const LINUX_RINGS: RingPolicy = { addresses: 'page', invalidation: 'page', keepsTables: false };
/** The paper's A and B together: addresses that lie together, one invalidation a descriptor, tables kept. */
export const FAST_AND_SAFE: RingPolicy = { addresses: 'chunk', invalidation: 'chunk', keepsTables: true };
/** The paper's A alone, and B alone. */
export const KEEPS_TABLES: RingPolicy = { ...LINUX_RINGS, keepsTables: true };
export const TOGETHER: RingPolicy = { ...FAST_AND_SAFE, keepsTables: false };

/** The caches that the comparison assumes. The authors take 64 to 128 entries at level 3; no size is published. */
export const ASSUMED_CACHES: CacheSizes = { iotlb: 4096, level1: 32, level2: 32, level3: 64 };

/** One point of the paper: what was measured, a page received. */
export interface PaperPoint {
  readonly name: string;
  readonly load: RingLoad;
  /** Gbit/s without IOMMU, with Linux's strict mode, and with Fast & Safe. */
  readonly off: number;
  readonly strict: number;
  readonly fastAndSafe: number;
  readonly iotlb: number;
  readonly level1: number;
  readonly level2: number;
  readonly level3: number;
}

function point(
  name: string,
  ringPages: number,
  [acksPerPage, regions, overlap]: readonly [number, number, number],
  [off, strict, fastAndSafe]: readonly [number, number, number],
  [iotlb, level1, level2, level3]: readonly [number, number, number, number],
): PaperPoint {
  const load = { cores: 5, ringPages, acksPerPage, regions, overlap };
  return { name, load, off, strict, fastAndSafe, iotlb, level1, level2, level3 };
}

/**
 * Acknowledgements a page are the paper's; 2M regions are its reuse distances; the overlap of flows is what its level 1
 * misses leave once acknowledgements and descriptors are taken away.
 */
export const PAPER_POINTS: readonly PaperPoint[] = [
  point('ring 256, 5 flows', 256, [0.045, 64, 0], [97.5, 77.6, 97.4], [1.3, 0.05, 0.05, 0.36]),
  point('ring 512, 5 flows', 512, [0.053, 128, 0], [97.5, 68.9, 94.1], [1.34, 0.055, 0.054, 0.7]),
  point('ring 1024, 5 flows', 1024, [0.054, 256, 0], [97.5, 66.4, 90.5], [1.36, 0.06, 0.055, 0.84]),
  point('ring 2048, 5 flows', 2048, [0.054, 430, 0], [97.5, 66.1, 88.7], [1.36, 0.06, 0.055, 0.86]),
  point('ring 256, 10 flows', 256, [0.067, 90, 0.08], [91, 61.5, 91.2], [1.44, 0.16, 0.15, 0.57]),
  point('ring 256, 20 flows', 256, [0.1, 130, 0.31], [87.5, 40, 87], [1.98, 0.43, 0.43, 0.77]),
  point('ring 256, 40 flows', 256, [0.12, 190, 0.49], [85.5, 30.8, 84.6], [2.2, 0.63, 0.63, 0.9]),
];

/** A point beside what was counted. Throughput is bounded by what the machine reaches without IOMMU. */
export interface RingComparison {
  readonly paper: PaperPoint;
  /** Reads of table memory a page in the paper: the sum of its misses. */
  readonly paperReads: number;
  /** Throughput that the paper's model gives for its own reads. */
  readonly paperModel: number;
  readonly linux: RingCounts;
  readonly linuxThroughput: number;
  readonly keepsTables: RingCounts;
  readonly together: RingCounts;
  readonly fastAndSafe: RingCounts;
  readonly fastAndSafeThroughput: number;
}

/** Pages received in each run, and its seed. */
export const COMPARED_PAGES = 20_000;
const SEED = 1;

/** Counts one point under all policies. */
export function comparePoint(
  paper: PaperPoint,
  sizes: CacheSizes = ASSUMED_CACHES,
  pages: number = COMPARED_PAGES,
  seed: number = SEED,
): RingComparison {
  const run = (policy: RingPolicy): RingCounts => runRings(paper.load, policy, sizes, pages, seed);
  const linux = run(LINUX_RINGS);
  const fastAndSafe = run(FAST_AND_SAFE);
  const paperReads = paper.iotlb + paper.level1 + paper.level2 + paper.level3;
  return {
    paper,
    paperReads,
    paperModel: throughput(paperReads),
    linux,
    linuxThroughput: Math.min(paper.off, throughput(linux.reads)),
    keepsTables: run(KEEPS_TABLES),
    together: run(TOGETHER),
    fastAndSafe,
    fastAndSafeThroughput: Math.min(paper.off, throughput(fastAndSafe.reads)),
  };
}
