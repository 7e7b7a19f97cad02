/**
 * Series held against each other: ratios by size, the limit for large sizes, and the size from which one is faster.
 * @module
 */
import { PATHS } from '../cost/counts.ts';
import type { Line } from '../cost/linear.ts';
import { DATE_COLUMNS, mainSegment, type Series } from '../cost/series.ts';

/** Two series that differ in a few columns, held against each other. */
export interface SeriesPair {
  readonly from: Series;
  readonly to: Series;
  /** The columns in which they differ. */
  readonly changed: readonly string[];
}

/** One comparison as the answer gives it. */
export interface Comparison {
  readonly from: string;
  readonly to: string;
  readonly changed: readonly string[];
  /** `ratio` = from/to, as measured. */
  readonly rows: readonly { readonly bytes: number; readonly ratio: number }[];
  /** Ratio of the unweighted slopes: where the ratio goes for large sizes. Null where a slope is missing or not positive. */
  readonly limit: number | null;
  /** First page multiple at which the fitted `to` is below `from`; null if it never is. */
  readonly breakEvenBytes: number | null;
}

/** Values that stand for what was there before, by column, the earliest first. */
const BEFORE: Readonly<Record<string, readonly string[]>> = {
  path: PATHS,
  dispatch: ['indirect', 'direct'],
  runtime_pm: ['on', 'off'],
  table_invalidation: ['by-address', 'by-asid'],
  cache_clean: ['per-entry', 'per-table'],
  code: ['previous', 'before', 'old'],
};

/** Columns that say what was done to the code, not what was measured. */
const TREATMENTS: readonly string[] = [...Object.keys(BEFORE), ...DATE_COLUMNS];

function changedColumns(a: Series, b: Series): string[] {
  return Object.keys(a.columns).filter((name) => a.columns[name] !== b.columns[name]);
}

function comesAfter(a: Series, b: Series, column: string): boolean {
  const [x, y] = [a.columns[column] ?? '', b.columns[column] ?? ''];
  if (DATE_COLUMNS.includes(column)) return x > y;
  const order = BEFORE[column] ?? [];
  const rank = (value: string): number => (order.indexOf(value) < 0 ? order.length : order.indexOf(value));
  return rank(x) > rank(y);
}

/**
 * Pairs worth holding against each other: equal but for one treatment, or but for a date and what came with it. The state
 * before comes first.
 */
export function pairsOf(series: readonly Series[]): SeriesPair[] {
  const pairs: SeriesPair[] = [];
  for (const [i, a] of series.entries()) {
    for (const b of series.slice(i + 1)) {
      const changed = changedColumns(a, b);
      const date = changed.some((name) => DATE_COLUMNS.includes(name));
      const comparable = changed.length === 1 || (date && !changed.includes('path'));
      if (!comparable || !changed.every((name) => TREATMENTS.includes(name))) continue;
      const turned = comesAfter(a, b, changed[0] as string);
      pairs.push(turned ? { from: b, to: a, changed } : { from: a, to: b, changed });
    }
  }
  return pairs.toSorted((a, b) => a.changed.length - b.changed.length);
}

/** The unweighted line that speaks for a series' large sizes; null if it has one size only. */
export function mainLine(series: Series): Line | null {
  return mainSegment(series).fits.find((fit) => fit.estimator === 'unweighted least squares')?.line ?? null;
}

function breakEvenPages(from: Line, to: Line): number | null {
  const below = (pages: number): boolean => to.fixedNs + to.perPageNs * pages < from.fixedNs + from.perPageNs * pages;
  if (below(1)) return 1;
  const gain = from.perPageNs - to.perPageNs;
  if (gain <= 0) return null;
  const pages = Math.floor((to.fixedNs - from.fixedNs) / gain) + 1;
  return Number.isSafeInteger(pages * 4096) ? pages : null;
}

/** Sizes that both series of a pair have, with both times. */
export function commonSizes(pair: SeriesPair): { pages: number; bytes: number; fromNs: number; toNs: number }[] {
  const rowsOf = (series: Series): Series['segments'][number]['rows'][number][] =>
    series.segments.flatMap((one) => one.rows);
  const to = new Map(rowsOf(pair.to).map((row) => [row.pages, row]));
  return rowsOf(pair.from).flatMap((row) => {
    const other = to.get(row.pages);
    return other === undefined ? [] : [{ pages: row.pages, bytes: row.bytes, fromNs: row.timeNs, toNs: other.timeNs }];
  });
}

/** Compares one pair. */
export function compare(pair: SeriesPair): Comparison {
  const [from, to] = [mainLine(pair.from), mainLine(pair.to)];
  const sizes = commonSizes(pair);
  const pageBytes = sizes[0] === undefined ? 4096 : sizes[0].bytes / sizes[0].pages;
  const pages = from === null || to === null ? null : breakEvenPages(from, to);
  const limit =
    from !== null && to !== null && from.perPageNs > 0 && to.perPageNs > 0 ? from.perPageNs / to.perPageNs : null;
  return {
    from: pair.from.label,
    to: pair.to.label,
    changed: pair.changed,
    rows: sizes.map(({ bytes, fromNs, toNs }) => ({ bytes, ratio: fromNs / toNs })),
    limit,
    breakEvenBytes: pages === null ? null : pages * pageBytes,
  };
}
