/**
 * Maps of values over time as text: a character a row and stretch of time, the darker the larger.
 * @module
 */
import type { HeatChart } from '../chart.ts';
import { axisLabel } from '../number.ts';
import { truncate } from '../plain.ts';
import type { TextStyle } from './style.ts';

const SHADES = ['░', '▒', '▓', '█'];
const ASCII_SHADES = ['.', ':', 'o', '#'];

/** The highest value of the stretches that one character stands for. */
function fold(values: readonly number[], room: number): number[] {
  return Array.from({ length: room }, (_, i) => {
    const from = Math.floor((i * values.length) / room);
    const to = Math.max(from + 1, Math.floor(((i + 1) * values.length) / room));
    return values.slice(from, to).reduce((a, b) => Math.max(a, b), 0);
  });
}

function shade(value: number, most: number, shades: readonly string[]): string {
  if (value <= 0 || most <= 0) return ' ';
  return shades[Math.min(shades.length, Math.ceil((value / most) * shades.length)) - 1] ?? '?';
}

/** A prepared heat chart as lines of text, without title and notes. */
export function heatLines(chart: HeatChart, style: TextStyle): string[] {
  if (chart.rows.length === 0) return ['  (nothing to show)'];
  const shades = style.ascii ? ASCII_SHADES : SHADES;
  const longest = Math.max(...chart.rows.map(({ name }) => name.length));
  const names = Math.min(longest, Math.floor(style.width * 0.5));
  const room = style.width - names - 3;
  const most = chart.rows.flatMap(({ values }) => values).reduce((a, b) => Math.max(a, b), 0);
  const side = style.ascii ? '|' : '│';
  const rows = chart.rows.map(({ name, values }) => {
    const cells = fold(values, room).map((value) => shade(value, most, shades));
    return `${truncate(name, names, style.ascii).padEnd(names)} ${side}${cells.join('')}${side}`;
  });
  const [first, last] = [chart.from, chart.to].map((value) => axisLabel(value, chart.x.unit));
  const axis = `${' '.repeat(names + 2)}${(first ?? '').padEnd(Math.max(1, room - (last ?? '').length))}${last ?? ''}`;
  return [chart.value.label, ...rows, axis, `${' '.repeat(names + 2)}${chart.x.label}`];
}
