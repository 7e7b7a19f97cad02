/**
 * The additional run that would tell the inseparable units apart best, computed from the counts of the runs that could be made.
 * @module
 */
import { formatSize } from '../address.ts';
import { countsOf, PATHS, type Path, type Run } from './counts.ts';
import type { Group } from './groups.ts';
import { ASSUMED_RELATIVE } from './noise.ts';
import type { Problem, ProblemRow, System } from './problem.ts';
import { FeasiblePrices } from './ranges.ts';
import type { Counts, UnitId } from './units.ts';
import { isFixedCost } from './units.ts';

/** Widths within this factor of the least count as equal. */
const AS_GOOD = 1.1;
/** A run that leaves more than this share of the width does not help. */
const HELPS = 0.999;

/** A run that is worth making. */
export interface SuggestedRun {
  readonly text: string;
  readonly path: Path;
  readonly dispatch: Run['dispatch'];
  readonly power: 'on' | 'off';
  readonly bytes: number;
  /** Summed widths of the grouped units' ranges now, in nanoseconds. */
  readonly widthBefore: number;
  /** The same after the run, averaged over what it may measure. */
  readonly widthAfter: number;
}

interface Candidate {
  readonly run: Run;
  /** 0: only power off; 1: only direct dispatch; 2: only another path; 3: several changes. */
  readonly rank: number;
}

function rankOf(run: Run, measured: readonly Run[]): number {
  const differ = (other: Run): string[] =>
    (['power', 'dispatch', 'path'] as const).filter((name) => other[name] !== run[name]);
  const single = measured
    .map(differ)
    .filter((names) => names.length === 1)
    .flat();
  if (single.includes('power') && !run.power) return 0;
  if (single.includes('dispatch') && run.dispatch === 'direct') return 1;
  return single.includes('path') ? 2 : 3;
}

function candidatesOf(base: Run, measured: readonly Run[]): Candidate[] {
  const same = (a: Run, b: Run): boolean => a.path === b.path && a.dispatch === b.dispatch && a.power === b.power;
  const candidates: Candidate[] = [];
  for (const path of PATHS) {
    for (const dispatch of ['indirect', 'direct'] as const) {
      for (const power of [true, false]) {
        const run: Run = { ...base, path, dispatch, power };
        if (!measured.some((other) => same(other, run))) candidates.push({ run, rank: rankOf(run, measured) });
      }
    }
  }
  return candidates;
}

function pathOrder(candidate: Candidate): number {
  return PATHS.indexOf(candidate.run.path);
}

/** The fixed cost that a run would pay: that of the most similar series of its path, or one of its own. */
function fixedUnitOf(problem: Problem, run: Run): UnitId {
  const similar = problem.series.filter((series) => series.run?.path === run.path);
  const likeness = (other: Run | null): number =>
    Number(other?.power === run.power) + Number(other?.dispatch === run.dispatch);
  const best = similar.toSorted((a, b) => likeness(b.run) - likeness(a.run))[0];
  const label: UnitId = problem.system.units.includes('list') ? 'list' : `list:${run.path}`;
  return best === undefined ? label : (problem.fixedUnit.get(best) ?? label);
}

/** Adds an equation, and columns for units that the system lacks. */
function extended(system: System, counts: Counts, timeNs: number, tauNs: number): System {
  const added = (Object.keys(counts) as UnitId[]).filter(
    (unit) => (counts[unit] ?? 0) > 0 && !system.units.includes(unit),
  );
  const units = [...system.units, ...added];
  const old = system.matrix.map((row) => Float64Array.of(...row, ...added.map(() => 0)));
  return {
    units,
    matrix: [...old, Float64Array.from(units, (unit) => counts[unit] ?? 0)],
    timeNs: Float64Array.of(...system.timeNs, timeNs),
    tauNs: Float64Array.of(...system.tauNs, tauNs),
  };
}

