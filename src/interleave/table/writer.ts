/**
 * A CPU that maps and unmaps pages of a table without a lock, as Linux's io-pgtable-arm does since 4.13 (commit 2c3d273eabe8,
 * "Support lockless operation"): a new table is put in place by compare-and-swap, and whoever comes second frees its own and
 * goes on in the other one.
 * @module
 */
import { barrier, type Cell, event, load, type Steps, store, swap } from '../operations.ts';
import {
  addressOf,
  cellOf,
  indexAt,
  isBlock,
  isMarked,
  leafEntry,
  marked,
  pageEntry,
  span,
  type Table,
  tableEntry,
} from './table.ts';

/**
 * Defects that can be put into the table. Linux had the first two (docs/concurrency.md); the others leave out one thing that
 * the algorithm needs.
 */
export type TableBug =
  | 'split-loser-forgets-to-unmap'
  | 'unmap-does-not-clean'
  | 'install-without-compare'
  | 'loser-keeps-its-page'
  | 'no-barrier-before-install'
  | 'new-table-not-cleaned'
  | 'second-writer-does-not-clean'
  | 'marked-before-cleaned';

/** A page to map to a frame, or to unmap. */
export interface Job {
  readonly input: number;
  /** Frame to map it to; undefined to unmap. */
  readonly frame?: number;
}

/** A CPU that does its jobs one after the other. */
export interface Writer {
  readonly table: Table;
  readonly jobs: readonly Job[];
  /** For each job, a word that is set when the call has returned. */
  readonly returned: Cell;
  /** Pages that it may allocate, in this order; as many as it can need. */
  readonly pages: readonly number[];
  readonly bug?: TableBug | undefined;
}

/** All that a writer does. */
export function* write(writer: Writer): Steps {
  const free = [...writer.pages];
  for (const [i, { input, frame }] of writer.jobs.entries()) {
    if (frame === undefined) yield* unmapPage(writer, free, input);
    else yield* mapPage(writer, free, input, frame);
    yield* barrier();
    yield* store(writer.returned + i, 1);
  }
}

function* mapPage(writer: Writer, free: number[], input: number, frame: number): Steps {
  const { table } = writer;
  let cell = cellOf(table, 0, indexAt(table, input, 0));
  for (let level = 1; level < table.levels; level++) {
    const entry = yield* tableAt(writer, free, cell);
    cell = cellOf(table, addressOf(entry), indexAt(table, input, level));
  }
  yield* writeEntry(table, cell, pageEntry(frame));
}

/** The table entry in a word; puts a new table there if the word is empty. */
function* tableAt(writer: Writer, free: number[], cell: Cell): Steps<number> {
  const entry = yield* load(cell);
  if (entry === 0) return yield* install(writer, free, cell, 0, () => 0);
  if (writer.bug !== 'second-writer-does-not-clean') yield* cleanUnmarked(writer.table, cell, entry);
  return entry;
}

/** Cleans an entry of another writer who may not have come to it yet. */
function* cleanUnmarked({ coherent }: Table, cell: Cell, entry: number): Steps {
  if (!coherent && !isMarked(entry)) yield { kind: 'clean', cell };
}

function* unmapPage(writer: Writer, free: number[], input: number): Steps {
  const { table } = writer;
  let cell = cellOf(table, 0, indexAt(table, input, 0));
  for (let level = 1; level < table.levels; level++) {
    const index = indexAt(table, input, level);
    const next = yield* tableBelow(writer, free, cell, level, level === table.levels - 1 ? index : -1);
    if (next === null) return;
    cell = cellOf(table, addressOf(next), index);
  }
  yield* writeEntry(table, cell, 0);
}

/** The table entry in a word, to go on with; null if splitting a block there has made the unmapping already. */
function* tableBelow(writer: Writer, free: number[], cell: Cell, level: number, without: number): Steps<number | null> {
  const entry = yield* load(cell);
  if (isBlock(entry)) return yield* split(writer, free, { cell, entry, level, without });
  if (writer.bug !== 'unmap-does-not-clean') yield* cleanUnmarked(writer.table, cell, entry);
  return entry;
}

/** A block, the level of the table that takes its place, and the index there that shall be empty (-1: none). */
interface Split {
  readonly cell: Cell;
  readonly entry: number;
  readonly level: number;
  readonly without: number;
}

/** Puts a table in the place of a block. Gives the table entry to go on with, or null if the page is gone already. */
function* split(writer: Writer, free: number[], { cell, entry, level, without }: Split): Steps<number | null> {
  const { table, bug } = writer;
  const frame = (i: number): number => addressOf(entry) + i * span(table, level);
  const contents = (i: number): number => (i === without ? 0 : leafEntry(table, level, frame(i)));
  const own = tableEntry(free[0] as number);
  const now = yield* install(writer, free, cell, entry, contents);
  const lost = addressOf(now) !== addressOf(own);
  return without !== -1 && (!lost || bug === 'split-loser-forgets-to-unmap') ? null : now;
}

/** Puts a new table in the place of `old`. Gives the entry that stands there afterwards: its own or another writer's. */
function* install(
  writer: Writer,
  free: number[],
  cell: Cell,
  old: number,
  contents: (index: number) => number,
): Steps<number> {
  const { bug } = writer;
  const page = free.shift() as number;
  yield* event('allocates', page);
  yield* fill(writer, page, contents);
  if (bug !== 'no-barrier-before-install') yield* barrier();
  const entry = tableEntry(page);
  const found = bug === 'install-without-compare' ? yield* overwrite(cell, old, entry) : yield* swap(cell, old, entry);
  yield* cleanInstalled(writer, cell, found === old ? entry : found, found === old);
  if (found === old) return entry;
  if (bug !== 'loser-keeps-its-page') yield* event('frees', page);
  return found;
}

function* overwrite(cell: Cell, old: number, entry: number): Steps<number> {
  yield* store(cell, entry);
  return old;
}

function* fill({ table, bug }: Writer, page: number, contents: (index: number) => number): Steps {
  for (let i = 0; i < table.entries; i++) yield* store(cellOf(table, page, i), contents(i));
  if (table.coherent || bug === 'new-table-not-cleaned') return;
  for (let i = 0; i < table.entries; i++) yield { kind: 'clean', cell: cellOf(table, page, i) };
}

/** Cleans a table entry, whoever installed it, and then marks it if it is this writer's own. */
function* cleanInstalled({ table, bug }: Writer, cell: Cell, entry: number, own: boolean): Steps {
  if (table.coherent || isMarked(entry)) return;
  if (own && bug === 'marked-before-cleaned') yield* store(cell, marked(entry));
  if (own || bug !== 'second-writer-does-not-clean') yield { kind: 'clean', cell };
  if (own && bug !== 'marked-before-cleaned') yield* store(cell, marked(entry));
}

function* writeEntry(table: Table, cell: Cell, entry: number): Steps {
  yield* store(cell, entry);
  if (!table.coherent) yield { kind: 'clean', cell };
}
