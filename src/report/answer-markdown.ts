/**
 * An answer as Markdown.
 * @module
 */
import type { Answer, Block, Section } from './answer.ts';
import { markdownText, tableToMarkdown } from './csv.ts';
import { chartToText } from './text.ts';
import { treeLines } from './tree.ts';

const WIDTH = 100;

/** A fence longer than any run of backticks in the lines. */
function fenced(lines: readonly string[]): string {
  const longest = Math.max(2, ...lines.flatMap((line) => (line.match(/`+/g) ?? []).map((run) => run.length)));
  const fence = '`'.repeat(longest + 1);
  return [`${fence}text`, ...lines, fence].join('\n');
}

function block(part: Block, bytes: boolean): string {
  switch (part.kind) {
    case 'text':
      return part.text.split('\n').map(markdownText).join('\n\n');
    case 'list':
      return part.items.map((item) => `- ${markdownText(item)}`).join('\n');
    case 'lines':
      return fenced(part.lines);
    case 'tree':
      return fenced(treeLines(part.tree));
    case 'table':
      return tableToMarkdown(part.table, bytes).trimEnd();
    default:
      return fenced(chartToText(part.chart, { width: WIDTH }).trimEnd().split('\n'));
  }
}

function section({ title, blocks }: Section, bytes: boolean): string {
  const heading = title === '' ? [] : [`## ${markdownText(title)}`];
  return [...heading, ...blocks.map((part) => block(part, bytes))].join('\n\n');
}

/** The whole answer as Markdown, details included. */
export function answerToMarkdown({ verdict, sections, notes }: Answer, bytes = false): string {
  const notesPart = notes.length === 0 ? [] : ['## Notes', notes.map((note) => `- ${markdownText(note)}`).join('\n')];
  const parts = [`**${markdownText(verdict)}**`, ...sections.map((one) => section(one, bytes)), ...notesPart];
  return `${parts.join('\n\n')}\n`;
}
