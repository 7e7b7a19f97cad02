/**
 * Units that a table cannot tell apart: exactly, because their counts are proportional in every row, or within the noise.
 * @module
 */
import type { System } from './problem.ts';
import { type FeasiblePrices, feasibleWithout, isIdentified, type UnitEstimate } from './ranges.ts';
import { isFixedCost } from './units.ts';

const PROPORTIONAL = 1e-9;

/** Units that cannot be told apart, with the sum that can. */
export interface Group {
  readonly units: readonly string[];
  /** True if the counts are proportional in every row; false if the noise hides the difference. */
  readonly exact: boolean;
  /** Σ weight × price by the estimator of the units; null unless the range of the sum identifies it. */
  readonly sumNs: number | null;
  readonly low: number;
  readonly high: number;
  /** How often each unit occurs where the rarest of them occurs once. */
  readonly weights: Readonly<Record<string, number>>;
}

function proportional(system: System, a: number, b: number): boolean {
  let ratio: number | null = null;
  for (const row of system.matrix) {
    const [x, y] = [row[a] as number, row[b] as number];
    if (x === 0 && y === 0) continue;
    if (x === 0 || y === 0) return false;
    ratio ??= x / y;
    if (Math.abs(x / y - ratio) > PROPORTIONAL * ratio) return false;
  }
  return ratio !== null;
}

/** Sets of two or more columns that are proportional over all rows. */
function exactSets(system: System): number[][] {
  const sets: number[][] = [];
  for (const j of system.units.keys()) {
    const set = sets.find((other) => proportional(system, other[0] as number, j));
    if (set === undefined) sets.push([j]);
    else set.push(j);
  }
  return sets.filter((set) => set.length > 1);
}

/**
 * Minimal sets, none of whose units is needed but not all of which can be absent: a deletion filter over the units whose
 * price may be 0, repeated on what is left.
 */
function setsWithinNoise(system: System, units: readonly UnitEstimate[], factor: number): number[][] {
  let candidates = [...units.keys()].filter((j) => units[j]?.low === 0 && !isFixedCost(units[j]?.unit ?? ''));
  const sets: number[][] = [];
  while (candidates.length > 0 && !feasibleWithout(system, new Set(candidates), factor)) {
    let set = candidates;
    for (const j of candidates) {
      const smaller = set.filter((other) => other !== j);
      if (!feasibleWithout(system, new Set(smaller), factor)) set = smaller;
    }
    sets.push(set);
    candidates = candidates.filter((j) => !set.includes(j));
  }
  return sets.filter((set) => set.length > 1);
}

/** Counts in the longest row that has all units, divided by the smallest; 1 each if no row has them all. */
function weightsOf(system: System, set: readonly number[]): number[] {
  let longest: Float64Array | null = null;
  for (const row of system.matrix) {
    const total = (of: Float64Array): number => of.reduce((sum, count) => sum + count, 0);
    if (set.every((j) => (row[j] as number) > 0) && (longest === null || total(row) > total(longest))) longest = row;
  }
  if (longest === null) return set.map(() => 1);
  const counts = set.map((j) => (longest as Float64Array)[j] as number);
  const least = Math.min(...counts);
  return counts.map((count) => count / least);
}

function groupOf(
  system: System,
  set: readonly number[],
  exact: boolean,
  prices: Float64Array,
  feasible: FeasiblePrices,
): Group {
  const weights = weightsOf(system, set);
  const vector = new Float64Array(system.units.length);
  for (const [k, j] of set.entries()) vector[j] = weights[k] as number;
  const range = feasible.range(vector);
  const sum = vector.reduce((total, weight, j) => total + weight * (prices[j] as number), 0);
  const units = set.map((j) => system.units[j] as string);
  return {
    units,
    exact,
    sumNs: isIdentified(range) ? sum : null,
    ...range,
    weights: Object.fromEntries(units.map((unit, k) => [unit, weights[k] as number])),
  };
}

function sameSet(a: readonly number[], b: readonly number[]): boolean {
  return a.length === b.length && a.every((j) => b.includes(j));
}

/** Finds the groups of a system, exact ones first; a set that is both is given once, as exact. */
export function findGroups(
  system: System,
  units: readonly UnitEstimate[],
  prices: Float64Array,
  feasible: FeasiblePrices,
  factor: number,
): Group[] {
  const exact = exactSets(system);
  const noisy = setsWithinNoise(system, units, factor).filter((set) => !exact.some((other) => sameSet(set, other)));
  return [
    ...exact.map((set) => groupOf(system, set, true, prices, feasible)),
    ...noisy.map((set) => groupOf(system, set, false, prices, feasible)),
  ];
}
