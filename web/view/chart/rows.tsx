/**
 * Bars and ranges: a row for each category.
 * @module
 */
import type { JSX } from 'preact';
import type { BarChart, HeatChart, RangeChart } from '../../../src/report/chart.ts';
import { formatUnit } from '../../../src/report/number.ts';
import { plainText } from '../../../src/report/plain.ts';
import { layAxis, type Scale } from '../../../src/report/scale.ts';
import { XAxis } from './axes.tsx';
import { type Area, across, colourOf, isSlim } from './plot.ts';

const TOP = 8;
/** Height of a bar, and space between categories. */
const BAR = 14;
const GAP = 10;
/** Width of a letter of a name at most, on average. */
const LETTER = 7;

/** A name as far as it fits beside its bars. */
function nameText(name: string, letters: number): string {
  const plain = plainText(name);
  return plain.length > letters ? `${plain.slice(0, letters - 1)}…` : plain;
}

function areaOf(rows: number, height: number, width: number): Area {
  const [left, right] = isSlim(width) ? [112, 72] : [176, 88];
  return { left, right: width - right, top: TOP, bottom: TOP + rows * (height + GAP) };
}

function RowName({ name, y, area }: { readonly name: string; readonly y: number; readonly area: Area }): JSX.Element {
  return (
    <text class="name" x={area.left - 10} y={y} text-anchor="end">
      <title>{plainText(name)}</title>
      {nameText(name, Math.floor((area.left - 8) / LETTER))}
    </text>
  );
}

/** Marks of the axis below. */
function marksOf(width: number): number {
  return isSlim(width) ? 3 : 5;
}

/** A picture of rows. */
interface RowsProps<Drawn> {
  readonly chart: Drawn;
  readonly width: number;
}

interface Bar {
  readonly series: number;
  readonly from: number;
  readonly to: number;
  readonly lane: number;
  readonly text: string;
}

function barsOf({ series, stacked, value }: BarChart, category: number): Bar[] {
  let sum = 0;
  return series.map(({ values }, index) => {
    const own = values[category] ?? null;
    const from = stacked === true ? sum : 0;
    sum += own ?? 0;
    const lane = stacked === true ? 0 : index;
    const last = index === series.length - 1;
    const text =
      stacked === true
        ? last
          ? formatUnit(sum, value.unit)
          : ''
        : own === null
          ? 'not known'
          : formatUnit(own, value.unit);
    return { series: index, from, to: from + (own ?? 0), lane, text };
  });
}

function Bars({
  bars,
  area,
  scale,
  y,
}: {
  readonly bars: readonly Bar[];
  readonly area: Area;
  readonly scale: Scale;
  readonly y: number;
}): JSX.Element {
  return (
    <>
      {bars.map(({ series, from, to, lane, text }) => {
        const [x1, x2] = [across(area, scale, from), across(area, scale, to)];
        const top = y + lane * BAR;
        return (
          <g style={{ color: colourOf(series) }}>
            <rect class="bar-value" x={x1} y={top + 1} width={Math.max(0, x2 - x1)} height={BAR - 2} />
            <text class="value" x={x2 + 6} y={top + BAR - 3}>
              {text}
            </text>
          </g>
        );
      })}
    </>
  );
}

/** A bar chart, its bars lying. */
export function BarPicture({ chart, width }: RowsProps<BarChart>): JSX.Element {
  const rows = chart.categories.map((_, category) => barsOf(chart, category));
  const height = BAR * (chart.stacked === true ? 1 : Math.max(1, chart.series.length));
  const area = areaOf(rows.length, height, width);
  const scale = layAxis(
    chart.value,
    rows.flat().map(({ to }) => to),
    marksOf(width),
    true,
  );
  return (
    <svg viewBox={`0 0 ${width} ${area.bottom + 40}`} role="img" aria-label={chart.title}>
      <XAxis area={area} axis={chart.value} scale={scale} />
      {rows.map((bars, i) => {
        const y = TOP + GAP / 2 + i * (height + GAP);
        return (
          <>
            <RowName name={chart.categories[i] ?? ''} y={y + height / 2 + 4} area={area} />
            <Bars bars={bars} area={area} scale={scale} y={y} />
          </>
        );
      })}
    </svg>
  );
}

/** A range chart: from low to high, the best estimate as a mark. */
export function RangePicture({ chart, width }: RowsProps<RangeChart>): JSX.Element {
  const area = areaOf(chart.rows.length, BAR, width);
  const values = chart.rows.flatMap(({ low, high, best }) => [low, high, best ?? low]);
  const scale = layAxis(chart.value, values, marksOf(width), chart.value.log !== true);
  return (
    <svg viewBox={`0 0 ${width} ${area.bottom + 40}`} role="img" aria-label={chart.title}>
      <XAxis area={area} axis={chart.value} scale={scale} />
      {chart.rows.map(({ name, low, high, best, note }, i) => {
        const y = TOP + GAP / 2 + i * (BAR + GAP) + BAR / 2;
        const [x1, x2] = [across(area, scale, low), Number.isFinite(high) ? across(area, scale, high) : area.right];
        return (
          <g style={{ color: colourOf(0) }}>
            <RowName name={name} y={y + 4} area={area} />
            <line class="range" x1={x1} x2={x2} y1={y} y2={y} />
            {best === null ? null : <circle class="mark" cx={across(area, scale, best)} cy={y} r={4} />}
            <text class="value" x={x2 + 8} y={y + 4}>
              {plainText(note ?? '')}
            </text>
          </g>
        );
      })}
    </svg>
  );
}

/** A heat chart: a row of cells for each name, the larger the value the stronger. */
export function HeatPicture({ chart, width }: RowsProps<HeatChart>): JSX.Element {
  const area = areaOf(chart.rows.length, BAR, width);
  const scale: Scale = {
    ...layAxis(chart.x, [chart.from, chart.to], marksOf(width), false),
    min: chart.from,
    max: chart.to,
  };
  const most = chart.rows.reduce((peak, { values }) => values.reduce((a, b) => Math.max(a, b), peak), 0);
  const inside = { ...scale, ticks: scale.ticks.filter((tick) => tick >= chart.from && tick <= chart.to) };
  return (
    <svg viewBox={`0 0 ${width} ${area.bottom + 40}`} role="img" aria-label={chart.title}>
      <XAxis area={area} axis={chart.x} scale={inside} />
      {chart.rows.map(({ name, values }, i) => {
        const y = TOP + GAP / 2 + i * (BAR + GAP);
        const cell = (area.right - area.left) / values.length;
        return (
          <g style={{ color: colourOf(0) }}>
            <RowName name={name} y={y + BAR / 2 + 4} area={area} />
            {values.map((value, at) =>
              value === 0 ? null : (
                <rect
                  class="bar-value"
                  x={area.left + at * cell}
                  y={y}
                  width={cell}
                  height={BAR}
                  opacity={0.15 + (0.85 * value) / most}
                />
              ),
            )}
          </g>
        );
      })}
    </svg>
  );
}
