/**
 * The buckets of a sketch: bucket k holds the values in (γ^(k−1), γ^k]. A value's bucket is the logarithm of the value, rounded
 * up; the high bits of the number say between which two buckets it decides, so that no logarithm is taken a value.
 * @module
 */

/** A quantile is off by at most this share of its value. */
export const RELATIVE_ERROR = 0.01;

/** The factor by which the bounds of buckets grow. */
export const GAMMA: number = (1 + RELATIVE_ERROR) / (1 - RELATIVE_ERROR);
const LOG_GAMMA = Math.log(GAMMA);

const OCTAVES = 64;
/** Buckets reach from 1 up to 2^64; smaller positive values are counted as 1. */
export const BUCKETS: number = Math.ceil((OCTAVES * Math.LN2) / LOG_GAMMA) + 2;

/** IEEE 754 binary64: bits of the fraction in the high word, and the exponent's bias. */
const HIGH_FRACTION_BITS = 20;
const EXPONENT_BIAS = 1023;

/** A cell is a 64th of an octave: at most 1.6 % wide, so that it reaches into two buckets (of 2 %) at most. */
const CELL_BITS = 6;
const CELL_SHIFT = HIGH_FRACTION_BITS - CELL_BITS;
const FIRST_CELL = EXPONENT_BIAS << CELL_BITS;
const CELLS = OCTAVES << CELL_BITS;

/** By cell: the bucket of its lowest value, −1 until it is asked for, and the largest value of that bucket. */
const LOWEST = new Int16Array(CELLS).fill(-1);
const LIMITS = new Float64Array(CELLS);

const DOUBLE = new Float64Array(1);
const WORDS = new Uint32Array(DOUBLE.buffer);

/** The bucket of a value above 0 and below 2^64, from its logarithm. */
export function bucketByLogarithm(value: number): number {
  return value <= 1 ? 0 : Math.ceil(Math.log(value) / LOG_GAMMA);
}

/** The same from a table. */
export function bucketOf(value: number): number {
  if (value <= 1) return 0;
  DOUBLE[0] = value;
  const cell = ((WORDS[1] as number) >>> CELL_SHIFT) - FIRST_CELL;
  const lowest = LOWEST[cell] as number;
  if (lowest < 0) return fillCell(cell, value);
  return value > (LIMITS[cell] as number) ? lowest + 1 : lowest;
}

function fillCell(cell: number, value: number): number {
  const start = 2 ** (cell >> CELL_BITS) * (1 + (cell & ((1 << CELL_BITS) - 1)) / (1 << CELL_BITS));
  const bucket = bucketByLogarithm(start);
  LIMITS[cell] = largestIn(bucket);
  LOWEST[cell] = bucket;
  return bucketByLogarithm(value);
}

/** The largest value of a bucket: γ^k but for the rounding of logarithms, which is far below the distance searched. */
function largestIn(bucket: number): number {
  let low = GAMMA ** bucket * (1 - 1e-11);
  let high = GAMMA ** bucket * (1 + 1e-11);
  for (;;) {
    const middle = low + (high - low) / 2;
    if (middle === low || middle === high) return low;
    if (bucketByLogarithm(middle) > bucket) high = middle;
    else low = middle;
  }
}
