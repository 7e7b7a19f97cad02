/**
 * What both renderers need before they draw: text made printable, values that cannot be drawn taken out, long series
 * thinned. Whatever is taken out is said in a note.
 * @module
 */
import type {
  Axis,
  BarChart,
  Chart,
  HeatChart,
  LineChart,
  Point,
  RangeChart,
  ScatterChart,
  XySeries,
} from './chart.ts';
import { formatUnit } from './number.ts';
import { plainText } from './plain.ts';
import { SMALLEST } from './scale.ts';

/** Largest magnitude that an axis shows; no measurement here lies beyond it. */
const LARGEST = 1e24;

function drawable(value: number): boolean {
  return Math.abs(value) <= LARGEST;
}

/** Points that one series is drawn with at most. */
export const MAX_POINTS = 2000;

/** Categories or rows that one chart is drawn with at most. */
export const MAX_ROWS = 200;

/**
 * Thins a series: of each of `max / 4` equal stretches it keeps the first, the lowest, the highest and the last
 * point, so that no peak is lost. Short series come back as they are.
 */
export function thin(points: readonly Point[], max: number = MAX_POINTS): readonly Point[] {
  if (points.length <= max) return points;
  const stretches = Math.max(1, Math.floor(max / 4));
  const kept: Point[] = [];
  for (let i = 0; i < stretches; i++) {
    const from = Math.floor((i * points.length) / stretches);
    const to = Math.floor(((i + 1) * points.length) / stretches);
    for (const index of [...new Set(corners(points, from, to))].sort((a, b) => a - b)) {
      const point = points[index];
      if (point !== undefined) kept.push(point);
    }
  }
  return kept;
}

function corners(points: readonly Point[], from: number, to: number): number[] {
  let lowest = from;
  let highest = from;
  for (let i = from; i < to; i++) {
    const y = points[i]?.[1] ?? 0;
    if (y < (points[lowest]?.[1] ?? 0)) lowest = i;
    if (y > (points[highest]?.[1] ?? 0)) highest = i;
  }
  return [from, lowest, highest, to - 1];
}

function axisText<T extends { readonly label: string }>(axis: T): T {
  return { ...axis, label: plainText(axis.label) };
}

class Lost {
  unusable = 0;
  belowZero = 0;
  readonly thinned: string[] = [];

  notes(): string[] {
    const notes = [...this.thinned];
    if (this.belowZero > 0) notes.push(`${times(this.belowZero)} at or below 0: not on a logarithmic axis.`);
    if (this.unusable > 0) notes.push(`${times(this.unusable)} without a finite value: not drawn.`);
    return notes;
  }
}

function onAxis({ log }: Axis, value: number): boolean {
  return log !== true || value >= SMALLEST;
}

function times(count: number): string {
  return count === 1 ? '1 point' : `${count} points`;
}

function prepareSeries<T extends XySeries>(chart: LineChart | ScatterChart, series: T, lost: Lost): T {
  const name = plainText(series.name);
  const finite = series.points.filter(([x, y]) => drawable(x) && drawable(y));
  const shown = finite.filter(([x, y]) => onAxis(chart.x, x) && onAxis(chart.y, y));
  lost.unusable += series.points.length - finite.length;
  lost.belowZero += finite.length - shown.length;
  const points = thin(shown);
  if (points.length < shown.length) {
    lost.thinned.push(`${name}: drawn with ${points.length} of ${shown.length} points, lows and highs kept.`);
  }
  return { ...series, name, points };
}

function prepareXy<T extends LineChart | ScatterChart>(chart: T): T {
  const lost = new Lost();
  const series = chart.series.map((one) => prepareSeries(chart, one, lost));
  return { ...head(chart, lost.notes()), x: axisText(chart.x), y: axisText(chart.y), series };
}

function prepareBars(chart: BarChart): BarChart {
  const categories = chart.categories.slice(0, MAX_ROWS).map(plainText);
  const series = chart.series.map(({ name, evidence, values }) => ({
    name: plainText(name),
    evidence,
    values: categories.map((_, i) => finiteOrNull(values[i])),
  }));
  return {
    ...head(chart, cut(chart.categories.length)),
    categories,
    series,
    category: plainText(chart.category),
    value: axisText(chart.value),
  };
}

function prepareRange(chart: RangeChart): RangeChart {
  const rows = chart.rows.slice(0, MAX_ROWS).map(({ name, note, ...row }) => ({
    ...row,
    name: plainText(name),
    ...(note === undefined ? {} : { note: plainText(note) }),
  }));
  const usable = rows.filter(
    ({ low, high, best }) =>
      drawable(low) && (drawable(high) || high === Infinity) && low <= high && drawable(best ?? low),
  );
  const bad = rows.length - usable.length;
  const notes = [...cut(chart.rows.length), ...(bad > 0 ? [`${bad} rows without usable limits: not drawn.`] : [])];
  return { ...head(chart, notes), rows: usable, category: plainText(chart.category), value: axisText(chart.value) };
}

function prepareHeat(chart: HeatChart): HeatChart {
  const rows = chart.rows.slice(0, MAX_ROWS).map(({ name, values }) => ({
    name: plainText(name),
    values: values.map((value) => finiteOrNull(value) ?? 0),
  }));
  const most = rows.flatMap(({ values }) => values).reduce((a, b) => Math.max(a, b), 0);
  const key = `The darker, the more: ${formatUnit(most, chart.value.unit)} at most; the lightest, a quarter of that or less.`;
  return {
    ...head(chart, [...cut(chart.rows.length), ...(most > 0 ? [key] : [])]),
    rows,
    x: axisText(chart.x),
    value: axisText(chart.value),
  };
}

function finiteOrNull(value: number | null | undefined): number | null {
  return value !== null && value !== undefined && drawable(value) ? value : null;
}

function cut(count: number): string[] {
  return count > MAX_ROWS ? [`The first ${MAX_ROWS} of ${count} are shown.`] : [];
}

function head<T extends Chart>(chart: T, more: readonly string[]): T {
  return { ...chart, title: plainText(chart.title), notes: [...(chart.notes ?? []), ...more].map(plainText) };
}

/** The chart as it will be drawn; its notes say what was taken out. */
export function prepare<T extends Chart>(chart: T): T;
export function prepare(chart: Chart): Chart {
  switch (chart.kind) {
    case 'bar':
      return prepareBars(chart);
    case 'range':
      return prepareRange(chart);
    case 'heat':
      return prepareHeat(chart);
    default:
      return prepareXy(chart);
  }
}
