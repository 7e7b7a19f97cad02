/**
 * The answer of `explain` for a latency table: what its numbers say, with the estimator beside each figure, and what they cannot tell.
 * @module
 */

import { type Analysis, analyse } from '../cost/analysis.ts';
import type { LatencyTable } from '../cost/csv.ts';
import type { Group } from '../cost/groups.ts';
import { type Estimator, lineAt } from '../cost/linear.ts';
import { NOISE_RULE } from '../cost/noise.ts';
import { problemsOf } from '../cost/problem.ts';
import { UNIT_ESTIMATOR } from '../cost/ranges.ts';
import type { Segment } from '../cost/series.ts';
import type { SuggestedRun } from '../cost/suggest.ts';
import { InputError } from '../errors.ts';
import { type Comparison, compare, pairsOf } from './comparisons.ts';
import { type Finding, findingsOf } from './findings.ts';
import { type Gain, gainsOf } from './gains.ts';
import { type LeaveOneOut, leaveOneOut } from './spread.ts';

/** A line through a series (or the part of it between two breaks) by one estimator. */
export interface Fit {
  readonly series: string;
  readonly estimator: Estimator;
  readonly fixedNs: number;
  readonly perPageNs: number;
  /** Null with fewer than 3 sizes. */
  readonly leaveOneOut: LeaveOneOut | null;
  readonly rows: readonly {
    readonly bytes: number;
    readonly pages: number;
    readonly measuredNs: number;
    readonly fittedNs: number;
    /** Accused by both estimators. */
    readonly outlier: boolean;
  }[];
}

/** Columns and values that set one set of series apart from the table's others. */
type Where = Readonly<Record<string, string>>;

/** The answer; keys beyond the published ones may be added. */
export interface TableAnswer {
  readonly schema: 'iommu.explain';
  readonly version: 1;
  readonly source: string;
  readonly fits: readonly Fit[];
  readonly comparisons: readonly Comparison[];
  /** What each difference is made of, the pair with the most to say first. */
  readonly gains: readonly Gain[];
  readonly noise: {
    readonly rule: string;
    /** κ*, the largest of the problems'. */
    readonly factor: number;
    /** max(1, 2κ*). */
    readonly usedFactor: number;
    readonly factors: readonly { readonly where: Where; readonly factor: number; readonly usedFactor: number }[];
    readonly rows: readonly { readonly series: string; readonly bytes: number; readonly tauNs: number }[];
  };
  readonly units: readonly {
    readonly where: Where;
    readonly unit: string;
    readonly ns: number | null;
    readonly low: number;
    readonly high: number;
    readonly identifiable: boolean;
    readonly belowNoise: boolean;
    readonly estimator: string;
  }[];
  readonly inseparable: readonly (Group & { readonly where: Where; readonly estimator: string })[];
  readonly suggestedRun: SuggestedRun | null;
  readonly suggestedRuns: readonly (SuggestedRun & { readonly where: Where })[];
  readonly findings: readonly Finding[];
}

/** An answer with the analyses behind it. */
export interface ExplainedTable {
  readonly answer: TableAnswer;
  readonly analyses: readonly Analysis[];
}

function fitsOf(segment: Segment): Fit[] {
  return segment.fits.map(({ estimator, line }) => ({
    series: segment.series.label,
    estimator,
    ...line,
    leaveOneOut: leaveOneOut(segment, estimator),
    rows: segment.rows.map((row, at) => ({
      bytes: row.bytes,
      pages: row.pages,
      measuredNs: row.timeNs,
      fittedNs: lineAt(line, row.pages),
      outlier: segment.outliers[at] === true,
    })),
  }));
}

function noiseAnswer(analyses: readonly Analysis[]): TableAnswer['noise'] {
  const rows = analyses.flatMap(({ problem }) =>
    problem.series.flatMap((series) =>
      series.segments.flatMap((segment) =>
        segment.rows.map((row) => ({
          series: series.label,
          bytes: row.bytes,
          tauNs: problem.noise.tauNs.get(row) ?? 0,
        })),
      ),
    ),
  );
  const fitted = analyses.filter(({ units }) => units.length > 0);
  return {
    rule: NOISE_RULE,
    factor: Math.max(0, ...fitted.map((one) => one.leastFactor)),
    usedFactor: Math.max(1, ...fitted.map((one) => one.factor)),
    factors: fitted.map((one) => ({ where: one.problem.where, factor: one.leastFactor, usedFactor: one.factor })),
    rows,
  };
}

function analysed(problem: Parameters<typeof analyse>[0], table: LatencyTable): Analysis {
  try {
    return analyse(problem);
  } catch (cause) {
    if (!(cause instanceof RangeError)) throw cause;
    const times = table.rows.map(({ timeNs }) => timeNs / 1000);
    const [least, most] = [times.reduce((a, b) => Math.min(a, b)), times.reduce((a, b) => Math.max(a, b))];
    const message = `column us: expected times that one fit holds, got ${least} to ${most} microseconds, too far apart: ${cause.message}`;
    throw new InputError('UNSUPPORTED_INPUT', table.source, message, { least, most });
  }
}

/**
 * Explains a latency table.
 * @throws InputError `MISSING_VALUE` if every series has one size only, `UNSUPPORTED_INPUT` where its times lie so far apart
 * that no prices can be computed from them.
 */
export function explainTable(table: LatencyTable): ExplainedTable {
  const analyses = problemsOf(table).map((problem) => analysed(problem, table));
  const series = analyses.flatMap(({ problem }) => problem.series);
  const pairs = pairsOf(series);
  const suggestedRuns = analyses.flatMap(({ problem, suggestedRun }) =>
    suggestedRun === null ? [] : [{ ...suggestedRun, where: problem.where }],
  );
  const answer: TableAnswer = {
    schema: 'iommu.explain',
    version: 1,
    source: table.source,
    fits: series.flatMap((one) => one.segments.flatMap(fitsOf)),
    comparisons: pairs.map(compare),
    gains: gainsOf(pairs, analyses),
    noise: noiseAnswer(analyses),
    units: analyses.flatMap(({ problem, units }) =>
      units.map((unit) => ({ where: problem.where, ...unit, estimator: UNIT_ESTIMATOR })),
    ),
    inseparable: analyses.flatMap(({ problem, groups }) =>
      groups.map((group) => ({ where: problem.where, ...group, estimator: UNIT_ESTIMATOR })),
    ),
    suggestedRun: suggestedRuns[0] ?? null,
    suggestedRuns,
    findings: findingsOf(analyses, pairs),
  };
  return { answer, analyses };
}
