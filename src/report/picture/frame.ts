/**
 * The parts of ECharts' options that all pictures share: title, notes, legend, axes.
 * @module
 */
import type { Axis, Chart } from '../chart.ts';
import { axisLabel } from '../number.ts';
import { position, type Scale } from '../scale.ts';
import { type Layout, LINE } from './layout.ts';
import { INK } from './theme.ts';

/** ECharts' options as far as this room writes them. */
export type Options = Record<string, unknown>;

/** Font of all text. Unquoted: ECharts writes the list into an attribute as it is. */
export const FONT = 'system-ui, Segoe UI, DejaVu Sans, Arial, sans-serif';

function isEmpty(chart: Chart): boolean {
  if (chart.kind === 'range' || chart.kind === 'heat') return chart.rows.length === 0;
  if (chart.kind === 'bar') return chart.categories.length === 0;
  return chart.series.every(({ points }) => points.length === 0);
}

function nothing(layout: Layout): Options {
  return {
    text: 'nothing to show',
    left: 'center',
    top: layout.plotTop + layout.plotHeight / 2 - 8,
    padding: 0,
    textStyle: { color: INK.faint.light, fontSize: 13, fontWeight: 400 },
  };
}

/** Title above and notes below; words in the middle if there is nothing to draw. */
export function titles(chart: Chart, layout: Layout): Options[] {
  const above: Options = {
    text: layout.title.join('\n'),
    left: 16,
    top: 12,
    padding: 0,
    textStyle: { color: INK.text.light, fontSize: 16, fontWeight: 600, lineHeight: 21 },
  };
  const parts = [above, ...(isEmpty(chart) ? [nothing(layout)] : [])];
  if (layout.notes.length === 0) return parts;
  const below: Options = {
    text: layout.notes.join('\n'),
    left: 16,
    bottom: 10,
    padding: 0,
    textStyle: { color: INK.faint.light, fontSize: 12, fontWeight: 400, lineHeight: LINE },
  };
  return [...parts, below];
}

/** The legend, in rows under the title. */
export function legend(layout: Layout, data: readonly Options[]): Options {
  return {
    show: layout.legend.length > 0,
    data,
    left: 16,
    right: 16,
    top: layout.legendTop,
    padding: 0,
    itemGap: 14,
    itemWidth: 30,
    itemHeight: 11,
    textStyle: { color: INK.text.light, fontSize: 12.5 },
    selectedMode: false,
  };
}

/**
 * Where a value is drawn, in ECharts' coordinates. It is given places (0 to {@link SPAN}), never values: its own
 * axes refuse very small and very large ones, and the terminal's axes are to be the same.
 */
export type Place = (value: number) => number;

const SPAN = 1000;

/** Places on an axis as laid out. */
export function placeOn(scale: Scale): Place {
  return (value) => position(scale, value) * SPAN;
}

/** Places on a linear axis that contains 0, with 0 at 0: bars begin there. */
export function placeFromZero(scale: Scale): Place {
  return (value) => (value * SPAN) / (scale.max - scale.min);
}

/** An axis of values: marks and ends as laid out, labels in their unit. */
export function valueAxis(axis: Axis, scale: Scale, at: Place = placeOn(scale)): Options {
  const customValues = scale.ticks.map(at);
  const labels = new Map(scale.ticks.map((tick) => [at(tick), axisLabel(tick, axis.unit)]));
  return {
    type: 'value',
    min: at(scale.min),
    max: at(scale.max),
    name: axis.label,
    nameLocation: 'middle',
    nameGap: 34,
    nameTextStyle: { color: INK.text.light, fontSize: 12.5 },
    axisLine: { show: true, lineStyle: { color: INK.axis.light } },
    axisTick: { show: true, customValues, lineStyle: { color: INK.axis.light } },
    splitLine: { show: true, lineStyle: { color: INK.grid.light } },
    axisLabel: {
      customValues,
      color: INK.faint.light,
      fontSize: 12,
      hideOverlap: true,
      formatter: (value: number) => labels.get(value) ?? '',
    },
  };
}

/** An axis of names from top to bottom. */
export function nameAxis(name: string, names: readonly string[]): Options {
  return {
    type: 'category',
    data: [...names],
    inverse: true,
    name,
    nameLocation: 'start',
    nameGap: 8,
    nameTextStyle: { color: INK.text.light, fontSize: 12.5, align: 'right' },
    axisLine: { show: true, lineStyle: { color: INK.axis.light } },
    axisTick: { show: false },
    axisLabel: { color: INK.text.light, fontSize: 12.5, interval: 0 },
  };
}

/** Options that all pictures share. */
export function frame(chart: Chart, layout: Layout, legendData: readonly Options[]): Options {
  return {
    animation: false,
    backgroundColor: INK.ground.light,
    textStyle: { fontFamily: FONT, fontSize: 12.5, color: INK.text.light },
    title: titles(chart, layout),
    legend: legend(layout, legendData),
    aria: { enabled: chart.kind === 'bar', decal: { show: chart.kind === 'bar' && chart.series.length > 1 } },
  };
}
