/**
 * Order statistics of samples.
 * @module
 */

/** What a row says of its samples. */
export interface Spread {
  /** Middle value. */
  readonly median: number;
  /** Median of the distances from the median. */
  readonly mad: number;
  /** 99th percentile, nearest rank. */
  readonly p99: number;
}

function middle(sorted: Float64Array): number {
  const half = sorted.length >> 1;
  const upper = sorted[half] ?? 0;
  return sorted.length % 2 === 1 ? upper : (upper + (sorted[half - 1] ?? 0)) / 2;
}

/** Median, MAD and p99 of at least one sample. */
export function spreadOf(samples: ArrayLike<number>): Spread {
  const sorted = Float64Array.from(samples).sort();
  const median = middle(sorted);
  const distances = sorted.map((sample) => Math.abs(sample - median)).sort();
  const p99 = sorted[Math.max(0, Math.ceil(sorted.length * 0.99) - 1)] ?? 0;
  return { median, mad: middle(distances), p99 };
}
