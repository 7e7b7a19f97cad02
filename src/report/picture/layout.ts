/**
 * Sizes of a picture: how much room title, legend, axis names and notes need. Text is measured by its number of
 * characters, so that the same chart gives the same bytes on every machine.
 * @module
 */
import { type Chart, EVIDENCE, type RangeChart } from '../chart.ts';
import { evidenceNotes, legendName, letterOf, nameIndices, namesOf } from '../legend.ts';
import { truncate, wrapText } from '../plain.ts';
import { unguard } from './guard.ts';

/** Height of a line of the body text, in pixels. */
export const LINE = 18;
const CHARACTER = 6.7;
const TITLE_CHARACTER = 8.8;
const LEGEND_MARK = 48;
const MARGIN = 16;
const LONGEST_NAME = 48;
const MOST_NAMES = 5;
const LEGEND_ROW = 27;

/** A picture laid out, in pixels. */
export interface Layout {
  readonly width: number;
  readonly height: number;
  readonly title: readonly string[];
  readonly legend: readonly string[];
  readonly notes: readonly string[];
  readonly legendTop: number;
  readonly plotTop: number;
  readonly plotBottom: number;
  readonly plotHeight: number;
}

function legendRows(names: readonly string[], width: number): number {
  let rows = 1;
  let used = 0;
  for (const name of names) {
    const need = LEGEND_MARK + name.length * CHARACTER;
    if (used > 0 && used + need > width) {
      rows++;
      used = 0;
    }
    used += need;
  }
  return rows;
}

/** True if a line or scatter chart has too many names to write them beside the lines: letters stand there instead. */
export function needsLetters(chart: Chart): boolean {
  return (chart.kind === 'line' || chart.kind === 'scatter') && new Set(nameIndices(chart.series)).size > MOST_NAMES;
}

function legendOf(chart: Chart): string[] {
  if (chart.kind === 'range' || chart.kind === 'heat') return [];
  const series = namesOf(chart);
  const indices = nameIndices(series);
  const lettered = needsLetters(chart);
  const names = series.map((one, i) => {
    const letter = lettered ? `${letterOf(indices[i] ?? i)}  ` : '';
    return truncate(letter + legendName(one), LONGEST_NAME);
  });
  const [only] = namesOf(chart);
  return names.length === 1 && only?.evidence === 'count' ? [] : names;
}

/** Characters of a line of a range's name; there may be two lines. */
export const RANGE_NAME = 34;

function rangeRowHeight(chart: RangeChart): number {
  return chart.rows.some(({ name }) => name.length > RANGE_NAME) ? 36 : 26;
}

/** Height that the plot itself gets: rows of horizontal bars and ranges each need their line. */
function plotHeightOf(chart: Chart): number {
  if (chart.kind === 'range') return rangeRowHeight(chart) * Math.max(2, chart.rows.length) + 12;
  if (chart.kind === 'heat') return 20 * Math.max(2, chart.rows.length) + 12;
  if (chart.kind !== 'bar') return 300;
  const bars = chart.stacked === true ? 1 : Math.max(1, chart.series.length);
  return (14 + 14 * bars) * Math.max(2, chart.categories.length) + 12;
}

/** Lays a prepared chart out for a width in pixels. */
export function layOut(chart: Chart, width: number): Layout {
  const inner = width - 2 * MARGIN;
  const title = wrapText(chart.title, Math.floor(inner / TITLE_CHARACTER));
  const legend = legendOf(chart);
  const key = evidenceNotes(chart, true).join(' · ');
  const sentences = [...(key === '' ? [] : [key]), ...(chart.notes ?? [])];
  const notes = sentences.flatMap((note) => wrapText(note, Math.floor(inner / CHARACTER)));
  const legendTop = 12 + title.length * 21 + 4;
  const rows = legend.length === 0 ? 0 : legendRows([...new Set(legend)], inner);
  const plotTop = legendTop + rows * LEGEND_ROW + (chart.kind === 'range' ? 12 : 32);
  const plotHeight = plotHeightOf(chart);
  const plotBottom = 56 + (notes.length === 0 ? 0 : notes.length * LINE + 10);
  const height = plotTop + plotHeight + plotBottom;
  return { width, height, title, legend, notes, legendTop, plotTop, plotBottom, plotHeight };
}

/**
 * Width of a line of text in ECharts' notation of a font, by its number of characters; East Asian ones are square
 * (ECharts takes the height of a line from one of them).
 */
export function measureText(text: string, font = '12px'): { width: number } {
  const size = Number(/([\d.]+)px/.exec(font)?.[1] ?? 12);
  const line = unguard(text);
  const wide = line.match(/[\u2e80-\uffdc]/g)?.length ?? 0;
  return { width: wide * size + (line.length - wide) * size * (/\b(?:bold|[6-9]00)\b/.test(font) ? 0.62 : 0.56) };
}

/** Room for the labels of a vertical axis. */
export function labelRoom(labels: readonly string[], most: number): number {
  const longest = Math.max(0, ...labels.map((label) => label.length));
  return Math.ceil(Math.min(longest, most) * CHARACTER) + 14;
}

/** ECharts' dash of a kind of evidence. */
export function dashOf(evidence: keyof typeof EVIDENCE): number[] | 'solid' {
  const { dash } = EVIDENCE[evidence];
  return dash.length === 0 ? 'solid' : [...dash];
}
