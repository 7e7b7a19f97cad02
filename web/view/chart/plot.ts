/**
 * The frame that all pictures share, in the units of the picture's own coordinates.
 * @module
 */
import type { Axis } from '../../../src/report/chart.ts';
import { axisLabel } from '../../../src/report/number.ts';
import { position, type Scale } from '../../../src/report/scale.ts';

/** Width that a picture has where there is room. */
export const WIDTH = 760;
/** Width below which names and marks get less room. */
const SLIM = 520;

/** Whether a picture is drawn for a narrow place, such as a phone. */
export function isSlim(width: number): boolean {
  return width < SLIM;
}

/** A rectangle that values are drawn in. */
export interface Area {
  readonly left: number;
  readonly right: number;
  readonly top: number;
  readonly bottom: number;
}

/** Colours there are; the style sheet names them `--s0` and so on. */
const COLOURS = 7;

/** The colour of the series at an index. */
export function colourOf(index: number): string {
  return `var(--s${index % COLOURS})`;
}

/** A value across the area. */
export function across({ left, right }: Area, scale: Scale, value: number): number {
  return left + Math.min(1, Math.max(0, position(scale, value))) * (right - left);
}

/** A value up the area. */
export function up({ top, bottom }: Area, scale: Scale, value: number): number {
  return bottom - Math.min(1, Math.max(0, position(scale, value))) * (bottom - top);
}

/** The words of a mark on an axis. */
export function markText(axis: Axis, value: number): string {
  return axisLabel(value, axis.unit);
}

/** The colour of a series: series of one name share it, and their dash and mark tell where each comes from. */
export function colourOfSeries(series: readonly { readonly name: string }[], index: number): string {
  const names = [...new Set(series.map(({ name }) => name))];
  return colourOf(names.indexOf(series[index]?.name ?? ''));
}

const R = 3.5;

/** The outline of a mark by its name in `EVIDENCE`. */
export function markPath(symbol: string, x: number, y: number): string {
  if (/rect/i.test(symbol)) return `M${x - R} ${y - R}h${2 * R}v${2 * R}h${-2 * R}z`;
  if (/triangle/i.test(symbol)) return `M${x} ${y - R}l${R} ${2 * R}h${-2 * R}z`;
  if (/diamond/i.test(symbol))
    return `M${x} ${y - R - 0.5}l${R + 0.5} ${R + 0.5}l${-R - 0.5} ${R + 0.5}l${-R - 0.5} ${-R - 0.5}z`;
  return `M${x - R} ${y}a${R} ${R} 0 1 0 ${2 * R} 0a${R} ${R} 0 1 0 ${-2 * R} 0z`;
}
