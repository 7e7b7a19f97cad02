/**
 * The parts of ECharts' options that all pictures share: title, notes, legend, axes.
 * @module
 */
import type { Axis, Chart } from '../chart.ts';
import { axisLabel } from '../number.ts';
import type { Scale } from '../scale.ts';
import { type Layout, LINE } from './layout.ts';
import { INK } from './theme.ts';

/** ECharts' options as far as this room writes them. */
export type Options = Record<string, unknown>;

/** Font of all text. Unquoted: ECharts writes the list into an attribute as it is. */
export const FONT = 'system-ui, Segoe UI, DejaVu Sans, Arial, sans-serif';

function isEmpty(chart: Chart): boolean {
  if (chart.kind === 'range') return chart.rows.length === 0;
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

/** An axis of values: marks and ends as laid out, labels in their unit. */
export function valueAxis(axis: Axis, scale: Scale, grid = true): Options {
  const customValues = [...scale.ticks];
  return {
    type: scale.log ? 'log' : 'value',
    ...(scale.log ? { logBase: axis.unit === 'bytes' ? 2 : 10 } : {}),
    min: scale.min,
    max: scale.max,
    name: axis.label,
    nameLocation: 'middle',
    nameGap: 34,
    nameTextStyle: { color: INK.text.light, fontSize: 12.5 },
    axisLine: { show: true, lineStyle: { color: INK.axis.light } },
    axisTick: { show: true, customValues, lineStyle: { color: INK.axis.light } },
    splitLine: { show: grid, lineStyle: { color: INK.grid.light } },
    axisLabel: {
      customValues,
      color: INK.faint.light,
      fontSize: 12,
      hideOverlap: true,
      formatter: (value: number) => axisLabel(value, axis.unit),
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
