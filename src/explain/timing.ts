/**
 * Timing texts that are neither tables nor traces: histograms and averages. What they say, and what they cannot tell.
 * @module
 */
import { checkText } from '../errors.ts';
import { type BenchmarkRun, readBenchmark } from './benchmark-text.ts';
import { type Bucket, type PrintedHistogram, readHistograms } from './histogram-text.ts';

/** A range that a figure lies in: a histogram keeps no more. */
export interface Bounds {
  /** Null where the bucket has no such end. */
  readonly low: number | null;
  readonly high: number | null;
}

/** A histogram with the ranges of its figures, in nanoseconds, or in the printed unit where that is not named. */
export interface HistogramTimes {
  readonly name: string | null;
  readonly unit: 'ns' | 'not named';
  readonly count: number;
  readonly mean: Bounds;
  readonly median: Bounds;
  readonly p99: Bounds;
  readonly most: Bounds;
  /** Parts, by the buckets' shares of the count. */
  readonly buckets: readonly (Bounds & { readonly count: number; readonly share: number })[];
}

/** A run of dma_map_benchmark, with what follows from it. */
export interface BenchmarkTimes extends BenchmarkRun {
  readonly mapNsPerPage: number;
  readonly unmapNsPerPage: number;
}

/** Two runs that differ in one setting. */
export interface BenchmarkPair {
  readonly setting: string;
  readonly from: string;
  readonly to: string;
  readonly mapUs: number;
  readonly unmapUs: number;
  /** False where the difference is no larger than the last digit that is printed. */
  readonly mapTold: boolean;
  readonly unmapTold: boolean;
}

/** The answer of `explain` for a timing text. */
export interface TimingAnswer {
  readonly schema: 'iommu.explain';
  readonly version: 1;
  readonly source: string;
  readonly kind: 'histogram' | 'dma_map_benchmark';
  readonly fits: readonly [];
  readonly comparisons: readonly [];
  readonly noise: null;
  readonly units: readonly [];
  readonly inseparable: readonly [];
  readonly suggestedRun: { readonly text: string };
  readonly histograms: readonly HistogramTimes[];
  readonly runs: readonly BenchmarkTimes[];
  readonly pairs: readonly BenchmarkPair[];
  /** What the text cannot tell. */
  readonly limits: readonly string[];
}

/** The last printed digit of dma_map_benchmark, in microseconds. */
const RESOLUTION_US = 0.1;

const HISTOGRAM_LIMITS = [
  'a figure is known to its bucket only: with buckets of powers of two, to a factor of 2; the mean lies between the sums of the lower and of the upper ends',
  'the time is that of the whole function, with everything it calls and every interrupt in it: not where inside the time goes',
  'the probes themselves take part of each time; how much cannot be seen here',
  'sizes and devices are mixed: two peaks may be two sizes',
];

const BENCHMARK_LIMITS = [
  'averages only: no percentile, no size but the one that was asked for, and not where inside a map or unmap the time goes',
  'the standard deviation is that of single calls; how many calls there were is not printed, so how sure an average is cannot be computed',
  'whether the domain is strict or lazy is not printed, and decides what an unmap costs: note /sys/kernel/iommu_groups/<group>/type beside it',
  'each thread maps and unmaps one buffer at a time: caches of addresses stay warm as they do not for a driver with many buffers in flight',
];

const GRAPH_RUN =
  'to see where inside the time goes, trace the same calls with function_graph (iommu record --graph), and explain that trace';
const THREADS_RUN =
  'to see contention, repeat with 1 thread and with as many as there are processors, all else the same; to see where the time goes, trace one run with function_graph';

function bound(value: number, unitNs: number): number | null {
  return Number.isFinite(value) ? value * unitNs : null;
}

function boundsOf({ low, high }: Bucket, unitNs: number): Bounds {
  return { low: bound(low, unitNs), high: bound(high, unitNs) };
}

/** The bucket that holds the value of that rank. */
function atShare(buckets: readonly Bucket[], count: number, share: number): Bucket {
  const rank = Math.max(1, Math.ceil(count * share));
  let seen = 0;
  for (const bucket of buckets) {
    seen += bucket.count;
    if (seen >= rank) return bucket;
  }
  return { low: 0, high: 0, count: 0 };
}

