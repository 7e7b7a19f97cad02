/**
 * An answer as text for a terminal: the verdict, the main sections, the notes; details where they are asked for.
 * @module
 */
import type { Answer, Block, Outcome, Section } from './answer.ts';
import { toAscii } from './ascii.ts';
import { plainText } from './plain.ts';
import { FIRST_ROWS, type Tone } from './table.ts';
import { chartToText } from './text.ts';
import { tableLines } from './text-table.ts';
import { createPaint, type Paint } from './tone.ts';
import { treeLines } from './tree.ts';
import { wrapItem, wrapWords } from './wrap.ts';

/** How an answer is printed as text. */
export interface AnswerStyle {
  /** Characters a line may have; at least 40. */
  readonly width: number;
  readonly color: boolean;
  /** True: nothing but ASCII. */
  readonly ascii: boolean;
  /** True: sizes as plain numbers of bytes. */
  readonly bytes: boolean;
  /** True: details too, and every row of every table. */
  readonly verbose: boolean;
  /** True: a rule below the headings of tables. */
  readonly ruled: boolean;
}

const VERDICT_TONE: Readonly<Record<Outcome, Tone | undefined>> = {
  fine: undefined,
  findings: 'warning',
  unusable: 'bad',
};

function blockLines(block: Block, style: AnswerStyle, paint: Paint): string[] {
  const { width, ascii, bytes, ruled, verbose } = style;
  switch (block.kind) {
    case 'text':
      return block.text.split('\n').flatMap((line) => wrapWords(plainText(line), width));
    case 'list':
      return block.items.flatMap((item) => wrapItem(plainText(item), width));
    case 'lines':
      return block.lines.map(plainText);
    case 'tree':
      return treeLines(block.tree);
    case 'table': {
      const rows = verbose || block.table.full === true ? block.table.rows.length : FIRST_ROWS;
      return tableLines(block.table, { width, paint, ruled, bytes, rows });
    }
    default:
      return chartToText(block.chart, { width, ascii }).trimEnd().split('\n');
  }
}

/** The section's own title, unless its first block begins with the same words. */
function titleLines({ title, blocks }: Section, style: AnswerStyle, paint: Paint): string[] {
  const [first] = blocks;
  const own = first?.kind === 'table' ? first.table.title : first?.kind === 'chart' ? first.chart.title : undefined;
  return title === '' || own === title ? [] : wrapWords(plainText(title), style.width).map(paint.bold);
}

function sectionLines(section: Section, style: AnswerStyle, paint: Paint): string[] {
  return ['', ...titleLines(section, style, paint), ...section.blocks.flatMap((one) => blockLines(one, style, paint))];
}

function isLong({ blocks }: Section): boolean {
  return blocks.some(
    (block) => block.kind === 'table' && block.table.full !== true && block.table.rows.length > FIRST_ROWS,
  );
}

/** What `--verbose` would add. */
function hintLines(answer: Answer, style: AnswerStyle, paint: Paint): string[] {
  const details = answer.sections.filter(({ rank }) => rank === 'detail').map(({ title, id }) => title || id);
  const longer = answer.sections
    .filter((one) => one.rank === 'main' && isLong(one))
    .map(({ title, id }) => title || id);
  const parts = [...longer.map((title) => `all rows of ${title}`), ...details];
  if (style.verbose || parts.length === 0) return [];
  const text = `--verbose adds: ${parts.map(plainText).join('; ')}`;
  return ['', ...wrapWords(text, style.width).map((line) => paint.tone(line, 'muted'))];
}

function noteLines(notes: readonly string[], style: AnswerStyle, paint: Paint): string[] {
  if (notes.length === 0) return [];
  return ['', paint.bold('Notes'), ...notes.flatMap((note) => wrapItem(plainText(note), style.width))];
}

/** The answer as text, its last line ended. */
export function answerToText(answer: Answer, style: AnswerStyle): string {
  const paint = createPaint(style.color);
  const wide = { ...style, width: Math.max(40, style.width) };
  const tone = VERDICT_TONE[answer.outcome];
  const sections = answer.sections.filter(({ rank }) => rank === 'main' || style.verbose);
  const lines = [
    ...wrapWords(plainText(answer.verdict), wide.width).map((line) => paint.tone(line, tone)),
    ...sections.flatMap((section) => sectionLines(section, wide, paint)),
    ...noteLines(answer.notes, wide, paint),
    ...hintLines(answer, wide, paint),
  ];
  const text = `${lines.join('\n')}\n`;
  return style.ascii ? toAscii(text) : text;
}
