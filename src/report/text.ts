/**
 * A chart as text for a terminal: no colour needed, and ASCII alone will do.
 * @module
 */
import { toAscii } from './ascii.ts';
import type { Chart } from './chart.ts';
import { evidenceNotes } from './legend.ts';
import { wrapText } from './plain.ts';
import { prepare } from './prepare.ts';
import { barLines, rangeLines } from './text/bars.ts';
import { heatLines } from './text/heat.ts';
import type { TextStyle } from './text/style.ts';
import { xyLines } from './text/xy.ts';

/** How a chart is drawn as text. */
export interface TextOptions {
  /** Characters a line may have; at least 40. Default 80. */
  readonly width?: number;
  /** True: nothing but ASCII. */
  readonly ascii?: boolean;
}

function body(chart: Chart, style: TextStyle): string[] {
  if (chart.kind === 'bar') return barLines(chart, style);
  if (chart.kind === 'heat') return heatLines(chart, style);
  return chart.kind === 'range' ? rangeLines(chart, style) : xyLines(chart, style);
}

/** Draws a chart as lines of text, the last one ended too. */
export function chartToText(chart: Chart, { width = 80, ascii = false }: TextOptions = {}): string {
  const style = { width: Math.max(40, width), ascii };
  const prepared = prepare(chart);
  const notes = [...evidenceNotes(prepared, false), ...(prepared.notes ?? [])];
  const lines = [
    ...wrapText(prepared.title, style.width),
    ...body(prepared, style),
    ...notes.flatMap((note) => wrapText(note, style.width - 2).map((line) => `  ${line}`)),
  ].map((line) => (ascii ? toAscii(line) : line).trimEnd());
  return `${lines.join('\n')}\n`;
}
