/**
 * Bars and ranges as ECharts' options: horizontal, because names are longer than numbers.
 * @module
 */
import type { BarChart, RangeChart, RangeRow } from '../chart.ts';
import { legendName } from '../legend.ts';
import { formatUnit } from '../number.ts';
import { truncate, wrapText } from '../plain.ts';
import { layAxis, type Scale } from '../scale.ts';
import { FONT, frame, nameAxis, type Options, type Place, placeFromZero, placeOn, valueAxis } from './frame.ts';
import { guardText } from './guard.ts';
import { dashOf, type Layout, labelRoom, RANGE_NAME } from './layout.ts';
import { INK, seriesColor } from './theme.ts';

const LONGEST_LABEL = 44;

function totals(chart: BarChart): number[] {
  if (chart.stacked !== true) return chart.series.flatMap(({ values }) => values.map((value) => value ?? 0));
  return chart.categories.map((_, i) => chart.series.reduce((sum, { values }) => sum + (values[i] ?? 0), 0));
}

function gridOf(layout: Layout, names: readonly string[], right: number): Options {
  return {
    left: labelRoom(names, LONGEST_LABEL) + 16,
    right: 16 + right,
    top: layout.plotTop,
    height: layout.plotHeight,
    containLabel: false,
  };
}

function twoLines(name: string): string {
  const lines = wrapText(name, RANGE_NAME);
  return lines.length <= 2 ? lines.join('\n') : `${lines[0]}\n${truncate(lines.slice(1).join(' '), RANGE_NAME)}`;
}

function shortNames(names: readonly string[]): string[] {
  return names.map((name) => truncate(name, LONGEST_LABEL));
}

/** "Not known" is said where a bar would begin: an empty place would read as 0. */
function barValue(chart: BarChart, value: number | null, at: Place): Options {
  const text = value === null ? 'not known' : formatUnit(value, chart.value.unit);
  return { value: at(value ?? 0), label: { formatter: text } };
}

/** Options of a prepared bar chart. */
export function barOptions(chart: BarChart, layout: Layout): Options {
  const scale = layAxis({ ...chart.value, log: false }, totals(chart), 6, true);
  const at = placeFromZero(scale);
  const names = chart.series.map((series, i) => layout.legend[i] ?? legendName(series));
  const label = {
    show: chart.stacked !== true,
    position: 'right',
    color: INK.faint.light,
    fontSize: 12,
  };
  return {
    ...frame(
      chart,
      layout,
      [...new Set(names)].map((name) => ({ name })),
    ),
    grid: gridOf(layout, chart.categories, 64),
    xAxis: { ...valueAxis(chart.value, scale, at), nameGap: 30 },
    yAxis: nameAxis(chart.category, shortNames(chart.categories)),
    series: chart.series.map((series, i) => ({
      type: 'bar',
      name: names[i],
      ...(chart.stacked === true ? { stack: 'all' } : {}),
      data: series.values.map((value) => barValue(chart, value, at)),
      barCategoryGap: '25%',
      barGap: '8%',
      silent: true,
      itemStyle: {
        color: seriesColor(i),
        borderColor: INK.ground.light,
        borderWidth: chart.stacked === true ? 0.5 : 0,
      },
      label,
      emphasis: { disabled: true },
    })),
  };
}

interface DrawApi {
  value(dimension: number): number;
  coord(point: readonly [number, number]): [number, number];
}

function rangeText(row: RangeRow, chart: RangeChart): string {
  const show = (value: number): string => formatUnit(value, chart.value.unit);
  const best = row.best === null ? '' : `${show(row.best)} `;
  const range = Number.isFinite(row.high) ? `(${show(row.low)} to ${show(row.high)})` : `(${show(row.low)} or more)`;
  return `${best}${range}${row.note === undefined ? '' : `  ${row.note}`}`;
}

function bar(from: number, to: number, y: number, color: string, dash: number[] | 'solid'): Options {
  const style = { stroke: color, lineWidth: 5, lineDash: dash === 'solid' ? null : dash };
  return { type: 'line', shape: { x1: from, y1: y, x2: to, y2: y }, style, silent: true };
}

function end(x: number, y: number, color: string, arrow: -1 | 0 | 1): Options {
  const points =
    arrow === 0
      ? [
          [x, y - 7],
          [x, y + 7],
        ]
      : [
          [x - 7 * arrow, y - 7],
          [x, y],
          [x - 7 * arrow, y + 7],
        ];
  return { type: 'polyline', shape: { points }, style: { stroke: color, lineWidth: 2, fill: 'none' }, silent: true };
}

function mark(x: number, y: number): Options {
  const points = [
    [x, y - 7],
    [x + 6, y],
    [x, y + 7],
    [x - 6, y],
  ];
  const style = { fill: INK.ground.light, stroke: INK.text.light, lineWidth: 2 };
  return { type: 'polygon', shape: { points }, style, silent: true };
}

function words(text: string, x: number, y: number): Options {
  const style = { text, x, y, fill: INK.faint.light, font: `12px ${FONT}`, verticalAlign: 'middle' };
  return { type: 'text', style, silent: true };
}

function drawRow(chart: RangeChart, scale: Scale, index: number, api: DrawApi): Options {
  const row = chart.rows[index];
  if (row === undefined) return { type: 'group', children: [] };
  const color = seriesColor(0);
  const at = placeOn(scale);
  const within = (value: number): number => at(Math.min(Math.max(value, scale.min), scale.max));
  const [left, y] = api.coord([within(row.low), index]);
  const [right] = api.coord([within(row.high), index]);
  const children = [
    bar(left, right, y, color, dashOf(row.evidence)),
    end(left, y, color, row.low < scale.min ? -1 : 0),
    end(right, y, color, row.high > scale.max ? 1 : 0),
    ...(row.best === null ? [] : [mark(api.coord([within(row.best), index])[0], y)]),
    words(guardText(rangeText(row, chart)), right + 12, y),
  ];
  return { type: 'group', children };
}

/** Options of a prepared range chart. */
export function rangeOptions(chart: RangeChart, layout: Layout): Options {
  const values = chart.rows.flatMap(({ low, high, best }) => [low, high, best ?? low]);
  const scale = layAxis(chart.value, values, 3, true);
  const texts = chart.rows.map((row) => rangeText(row, chart));
  const names = chart.rows.map(({ name }) => twoLines(name));
  return {
    ...frame(chart, layout, []),
    grid: gridOf(
      layout,
      names.flatMap((name) => name.split('\n')),
      Math.min(labelRoom(texts, 44), layout.width / 2.5),
    ),
    xAxis: { ...valueAxis(chart.value, scale), nameGap: 30 },
    yAxis: nameAxis('', names),
    series: [
      {
        type: 'custom',
        data: chart.rows.map((_, index) => [0, index]),
        renderItem: ({ dataIndex }: { dataIndex: number }, api: DrawApi) => drawRow(chart, scale, dataIndex, api),
        silent: true,
        clip: false,
      },
    ],
  };
}
