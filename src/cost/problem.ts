/**
 * Sets of series that share one price list, as a system of equations: counts · prices ≈ times, each within its noise.
 * @module
 */
import { countsOf } from './counts.ts';
import type { LatencyTable, Measurement } from './csv.ts';
import { sizesOf } from './linear.ts';
import { type Noise, noiseOf } from './noise.ts';
import {
  COUNTED_COLUMNS,
  DATE_COLUMNS,
  hasOneSize,
  type Segment,
  type Series,
  seriesOfTable,
  varyingColumns,
} from './series.ts';
import type { Counts, UnitId } from './units.ts';

/** A linear system with non-negative unknowns, each equation known within its noise. */
export interface System {
  readonly units: readonly UnitId[];
  /** Counts: one row an equation, one column a unit. */
  readonly matrix: readonly Float64Array[];
  readonly timeNs: Float64Array;
  readonly tauNs: Float64Array;
}

/** A measured row with its counts. */
export interface ProblemRow {
  readonly measurement: Measurement;
  readonly series: Series;
  readonly tauNs: number;
  readonly counts: Counts;
}

/** Series that share prices: one operation, one machine, one code. */
export interface Problem {
  /** Columns and values that set this problem apart from the table's others. */
  readonly where: Readonly<Record<string, string>>;
  readonly series: readonly Series[];
  readonly noise: Noise;
  /** Rows of the system. */
  readonly rows: readonly ProblemRow[];
  readonly system: System;
  /** Segments beside a longer one, too short to be judged (fewer than 3 sizes): not in the system. */
  readonly leftOut: readonly Segment[];
  /** Series with one size only: not in the system. */
  readonly refused: readonly Series[];
  /** The fixed cost that each series pays. */
  readonly fixedUnit: ReadonlyMap<Series, UnitId>;
}

function partition(series: readonly Series[]): Series[][] {
  const groups = new Map<string, Series[]>();
  for (const one of series) {
    const shared = Object.entries(one.columns).filter(([name]) => !COUNTED_COLUMNS.includes(name));
    const key = JSON.stringify(shared);
    groups.set(key, [...(groups.get(key) ?? []), one]);
  }
  return [...groups.values()];
}

/** Name of each series' fixed cost: by path, and by date or code where they differ; plain `list` if all are one. */
function fixedUnits(series: readonly Series[]): Map<Series, UnitId> {
  const result = new Map<Series, UnitId>();
  for (const op of new Set(series.map((one) => one.columns['op']))) {
    const same = series.filter((one) => one.columns['op'] === op);
    const varying = varyingColumns(same).filter((name) => [...DATE_COLUMNS, 'code'].includes(name));
    const label = (one: Series): string =>
      ['path', ...varying]
        .map((name) => one.columns[name] ?? '')
        .join(' ')
        .trim();
    const several = new Set(same.map(label)).size > 1;
    for (const one of same) result.set(one, several ? `list:${label(one)}` : 'list');
  }
  return result;
}

function tooShort(segment: Segment): boolean {
  return segment.series.segments.length > 1 && sizesOf(segment.rows) < 3;
}

function systemOf(rows: readonly ProblemRow[]): System {
  const units: UnitId[] = [];
  for (const row of rows) {
    for (const [unit, count] of Object.entries(row.counts) as [UnitId, number][]) {
      if (count > 0 && !units.includes(unit)) units.push(unit);
    }
  }
  return {
    units,
    matrix: rows.map((row) => Float64Array.from(units, (unit) => row.counts[unit] ?? 0)),
    timeNs: Float64Array.from(rows, (row) => row.measurement.timeNs),
    tauNs: Float64Array.from(rows, (row) => row.tauNs),
  };
}

function problemOf(
  series: readonly Series[],
  where: Readonly<Record<string, string>>,
  fixedUnit: ReadonlyMap<Series, UnitId>,
  elsewhere: number | null,
): Problem {
  const noise = noiseOf(series, elsewhere);
  const refused = series.filter(hasOneSize);
  const segments = series.filter((one) => one.run !== null && !refused.includes(one)).flatMap((one) => one.segments);
  const rows: ProblemRow[] = [];
  for (const segment of segments.filter((one) => !tooShort(one))) {
    const { run } = segment.series;
    if (run === null) continue;
    for (const measurement of segment.rows) {
      const counts = {
        ...countsOf({ ...run, pages: measurement.pages }),
        [fixedUnit.get(segment.series) ?? 'list']: 1,
      };
      rows.push({ measurement, series: segment.series, tauNs: noise.tauNs.get(measurement) as number, counts });
    }
  }
  return { where, series, noise, rows, system: systemOf(rows), leftOut: segments.filter(tooShort), refused, fixedUnit };
}

/**
 * Sets up the problems of a table: series that differ in operation, machine, code or any column without a known meaning
 * are never fitted together.
 * @throws InputError `MISSING_VALUE` if every series has one size only.
 */
export function problemsOf(table: LatencyTable): Problem[] {
  const series = seriesOfTable(table);
  const fixedUnit = fixedUnits(series);
  const elsewhere = noiseOf(series, null).medianRelative;
  const apart = varyingColumns(series).filter((name) => !COUNTED_COLUMNS.includes(name));
  return partition(series).map((group) => {
    const columns = group[0]?.columns ?? {};
    const where = Object.fromEntries(apart.map((name) => [name, columns[name] ?? '']));
    return problemOf(group, where, fixedUnit, elsewhere);
  });
}
