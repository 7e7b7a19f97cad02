/**
 * Everything that the numbers of one problem say: noise, units, groups, and the run to make next.
 * @module
 */
import { findGroups, type Group } from './groups.ts';
import type { Problem } from './problem.ts';
import {
  estimateUnits,
  FeasiblePrices,
  leastFactor,
  leastSquaresPrices,
  type UnitEstimate,
  usedFactor,
} from './ranges.ts';
import { type SuggestedRun, suggestRun } from './suggest.ts';

/** A unit's estimate, and whether it is lost in the noise. */
export interface AnalysedUnit extends UnitEstimate {
  /** It may be 0, and stands in no group. */
  readonly belowNoise: boolean;
}

/** What one problem says. */
export interface Analysis {
  readonly problem: Problem;
  /** κ*. */
  readonly leastFactor: number;
  /** max(1, 2κ*). */
  readonly factor: number;
  readonly units: readonly AnalysedUnit[];
  readonly groups: readonly Group[];
  readonly suggestedRun: SuggestedRun | null;
}

/** Analyses a problem; one without rows (unknown path or operation) has no units. */
export function analyse(problem: Problem): Analysis {
  const { system } = problem;
  if (system.matrix.length === 0) {
    return { problem, leastFactor: 0, factor: 1, units: [], groups: [], suggestedRun: null };
  }
  const least = leastFactor(system);
  const factor = usedFactor(least);
  const feasible = new FeasiblePrices(system, factor);
  const prices = leastSquaresPrices(system);
  const estimates = estimateUnits(system, prices, feasible);
  const groups = findGroups(system, estimates, prices, feasible, factor);
  const inGroup = new Set(groups.flatMap((group) => group.units));
  const units = estimates.map((one) => ({ ...one, belowNoise: one.low === 0 && !inGroup.has(one.unit) }));
  const highs = new Map(estimates.map((one) => [one.unit, one.high]));
  return {
    problem,
    leastFactor: least,
    factor,
    units,
    groups,
    suggestedRun: suggestRun(problem, groups, highs, factor),
  };
}
