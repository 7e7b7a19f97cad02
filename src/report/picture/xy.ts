/**
 * Lines and scattered points as ECharts' options.
 * @module
 */
import { EVIDENCE, type LineChart, type ScatterChart, type XySeries } from '../chart.ts';
import { legendName, letterOf, nameIndices } from '../legend.ts';
import { axisLabel } from '../number.ts';
import { truncate } from '../plain.ts';
import { layAxis, position, type Scale } from '../scale.ts';
import { frame, type Options, type Place, placeOn, valueAxis } from './frame.ts';
import { guardText } from './guard.ts';
import { dashOf, type Layout, labelRoom, needsLetters } from './layout.ts';
import { INK, seriesColor } from './theme.ts';

type XyChart = LineChart | ScatterChart;

const END_LABEL = 18;

interface Drawing {
  readonly name: string;
  /** What stands at the end of the line; null for nothing. */
  readonly label: string | null;
  readonly color: string;
  readonly x: Place;
  readonly y: Place;
}

function drawn(
  chart: XyChart,
  series: XySeries & { readonly joined?: boolean },
  { name, label, color, x, y }: Drawing,
): Options {
  const style = EVIDENCE[series.evidence];
  const joined = chart.kind === 'line' || series.joined === true;
  return {
    type: 'line',
    name,
    data: series.points.map(([px, py]) => [x(px), y(py)]),
    symbol: style.symbol,
    symbolSize: 8,
    showSymbol: chart.kind === 'scatter' || series.points.length < 40,
    showAllSymbol: true,
    silent: true,
    clip: true,
    step: chart.kind === 'line' && chart.step === true ? 'end' : false,
    lineStyle: { color, width: joined ? 2 : 0, type: dashOf(series.evidence) },
    itemStyle: { color, borderColor: color, borderWidth: 1.5 },
    ...(chart.kind === 'line' && chart.fill === true ? { areaStyle: { color, opacity: 0.18 } } : {}),
    endLabel: {
      show: label !== null,
      formatter: () => guardText(label ?? ''),
      color: INK.text.light,
      fontSize: 12,
    },
    labelLayout: { moveOverlap: 'shiftY' },
    emphasis: { disabled: true },
  };
}

/** True if another series of the same name ends, later in the list, where this one ends. */
function endsTwice(chart: XyChart, index: number, y: Scale): boolean {
  const end = (one: XySeries): number => position(y, one.points.at(-1)?.[1] ?? y.min);
  const series = chart.series[index];
  if (series === undefined) return true;
  return chart.series
    .slice(index + 1)
    .some((other) => other.name === series.name && Math.abs(end(other) - end(series)) < 0.05);
}

/** What stands at the end of each line: its name, or its letter where there are many. */
function endLabels(chart: XyChart, y: Scale): (string | null)[] {
  if (chart.series.length < 2) return chart.series.map(() => null);
  const letters = needsLetters(chart);
  const indices = nameIndices(chart.series);
  return chart.series.map(({ name }, i) => {
    if (endsTwice(chart, i, y)) return null;
    return letters ? letterOf(indices[i] ?? i) : truncate(name, END_LABEL);
  });
}

function axes(chart: XyChart): { x: Scale; y: Scale } {
  const points = chart.series.flatMap((series) => series.points);
  const xs = points.map(([x]) => x);
  const ys = points.map(([, y]) => y);
  return { x: layAxis(chart.x, xs, 8, false), y: layAxis(chart.y, ys, 6, true) };
}

function grid(chart: XyChart, layout: Layout, y: Scale): Options {
  const labels = y.ticks.map((tick) => axisLabel(tick, chart.y.unit));
  const ends = labelRoom(
    endLabels(chart, y).map((label) => label ?? ''),
    END_LABEL,
  );
  return {
    left: labelRoom(labels, 14) + 16,
    right: 16 + ends,
    top: layout.plotTop,
    height: layout.plotHeight,
    containLabel: false,
  };
}

/** Options of a prepared line or scatter chart. */
export function xyOptions(chart: XyChart, layout: Layout): Options {
  const { x, y } = axes(chart);
  const names = chart.series.map((series, i) => layout.legend[i] ?? legendName(series));
  const colors = nameIndices(chart.series);
  const labels = endLabels(chart, y);
  const yAxis = valueAxis(chart.y, y);
  const place = grid(chart, layout, y);
  return {
    ...frame(
      chart,
      layout,
      [...new Set(names)].map((name) => ({ name })),
    ),
    grid: place,
    xAxis: { ...valueAxis(chart.x, x), splitLine: { show: x.log, lineStyle: { color: INK.grid.light } } },
    yAxis: { ...yAxis, nameLocation: 'end', nameGap: 14, nameTextStyle: nameStyle(Number(place['left'])) },
    series: chart.series.map((series, i) => {
      const name = names[i] ?? series.name;
      const color = seriesColor(colors[i] ?? i);
      return drawn(chart, series, { name, label: labels[i] ?? null, color, x: placeOn(x), y: placeOn(y) });
    }),
  };
}

function nameStyle(left: number): Options {
  return { color: INK.text.light, fontSize: 12.5, align: 'left', padding: [0, 0, 0, 16 - left] };
}
