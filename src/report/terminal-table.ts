/**
 * Tables for a terminal, in time that grows with their text.
 * @module
 */
import { plainText } from './plain.ts';
import { alignOf, type Table, tableTexts } from './table.ts';
import { textWidth } from './text-width.ts';

const GAP = '  ';

type Align = ReturnType<typeof alignOf>;

/** The widest cell of each column. */
function columnWidths(rows: readonly (readonly string[])[]): number[] {
  const widths: number[] = [];
  for (const row of rows) {
    for (const [i, cell] of row.entries()) widths[i] = Math.max(widths[i] ?? 0, textWidth(cell));
  }
  return widths;
}

function padded(cell: string, width: number, align: Align | undefined): string {
  const blanks = ' '.repeat(Math.max(0, width - textWidth(cell)));
  return align === 'right' ? blanks + cell : cell + blanks;
}

/**
 * A table as text: columns two blanks apart, numbers to the right. Off a terminal (`ruled` false) there is no line
 * below the headings, so that each line is a row for other programs.
 */
export function tableToText(table: Table, ruled = true): string {
  const head = table.columns.map(({ title }) => plainText(title));
  const rows = tableTexts(table);
  const widths = columnWidths([head, ...rows]);
  const aligns = table.columns.map(alignOf);
  const line = (cells: readonly string[]): string =>
    cells
      .map((cell, i) => padded(cell, widths[i] ?? 0, aligns[i]))
      .join(GAP)
      .trimEnd();
  const rule = '─'.repeat(widths.reduce((sum, width) => sum + width, GAP.length * Math.max(0, widths.length - 1)));
  const title = table.title === undefined ? [] : [plainText(table.title)];
  const notes = (table.notes ?? []).map((note) => plainText(note));
  return `${[...title, line(head), ...(ruled ? [rule] : []), ...rows.map(line), ...notes].join('\n')}\n`;
}
