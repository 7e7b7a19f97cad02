/**
 * Maps of values over time as ECharts' options: a cell a row and stretch of time, the darker the larger.
 * @module
 */
import type { HeatChart } from '../chart.ts';
import { truncate } from '../plain.ts';
import { layAxis } from '../scale.ts';
import { frame, nameAxis, type Options, placeOn, valueAxis } from './frame.ts';
import { type Layout, labelRoom } from './layout.ts';
import { seriesColor } from './theme.ts';

const LONGEST_LABEL = 40;

/** Opacities, the weakest first; one colour, so that light and dark surroundings and any vision read it alike. */
const OPACITY = [0.25, 0.45, 0.7, 1] as const;

/** The step of a value from 1 to 4; 0 where there is nothing. `most` is the largest value of the picture. */
export function heatStep(value: number, most: number): number {
  return value <= 0 || most <= 0 ? 0 : Math.min(OPACITY.length, Math.ceil((value / most) * OPACITY.length));
}

/** The largest value of a chart. */
export function heatMost({ rows }: HeatChart): number {
  return rows.reduce((most, { values }) => values.reduce((a, b) => Math.max(a, b), most), 0);
}

interface DrawApi {
  coord(point: readonly [number, number]): [number, number];
  size(extent: readonly [number, number]): [number, number];
}

/** Neighbouring cells of one step are one rectangle. */
function stretches(steps: readonly number[]): { from: number; to: number; step: number }[] {
  const found: { from: number; to: number; step: number }[] = [];
  for (const [i, step] of steps.entries()) {
    const last = found.at(-1);
    if (last?.step === step) last.to = i + 1;
    else found.push({ from: i, to: i + 1, step });
  }
  return found.filter(({ step }) => step > 0);
}

function drawRow(chart: HeatChart, most: number, index: number, at: (time: number) => number, api: DrawApi): Options {
  const values = chart.rows[index]?.values ?? [];
  const height = api.size([0, 1])[1] * 0.8;
  const time = (column: number): number => chart.from + ((chart.to - chart.from) * column) / values.length;
  const children = stretches(values.map((value) => heatStep(value, most))).map(({ from, to, step }) => {
    const [left, y] = api.coord([at(time(from)), index]);
    const [right] = api.coord([at(time(to)), index]);
    const shape = { x: left, y: y - height / 2, width: Math.max(1, right - left), height };
    return { type: 'rect', shape, style: { fill: seriesColor(0), opacity: OPACITY[step - 1] }, silent: true };
  });
  return { type: 'group', children };
}

/** Options of a prepared heat chart. */
export function heatOptions(chart: HeatChart, layout: Layout): Options {
  const ends = [chart.from, chart.to];
  const scale = { ...layAxis(chart.x, ends, 6, false), min: chart.from, max: chart.to };
  const shown = { ...scale, ticks: scale.ticks.filter((tick) => tick >= chart.from && tick <= chart.to) };
  const at = placeOn(shown);
  const names = chart.rows.map(({ name }) => truncate(name, LONGEST_LABEL));
  const most = heatMost(chart);
  return {
    ...frame(chart, layout, []),
    grid: {
      left: labelRoom(names, LONGEST_LABEL) + 16,
      right: 24,
      top: layout.plotTop,
      height: layout.plotHeight,
      containLabel: false,
    },
    xAxis: { ...valueAxis(chart.x, shown, at), nameGap: 30 },
    yAxis: nameAxis('', names),
    series: [
      {
        type: 'custom',
        data: chart.rows.map((_, index) => [0, index]),
        renderItem: ({ dataIndex }: { dataIndex: number }, api: DrawApi) => drawRow(chart, most, dataIndex, at, api),
        silent: true,
        clip: true,
      },
    ],
  };
}
