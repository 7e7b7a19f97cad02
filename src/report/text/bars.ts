/**
 * Bars and ranges as text.
 * @module
 */
import type { BarChart, RangeChart, RangeRow } from '../chart.ts';
import { legendName } from '../legend.ts';
import { formatUnit } from '../number.ts';
import { truncate } from '../plain.ts';
import { layAxis, position, type Scale } from '../scale.ts';
import type { TextStyle } from './style.ts';

const EIGHTHS = ['', '▏', '▎', '▍', '▌', '▋', '▊', '▉'];
const SHADES = ['█', '▒', '░', '▚'];
const LETTERS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ';

function fills(count: number, ascii: boolean): string[] {
  const few = !ascii && count <= SHADES.length;
  return Array.from({ length: count }, (_, i) => (few ? SHADES[i] : LETTERS[i % LETTERS.length]) ?? '?');
}

function plainBar(share: number, room: number, ascii: boolean): string {
  const length = Math.min(Math.max(0, share), 1) * room;
  if (ascii) return '#'.repeat(Math.round(length));
  const eighths = Math.round(length * 8);
  const bar = '█'.repeat(Math.floor(eighths / 8)) + (EIGHTHS[eighths % 8] ?? '');
  return bar === '' && share > 0 ? '▏' : bar;
}

function nameRoom(names: readonly string[], width: number): number {
  return Math.min(Math.max(1, ...names.map((name) => name.length)), Math.max(8, Math.floor(width * 0.4)));
}

function valueText(value: number | null, chart: BarChart): string {
  return value === null ? 'not known' : formatUnit(value, chart.value.unit);
}

/** Several series: the category on a line of its own, a bar a series below it. One series: a bar a category. */
function singleLines(chart: BarChart, style: TextStyle): string[] {
  const several = chart.series.length > 1;
  const mixed = new Set(chart.series.map(({ evidence }) => evidence)).size > 1;
  const titles = chart.series.map((series) => `  ${mixed ? legendName(series) : series.name}`);
  const values = chart.series.flatMap((series) => series.values.map((value) => value ?? 0));
  const { max } = layAxis({ ...chart.value, log: false }, values, 4, true);
  const shown = chart.series.flatMap((series) => series.values.map((value) => valueText(value, chart)));
  const names = nameRoom(several ? titles : chart.categories, style.width);
  const room = Math.max(8, style.width - names - 2 - Math.max(4, ...shown.map((text) => text.length)));
  const line = (label: string, value: number | null): string => {
    const bar = plainBar(max > 0 ? (value ?? 0) / max : 0, room, style.ascii);
    const name = truncate(label, names, style.ascii).padEnd(names);
    return [name, ...(bar === '' ? [] : [bar]), valueText(value, chart)].join(' ');
  };
  if (!several) return chart.categories.map((category, i) => line(category, chart.series[0]?.values[i] ?? null));
  return chart.categories.flatMap((category, i) => [
    truncate(category, style.width, style.ascii),
    ...chart.series.map(({ values: own }, s) => line(titles[s] ?? '', own[i] ?? null)),
  ]);
}

function stackedRow(parts: readonly number[], sum: number, cells: number, marks: readonly string[]): string {
  let bar = '';
  let done = 0;
  parts.forEach((part, i) => {
    done += part;
    const until = sum === 0 ? 0 : Math.round((done / sum) * cells);
    bar += (marks[i] ?? '?').repeat(Math.max(0, until - bar.length));
  });
  return bar;
}

function stackedLines(chart: BarChart, style: TextStyle): string[] {
  const marks = fills(chart.series.length, style.ascii);
  const parts = chart.categories.map((_, i) => chart.series.map(({ values }) => Math.max(0, values[i] ?? 0)));
  const sums = parts.map((row) => row.reduce((sum, value) => sum + value, 0));
  const { max } = layAxis({ ...chart.value, log: false }, sums, 4, true);
  const texts = sums.map((sum) => formatUnit(sum, chart.value.unit));
  const names = nameRoom(chart.categories, style.width);
  const room = Math.max(8, style.width - names - 2 - Math.max(0, ...texts.map((text) => text.length)));
  const rows = chart.categories.map((category, i) => {
    const sum = sums[i] ?? 0;
    const bar = stackedRow(parts[i] ?? [], sum, Math.round((sum / max) * room), marks);
    return `${truncate(category, names, style.ascii).padEnd(names)} ${bar} ${texts[i] ?? ''}`;
  });
  const legend = chart.series.map(
    (series, i) => `  ${marks[i]} = ${truncate(legendName(series), style.width - 6, style.ascii)}`,
  );
  return [...rows, ...legend];
}

