/**
 * Tables as HTML that prints well and stacks its rows on a narrow screen.
 * @module
 */
import { escapeMarkup } from './escape.ts';
import { alignOf, moreRows, type Table, tableTexts, toneOf } from './table.ts';

/** Texts up to this length are not broken. */
const SHORT = 20;

function lookOf(table: Table, text: string, i: number): string {
  const column = table.columns[i];
  if (column !== undefined && alignOf(column) === 'right') return 'number';
  return text.length <= SHORT ? 'short' : '';
}

function classes(...names: readonly (string | undefined)[]): string {
  const list = names.filter((name) => name !== undefined && name !== '');
  return list.length === 0 ? '' : ` class="${list.join(' ')}"`;
}

function headings(table: Table): string {
  return table.columns
    .map(({ title }, i) => `<th scope="col"${classes(lookOf(table, title, i))}>${escapeMarkup(title)}</th>`)
    .join('');
}

/** A row; each cell carries its heading, which a narrow screen shows beside it. */
function rowHtml(table: Table, texts: readonly string[], r: number): string {
  const cells = texts.map((text, i) => {
    const look = classes(lookOf(table, text, i), toneOf(table.rows[r]?.[i]));
    return `<td data-label="${escapeMarkup(table.columns[i]?.title ?? '')}"${look}>${escapeMarkup(text)}</td>`;
  });
  return `<tr>${cells.join('')}</tr>`;
}

/** A table as HTML, with caption, headings and right-aligned numbers. */
export function tableToHtml(table: Table): string {
  const rows = tableTexts(table).map((texts, r) => rowHtml(table, texts, r));
  const caption = table.title === undefined ? '' : `<caption>${escapeMarkup(table.title)}</caption>\n`;
  const more = moreRows(table);
  const notes = [...(more === undefined ? [] : [more]), ...(table.notes ?? [])]
    .map((note) => `<p class="note">${escapeMarkup(note)}</p>\n`)
    .join('');
  const label = escapeMarkup(table.title ?? 'table');
  return (
    `<div class="scroll" tabindex="0" role="region" aria-label="${label}"><table>\n${caption}` +
    `<thead><tr>${headings(table)}</tr></thead>\n<tbody>\n${rows.join('\n')}\n</tbody></table></div>\n${notes}`
  );
}
