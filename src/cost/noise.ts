/**
 * Noise τ of a measurement. Where the source gives a spread it is that; else it is judged from rounding, from a floor,
 * and from how far the row lies off its series' lines.
 * @module
 */
import type { Measurement } from './csv.ts';
import { ESTIMATORS, fitLine, lineAt, sizesOf, without } from './linear.ts';
import type { Segment, Series } from './series.ts';

/** Least relative noise of a measurement without a spread. */
const RELATIVE_FLOOR = 0.02;

/** Relative noise where nothing can be judged. */
export const ASSUMED_RELATIVE = 0.1;

/** The rule, in words. */
export const NOISE_RULE: string =
  'largest of half the last printed digit, 2 % of the value, and the distance from both lines fitted with and without ' +
  'the row; for series of fewer than 4 sizes the median relative noise of the others, 10 % if there is none';

/** Noise of every row of a set of series. */
export interface Noise {
  readonly tauNs: ReadonlyMap<Measurement, number>;
  /** Median of τ/t over the rows that could be judged; null if none could. */
  readonly medianRelative: number | null;
  /** Whether 10 % was assumed for some row. */
  readonly assumed: boolean;
}

function tauOf(segment: Segment, at: number): number {
  const row = segment.rows[at] as Measurement;
  let tau = Math.max(row.roundingNs, RELATIVE_FLOOR * row.timeNs);
  for (const points of [segment.rows, without(segment.rows, at)]) {
    for (const estimator of ESTIMATORS) {
      tau = Math.max(tau, Math.abs(row.timeNs - lineAt(fitLine(points, estimator), row.pages)));
    }
  }
  return tau;
}

/** Middle of a list of numbers; null if it is empty. */
export function median(values: readonly number[]): number | null {
  if (values.length === 0) return null;
  const sorted = values.toSorted((a, b) => a - b);
  const half = sorted.length >> 1;
  const upper = sorted[half] as number;
  return sorted.length % 2 === 1 ? upper : (upper + (sorted[half - 1] as number)) / 2;
}

function judged(segment: Segment): Map<Measurement, number> {
  const tau = new Map<Measurement, number>();
  for (const [at, row] of segment.rows.entries()) {
    if (row.spreadNs !== null) tau.set(row, Math.max(row.spreadNs, row.roundingNs));
    else if (sizesOf(segment.rows) >= 4) tau.set(row, tauOf(segment, at));
  }
  return tau;
}

/**
 * Judges the noise of every row.
 * @param series - the series that are fitted together
 * @param elsewhere - relative noise known from the rest of the table, for series too short to judge
 */
export function noiseOf(series: readonly Series[], elsewhere: number | null): Noise {
  const segments = series.flatMap((one) => one.segments);
  const tauNs = new Map(segments.flatMap((segment) => [...judged(segment)]));
  const medianRelative = median([...tauNs].map(([row, tau]) => tau / row.timeNs));
  const relative = medianRelative ?? elsewhere ?? ASSUMED_RELATIVE;
  let assumed = false;
  for (const row of segments.flatMap((segment) => segment.rows)) {
    if (tauNs.has(row)) continue;
    tauNs.set(row, relative * row.timeNs);
    assumed ||= medianRelative === null && elsewhere === null;
  }
  return { tauNs, medianRelative, assumed };
}
