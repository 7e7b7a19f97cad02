/**
 * Quantiles of a stream in bounded memory, with a stated error (DDSketch: Masson, Rim, Lee, VLDB 2019): values are
 * counted in buckets whose bounds grow by a constant factor.
 * @module
 */

import { BUCKETS, bucketOf, GAMMA } from './log-buckets.ts';

const TWO_64 = 2 ** 64;
/** Where zeros are counted: they have no logarithm. */
const ZEROS = BUCKETS;
const ONE = new Float64Array(1);

/** What a sketch says; plain data. Quantiles are within 1 % of a value of that rank; minimum, maximum and sum are exact. */
export interface Summary {
  readonly count: number;
  readonly sum: number;
  readonly minimum: number;
  readonly median: number;
  readonly p90: number;
  readonly p99: number;
  readonly maximum: number;
}

/** Counts non-negative numbers (sizes, nanoseconds) below 2^64; others are ignored. About 18 KiB, whatever is added. */
export class Sketch {
  #buckets: Float64Array | undefined;
  #count = 0;
  #sum = 0;
  #minimum = Number.POSITIVE_INFINITY;
  #maximum = 0;

  get count(): number {
    return this.#count;
  }

  get sum(): number {
    return this.#sum;
  }

  /** Adds a value. */
  add(value: number): void {
    ONE[0] = value;
    this.addAll(ONE, 0, 1);
  }

  /** Adds the values `first … end` of a column. */
  addAll(values: Float64Array, first: number, end: number): void {
    this.#buckets ??= new Float64Array(ZEROS + 1);
    const buckets = this.#buckets;
    let ignored = 0;
    let sum = this.#sum;
    let minimum = this.#minimum;
    let maximum = this.#maximum;
    let bucket = 0;
    let before = Number.NaN;
    for (let at = first; at < end; at++) {
      const value = values[at] as number;
      if (value !== before) {
        if (!(value >= 0 && value < TWO_64)) {
          ignored++;
          continue;
        }
        if (value < minimum) minimum = value;
        if (value > maximum) maximum = value;
        bucket = value === 0 ? ZEROS : bucketOf(value);
        before = value;
      }
      sum += value;
      buckets[bucket] = (buckets[bucket] as number) + 1;
    }
    this.#count += end - first - ignored;
    this.#sum = sum;
    this.#minimum = minimum;
    this.#maximum = maximum;
  }

  /**
   * The value below which a share of all values lies, within 1 % of a value of that rank; NaN if there are none.
   * `share` is 0 to 1.
   */
  quantile(share: number): number {
    if (this.#count === 0) return Number.NaN;
    const rank = share * (this.#count - 1);
    const buckets = this.#buckets as Float64Array;
    let below = buckets[ZEROS] as number;
    if (below > rank) return 0;
    for (let bucket = 0; bucket < BUCKETS; bucket++) {
      below += buckets[bucket] as number;
      if (below > rank) return this.#clamp((2 * GAMMA ** bucket) / (GAMMA + 1));
    }
    return this.#maximum;
  }

  /** All that is usually shown. */
  summary(): Summary {
    const empty = this.#count === 0;
    return {
      count: this.#count,
      sum: this.#sum,
      minimum: empty ? Number.NaN : this.#minimum,
      median: this.quantile(0.5),
      p90: this.quantile(0.9),
      p99: this.quantile(0.99),
      maximum: empty ? Number.NaN : this.#maximum,
    };
  }

  #clamp(value: number): number {
    return Math.min(this.#maximum, Math.max(this.#minimum, value));
  }
}
