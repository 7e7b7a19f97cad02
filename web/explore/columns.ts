/**
 * The tables on the way of one input address as columns, sparse and regular runs folded.
 * @module
 */
import type { PhysicalReader } from '../../src/bus.ts';
import { type Descriptors, KIND, type Region, reasonOf } from '../../src/hardware/walk/regime.ts';
import { joinEntry } from '../../src/hardware/walk/walker.ts';
import type { Tables } from './tables.ts';

/** One entry of a table. */
export interface EntryRow {
  readonly kind: 'table' | 'leaf' | 'invalid';
  readonly index: number;
  readonly address: number;
  readonly entry: bigint;
  /** First input address that the entry covers. */
  readonly iova: bigint;
  /** The next table, or the output address; undefined where the entry leads nowhere. */
  readonly to: number | undefined;
  /** Why the entry cannot be used, where it is neither empty nor usable. */
  readonly why: string | undefined;
}

/** Entries that are not drawn: empty ones, or neighbours that go on as the ones before. */
export interface Fold {
  readonly kind: 'empty' | 'run';
  readonly from: number;
  readonly count: number;
}

/** A row of a column. */
export type Row = EntryRow | Fold;

/** One table. */
export interface Column {
  readonly level: number;
  readonly depth: number;
  readonly table: number;
  readonly entries: number;
  /** Bytes that one entry covers. */
  readonly unit: number;
  readonly rows: readonly Row[];
  /** Rows that are left out around these. */
  readonly hidden: number;
  /** Index on the way of the selected address. */
  readonly selected: number;
}

/** Entries of one table that are looked at. */
const MOST_ENTRIES = 1 << 16;
/** Runs of entries at least this long are folded to their first and last. */
const LONG_RUN = 6;

interface Place {
  readonly d: Descriptors;
  readonly reader: PhysicalReader;
  readonly depth: number;
  readonly table: number;
  /** Input address of index 0. */
  readonly base: bigint;
}

function readEntry({ d, reader, table }: Place, index: number): { lo: number; hi: number } {
  const address = table + index * d.entryBytes;
  return { lo: reader.read32(address) ?? 0, hi: d.entryBytes === 8 ? (reader.read32(address + 4) ?? 0) : 0 };
}

function rowOf(place: Place, index: number, lo: number, hi: number): EntryRow {
  const { d, depth, table, base } = place;
  const kind = d.kind(lo, hi, depth);
  const unit = d.levels[depth]?.unit ?? 0;
  return {
    kind: kind === KIND.table ? 'table' : kind === KIND.leaf ? 'leaf' : 'invalid',
    index,
    address: table + index * d.entryBytes,
    entry: joinEntry(lo, hi),
    iova: base + BigInt(index) * BigInt(unit),
    to: kind === KIND.table ? d.table(lo, hi, depth) : kind === KIND.leaf ? d.output(lo, hi, depth) : undefined,
    why: kind === KIND.table || kind === KIND.leaf || (lo | hi) === 0 ? undefined : reasonOf(kind),
  };
}

/** Whether an entry goes on where the one before ended, with the same attributes. */
function goesOn(before: EntryRow, row: EntryRow, unit: number): boolean {
  if (before.index + 1 !== row.index || before.kind !== row.kind || row.kind === 'invalid') return false;
  if (before.to === undefined || row.to === undefined) return false;
  const step = row.to - before.to;
  return row.kind === 'leaf' && (step === unit || step === 0);
}

function foldRun(run: readonly EntryRow[], keep: number): Row[] {
  const [first] = run;
  const last = run.at(-1);
  if (first === undefined || last === undefined || run.length < LONG_RUN) return [...run];
  const selected = run.find(({ index }) => index === keep);
  const shown = [...new Set([first, ...(selected === undefined ? [] : [selected]), last])];
  return shown.flatMap((row, i): Row[] => {
    const before = shown[i - 1];
    const gap = before === undefined ? 0 : row.index - before.index - 1;
    return gap === 0 ? [row] : [{ kind: 'run', from: row.index - gap, count: gap }, row];
  });
}

/** Rows of one table; `selected` is always a row of its own. */
export function rowsOf(place: Place, entries: number, selected: number): Row[] {
  const rows: Row[] = [];
  const unit = place.d.levels[place.depth]?.unit ?? 0;
  let run: EntryRow[] = [];
  let empty = 0;
  const flushRun = (): void => {
    rows.push(...foldRun(run, selected));
    run = [];
  };
  const flushEmpty = (end: number): void => {
    if (empty > 0) rows.push({ kind: 'empty', from: end - empty, count: empty });
    empty = 0;
  };
  for (let index = 0; index < entries; index++) {
    const { lo, hi } = readEntry(place, index);
    if ((lo | hi) === 0 && index !== selected) {
      flushRun();
      empty++;
      continue;
    }
    flushEmpty(index);
    const row = rowOf(place, index, lo, hi);
    const before = run.at(-1);
    if (before !== undefined && !goesOn(before, row, unit)) flushRun();
    run.push(row);
  }
  flushRun();
  flushEmpty(entries);
  return rows;
}

function regionOf({ regime }: Tables, iova: bigint): Region | undefined {
  return regime.regions.find(({ base, size }) => iova >= base && iova - base < BigInt(size));
}

/** Rows of a column that are given; a list may fill a table with scattered entries. */
const MOST_ROWS = 400;

function aroundSelected(rows: readonly Row[], selected: number): readonly Row[] {
  if (rows.length <= MOST_ROWS) return rows;
  const at = rows.findIndex((row) => 'index' in row && row.index === selected);
  const from = Math.max(0, Math.min(at - MOST_ROWS / 2, rows.length - MOST_ROWS));
  return rows.slice(from, from + MOST_ROWS);
}

/** The columns from the root to the entry at which the walk of an address ends. */
export function columnsOf(tables: Tables, iova: bigint): Column[] {
  const region = regionOf(tables, iova);
  if (region === undefined || region.refused !== undefined) return [];
  const d = region.descriptors;
  const columns: Column[] = [];
  const offset = Number(iova - region.base);
  for (let depth = 0, table = region.root; columns.length < d.levels.length; ) {
    const level = d.levels[depth];
    if (level === undefined) break;
    const selected = Math.floor(offset / level.unit) % level.entries;
    const span = level.unit * level.entries;
    const base = region.base + BigInt(Math.floor(offset / span)) * BigInt(span);
    const place = { d, reader: tables.reader, depth, table, base };
    const all = rowsOf(place, Math.min(level.entries, MOST_ENTRIES), selected);
    const rows = aroundSelected(all, selected);
    const hidden = all.length - rows.length;
    columns.push({
      level: level.level,
      depth,
      table,
      entries: level.entries,
      unit: level.unit,
      rows,
      hidden,
      selected,
    });
    const { lo, hi } = readEntry(place, selected);
    if (d.kind(lo, hi, depth) !== KIND.table) break;
    table = d.table(lo, hi, depth);
    depth = d.next === undefined ? depth + 1 : d.next(lo, hi, depth);
  }
  return columns;
}
