/**
 * Latency against size as charts: published tables with the lines fitted to them, and benchmarks of this engine.
 * @module
 */
import type { BarChart, Evidence, Point, ScatterChart } from '../chart.ts';
import { formatBytes } from '../number.ts';

/** A fit of `iommu explain`: rows of a series, and what a line through them predicts. */
export interface FitRows {
  readonly series: string;
  readonly estimator: string;
  readonly rows: readonly { readonly bytes: number; readonly measuredNs: number; readonly fittedNs: number }[];
}

/** A row of `iommu bench`. */
export interface BenchTimes {
  readonly op: string;
  readonly path: string;
  readonly dispatch?: string;
  readonly format: string;
  readonly granule: string;
  readonly layout: string;
  readonly bytes: number;
  readonly medianNs: number;
  /** Its time over that of `per-page` with the same dispatch: below 1 is faster. */
  readonly ratioToPerPage: number | null;
}

function grouped<T>(items: readonly T[], key: (item: T) => string): Map<string, T[]> {
  const groups = new Map<string, T[]>();
  for (const item of items) {
    const name = key(item);
    const group = groups.get(name);
    if (group === undefined) groups.set(name, [item]);
    else group.push(item);
  }
  return groups;
}

function bySize(points: Point[]): Point[] {
  return points.sort(([a], [b]) => a - b);
}

/**
 * Latency against size, log-log: marks for what was measured, a line for what the fit of one estimator says.
 * @param evidence - where the measured times come from: `published`, `measured`, `this-engine`, `emulated`
 */
export function latencyChart(title: string, fits: readonly FitRows[], evidence: Evidence): ScatterChart {
  const [estimator] = fits.map((fit) => fit.estimator);
  const parts = [
    ...grouped(
      fits.filter((fit) => fit.estimator === estimator),
      (fit) => fit.series,
    ),
  ];
  const points = (rows: readonly FitRows[], pick: (row: FitRows['rows'][number]) => number): Point[] =>
    bySize(rows.flatMap((fit) => fit.rows.map((row): Point => [row.bytes, pick(row)])));
  return {
    kind: 'scatter',
    title,
    x: { label: 'size of the list', unit: 'bytes', log: true },
    y: { label: 'time of one call', unit: 'ns', log: true },
    series: parts.flatMap(([name, rows]) => [
      { name, evidence, joined: false, points: points(rows, (row) => row.measuredNs) },
      ...rows.map((fit) => ({
        name,
        evidence: 'predicted' as const,
        joined: true,
        points: points([fit], (row) => row.fittedNs),
      })),
    ]),
    notes: estimator === undefined ? [] : [`Lines: ${estimator}, time over pages; drawn from size to size.`],
  };
}

function variantOf({ path, dispatch }: BenchTimes): string {
  return dispatch === undefined || dispatch === 'indirect' ? path : `${path}, ${dispatch}`;
}

function situationOf({ op, layout, format, granule }: BenchTimes): string {
  return `${op}, ${layout}, ${format} ${granule}`;
}

/** Benchmarks of this engine: one chart for each operation, layout, format and granule; a line a path. */
export function benchCharts(rows: readonly BenchTimes[]): ScatterChart[] {
  return [...grouped(rows, situationOf)].map(([situation, list]) => ({
    kind: 'scatter',
    title: `Time of one call: ${situation}`,
    x: { label: 'size of the list', unit: 'bytes', log: true },
    y: { label: 'median time', unit: 'ns', log: true },
    series: [...grouped(list, variantOf)].map(([name, times]) => ({
      name,
      evidence: 'this-engine' as const,
      joined: true,
      points: bySize(times.map(({ bytes, medianNs }): Point => [bytes, medianNs])),
    })),
  }));
}

/** Times faster than `per-page` at the largest size of each layout: a chart an operation, a group a layout, a bar a path. */
export function benchRatioCharts(rows: readonly BenchTimes[]): BarChart[] {
  const others = rows.filter(({ path, ratioToPerPage }) => path !== 'per-page' && ratioToPerPage !== null);
  return [...grouped(others, ({ op }) => op)].map(([op, list]) => ratioChart(op, list));
}

function ratioChart(op: string, rows: readonly BenchTimes[]): BarChart {
  const groups = [...grouped(rows, ({ layout }) => layout)].map(([layout, list]) => {
    const bytes = Math.max(...list.map((row) => row.bytes));
    return { name: `${layout}, ${formatBytes(bytes)}`, rows: list.filter((row) => row.bytes === bytes) };
  });
  const names = [...new Set(rows.map(variantOf))];
  return {
    kind: 'bar',
    title: `${op}: times faster than per-page, largest size of each layout`,
    category: 'layout and size',
    categories: groups.map(({ name }) => name),
    value: { label: 'times faster than per-page', unit: 'ratio' },
    series: names.map((name) => ({
      name,
      evidence: 'this-engine',
      values: groups.map((group) => {
        const row = group.rows.find((one) => variantOf(one) === name);
        return row?.ratioToPerPage == null ? null : 1 / row.ratioToPerPage;
      }),
    })),
    notes: ['below 1: slower than per-page'],
  };
}
