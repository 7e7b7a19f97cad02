/**
 * One description of a chart, from which the terminal text and the SVG are both drawn. A description is plain data
 * and survives JSON, but for open range ends (`Infinity`).
 * @module
 */
import type { Unit } from './number.ts';

/**
 * Where a number comes from. Times of different origin never look alike: each has its own marker and dash
 * ({@link EVIDENCE}).
 */
export type Evidence = 'count' | 'measured' | 'published' | 'this-engine' | 'predicted' | 'emulated';

/** How a kind of evidence is named and drawn. */
export interface EvidenceStyle {
  /** Words for legend and notes. */
  readonly label: string;
  /** Marker shape by ECharts' names. */
  readonly symbol: string;
  /** Marker and line in words, for the key below a chart. */
  readonly marker: string;
  readonly line: string;
  /** Dash of the line: lengths of strokes and gaps in pixels; empty is solid. */
  readonly dash: readonly number[];
}

/** Label, marker and dash of each kind of evidence. */
export const EVIDENCE: Readonly<Record<Evidence, EvidenceStyle>> = {
  count: { label: 'counted', symbol: 'circle', marker: 'disc', line: 'solid line', dash: [] },
  measured: { label: 'on the machine under test', symbol: 'rect', marker: 'square', line: 'solid line', dash: [] },
  published: { label: 'published', symbol: 'emptyCircle', marker: 'ring', line: 'long dashes', dash: [12, 4] },
  'this-engine': {
    label: 'times of this engine on this machine',
    symbol: 'triangle',
    marker: 'triangle',
    line: 'dash and dot',
    dash: [8, 3, 2, 3],
  },
  predicted: {
    label: 'predicted',
    symbol: 'emptyDiamond',
    marker: 'hollow diamond',
    line: 'short dashes',
    dash: [5, 4],
  },
  emulated: {
    label: 'no claim about hardware',
    symbol: 'emptyTriangle',
    marker: 'hollow triangle',
    line: 'dots',
    dash: [2, 4],
  },
};

/** One axis: what it shows, in which unit, and whether equal steps are equal ratios. */
export interface Axis {
  readonly label: string;
  readonly unit: Unit;
  readonly log?: boolean;
}

/** A point: x, y. */
export type Point = readonly [number, number];

/** Points of one name and origin. Series of one name share a colour. */
export interface XySeries {
  readonly name: string;
  readonly evidence: Evidence;
  readonly points: readonly Point[];
}

interface ChartHead {
  readonly title: string;
  /** Sentences printed below the picture: what was measured, what was left out. */
  readonly notes?: readonly string[];
}

/** Lines over x: `fill` shades below, `step` holds a value until the next one. */
export interface LineChart extends ChartHead {
  readonly kind: 'line';
  readonly x: Axis;
  readonly y: Axis;
  readonly series: readonly XySeries[];
  readonly fill?: boolean;
  readonly step?: boolean;
}

/** Marked points; `joined` series are joined by lines. */
export interface ScatterChart extends ChartHead {
  readonly kind: 'scatter';
  readonly x: Axis;
  readonly y: Axis;
  readonly series: readonly (XySeries & { readonly joined?: boolean })[];
}

/** One value a category; `null` is "not known", which is not 0. */
export interface BarSeries {
  readonly name: string;
  readonly evidence: Evidence;
  readonly values: readonly (number | null)[];
}

/** Bars by category: side by side, or stacked. */
export interface BarChart extends ChartHead {
  readonly kind: 'bar';
  /** What the categories are. */
  readonly category: string;
  readonly categories: readonly string[];
  /** Axis of the values; linear, and bars begin at 0. */
  readonly value: Axis;
  readonly series: readonly BarSeries[];
  readonly stacked?: boolean;
}

/** From `low` to `high` (may be `Infinity`: no upper limit), with the best estimate if there is one. */
export interface RangeRow {
  readonly name: string;
  readonly evidence: Evidence;
  readonly low: number;
  readonly high: number;
  readonly best: number | null;
  /** A few words after the bar, such as "inseparable". */
  readonly note?: string;
}

/** One range a row. */
export interface RangeChart extends ChartHead {
  readonly kind: 'range';
  readonly category: string;
  readonly value: Axis;
  readonly rows: readonly RangeRow[];
}

/** One row of a {@link HeatChart}. */
export interface HeatRow {
  readonly name: string;
  /** A value for each of equally long stretches of x; 0 is nothing. */
  readonly values: readonly number[];
}

/** Counted values by row and stretch of x: the larger, the darker. */
export interface HeatChart extends ChartHead {
  readonly kind: 'heat';
  readonly x: Axis;
  /** Where the first stretch begins and the last one ends. */
  readonly from: number;
  readonly to: number;
  readonly value: Axis;
  readonly rows: readonly HeatRow[];
}

/** A chart of any kind. */
export type Chart = LineChart | ScatterChart | BarChart | RangeChart | HeatChart;
