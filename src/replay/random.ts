/**
 * A seeded source of whole numbers, so that equal seeds give equal runs on every machine.
 * @module
 */

/** A small generator of numbers (xorshift32); an even seed gives the numbers of the odd one above it. */
export class Random {
  #state: number;

  constructor(seed: number) {
    this.#state = seed | 1;
  }

  /** A whole number from 0 to below `limit`. */
  below(limit: number): number {
    let state = this.#state;
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    this.#state = state;
    return (state >>> 0) % limit;
  }

  /** True for about this share of calls. */
  chance(share: number): boolean {
    return this.below(2 ** 20) < share * 2 ** 20;
  }

  /** Puts values in an order of the generator's choice (Fisher and Yates). */
  shuffle(values: number[] | Float64Array): void {
    for (let i = values.length - 1; i > 0; i--) {
      const other = this.below(i + 1);
      [values[i], values[other]] = [values[other] as number, values[i] as number];
    }
  }
}
