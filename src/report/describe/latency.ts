/**
 * Latency against size as charts: published tables with the lines fitted to them, and benchmarks of this engine.
 * @module
 */
import type { BarChart, Evidence, Point, ScatterChart } from '../chart.ts';

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

/** How many times faster than `per-page` each other path is at its largest size, a bar a path and situation. */
export function benchRatioChart(rows: readonly BenchTimes[]): BarChart {
  const largest = [...grouped(rows, (row) => `${variantOf(row)}: ${situationOf(row)}`)].map(([name, list]) => {
    const row = list.reduce((best, one) => (one.bytes > best.bytes ? one : best));
    return { name, path: row.path, faster: row.ratioToPerPage === null ? null : 1 / row.ratioToPerPage };
  });
  const shown = largest.filter(({ path }) => path !== 'per-page');
  return {
    kind: 'bar',
    title: 'Times faster than per-page, at the largest size',
    category: 'path',
    categories: shown.map(({ name }) => name),
    value: { label: 'time of per-page over time of this path', unit: 'ratio' },
    series: [{ name: 'ratio', evidence: 'this-engine', values: shown.map(({ faster }) => faster) }],
  };
}
