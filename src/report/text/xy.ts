/**
 * Lines and scattered points as text: a letter a series where there are several, dots between the points.
 * @module
 */
import type { LineChart, Point, ScatterChart } from '../chart.ts';
import { legendName, letterOf } from '../legend.ts';
import { axisLabel } from '../number.ts';
import { truncate } from '../plain.ts';
import { layAxis, position, type Scale } from '../scale.ts';
import { Canvas } from './canvas.ts';
import type { TextStyle } from './style.ts';

type XyChart = LineChart | ScatterChart;

function isJoined(chart: XyChart, index: number): boolean {
  return chart.kind === 'line' || chart.series[index]?.joined === true;
}

function place(points: readonly Point[], x: Scale, y: Scale): Point[] {
  return points.map(([px, py]) => [position(x, px), position(y, py)]);
}

function join(canvas: Canvas, places: readonly Point[], step: boolean, fill: boolean): void {
  for (let i = 0; i < places.length; i++) {
    const [x, y] = places[i] ?? [0, 0];
    const [nextX, nextY] = places[i + 1] ?? [x, y];
    const level = step ? y : nextY;
    canvas.line(x, y, nextX, level);
    if (step) canvas.line(nextX, level, nextX, nextY);
    if (fill) shade(canvas, x, y, nextX, level);
  }
}

function shade(canvas: Canvas, fromX: number, fromY: number, toX: number, toY: number): void {
  const columns = Math.max(1, Math.round((toX - fromX) * canvas.width * 2));
  for (let i = 0; i <= columns; i++) {
    const share = i / columns;
    const x = fromX + (toX - fromX) * share;
    canvas.line(x, 0, x, fromY + (toY - fromY) * share);
  }
}

function draw(chart: XyChart, canvas: Canvas, x: Scale, y: Scale, style: TextStyle): void {
  const several = chart.series.length > 1;
  const letters = letterIndices(chart);
  chart.series.forEach((series, index) => {
    const places = place(series.points, x, y);
    const joined = isJoined(chart, index);
    if (joined)
      join(
        canvas,
        places,
        chart.kind === 'line' && chart.step === true,
        !several && chart.kind === 'line' && chart.fill === true,
      );
    if (several) for (const [px, py] of places) canvas.mark(px, py, letterOf(letters[index] ?? index));
    else if (!joined || places.length < 2) for (const [px, py] of places) canvas.mark(px, py, style.ascii ? '*' : '●');
  });
}

/** Labels of the vertical axis by row of the canvas. */
function rowLabels(y: Scale, height: number, chart: XyChart): Map<number, string> {
  const labels = new Map<number, string>();
  for (const tick of y.ticks) {
    const row = height - 1 - Math.round(position(y, tick) * (height - 1));
    if (!labels.has(row)) labels.set(row, axisLabel(tick, chart.y.unit));
  }
  return labels;
}

function bottomLabels(x: Scale, width: number, chart: XyChart): string {
  let line = '';
  for (const tick of x.ticks) {
    const label = axisLabel(tick, chart.x.unit);
    const column = Math.round(position(x, tick) * (width - 1));
    const start = Math.min(Math.max(0, column - Math.floor(label.length / 2)), width - label.length);
    if (start > line.length || line === '') line = line.padEnd(start) + label;
  }
  return line;
}

function legendLines(chart: XyChart, width: number): string[] {
  if (chart.series.length === 1 && chart.series[0] !== undefined)
    return [truncate(`  ${legendName(chart.series[0])}`, width)];
  const letters = letterIndices(chart);
  return [...new Set(letters)].map((index) => {
    const same = chart.series.filter((_, i) => letters[i] === index);
    const name = same[0] === undefined ? '' : legendName(same[0]);
    const empty = same.every(({ points }) => points.length === 0) ? ': no points' : '';
    return `  ${letterOf(index)} = ${truncate(name, Math.max(8, width - 20))}${empty}`;
  });
}

/** A letter for each different name and origin. */
function letterIndices(chart: XyChart): number[] {
  const names = [...new Set(chart.series.map(legendName))];
  return chart.series.map((series) => names.indexOf(legendName(series)));
}

/** A prepared line or scatter chart as lines of text, without title and notes. */
export function xyLines(chart: XyChart, style: TextStyle): string[] {
  const points = chart.series.flatMap((series) => series.points);
  if (points.length === 0) return ['  (no points)', ...legendLines(chart, style.width)];
  const height = 14;
  const y = layAxis(
    chart.y,
    points.map(([, value]) => value),
    5,
    true,
  );
  const labels = rowLabels(y, height, chart);
  const room = Math.max(...[...labels.values()].map((label) => label.length));
  const width = Math.max(10, style.width - room - 3);
  const x = layAxis(
    chart.x,
    points.map(([value]) => value),
    Math.max(2, Math.floor(width / 14)),
    false,
  );
  const canvas = new Canvas(width, height, style.ascii);
  draw(chart, canvas, x, y, style);
  const [tick, side, corner, floor] = style.ascii ? ['+', '|', '+', '-'] : ['┤', '│', '└', '─'];
  const rows = canvas
    .rows()
    .map((row, i) => `${(labels.get(i) ?? '').padStart(room)} ${labels.has(i) ? tick : side}${row}`);
  const indent = ' '.repeat(room + 1);
  return [
    chart.y.label,
    ...rows,
    `${indent}${corner}${floor?.repeat(width) ?? ''}`,
    `${indent} ${bottomLabels(x, width, chart)}`,
    `${indent} ${chart.x.label}`,
    ...legendLines(chart, style.width),
  ];
}
