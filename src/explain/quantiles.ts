/**
 * Quantiles of a stream of durations: exact for the first 65 536 values, within 0.5 % beyond, in bounded memory.
 * @module
 */

const EXACT = 1 << 16;
const LOG_STEP = Math.log(1.01);

/** Collects non-negative values and tells their quantiles. */
export class Quantiles {
  #values = new Float64Array(16);
  #buckets: Map<number, number> | null = null;
  #count = 0;
  #sum = 0;

  /** Number of values. */
  get count(): number {
    return this.#count;
  }

  /** Sum of the values. */
  get sum(): number {
    return this.#sum;
  }

  /** Adds a value. */
  add(value: number): void {
    this.#sum += value;
    if (this.#buckets !== null) this.#toBucket(value);
    else if (this.#count === EXACT) this.#spill(value);
    else this.#toList(value);
    this.#count += 1;
  }

  /** The smallest value that a share of all values do not exceed; 0 if there is none. */
  quantile(share: number): number {
    const rank = Math.max(1, Math.ceil(share * this.#count));
    if (this.#buckets === null) return this.#values.slice(0, this.#count).sort()[rank - 1] ?? 0;
    let seen = 0;
    for (const [bucket, count] of [...this.#buckets].sort(([a], [b]) => a - b)) {
      seen += count;
      if (seen >= rank) return bucket < 0 ? 0 : Math.exp((bucket + 0.5) * LOG_STEP);
    }
    return 0;
  }

  #toList(value: number): void {
    if (this.#count === this.#values.length) {
      const grown = new Float64Array(this.#values.length * 2);
      grown.set(this.#values);
      this.#values = grown;
    }
    this.#values[this.#count] = value;
  }

  #spill(value: number): void {
    this.#buckets = new Map();
    for (const old of this.#values.subarray(0, this.#count)) this.#toBucket(old);
    this.#values = new Float64Array(0);
    this.#toBucket(value);
  }

  #toBucket(value: number): void {
    const bucket = value < 1 ? -1 : Math.floor(Math.log(value) / LOG_STEP);
    this.#buckets?.set(bucket, (this.#buckets.get(bucket) ?? 0) + 1);
  }
}
