/**
 * Reports as one HTML file: prose, tables and pictures in one page that fetches nothing, prints well and follows the
 * reader's light or dark setting.
 * @module
 */
import type { Chart } from './chart.ts';
import { escapeJson, escapeMarkup } from './escape.ts';
import { REPORT_STYLE } from './html-style.ts';
import { toJson } from './json.ts';
import { chartToSvg } from './svg.ts';
import { alignOf, moreRows, type Table, tableTexts, toneOf } from './table.ts';

/** A part of a section. */
export type Block =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'table'; readonly table: Table }
  | { readonly kind: 'chart'; readonly chart: Chart };

/** A section with its heading. */
export interface Section {
  readonly title: string;
  readonly blocks: readonly Block[];
}

/** One thing that the report rests on, and whether it was measured, counted or assumed. */
export interface Source {
  readonly what: string;
  readonly how: 'measured' | 'counted' | 'published' | 'assumed' | 'given' | 'emulated';
  readonly detail: string;
}

/** A report. */
export interface Report {
  readonly title: string;
  /** One or two sentences: the answer first. */
  readonly lead?: string;
  /** What the report rests on. */
  readonly sources: readonly Source[];
  readonly sections: readonly Section[];
  /** The JSON answer that the report shows; embedded for programs. */
  readonly data?: object;
}

const HEADERS: Readonly<Record<Source['how'], string>> = {
  measured: 'measured',
  counted: 'counted',
  published: 'published',
  assumed: 'assumed',
  given: 'given by the caller',
  emulated: 'emulated, no claim about hardware',
};

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

function paragraphs(text: string): string {
  return text
    .split(/\n\s*\n/)
    .map((part) => `<p>${escapeMarkup(part)}</p>\n`)
    .join('');
}

function block(part: Block, id: string): string {
  switch (part.kind) {
    case 'text':
      return paragraphs(part.text);
    case 'table':
      return tableToHtml(part.table);
    default:
      return `<figure tabindex="0">${chartToSvg(part.chart, { id })}</figure>\n`;
  }
}

function section({ title, blocks }: Section, index: number): string {
  const body = blocks.map((part, i) => block(part, `s${index}x${i}`)).join('');
  return `<section aria-labelledby="h${index}">\n<h2 id="h${index}">${escapeMarkup(title)}</h2>\n${body}</section>\n`;
}

function sources(list: readonly Source[]): string {
  if (list.length === 0) return '';
  const table: Table = {
    columns: [{ title: 'Input' }, { title: 'How it is known' }, { title: 'Detail' }],
    rows: list.map(({ what, how, detail }) => [what, HEADERS[how], detail]),
  };
  return `<section aria-labelledby="sources">\n<h2 id="sources">What this rests on</h2>\n${tableToHtml(table)}</section>\n`;
}

function contents(sections: readonly Section[]): string {
  if (sections.length < 3) return '';
  const items = sections.map(({ title }, i) => `<li><a href="#h${i}">${escapeMarkup(title)}</a></li>`);
  return `<nav aria-label="Sections"><ul>${items.join('')}</ul></nav>\n`;
}

/** A report as one HTML file. Everything in it is escaped; the data stands in `<script type="application/json" id="data">`. */
export function reportToHtml(report: Report): string {
  const title = escapeMarkup(report.title);
  const lead = report.lead === undefined ? '' : `<p class="lead">${escapeMarkup(report.lead)}</p>\n`;
  const data = report.data === undefined ? '' : escapeJson(toJson(report.data, 0));
  const embedded = data === '' ? '' : `<script type="application/json" id="data">${data}</script>\n`;
  return (
    `<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n` +
    `<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">\n` +
    `<meta name="viewport" content="width=device-width, initial-scale=1">\n<meta name="color-scheme" content="light dark">\n` +
    `<title>${title}</title>\n<style>${REPORT_STYLE}</style>\n</head>\n<body>\n<main>\n<h1>${title}</h1>\n${lead}` +
    `${contents(report.sections)}${sources(report.sources)}${report.sections.map(section).join('')}</main>\n${embedded}</body>\n</html>\n`
  );
}
