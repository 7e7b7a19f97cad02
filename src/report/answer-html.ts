/**
 * An answer as one HTML file that fetches nothing, runs no script, prints well, follows the reader's light or dark setting,
 * and shows on a phone without a cut column.
 * @module
 */
import type { Answer, Block, Section } from './answer.ts';
import { answerDocument } from './answer-data.ts';
import { escapeJson, escapeMarkup } from './escape.ts';
import { tableToHtml } from './html.ts';
import { REPORT_STYLE } from './html-style.ts';
import { toJson } from './json.ts';
import { chartToSvg } from './svg.ts';
import { treeToSvg } from './tree.ts';

function paragraphs(text: string): string {
  return text
    .split('\n')
    .filter((line) => line.trim() !== '')
    .map((line) => `<p>${escapeMarkup(line)}</p>\n`)
    .join('');
}

function list(items: readonly string[]): string {
  return `<ul>\n${items.map((item) => `<li>${escapeMarkup(item)}</li>`).join('\n')}\n</ul>\n`;
}

function block(part: Block, id: string): string {
  switch (part.kind) {
    case 'text':
      return paragraphs(part.text);
    case 'list':
      return list(part.items);
    case 'lines':
      return `<pre tabindex="0">${part.lines.map((line) => escapeMarkup(line)).join('\n')}</pre>\n`;
    case 'tree':
      return `<figure tabindex="0">${treeToSvg(part.tree, id)}</figure>\n`;
    case 'table':
      return tableToHtml(part.table);
    default:
      return `<figure tabindex="0">${chartToSvg(part.chart, { id })}</figure>\n`;
  }
}

/** The table without a caption that would repeat the section's heading. */
function uncaptioned(part: Block, title: string): Block {
  if (part.kind !== 'table' || part.table.title !== title) return part;
  const { title: _, ...table } = part.table;
  return { ...part, table };
}

function sectionHtml({ id, title, blocks }: Section, index: number): string {
  const name = escapeMarkup(id);
  const [first] = blocks;
  const drawn = first?.kind === 'chart' && first.chart.title === title;
  const body = blocks.map((part, i) => block(uncaptioned(part, title), `s${index}x${i}`)).join('');
  const heading = `<h2 id="${name}-title"${drawn ? ' class="unseen"' : ''}>${escapeMarkup(title || id)}</h2>`;
  return `<section id="${name}" aria-labelledby="${name}-title">\n${heading}\n${body}</section>\n`;
}

function contents(sections: readonly Section[]): string {
  const main = sections.filter(({ rank }) => rank === 'main');
  if (main.length < 3) return '';
  const items = main.map(({ id, title }) => `<li><a href="#${escapeMarkup(id)}">${escapeMarkup(title || id)}</a></li>`);
  return `<nav aria-label="Sections"><ul>${items.join('')}</ul></nav>\n`;
}

function notesHtml(notes: readonly string[]): string {
  return notes.length === 0 ? '' : `<section id="notes"><h2>Notes</h2>\n${list(notes)}</section>\n`;
}

const POLICY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'";

/** The answer as one HTML file. Everything in it is escaped; the JSON document stands in `<script type="application/json" id="data">`. */
export function answerToHtml(answer: Answer, title: string): string {
  const { verdict, outcome, sections, notes } = answer;
  const name = escapeMarkup(title);
  const body = sections.map(sectionHtml).join('');
  const data = escapeJson(toJson(answerDocument(answer), 0));
  return (
    `<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n` +
    `<meta http-equiv="Content-Security-Policy" content="${POLICY}">\n` +
    `<meta name="viewport" content="width=device-width, initial-scale=1">\n<meta name="color-scheme" content="light dark">\n` +
    `<title>${name}</title>\n<style>${REPORT_STYLE}</style>\n</head>\n<body>\n<main>\n<h1>${name}</h1>\n` +
    `<p class="lead ${outcome}">${escapeMarkup(verdict)}</p>\n${contents(sections)}${body}${notesHtml(notes)}</main>\n` +
    `<script type="application/json" id="data">${data}</script>\n</body>\n</html>\n`
  );
}