function timesOf({ name, unitNs, buckets }: PrintedHistogram): HistogramTimes {
  const filled = buckets.filter(({ count }) => count > 0).toSorted((a, b) => a.low - b.low);
  const count = filled.reduce((sum, one) => sum + one.count, 0);
  const unit = unitNs ?? 1;
  const meanOf = (end: 'low' | 'high'): number => filled.reduce((sum, one) => sum + one[end] * one.count, 0) / count;
  return {
    name,
    unit: unitNs === null ? 'not named' : 'ns',
    count,
    mean: { low: bound(meanOf('low'), unit), high: bound(meanOf('high'), unit) },
    median: boundsOf(atShare(filled, count, 0.5), unit),
    p99: boundsOf(atShare(filled, count, 0.99), unit),
    most: boundsOf(atShare(filled, count, 1), unit),
    buckets: filled.map((one) => ({ ...boundsOf(one, unit), count: one.count, share: one.count / count })),
  };
}

const SETTINGS = ['mode', 'threads', 'node', 'direction', 'granule'] as const;

function pairOf(a: BenchmarkRun, b: BenchmarkRun): BenchmarkPair | undefined {
  const [setting, ...others] = SETTINGS.filter((name) => a[name] !== b[name]);
  if (setting === undefined || others.length > 0) return undefined;
  const [mapUs, unmapUs] = [b.mapUs - a.mapUs, b.unmapUs - a.unmapUs].map((us) => Number(us.toFixed(6)));
  const told = (us = 0): boolean => Math.abs(us) > RESOLUTION_US * 1.000001;
  return {
    setting,
    from: String(a[setting] ?? 'not printed'),
    to: String(b[setting] ?? 'not printed'),
    mapUs: mapUs ?? 0,
    unmapUs: unmapUs ?? 0,
    mapTold: told(mapUs),
    unmapTold: told(unmapUs),
  };
}

/** Each run with those before it that differ in one setting; few runs are printed in one text. */
function pairsOf(runs: readonly BenchmarkRun[]): BenchmarkPair[] {
  return runs.slice(0, 64).flatMap((run, i) => runs.slice(0, i).flatMap((before) => pairOf(before, run) ?? []));
}

function timesOfRun(run: BenchmarkRun): BenchmarkTimes {
  const pages = Math.max(1, run.granule);
  return { ...run, mapNsPerPage: (run.mapUs * 1000) / pages, unmapNsPerPage: (run.unmapUs * 1000) / pages };
}

const EMPTY = {
  schema: 'iommu.explain',
  version: 1,
  fits: [],
  comparisons: [],
  noise: null,
  units: [],
  inseparable: [],
} as const;

/** True for the beginning of a text that {@link explainTimings} reads. */
export function looksLikeTimings(head: string): boolean {
  checkText('head', head);
  return readHistograms(head).length > 0 || /dma mapping benchmark: threads:/.test(head);
}

/** Explains histograms or the output of dma_map_benchmark; `undefined` for any other text. */
export function explainTimings(text: string, source: string): TimingAnswer | undefined {
  checkText('text', text);
  checkText('source', source);
  const runs = readBenchmark(text);
  if (runs.length > 0) {
    return {
      ...EMPTY,
      source,
      kind: 'dma_map_benchmark',
      suggestedRun: { text: THREADS_RUN },
      histograms: [],
      runs: runs.map(timesOfRun),
      pairs: pairsOf(runs),
      limits: BENCHMARK_LIMITS,
    };
  }
  const histograms = readHistograms(text).map(timesOf);
  if (histograms.length === 0) return undefined;
  const unnamed = histograms.some(({ unit }) => unit === 'not named');
  const limits = unnamed
    ? ['the unit is not named: figures are in whatever was recorded', ...HISTOGRAM_LIMITS]
    : HISTOGRAM_LIMITS;
  return {
    ...EMPTY,
    source,
    kind: 'histogram',
    suggestedRun: { text: GRAPH_RUN },
    histograms,
    runs: [],
    pairs: [],
    limits,
  };
}
