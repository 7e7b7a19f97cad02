/**
 * How fine a clock is.
 * @module
 */

/** A clock: milliseconds since any moment, with fractions. */
export type Clock = () => number;

/** What a clock can tell apart. */
export interface Timer {
  /** Smallest step that was seen between two readings. */
  readonly resolutionNs: number;
  /** Time of one reading. */
  readonly readingNs: number;
}

const STEPS = 2000;
const MOST_READINGS = 1_000_000;

/** Nanoseconds on a clock. */
export function nanoseconds(clock: Clock): number {
  return clock() * 1e6;
}

/** Reads a clock until it has moved often enough to say how fine it is; a first round warms up. */
export function measureTimer(clock: Clock): Timer {
  watch(clock);
  return watch(clock);
}

function watch(clock: Clock): Timer {
  const start = nanoseconds(clock);
  let last = start;
  let smallest = Number.POSITIVE_INFINITY;
  let steps = 0;
  let readings = 0;
  while (steps < STEPS && readings < MOST_READINGS) {
    const now = nanoseconds(clock);
    readings++;
    if (now === last) continue;
    smallest = Math.min(smallest, now - last);
    last = now;
    steps++;
  }
  return { resolutionNs: smallest, readingNs: (last - start) / Math.max(1, readings) };
}
