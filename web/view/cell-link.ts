/**
 * Links from cells of tables to other panels: which cell leads where is decided by the panel that shows the answer.
 * @module
 */
import { type Context, createContext } from 'preact';
import type { Cell, Table } from '../../src/report/table.ts';

/** The link of a cell; undefined where it leads nowhere. */
export type CellLink = (table: Table, row: readonly Cell[], column: number) => string | undefined;

/** The links of the tables below. */
export const CELL_LINKS: Context<CellLink> = createContext<CellLink>(() => undefined);

/** The text of a row's cell by the title of its column; undefined where the table has none. */
export function textUnder({ columns }: Table, row: readonly Cell[], title: string): string | undefined {
  const cell = row[columns.findIndex((column) => (column.name ?? column.title) === title)];
  return typeof cell === 'string' ? cell : undefined;
}
