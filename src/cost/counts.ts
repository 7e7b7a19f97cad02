/**
 * How often each unit of work occurs when n pages cross the layers by a path. The rules follow the code that the paths
 * stand for: Linux 5.10 (`per-page`), 6.1 (`map-pages`), the 2021 scatter-list hooks (`map-sg`), and this engine (`one-walk`).
 * @module
 */
import type { Counts, UnitId } from './units.ts';

/** Ids of the paths, the one with the most crossings first. */
export const PATHS = ['per-page', 'map-pages', 'map-sg', 'one-walk'] as const;

/** How a request crosses the layers. */
export type Path = (typeof PATHS)[number];

/** One run of which the work is to be counted. */
export interface Run {
  readonly op: 'map' | 'unmap';
  readonly path: Path;
  readonly dispatch: 'indirect' | 'direct';
  /** Whether runtime power is visited. */
  readonly power: boolean;
  /** `scattered`: no two pages are neighbours; `contiguous`: one physical run. */
  readonly layout: 'scattered' | 'contiguous';
  readonly pages: number;
  /** Entries in a last-level table: 512 with 4 KiB pages. */
  readonly entriesPerTable: number;
  /** Whether the page table's scatter-list hook waits after each page, as that of v7s does. */
  readonly barrierPerPage: boolean;
  /** What a whole aligned table's worth of contiguous pages becomes. */
  readonly whole: 'table' | 'block';
  readonly tableInvalidation: 'by-address' | 'by-asid';
  /** Cache cleans of a walker that does not snoop; null: none counted. */
  readonly cacheClean: 'per-entry' | 'per-table' | null;
}

type MutableCounts = Partial<Record<UnitId, number>>;

function crossings(counts: MutableCounts, run: Run, times: number): void {
  const calls = run.dispatch === 'direct' ? 0 : times;
  counts['call.driver'] = calls;
  counts['call.pagetable'] = calls;
  counts.power = run.power ? times : 0;
  counts.core = times;
}

function mapScattered(counts: MutableCounts, run: Run): void {
  const once = run.path === 'map-sg' || run.path === 'one-walk';
  crossings(counts, run, once ? 1 : run.pages);
  counts.barrier = once ? 1 : run.pages;
  if (run.path === 'map-sg') counts.barrier = run.barrierPerPage ? run.pages : 0;
  counts[run.path === 'one-walk' ? 'entry' : 'page'] = run.pages;
}

function mapContiguous(counts: MutableCounts, run: Run, whole: number, rest: number): void {
  const runs = Math.ceil(whole / run.entriesPerTable) + (rest > 0 ? 1 : 0);
  const byPath = { 'per-page': whole + rest, 'map-pages': runs, 'map-sg': 1, 'one-walk': 1 };
  crossings(counts, run, byPath[run.path]);
  counts.barrier = byPath[run.path];
  if (run.path === 'map-sg') counts.barrier = run.barrierPerPage ? whole + rest : 0;
  counts.entry = rest;
  counts[run.whole] = whole;
}

function unmap(counts: MutableCounts, run: Run, whole: number, rest: number): void {
  const perTable = whole + (rest > 0 ? 1 : 0);
  const perPage = run.path === 'per-page' || run.path === 'map-sg';
  crossings(counts, run, run.path === 'one-walk' ? 1 : perPage ? whole + rest : perTable);
  counts[run.layout === 'scattered' && perPage ? 'page' : 'entry'] = rest;
  const tables = run.layout === 'scattered' || run.whole === 'table';
  counts[tables ? 'table' : 'block'] = whole;
  if (!tables) counts['tlbi.address'] = whole;
  else if (run.tableInvalidation === 'by-asid') counts['tlbi.asid'] = whole;
  else counts['tlbi.address'] = whole * run.entriesPerTable;
  if (run.cacheClean === 'per-entry') counts.clean = whole + rest;
  if (run.cacheClean === 'per-table') counts.clean = perTable;
}

/**
 * Counts the work of one run of `run.pages` pages, without its fixed cost. The TLB operation of a page that is unmapped
 * alone belongs to its `page` or `entry`: the two never come apart; only those of whole tables are counted.
 */
export function countsOf(run: Run): Counts {
  const counts: MutableCounts = {};
  const whole = Math.floor(run.pages / run.entriesPerTable);
  const rest = run.pages % run.entriesPerTable;
  if (run.op === 'unmap') unmap(counts, run, whole, rest);
  else if (run.layout === 'scattered') mapScattered(counts, run);
  else mapContiguous(counts, run, whole, rest);
  return counts;
}

/** Whether the counts of a run stop being linear in pages where a whole table is reached. */
export function breaksAtTable(run: Run): boolean {
  const at = (pages: number): Counts => countsOf({ ...run, pages });
  const [one, two, full] = [at(1), at(2), at(run.entriesPerTable)];
  const units = new Set([...Object.keys(one), ...Object.keys(full)]) as Set<UnitId>;
  for (const unit of units) {
    const slope = (two[unit] ?? 0) - (one[unit] ?? 0);
    if ((one[unit] ?? 0) + slope * (run.entriesPerTable - 1) !== (full[unit] ?? 0)) return true;
  }
  return false;
}
