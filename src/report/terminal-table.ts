/**
 * Tables for a terminal.
 * @module
 */
import CliTable from 'cli-table3';
import { plainText } from './plain.ts';
import { alignOf, type Table, tableTexts } from './table.ts';

const LINE = { mid: '─', 'mid-mid': '──' };
const NONE = {
  top: '',
  'top-mid': '',
  'top-left': '',
  'top-right': '',
  bottom: '',
  'bottom-mid': '',
  'bottom-left': '',
  'bottom-right': '',
  left: '',
  'left-mid': '',
  mid: '',
  'mid-mid': '',
  right: '',
  'right-mid': '',
  middle: '  ',
};

/**
 * A table as text: columns two blanks apart, numbers to the right. Off a terminal (`ruled` false) there is no line
 * below the headings, so that each line is a row for other programs.
 */
export function tableToText(table: Table, ruled = true): string {
  const plain = { head: [], border: [], compact: true, 'padding-left': 0, 'padding-right': 0 };
  const drawing = new CliTable({
    chars: ruled ? { ...NONE, ...LINE } : NONE,
    head: table.columns.map(({ title }) => plainText(title)),
    style: plain,
    colAligns: table.columns.map(alignOf),
  });
  drawing.push(...tableTexts(table));
  const lines = drawing
    .toString()
    .split('\n')
    .map((line) => line.trimEnd());
  const title = table.title === undefined ? [] : [plainText(table.title)];
  const notes = (table.notes ?? []).map((note) => plainText(note));
  return `${[...title, ...lines, ...notes].join('\n')}\n`;
}
