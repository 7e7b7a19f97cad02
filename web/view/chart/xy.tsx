/**
 * Lines and points over x.
 * @module
 */
import type { JSX } from 'preact';
import { EVIDENCE, type LineChart, type Point, type ScatterChart } from '../../../src/report/chart.ts';
import { layAxis, type Scale } from '../../../src/report/scale.ts';
import { XAxis, YAxis } from './axes.tsx';
import { type Area, across, colourOfSeries, isSlim, markPath, up } from './plot.ts';

function areaOf(width: number): Area {
  return { left: 72, right: width - 16, top: 32, bottom: 276 };
}

/** Points that are drawn with a mark each at most. */
const MOST_MARKS = 60;

interface Scales {
  readonly area: Area;
  readonly x: Scale;
  readonly y: Scale;
}

function placed({ area, x, y }: Scales, points: readonly Point[]): Point[] {
  return points
    .filter(([px, py]) => Number.isFinite(px) && Number.isFinite(py) && (!x.log || px > 0) && (!y.log || py > 0))
    .map(([px, py]) => [across(area, x, px), up(area, y, py)]);
}

function pathOf(points: readonly Point[], step: boolean): string {
  return points
    .map(([x, y], i) =>
      i === 0 ? `M${x} ${y}` : step ? `H${x.toFixed(1)}V${y.toFixed(1)}` : `L${x.toFixed(1)} ${y.toFixed(1)}`,
    )
    .join('');
}

function scalesOf({ x, y, series }: LineChart | ScatterChart, width: number): Scales {
  const points = series.flatMap((one) => one.points);
  return {
    area: areaOf(width),
    x: layAxis(
      x,
      points.map(([px]) => px),
      isSlim(width) ? 4 : 7,
      false,
    ),
    y: layAxis(
      y,
      points.map(([, py]) => py),
      5,
      y.log !== true,
    ),
  };
}

function Series({
  chart,
  index,
  scales,
}: {
  readonly chart: LineChart | ScatterChart;
  readonly index: number;
  readonly scales: Scales;
}): JSX.Element | null {
  const series = chart.series[index];
  if (series === undefined) return null;
  const points = placed(scales, series.points);
  const joined = chart.kind === 'line' || ('joined' in series && series.joined === true);
  const marked = chart.kind === 'scatter' || points.length <= MOST_MARKS;
  const { symbol } = EVIDENCE[series.evidence];
  const markClass = symbol.startsWith('empty') ? 'mark hollow' : 'mark';
  return (
    <g style={{ color: colourOfSeries(chart.series, index) }}>
      {joined ? (
        <path
          class="line"
          d={pathOf(points, chart.kind === 'line' && chart.step === true)}
          stroke-dasharray={EVIDENCE[series.evidence].dash.join(' ')}
        />
      ) : null}
      {marked ? points.map(([x, y]) => <path class={markClass} d={markPath(symbol, x, y)} />) : null}
    </g>
  );
}

/** A line or scatter chart. */
export function XyPicture({
  chart,
  width,
}: {
  readonly chart: LineChart | ScatterChart;
  readonly width: number;
}): JSX.Element {
  const scales = scalesOf(chart, width);
  return (
    <svg viewBox={`0 0 ${width} 316`} role="img" aria-label={chart.title}>
      <YAxis area={scales.area} axis={chart.y} scale={scales.y} />
      <XAxis area={scales.area} axis={chart.x} scale={scales.x} />
      {chart.series.map((_, index) => (
        <Series chart={chart} index={index} scales={scales} />
      ))}
    </svg>
  );
}
