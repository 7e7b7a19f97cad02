/**
 * The frame that all pictures share, in the units of the picture's own coordinates.
 * @module
 */
import type { Axis } from '../../../src/report/chart.ts';
import { axisLabel } from '../../../src/report/number.ts';
import { position, type Scale } from '../../../src/report/scale.ts';

/** Width of every picture. */
export const WIDTH = 760;

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
