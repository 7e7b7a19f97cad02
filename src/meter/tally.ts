/**
 * Calls that are counted as one number, and added to a meter when it is read.
 * @module
 */
import type { Meter, TalliedCounts } from './meter.ts';

/** What one call, or one page of it, is counted as. */
export type Weights = Readonly<Partial<TalliedCounts>>;

/** Calls of one kind. A call is two additions here instead of one for each count. */
export class Tally {
  readonly #meter: Meter;
  readonly #names: readonly (keyof TalliedCounts)[];
  readonly #perCall: Weights;
  readonly #perPage: Weights;
  /** Calls that are not in the meter yet. */
  calls = 0;
  /** Their pages. */
  pages = 0;

  /**
   * @param perCall what each call adds to the meter
   * @param perPage what each page adds besides
   */
  constructor(meter: Meter, perCall: Weights, perPage: Weights = {}) {
    this.#meter = meter;
    this.#perCall = perCall;
    this.#perPage = perPage;
    this.#names = Object.keys({ ...perCall, ...perPage }) as (keyof TalliedCounts)[];
  }

  /** Counts calls, one at least, and the pages of all of them. */
  add(calls: number, pages: number): void {
    if (this.calls === 0) this.#meter.settleLater(this);
    this.calls += calls;
    this.pages += pages;
  }

  /** Adds them to the meter, and begins anew. */
  settle(): void {
    const { added } = this.#meter;
    for (const name of this.#names) {
      added[name] += this.calls * (this.#perCall[name] ?? 0) + this.pages * (this.#perPage[name] ?? 0);
    }
    this.calls = 0;
    this.pages = 0;
  }
}
