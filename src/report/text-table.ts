/**
 * Tables as text that fits a width: texts are wrapped at blanks, then columns are dropped in their stated order, then each
 * row is stacked as lines of `heading: value`. A number or an address is never broken. Time is linear in the cells.
 * @module
 */
import { plainText } from './plain.ts';
import { alignOf, type Column, cellText, moreRows, type Table, toneOf } from './table.ts';
import { textWidth } from './text-width.ts';
import { createPaint, type Paint } from './tone.ts';
import { wrapWords } from './wrap.ts';

/** How a table is printed as text. */
export interface TableStyle {
  /** Characters a line may have. */
  readonly width: number;
  readonly paint: Paint;
  /** True: a rule below the headings. */
  readonly ruled: boolean;
  /** True: sizes as plain numbers of bytes. */
  readonly bytes: boolean;
  /** Rows listed at most. */
  readonly rows: number;
}

const GAP = 2;
/** Narrowest a column of wrapped text becomes. */
const NARROWEST = 14;

interface Shown {
  readonly column: Column;
  readonly index: number;
  /** Characters of its widest line. */
  readonly natural: number;
  /** Characters that it needs at least. */
  readonly least: number;
}

function longestWord(text: string): number {
  let longest = 0;
  for (const word of text.split(' ')) longest = Math.max(longest, textWidth(word));
  return longest;
}

function measure(table: Table, texts: readonly (readonly string[])[]): Shown[] {
  return table.columns.map((column, index) => {
    let natural = textWidth(column.title);
    let least = longestWord(column.title);
    for (const row of texts) {
      const text = row[index] ?? '';
      const length = textWidth(text);
      natural = Math.max(natural, length);
      if (length > least) least = Math.max(least, longestWord(text));
    }
    const wraps = alignOf(column) === 'left';
    return { column, index, natural, least: wraps ? Math.min(natural, Math.max(least, NARROWEST)) : natural };
  });
}

function sum(columns: readonly Shown[], of: (one: Shown) => number): number {
  return columns.reduce((total, one) => total + of(one), GAP * (columns.length - 1));
}

/** The columns that stay at a width, and those dropped. */
function keepColumns(columns: readonly Shown[], width: number): { kept: Shown[]; dropped: Shown[] } {
  const kept = [...columns];
  const dropped: Shown[] = [];
  const order = columns.filter(({ column }) => column.drop !== undefined);
  order.sort((a, b) => (b.column.drop ?? 0) - (a.column.drop ?? 0) || b.index - a.index);
  for (const candidate of order) {
    if (sum(kept, ({ least }) => least) <= width) break;
    kept.splice(kept.indexOf(candidate), 1);
    dropped.push(candidate);
  }
  return { kept, dropped };
}

/** Characters of each kept column: what is missing is taken from the widest texts. */
function widths(kept: readonly Shown[], width: number): number[] {
  const sizes = kept.map(({ natural }) => natural);
  let excess = sum(kept, ({ natural }) => natural) - width;
  while (excess > 0) {
    let widest = -1;
    for (let i = 0; i < sizes.length; i++) {
      const room = (sizes[i] ?? 0) - (kept[i]?.least ?? 0);
      if (room > 0 && (widest < 0 || (sizes[i] ?? 0) > (sizes[widest] ?? 0))) widest = i;
    }
    if (widest < 0) break;
    sizes[widest] = (sizes[widest] ?? 0) - 1;
    excess--;
  }
  return sizes;
}

function padded(text: string, width: number, align: 'left' | 'right'): string {
  const blanks = ' '.repeat(Math.max(0, width - textWidth(text)));
  return align === 'right' ? blanks + text : text + blanks;
}

type Dress = (text: string, kept: number) => string;

/** One row as lines: cells that do not fit are wrapped, the others stand in the first line. */
function rowLines(texts: readonly string[], kept: readonly Shown[], sizes: readonly number[], dress: Dress): string[] {
  const cells = kept.map(({ index }, i) => wrapWords(texts[index] ?? '', sizes[i] ?? 0));
  const height = Math.max(1, ...cells.map((cell) => cell.length));
  return Array.from({ length: height }, (_, line) =>
    kept
      .map(({ column }, i) => dress(padded(cells[i]?.[line] ?? '', sizes[i] ?? 0, alignOf(column)), i))
      .join(' '.repeat(GAP))
      .trimEnd(),
  );
}

function stacked(table: Table, texts: readonly (readonly string[])[], style: TableStyle): string[] {
  const { width, paint } = style;
  return texts.flatMap((row, r) => [
    ...(r === 0 ? [] : ['']),
    ...table.columns.flatMap(({ title }, i) => {
      const [first = '', ...rest] = wrapWords(`${title === '' ? '' : `${title}: `}${row[i] ?? ''}`, width);
      return [paint.tone(first, toneOf(table.rows[r]?.[i])), ...rest.map((line) => `  ${line}`)];
    }),
  ]);
}

function aligned(
  table: Table,
  texts: readonly (readonly string[])[],
  kept: readonly Shown[],
  style: TableStyle,
): string[] {
  const { paint, width, ruled } = style;
  const sizes = widths(kept, width);
  const titles = table.columns.map(({ title }) => plainText(title));
  const head = rowLines(titles, kept, sizes, (text) => paint.bold(text));
  const rule = ruled
    ? [
        '─'.repeat(
          Math.min(
            width,
            sizes.reduce((a, b) => a + b, GAP * (kept.length - 1)),
          ),
        ),
      ]
    : [];
  const body = texts.flatMap((row, r) =>
    rowLines(row, kept, sizes, (text, i) => paint.tone(text, toneOf(table.rows[r]?.[kept[i]?.index ?? 0]))),
  );
  return [...head, ...rule, ...body];
}

/** A table as lines of at most `width` characters, with its title, its notes, and what was left out. */
export function tableLines(table: Table, style: TableStyle): string[] {
  const rows = table.rows.slice(0, style.rows);
  const texts = rows.map((row) => table.columns.map((column, i) => cellText(row[i], column, style.bytes)));
  const { kept, dropped } = keepColumns(measure(table, texts), style.width);
  const fits = sum(kept, ({ least }) => least) <= style.width;
  const lines = fits ? aligned(table, texts, kept, style) : stacked(table, texts, style);
  const more = moreRows(table, rows.length);
  const names = dropped.map(({ column }) => column.title).join(', ');
  const notes = [
    ...(more === undefined ? [] : [more]),
    ...(dropped.length === 0 || !fits ? [] : [`columns that need a wider terminal: ${names}`]),
    ...(table.notes ?? []),
  ];
  return [
    ...(table.title === undefined ? [] : wrapWords(plainText(table.title), style.width).map(style.paint.bold)),
    ...lines,
    ...notes.flatMap((note) => wrapWords(plainText(note), style.width)),
  ];
}

/** A table as plain text, every row listed, as wide as `width` allows. */
export function tableToText(table: Table, ruled = false, width = 100): string {
  const style = { width, paint: createPaint(false), ruled, bytes: false, rows: table.rows.length };
  return `${tableLines(table, style).join('\n')}\n`;
}
