/**
 * Straight lines, time over pages, by least squares with and without weights, and the residuals that tell outliers.
 * @module
 */
import { studentQuantile } from './student.ts';

/** Names of the two line estimators. */
export const ESTIMATORS = ['unweighted least squares', 'relative least squares'] as const;

/** `unweighted`: all rows count alike; `relative`: weights 1/t². */
export type Estimator = (typeof ESTIMATORS)[number];

/** A point of a line fit: pages and nanoseconds. */
export interface Point {
  readonly pages: number;
  readonly timeNs: number;
  /** Half of the last printed digit. */
  readonly roundingNs: number;
}

/** A fitted line: time = fixed + perPage × pages. */
export interface Line {
  readonly fixedNs: number;
  readonly perPageNs: number;
}

function weightOf(estimator: Estimator, point: Point): number {
  return estimator === 'relative least squares' ? 1 / (point.timeNs * point.timeNs) : 1;
}

interface Moments {
  readonly weight: number;
  readonly meanPages: number;
  readonly meanTime: number;
  readonly spread: number;
}

function momentsOf(points: readonly Point[], estimator: Estimator): Moments {
  let [weight, pages, time, spread] = [0, 0, 0, 0];
  for (const point of points) {
    const w = weightOf(estimator, point);
    weight += w;
    pages += w * point.pages;
    time += w * point.timeNs;
  }
  const [meanPages, meanTime] = [pages / weight, time / weight];
  for (const point of points) spread += weightOf(estimator, point) * (point.pages - meanPages) ** 2;
  return { weight, meanPages, meanTime, spread };
}

/** Number of different sizes. */
export function sizesOf(points: readonly Point[]): number {
  return new Set(points.map((point) => point.pages)).size;
}

/** Fits a line; needs two different sizes, else the slope is not a number. */
export function fitLine(points: readonly Point[], estimator: Estimator): Line {
  const { meanPages, meanTime, spread } = momentsOf(points, estimator);
  let joint = 0;
  for (const point of points) {
    joint += weightOf(estimator, point) * (point.pages - meanPages) * (point.timeNs - meanTime);
  }
  const perPageNs = joint / spread;
  return { perPageNs, fixedNs: meanTime - perPageNs * meanPages };
}

/** Time that a line gives for a size. */
export function lineAt(line: Line, pages: number): number {
  return line.fixedNs + line.perPageNs * pages;
}

/** The points without one of them. */
export function without<T>(points: readonly T[], at: number): T[] {
  return points.filter((_, index) => index !== at);
}

/** Externally studentised residual of one point: its own deviation is left out of the spread that it is judged by. */
function studentisedResidual(points: readonly Point[], at: number, estimator: Estimator): number {
  const point = points[at] as Point;
  const others = without(points, at);
  const { weight, meanPages, spread } = momentsOf(points, estimator);
  const w = weightOf(estimator, point);
  const leverage = w / weight + (w * (point.pages - meanPages) ** 2) / spread;
  const residual = point.timeNs - lineAt(fitLine(points, estimator), point.pages);
  if (Math.abs(residual) <= point.roundingNs) return 0;
  const line = fitLine(others, estimator);
  let sum = 0;
  for (const other of others) sum += weightOf(estimator, other) * (other.timeNs - lineAt(line, other.pages)) ** 2;
  const variance = sum / (others.length - 2);
  return (Math.sqrt(w) * residual) / Math.sqrt(variance * Math.max(1 - leverage, Number.EPSILON));
}

/**
 * Which points are outliers under one estimator: externally studentised residual beyond t(1 − 0.025/N, N − 3).
 * Fewer than 4 sizes accuse nobody.
 */
export function accusedBy(points: readonly Point[], estimator: Estimator): boolean[] {
  const n = points.length;
  if (sizesOf(points) < 4) return points.map(() => false);
  const limit = studentQuantile(1 - 0.025 / n, n - 3);
  return points.map((_, at) => {
    if (sizesOf(without(points, at)) < 2) return false;
    return Math.abs(studentisedResidual(points, at, estimator)) > limit;
  });
}

/** Outliers: accused by both estimators. One estimator alone accuses rows that only its weights make odd. */
export function outliersOf(points: readonly Point[]): boolean[] {
  const [unweighted, relative] = ESTIMATORS.map((estimator) => accusedBy(points, estimator));
  return points.map((_, at) => unweighted?.[at] === true && relative?.[at] === true);
}
