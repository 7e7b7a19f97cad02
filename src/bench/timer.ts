/**
 * How fine a clock is.
 * @module
 */

import { spreadOf } from './statistics.ts';

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
/** Differences below this are rounding of the numbers, not steps of the clock. */
const ROUNDING_NS = 0.5;

/** Nanoseconds on a clock. */
export function nanoseconds(clock: Clock): number {
  return clock() * 1e6;
}

/**
 * Reads a clock until it has moved often enough to say how fine it is; a first round warms up. A reading takes longer
 * than a step of a fine clock, so that the step is the smallest difference between the times of two readings.
 */
export function measureTimer(clock: Clock): Timer {
  watch(clock);
  return watch(clock);
}

function watch(clock: Clock): Timer {
  const moves = new Float64Array(STEPS);
  const start = nanoseconds(clock);
  let last = start;
  let steps = 0;
  let readings = 0;
  while (steps < STEPS && readings < MOST_READINGS) {
    const now = nanoseconds(clock);
    readings++;
    if (now === last) continue;
    moves[steps++] = now - last;
    last = now;
  }
  return {
    resolutionNs: smallestStep(moves.subarray(0, steps)),
    readingNs: readingOf(moves.subarray(0, steps), (last - start) / Math.max(1, readings)),
  };
}

/** The mean, or, where each reading moves, the middle move: a process that was interrupted does not lengthen that. */
function readingOf(moves: Float64Array, mean: number): number {
  return moves.length === 0 ? mean : Math.min(mean, spreadOf(moves).median);
}

/** The smallest of the moves and of the differences between them. */
function smallestStep(moves: Float64Array): number {
  const sorted = moves.slice().sort();
  let smallest = sorted[0] ?? Number.POSITIVE_INFINITY;
  for (let i = 1; i < sorted.length; i++) {
    const difference = (sorted[i] as number) - (sorted[i - 1] as number);
    if (difference >= ROUNDING_NS) smallest = Math.min(smallest, difference);
  }
  return smallest;
}
