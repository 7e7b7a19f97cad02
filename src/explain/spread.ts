/**
 * How far a line moves when any one row is left out: the only spread that a table of means offers.
 * @module
 */
import { ESTIMATORS, type Estimator, fitLine, lineAt, sizesOf, without } from '../cost/linear.ts';
import type { Segment } from '../cost/series.ts';

/** Least and greatest of a figure when any one row is left out: model spread, not sampling error. */
export interface LeaveOneOut {
  readonly fixedNs: readonly [number, number];
  readonly perPageNs: readonly [number, number];
}

function extent(values: readonly number[]): [number, number] {
  return [Math.min(...values), Math.max(...values)];
}

/** Spread of a segment's line when any one row is left out; null with fewer than 3 sizes. */
export function leaveOneOut(segment: Segment, estimator: Estimator): LeaveOneOut | null {
  const parts = segment.rows.map((_, at) => without(segment.rows, at));
  if (parts.some((part) => sizesOf(part) < 2)) return null;
  const lines = parts.map((part) => fitLine(part, estimator));
  return { fixedNs: extent(lines.map((line) => line.fixedNs)), perPageNs: extent(lines.map((line) => line.perPageNs)) };
}

/** Both estimators' fixed cost of a segment, and the spread of it when a row is left out. */
export function fixedCosts(
  segment: Segment,
): { readonly both: [number, number]; readonly leftOut: [number, number] } | null {
  const both = segment.fits.map((fit) => fit.line.fixedNs);
  const loo = ESTIMATORS.flatMap((estimator) => leaveOneOut(segment, estimator)?.fixedNs ?? []);
  return both.length === 0 || loo.length === 0 ? null : { both: extent(both), leftOut: extent(loo) };
}

/** What both estimators predict for a row when it is left out of the fit; null with fewer than 3 sizes. */
export function predictedWithout(segment: Segment, at: number): [number, number] | null {
  const others = without(segment.rows, at);
  const pages = segment.rows[at]?.pages ?? 0;
  if (sizesOf(others) < 2) return null;
  return extent(ESTIMATORS.map((estimator) => lineAt(fitLine(others, estimator), pages)));
}