/** The system with a bound on each unit that a run would bring in: no dearer than the dearest fixed cost or unit of its kind. */
function withNewUnits(system: System, counts: Counts, highs: ReadonlyMap<string, number>, factor: number): System {
  let result = system;
  for (const unit of Object.keys(counts) as UnitId[]) {
    if ((counts[unit] ?? 0) === 0 || system.units.includes(unit)) continue;
    const alike = [...highs].filter(([other]) => isFixedCost(other) === isFixedCost(unit)).map(([, high]) => high);
    const most = Math.max(1, ...alike);
    result = extended(result, { [unit]: 1 }, most / 2, most / 2 / factor);
  }
  return result;
}

function widthOf(system: System, grouped: readonly string[], factor: number): number {
  const feasible = new FeasiblePrices(system, factor);
  if (!feasible.exist) return Number.POSITIVE_INFINITY;
  let width = 0;
  for (const unit of grouped) {
    const { low, high } = feasible.rangeOf(system.units.indexOf(unit as UnitId), system.units.length);
    width += high - low;
  }
  return width;
}

function widthAfter(
  system: System,
  counts: Counts,
  relative: number,
  grouped: readonly string[],
  factor: number,
): number {
  const weights = Float64Array.from(system.units, (unit) => counts[unit] ?? 0);
  const { low, high } = new FeasiblePrices(system, factor).range(weights);
  let sum = 0;
  for (const time of [low, (low + high) / 2, high]) {
    sum += widthOf(extended(system, counts, time, Math.max(relative * time, 1e-3)), grouped, factor);
  }
  return sum / 3;
}

function wordsOf(run: Run, measurement: ProblemRow['measurement']): string {
  const power = run.power ? '' : ', without power calls';
  const dispatch = run.dispatch === 'direct' ? ', with direct dispatch' : '';
  return `${run.op} ${measurement.pages} pages (${formatSize(measurement.bytes)}) by ${run.path}${dispatch}${power}`;
}

/**
 * Computes the run that would narrow the grouped units most. Candidates are paths × dispatch × power at the largest
 * fitted size, each tried at the low, middle and high end of what it may measure; of those within 10 % of the best, the one that
 * only leaves power out comes first, then direct dispatch, then another path.
 * @returns null if nothing is inseparable, or no run would help
 */
export function suggestRun(
  problem: Problem,
  groups: readonly Group[],
  highs: ReadonlyMap<string, number>,
  factor: number,
): SuggestedRun | null {
  const grouped = [...new Set(groups.flatMap((group) => group.units))];
  const largest = problem.rows.toSorted((a, b) => b.measurement.pages - a.measurement.pages)[0];
  const base = largest?.series.run;
  if (grouped.length === 0 || largest === undefined || base === null || base === undefined) return null;
  const measured = problem.series.flatMap((series) => (series.run === null ? [] : [series.run]));
  const relative = problem.noise.medianRelative ?? ASSUMED_RELATIVE;
  const widthBefore = widthOf(problem.system, grouped, factor);
  const tried = candidatesOf({ ...base, pages: largest.measurement.pages }, measured).map((candidate) => {
    const counts = { ...countsOf(candidate.run), [fixedUnitOf(problem, candidate.run)]: 1 };
    const system = withNewUnits(problem.system, counts, highs, factor);
    return { ...candidate, width: widthAfter(system, counts, relative, grouped, factor) };
  });
  const least = Math.min(...tried.map((one) => one.width));
  const good = tried.filter((one) => one.width <= AS_GOOD * least);
  const best = good.toSorted((a, b) => a.rank - b.rank || pathOrder(a) - pathOrder(b) || a.width - b.width)[0];
  if (best === undefined || best.width > HELPS * widthBefore) return null;
  const { run } = best;
  return {
    text: wordsOf(run, largest.measurement),
    path: run.path,
    dispatch: run.dispatch,
    power: run.power ? 'on' : 'off',
    bytes: largest.measurement.bytes,
    widthBefore,
    widthAfter: best.width,
  };
}