/** A prepared bar chart as lines of text, without title and notes. */
export function barLines(chart: BarChart, style: TextStyle): string[] {
  if (chart.categories.length === 0) return ['  (nothing to show)'];
  const heading = chart.category === '' ? chart.value.label : `${chart.category}: ${chart.value.label}`;
  const lines = chart.stacked === true ? stackedLines(chart, style) : singleLines(chart, style);
  return [heading, ...lines, ...sourceLine(chart)];
}

function sourceLine(chart: BarChart): string[] {
  const [only] = chart.series;
  return chart.stacked !== true && chart.series.length === 1 && only !== undefined ? [`  ${legendName(only)}`] : [];
}

function rangeBar(row: RangeRow, scale: Scale, room: number, ascii: boolean): string {
  const column = (value: number): number =>
    Math.round(Math.min(Math.max(position(scale, Math.min(Math.max(value, scale.min), scale.max)), 0), 1) * (room - 1));
  const from = column(row.low);
  const to = Math.max(from, column(row.high));
  const [line, left, right, best] = ascii ? ['-', '|', '|', '*'] : ['─', '├', '┤', '●'];
  const cells = Array.from({ length: room }, (_, i) => (i >= from && i <= to ? (line ?? '-') : ' '));
  cells[from] = row.low < scale.min ? '<' : (left ?? '|');
  cells[to] = row.high > scale.max ? '>' : (right ?? '|');
  if (row.best !== null) cells[column(row.best)] = best ?? '*';
  return cells.join('');
}

function rangeWords(row: RangeRow, chart: RangeChart): string {
  const show = (value: number): string => formatUnit(value, chart.value.unit);
  const range = Number.isFinite(row.high) ? `${show(row.low)} to ${show(row.high)}` : `${show(row.low)} or more`;
  return `${row.best === null ? '' : `${show(row.best)}, `}${range}${row.note === undefined ? '' : `  ${row.note}`}`;
}

/** Characters that a bar and a name have at least; words that leave less go to a line of their own. */
const LEAST_BAR = 12;
const LEAST_NAME = 8;

/** A prepared range chart as lines of text, without title and notes. */
export function rangeLines(chart: RangeChart, style: TextStyle): string[] {
  if (chart.rows.length === 0) return ['  (nothing to show)'];
  const values = chart.rows.flatMap(({ low, high, best }) => [low, high, best ?? low]);
  const scale = layAxis(chart.value, values, 4, true);
  const labels = chart.rows.map((row) => legendName(row));
  const words = chart.rows.map((row) => rangeWords(row, chart));
  const longest = Math.max(...words.map((text) => text.length));
  const below = style.width - longest - LEAST_BAR - 2 < LEAST_NAME;
  const beside = below ? 0 : longest;
  const names = Math.min(nameRoom(labels, style.width), Math.max(LEAST_NAME, style.width - beside - LEAST_BAR - 2));
  const room = Math.max(LEAST_BAR, style.width - names - 2 - beside);
  const rows = chart.rows.flatMap((row, i) => {
    const name = truncate(labels[i] ?? '', names, style.ascii).padEnd(names);
    const bar = `${name} ${rangeBar(row, scale, room, style.ascii)}`;
    const text = words[i] ?? '';
    return below ? [bar, `  ${truncate(text, style.width - 2, style.ascii)}`] : [`${bar} ${text}`];
  });
  const ends = [scale.min, scale.max].map((value) => formatUnit(value, chart.value.unit));
  const [first = '', last = ''] = ends;
  const axis = `${' '.repeat(names)} ${first.padEnd(Math.max(first.length + 1, room - last.length))}${last}`;
  return [`${chart.category}: ${chart.value.label}`, ...rows, axis];
}
