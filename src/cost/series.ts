/**
 * Series of a latency table: rows that are equal in every column but size and time, cut where their counts stop being
 * linear in pages; what run each row is; and how series are named.
 * @module
 */
import { InputError } from '../errors.ts';
import { breaksAtTable, PATHS, type Path, type Run } from './counts.ts';
import type { LatencyTable, Measurement } from './csv.ts';
import { ESTIMATORS, type Estimator, fitLine, type Line, outliersOf, sizesOf } from './linear.ts';

/** A line through one segment, with the rows that it accuses. */
export interface SegmentFit {
  readonly estimator: Estimator;
  readonly line: Line;
}

/** Rows of a series between two breaks. */
export interface Segment {
  readonly series: Series;
  /** Sorted by size. */
  readonly rows: readonly Measurement[];
  /** Both lines; empty if the segment has one size only. */
  readonly fits: readonly SegmentFit[];
  /** Rows that both estimators accuse. */
  readonly outliers: readonly boolean[];
}

/** Rows that are equal in every column but bytes, pages and time. */
export interface Series {
  readonly label: string;
  readonly columns: Readonly<Record<string, string>>;
  /** The run that the rows measure, for any size; null where the columns do not tell. */
  readonly run: Run | null;
  /** Why `run` is null. */
  readonly unknown: string | null;
  readonly segments: readonly Segment[];
}

/** Columns that say when a table was posted. */
export const DATE_COLUMNS: readonly string[] = ['posted', 'date'];

/** Columns whose values change the counts, or only label a run; series that differ in any other column are not fitted together. */
export const COUNTED_COLUMNS: readonly string[] = [
  ...DATE_COLUMNS,
  'path',
  'dispatch',
  'layout',
  'runtime_pm',
  'table_invalidation',
  'cache_clean',
];

function pathOf(columns: Readonly<Record<string, string>>): Path | null {
  const text = (columns['path'] ?? 'map-pages').replaceAll('_', '-');
  return PATHS.find((path) => path === text) ?? null;
}

/** Entries in a last-level table: eight bytes an entry, a table as large as a granule. */
function entriesPerTable(columns: Readonly<Record<string, string>>): number {
  const granule = Number(columns['granule_bytes'] ?? columns['page_bytes'] ?? 4096);
  return [4096, 16384, 65536].includes(granule) ? granule / 8 : 512;
}

function layoutOf(columns: Readonly<Record<string, string>>): Run['layout'] | null {
  const text = columns['layout'] ?? 'contiguous';
  if (text.startsWith('scattered')) return 'scattered';
  return text.startsWith('contiguous') || text === 'aligned' ? 'contiguous' : null;
}

function oneOf<T extends string>(text: string | undefined, values: readonly T[], otherwise: T): T | null {
  if (text === undefined) return otherwise;
  return values.find((value) => value === text) ?? null;
}

/** The run that a series measures, or the reason why its columns do not tell. */
function runOf(columns: Readonly<Record<string, string>>): Run | string {
  const op = oneOf(columns['op'], ['map', 'unmap'], 'map');
  const [path, layout] = [pathOf(columns), layoutOf(columns)];
  const dispatch = oneOf(columns['dispatch'], ['indirect', 'direct'], 'indirect');
  const power = oneOf(columns['runtime_pm'], ['on', 'off'], 'on');
  const tableInvalidation = oneOf(columns['table_invalidation'], ['by-address', 'by-asid'], 'by-address');
  const clean = oneOf(columns['cache_clean'], ['per-entry', 'per-table', 'none'], 'none');
  if (op === null) return `op ${columns['op']}: known are map and unmap`;
  if (path === null) return `path ${columns['path']}: known are ${PATHS.join(', ')}`;
  if (layout === null) return `layout ${columns['layout']}: known are scattered-4k, contiguous`;
  if (dispatch === null) return `dispatch ${columns['dispatch']}: known are indirect, direct`;
  if (power === null) return `runtime_pm ${columns['runtime_pm']}: known are on, off`;
  if (tableInvalidation === null)
    return `table_invalidation ${columns['table_invalidation']}: known are by-address, by-asid`;
  if (clean === null) return `cache_clean ${columns['cache_clean']}: known are per-entry, per-table, none`;
  const aboutTables = columns['table_invalidation'] !== undefined || columns['cache_clean'] !== undefined;
  return {
    op,
    path,
    layout,
    dispatch,
    power: power === 'on',
    pages: 1,
    entriesPerTable: entriesPerTable(columns),
    barrierPerPage: columns['format']?.includes('v7s') === true,
    whole: aboutTables ? 'table' : 'block',
    tableInvalidation,
    cacheClean: clean === 'none' ? null : clean,
  };
}

