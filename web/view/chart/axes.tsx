/**
 * Axes with their marks.
 * @module
 */
import type { JSX } from 'preact';
import type { Axis } from '../../../src/report/chart.ts';
import type { Scale } from '../../../src/report/scale.ts';
import { type Area, across, markText, up } from './plot.ts';

interface Shown {
  readonly area: Area;
  readonly axis: Axis;
  readonly scale: Scale;
}

/** Marks below the area, with lines through it. */
export function XAxis({ area, axis, scale }: Shown): JSX.Element {
  return (
    <g class="axis">
      {scale.ticks.map((tick) => {
        const x = across(area, scale, tick);
        return (
          <>
            <line x1={x} x2={x} y1={area.top} y2={area.bottom} />
            <text x={x} y={area.bottom + 18} text-anchor="middle">
              {markText(axis, tick)}
            </text>
          </>
        );
      })}
      <text x={area.right} y={area.bottom + 36} text-anchor="end">
        {axis.label}
      </text>
    </g>
  );
}

/** Marks at the left of the area, with lines through it. */
export function YAxis({ area, axis, scale }: Shown): JSX.Element {
  return (
    <g class="axis">
      {scale.ticks.map((tick) => {
        const y = up(area, scale, tick);
        return (
          <>
            <line x1={area.left} x2={area.right} y1={y} y2={y} />
            <text x={area.left - 8} y={y + 4} text-anchor="end">
              {markText(axis, tick)}
            </text>
          </>
        );
      })}
      <text x={0} y={area.top - 12}>
        {axis.label}
      </text>
    </g>
  );
}
