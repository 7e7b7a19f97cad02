/**
 * What a system of noisy equations says about its unknowns: how noisy it must be, and how far each unknown may move.
 * @module
 */
import { nonNegativeLeastSquares } from './nnls.ts';
import type { System } from './problem.ts';
import { Simplex } from './simplex.ts';
import { plainUnit, type Unit } from './units.ts';

/** Below this share of its high end, a low end is 0. */
const ZERO_SHARE = 1e-7;
/** Slack that rounding may take from the noise factor. */
const FACTOR_SLACK = 1 + 1e-7;

/** Least and greatest value of something over all prices within the noise. */
export interface Range {
  readonly low: number;
  readonly high: number;
}

/** What is known of one unit. */
export interface UnitEstimate extends Range {
  readonly unit: string;
  /** Estimate by non-negative least squares, only if identifiable. */
  readonly ns: number | null;
  readonly identifiable: boolean;
}

/** Name of the estimator of unit prices. */
export const UNIT_ESTIMATOR = 'non-negative least squares, weights 1/noise²';

/** Both sides of |counts·x − t| ≤ factor·τ, in units of τ, with the columns kept that `keep` names. */
function inequalities(system: System, keep: readonly number[], extra: number): Float64Array[] {
  const rows: Float64Array[] = [];
  for (const sign of [1, -1]) {
    for (const [i, row] of system.matrix.entries()) {
      const scale = sign / (system.tauNs[i] as number);
      const out = new Float64Array(keep.length + extra);
      for (const [k, j] of keep.entries()) out[k] = (row[j] as number) * scale;
      rows.push(out);
    }
  }
  return rows;
}

function bounds(system: System, factor: number): Float64Array {
  const ratio = system.timeNs.map((time, i) => time / (system.tauNs[i] as number));
  return Float64Array.of(...ratio.map((value) => value + factor), ...ratio.map((value) => factor - value));
}

/**
 * The noise factor κ*: the smallest factor at which some non-negative prices meet every measurement within factor × noise.
 * @param absent - columns whose price is held at 0
 */
export function leastFactor(system: System, absent: ReadonlySet<number> = new Set()): number {
  const keep = [...system.units.keys()].filter((j) => !absent.has(j));
  const rows = inequalities(system, keep, 1);
  for (const row of rows) row[keep.length] = -1;
  const cost = new Float64Array(keep.length + 1);
  cost[keep.length] = 1;
  return Math.max(0, new Simplex(rows, bounds(system, 0)).minimise(cost).value);
}

/** The factor that ranges are computed with: max(1, 2κ*). */
export function usedFactor(least: number): number {
  return Math.max(1, 2 * least);
}

/** Whether the measurements can be met within factor × noise with some units free of charge. */
export function feasibleWithout(system: System, absent: ReadonlySet<number>, factor: number): boolean {
  return leastFactor(system, absent) <= factor * FACTOR_SLACK;
}

/** All non-negative prices that meet every measurement within factor × noise. */
export class FeasiblePrices {
  readonly #set: Simplex;

  constructor(system: System, factor: number) {
    this.#set = new Simplex(inequalities(system, [...system.units.keys()], 0), bounds(system, factor * FACTOR_SLACK));
  }

  /** Whether there are any. */
  get exist(): boolean {
    return this.#set.feasible;
  }

  /** Range of Σ weight × price. */
  range(weights: Float64Array): Range {
    const high = -this.#set.minimise(weights.map((weight) => -weight)).value;
    const low = this.#set.minimise(weights).value;
    return { low: low <= ZERO_SHARE * high ? 0 : low, high };
  }

  /** Range of one price. */
  rangeOf(column: number, columns: number): Range {
    const weights = new Float64Array(columns);
    weights[column] = 1;
    return this.range(weights);
  }
}

/** Whether a range tells something: above 0, and no wider than its low end. */
export function isIdentified(range: Range): boolean {
  return range.low > 0 && range.high <= 2 * range.low;
}

/** Which units are charged first where equally good solutions differ: fixed costs, then table work, maintenance, crossings. */
const CHARGED_FIRST: readonly Unit[] = [
  'list',
  'page',
  'entry',
  'block',
  'table',
  'clean',
  'tlbi.address',
  'tlbi.asid',
  'tlbi.sync',
  'barrier',
  'core',
  'power',
  'call.driver',
  'call.pagetable',
];

/** Non-negative least squares with weights 1/τ². */
export function leastSquaresPrices(system: System): Float64Array {
  const rows = system.matrix.map((row, i) => row.map((count) => count / (system.tauNs[i] as number)));
  const target = system.timeNs.map((time, i) => time / (system.tauNs[i] as number));
  const rank = (j: number): number => CHARGED_FIRST.indexOf(plainUnit(system.units[j] ?? '') ?? 'list');
  const order = [...system.units.keys()].sort((a, b) => rank(a) - rank(b) || a - b);
  return nonNegativeLeastSquares(rows, target, order);
}

/** Estimates every unit of a system. */
export function estimateUnits(system: System, prices: Float64Array, feasible: FeasiblePrices): UnitEstimate[] {
  return system.units.map((unit, j) => {
    const range = feasible.rangeOf(j, system.units.length);
    const identifiable = isIdentified(range);
    return { unit, ns: identifiable ? (prices[j] as number) : null, ...range, identifiable };
  });
}
