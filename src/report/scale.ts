/**
 * Axes: where they begin and end, which values get a mark, and where a value lies between. Both renderers use this,
 * so that the terminal and the SVG show the same axis.
 * @module
 */
import type { Axis } from './chart.ts';
import type { Unit } from './number.ts';

/** An axis laid out. */
export interface Scale {
  readonly min: number;
  readonly max: number;
  /** Values that get a mark and a label, ascending. */
  readonly ticks: readonly number[];
  readonly log: boolean;
}

/** Values nearer to 0 are 0 on a linear axis and off a logarithmic one. */
export const SMALLEST = 1e-12;

/** Lowest and highest of the values; `undefined` if there is none. */
export function extent(values: Iterable<number>): readonly [number, number] | undefined {
  let low = Number.POSITIVE_INFINITY;
  let high = Number.NEGATIVE_INFINITY;
  for (const value of values) {
    if (value < low) low = value;
    if (value > high) high = value;
  }
  return low <= high ? [low, high] : undefined;
}

function niceStep(rough: number, unit: Unit): number {
  if (unit === 'bytes' && rough >= 1) return 2 ** Math.ceil(Math.log2(rough));
  const power = 10 ** Math.floor(Math.log10(rough));
  const factor = [1, 2, 5, 10].find((step) => step * power >= rough * 0.999) ?? 10;
  const step = factor * power;
  return unit === 'count' || (unit === 'bytes' && step < 1) ? Math.max(1, step) : step;
}

function linear(low: number, high: number, unit: Unit, count: number): Scale {
  const most = Math.max(Math.abs(low), Math.abs(high));
  const spread = Math.max(high - low, most * 1e-6);
  const span = spread < SMALLEST ? 1 : spread;
  const step = niceStep(span / count, unit);
  const first = Math.floor(low / step + 1e-9);
  const last = Math.max(first + 1, Math.ceil(high / step - 1e-9));
  const ticks = Array.from({ length: last - first + 1 }, (_, i) => Number(((first + i) * step).toPrecision(12)));
  return { min: first * step, max: last * step, ticks, log: false };
}

function logarithmic(low: number, high: number, unit: Unit, count: number): Scale {
  const base = unit === 'bytes' ? 2 : 10;
  const first = Math.floor(Math.log(low) / Math.log(base) + 1e-9);
  const last = Math.max(first + 1, Math.ceil(Math.log(high) / Math.log(base) - 1e-9));
  const every = Math.max(1, Math.ceil((last - first) / count));
  const ticks: number[] = [];
  for (let power = first; power <= last; power += every) ticks.push(base ** power);
  const fine =
    base === 10 && last - first === 1 && count >= 4 ? [1, 2, 5, 10].map((step) => step * 10 ** first) : ticks;
  return { min: base ** first, max: base ** last, ticks: fine, log: true };
}

/**
 * Lays an axis out over its values: about `count` marks at round values. Logarithmic axes ignore values that are not
 * above 0; `zero` makes a linear axis begin (or end) at 0.
 */
export function layAxis(axis: Axis, values: Iterable<number>, count: number, zero: boolean): Scale {
  const log = axis.log === true;
  const usable = [...values].filter((value) => Number.isFinite(value) && (!log || value >= SMALLEST));
  const [low, high] = extent(usable) ?? (log ? [1, 10] : [0, 1]);
  if (log) return logarithmic(low, high, axis.unit, count);
  return linear(zero ? Math.min(0, low) : low, zero ? Math.max(0, high) : high, axis.unit, count);
}

/** Where a value lies on an axis: 0 at its beginning, 1 at its end, not clipped. */
export function position(scale: Scale, value: number): number {
  if (!scale.log) return (value - scale.min) / (scale.max - scale.min);
  return Math.log(value / scale.min) / Math.log(scale.max / scale.min);
}
