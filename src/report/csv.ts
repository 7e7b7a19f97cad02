/**
 * Tables as CSV (RFC 4180, lines ended with a line feed) and Markdown.
 * @module
 */
import { showControlsOfLines } from './controls.ts';
import { plainText } from './plain.ts';
import { alignOf, type Cell, type Column, cellText, moreRows, type Table } from './table.ts';

/** Texts that begin so are formulas to a spreadsheet, unless they are numbers. */
const FORMULA = /^[=+\-@\t\r\uff0b\uff0d\uff1d\uff20]/;
const HARMLESS = /^[-+]?(?:\d+(?:\.\d*)?(?:e[-+]?\d+)?)?$/i;

/** Guards a text against spreadsheets: one that begins as a formula gets an apostrophe in front. */
function guarded(text: string): string {
  return FORMULA.test(text) && !HARMLESS.test(text) ? `'${text}` : text;
}

function csvField(cell: Cell | undefined): string {
  if (cell === null || cell === undefined) return '';
  const text = showControlsOfLines(guarded(typeof cell === 'object' ? cell.text : String(cell)));
  return /[",\n]|^\s|\s$/.test(text) ? `"${text.replace(/"/g, '""')}"` : text;
}

const UNIT_NAMES: Readonly<Record<string, string>> = { bytes: 'bytes', ns: 'ns', seconds: 'seconds' };

/** The name of a column in CSV: given, or its title in snake case with the unit appended. */
export function csvName({ name, title, unit }: Column): string {
  if (name !== undefined) return name;
  const snake = title
    .toLowerCase()
    .replace(/[^\p{L}\p{N}]+/gu, '_')
    .replace(/^_|_$/g, '');
  const suffix = UNIT_NAMES[unit ?? ''];
  return suffix === undefined || snake.split('_').includes(suffix) ? snake : `${snake}_${suffix}`;
}

/** A table as CSV: headings first, numbers unrounded and without units, "not known" as an empty field; formulas guarded, control characters shown. */
export function tableToCsv(table: Table): string {
  const rows = [table.columns.map(csvName), ...table.rows.map((row) => table.columns.map((_, i) => row[i]))];
  return rows.map((row) => `${row.map(csvField).join(',')}\n`).join('');
}

/** Text with everything that Markdown would read as mark-up escaped. */
export function markdownText(text: string): string {
  return plainText(text).replace(/[\\`*_[\]<>|&~#]/g, '\\$&');
}

/** A table as Markdown (GitHub's pipe tables); `bytes` prints sizes as plain numbers. */
export function tableToMarkdown(table: Table, bytes = false): string {
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;
  const rule = table.columns.map((column) => (alignOf(column) === 'right' ? '---:' : '---'));
  const lines = [
    ...(table.title === undefined ? [] : [`**${markdownText(table.title)}**`, '']),
    line(table.columns.map(({ title }) => markdownText(title))),
    line(rule),
    ...table.rows.map((row) => line(table.columns.map((column, i) => markdownText(cellText(row[i], column, bytes))))),
    ...[moreRows(table) ?? [], table.notes ?? []].flat().flatMap((note) => ['', markdownText(note)]),
  ];
  return `${lines.join('\n')}\n`;
}