function keyOf(row: Measurement): string {
  return JSON.stringify(Object.values(row.columns));
}

/** Columns that differ among the given rows or series. */
export function varyingColumns(items: readonly { readonly columns: Readonly<Record<string, string>> }[]): string[] {
  const names = Object.keys(items[0]?.columns ?? {});
  return names.filter((name) => items.some((item) => item.columns[name] !== items[0]?.columns[name]));
}

const BARE: ReadonlySet<string> = new Set([...DATE_COLUMNS, 'path', 'op', 'format', 'code']);

/** Columns that name the series: the path, then what is needed beside it to tell them apart. */
function namingColumns(rows: readonly Measurement[]): string[] {
  const varying = varyingColumns(rows);
  const order = [...DATE_COLUMNS.filter((name) => varying.includes(name)), ...varying];
  const chosen = rows[0]?.columns['path'] === undefined ? [] : ['path'];
  const keysBy = (names: readonly string[]): number =>
    new Set(rows.map((row) => JSON.stringify(names.map((name) => row.columns[name])))).size;
  for (const name of order) {
    if (!chosen.includes(name) && keysBy([...chosen, name]) > keysBy(chosen)) chosen.push(name);
  }
  return chosen;
}

function labelOf(columns: Readonly<Record<string, string>>, naming: readonly string[]): string {
  const parts = naming.map((name) => (BARE.has(name) ? columns[name] : `${name}=${columns[name]}`));
  return parts.join(' ') || (columns['op'] ?? 'all');
}

function segmentOf(series: Series, rows: readonly Measurement[]): Segment {
  const fits = sizesOf(rows) < 2 ? [] : ESTIMATORS.map((estimator) => ({ estimator, line: fitLine(rows, estimator) }));
  return { series, rows, fits, outliers: outliersOf(rows) };
}

function seriesOf(rows: readonly Measurement[], naming: readonly string[]): Series {
  const columns = rows[0]?.columns ?? {};
  const run = runOf(columns);
  const known = typeof run === 'string' ? null : run;
  const limit = known !== null && breaksAtTable(known) ? known.entriesPerTable : Number.POSITIVE_INFINITY;
  const sorted = rows.toSorted((a, b) => a.pages - b.pages);
  const parts = [sorted.filter((row) => row.pages < limit), sorted.filter((row) => row.pages >= limit)];
  const segments: Segment[] = [];
  const unknown = typeof run === 'string' ? run : null;
  const series: Series = { label: labelOf(columns, naming), columns, run: known, unknown, segments };
  for (const part of parts) if (part.length > 0) segments.push(segmentOf(series, part));
  return series;
}

/**
 * Groups the rows of a table into series.
 * @throws InputError `MISSING_VALUE` if no series has two sizes: one size cannot tell a fixed cost from a cost a page.
 */
export function seriesOfTable(table: LatencyTable): Series[] {
  const groups = new Map<string, Measurement[]>();
  for (const row of table.rows) groups.set(keyOf(row), [...(groups.get(keyOf(row)) ?? []), row]);
  const naming = namingColumns(table.rows);
  const series = [...groups.values()].map((rows) => seriesOf(rows, naming));
  if (series.some((one) => one.segments.some((segment) => segment.fits.length > 0))) return series;
  const first = table.rows[0] as Measurement;
  const where = Object.entries(first.columns)
    .map(([name, value]) => `${name}=${value}`)
    .join(', ');
  const message = `expected two sizes in a series, which tell a fixed cost from a cost a page, got one only in every series (line ${first.line}: ${where}, ${first.pages} pages)`;
  throw new InputError('MISSING_VALUE', table.source, message, { line: first.line });
}

/** Whether a series has one size only, so that no line goes through it. */
export function hasOneSize(series: Series): boolean {
  return sizesOf(series.segments.flatMap((segment) => segment.rows)) < 2;
}

/** The segment that speaks for large sizes: the last with three sizes or more, else the one with the most sizes. */
export function mainSegment(series: Series): Segment {
  const full = series.segments.findLast((segment) => sizesOf(segment.rows) >= 3);
  const most = series.segments.toSorted((a, b) => sizesOf(b.rows) - sizesOf(a.rows))[0];
  return full ?? (most as Segment);
}
