/**
 * A seeded source of numbers, so that equal seeds give equal lists on every machine.
 * @module
 */

/** Numbers from 0 (inclusive) to 1 (exclusive) of one seed: the `mulberry32` generator. */
export function seeded(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Puts values in an order of the generator's choice (Fisher and Yates). */
export function shuffle(values: Float64Array, random: () => number): void {
  for (let i = values.length - 1; i > 0; i--) {
    const other = Math.floor(random() * (i + 1));
    const kept = values[i] as number;
    values[i] = values[other] as number;
    values[other] = kept;
  }
}
