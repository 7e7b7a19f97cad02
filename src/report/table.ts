/**
 * One description of a table, printed for the terminal, as CSV, Markdown or HTML.
 * @module
 */
import { formatUnit, type Unit } from './number.ts';
import { plainText } from './plain.ts';

/** A column: its heading and, for numbers, their unit. Columns with a unit are right-aligned. */
export interface Column {
  readonly title: string;
  /** Name in CSV; without it, the title in snake case with the unit appended (`live_peak_bytes`). */
  readonly name?: string;
  readonly unit?: Unit;
  /** For texts that line up at the right, such as addresses. */
  readonly align?: 'left' | 'right';
  /** Where the table is too wide, columns with the highest number are dropped first; a column without one stays. */
  readonly drop?: number;
}

/** How a cell is to be read at a glance; the words carry the same meaning without colour. */
export type Tone = 'good' | 'warning' | 'bad' | 'muted';

/** A text with a tone. */
export interface ToneText {
  readonly text: string;
  readonly tone: Tone;
}

/** One cell; `null` is "not known" and printed as `-`. */
export type Cell = string | number | ToneText | null;

/** A table. A row may be shorter than the columns. */
export interface Table {
  readonly title?: string;
  readonly columns: readonly Column[];
  readonly rows: readonly (readonly Cell[])[];
  readonly notes?: readonly string[];
  /** Rows that there are in all, where `rows` lists only the first of them. */
  readonly total?: number;
  /** True for a table that was asked for: text lists all of its rows, not only the first. */
  readonly full?: boolean;
}

/** Rows of a table that text lists, unless all are asked for. */
export const FIRST_ROWS = 20;

/** Text of a cell as people read it; `bytes` prints sizes as plain numbers. */
export function cellText(cell: Cell | undefined, column: Column, bytes = false): string {
  if (cell === null || cell === undefined) return '-';
  if (typeof cell === 'object') return plainText(cell.text);
  if (typeof cell === 'string') return plainText(cell);
  return bytes && column.unit === 'bytes' ? String(cell) : formatUnit(cell, column.unit ?? 'plain');
}

/** The tone of a cell, if it has one. */
export function toneOf(cell: Cell | undefined): Tone | undefined {
  return typeof cell === 'object' && cell !== null ? cell.tone : undefined;
}

/** Where the cells of a column stand. */
export function alignOf(column: Column): 'left' | 'right' {
  return column.align ?? (column.unit === undefined ? 'left' : 'right');
}

/** All cells of a table as people read them, a row for each row. */
export function tableTexts(table: Table, bytes = false): string[][] {
  return table.rows.map((row) => table.columns.map((column, i) => cellText(row[i], column, bytes)));
}

/** What to say of rows that are not listed; undefined where all are. */
export function moreRows({ rows, total }: Table, listed: number = rows.length): string | undefined {
  const more = (total ?? rows.length) - listed;
  return more > 0 ? `and ${formatUnit(more, 'count')} more` : undefined;
}
