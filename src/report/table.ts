/**
 * One description of a table, printed for the terminal, as CSV, Markdown or HTML.
 * @module
 */
import { formatUnit, type Unit } from './number.ts';
import { plainText } from './plain.ts';

/** A column: its heading and, for numbers, their unit. Columns with a unit are right-aligned. */
export interface Column {
  readonly title: string;
  readonly unit?: Unit;
  /** For texts that line up at the right, such as addresses. */
  readonly align?: 'left' | 'right';
}

/** One cell; `null` is "not known" and printed as `-`. */
export type Cell = string | number | null;

/** A table. A row may be shorter than the columns. */
export interface Table {
  readonly title?: string;
  readonly columns: readonly Column[];
  readonly rows: readonly (readonly Cell[])[];
  readonly notes?: readonly string[];
}

/** Text of a cell as people read it. */
export function cellText(cell: Cell | undefined, column: Column): string {
  if (cell === null || cell === undefined) return '-';
  return typeof cell === 'number' ? formatUnit(cell, column.unit ?? 'plain') : plainText(cell);
}

/** Where the cells of a column stand. */
export function alignOf(column: Column): 'left' | 'right' {
  return column.align ?? (column.unit === undefined ? 'left' : 'right');
}

/** All cells of a table as people read them, a row for each row. */
export function tableTexts(table: Table): string[][] {
  return table.rows.map((row) => table.columns.map((column, i) => cellText(row[i], column)));
}
