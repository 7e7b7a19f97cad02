/**
 * The tracks of the timeline: bytes mapped, calls a second, the address space.
 * @module
 */
import type { JSX } from 'preact';
import { hex } from '../../../src/address.ts';
import { axisLabel, formatBytes, formatNumber } from '../../../src/report/number.ts';
import { plainText } from '../../../src/report/plain.ts';
import type { AddressRow } from '../../../src/trace/address-map.ts';
import type { AddressWindow } from '../../../src/trace/call-view.ts';
import type { TraceView } from '../../ask/protocol.ts';

/** Where a track lies in the picture. */
export interface Place {
  readonly left: number;
  readonly width: number;
  readonly top: number;
  readonly height: number;
}

/** Steps of strength that addresses are drawn with. */
const STRENGTHS = 5;

function stepPath(values: readonly number[], most: number, { left, width, top, height }: Place): string {
  const step = width / values.length;
  const y = (value: number): string => (top + height - (most === 0 ? 0 : value / most) * height).toFixed(1);
  return values
    .map((value, i) => `${i === 0 ? 'M' : 'L'}${(left + i * step).toFixed(1)} ${y(value)}h${step.toFixed(2)}`)
    .join('');
}

function Label({
  top,
  title,
  most,
}: {
  readonly top: number;
  readonly title: string;
  readonly most: string;
}): JSX.Element {
  return (
    <g class="track-label">
      <text x={0} y={top + 12}>
        {title}
      </text>
      <text class="value" x={0} y={top + 28}>
        {most}
      </text>
    </g>
  );
}

function Ground({ place: { left, width, top, height } }: { readonly place: Place }): JSX.Element {
  return <line class="ground" x1={left} x2={left + width} y1={top + height} y2={top + height} />;
}

/** Bytes mapped over time. */
export function LiveTrack({ view, place }: { readonly view: TraceView; readonly place: Place }): JSX.Element {
  const most = view.live.reduce((a, b) => Math.max(a, b), 0);
  const line = stepPath(view.live, most, place);
  const { left, width, top, height } = place;
  return (
    <g class="track" style={{ color: 'var(--s0)' }}>
      <Label top={top} title="bytes mapped" most={`at most ${formatBytes(most)}`} />
      <Ground place={place} />
      <path class="area" d={`${line}V${top + height}H${left}Z`} />
      <path class="line" d={line} />
      <title>{`bytes mapped, at most ${formatBytes(most)} over ${width}`}</title>
    </g>
  );
}

/** Calls a second. */
export function CallsTrack({ view, place }: { readonly view: TraceView; readonly place: Place }): JSX.Element {
  const { maps, unmaps, from, to } = view;
  const seconds = (to - from) / 1e9 / maps.length;
  const most = [...maps, ...unmaps].reduce((a, b) => Math.max(a, b), 0);
  return (
    <g class="track">
      <Label top={place.top} title="maps, unmaps" most={`at most ${formatNumber(Math.round(most / seconds))}/s`} />
      <Ground place={place} />
      <g style={{ color: 'var(--s0)' }}>
        <path class="line" d={stepPath(maps, most, place)} />
      </g>
      <g style={{ color: 'var(--s1)' }}>
        <path class="line" stroke-dasharray="3 2" d={stepPath(unmaps, most, place)} />
      </g>
    </g>
  );
}

/** Cells of a row that are equally strong, as one path. */
function strengthPaths({ bytes }: AddressRow, most: number, { left, width, top, height }: Place): string[] {
  const step = width / bytes.length;
  const paths = new Array<string>(STRENGTHS).fill('');
  for (let i = 0; i < bytes.length; ) {
    const level = Math.ceil(((bytes[i] ?? 0) / most) * STRENGTHS);
    let end = i + 1;
    while (end < bytes.length && Math.ceil(((bytes[end] ?? 0) / most) * STRENGTHS) === level) end++;
    if (level > 0) {
      paths[level - 1] +=
        `M${(left + i * step).toFixed(1)} ${top}h${((end - i) * step).toFixed(1)}v${height}h${(-(end - i) * step).toFixed(1)}z`;
    }
    i = end;
  }
  return paths;
}

interface RowProps {
  readonly row: AddressRow;
  readonly most: number;
  readonly stretch: number;
  readonly domain: string;
  readonly place: Place;
  readonly href: (addresses: AddressWindow) => string;
}

/** One stretch of addresses; its link zooms into it. */
export function AddressTrack({ row, most, stretch, domain, place, href }: RowProps): JSX.Element {
  return (
    <g class="track address">
      <a
        href={href({ domain: row.domain, start: row.start, end: row.start + stretch })}
        data-move=""
        aria-label={plainText(`addresses from ${hex(row.start)}, ${formatBytes(stretch)}, ${domain}`)}
      >
        <text x={0} y={place.top + place.height - 3}>
          {hex(row.start)}
        </text>
        <title>{plainText(`${hex(row.start)} to ${hex(row.start + stretch - 1)}, ${domain}`)}</title>
      </a>
      <g style={{ color: 'var(--s2)' }}>
        {strengthPaths(row, most, { ...place, height: place.height - 2 }).map((d, i) =>
          d === '' ? null : <path class="bar-value" opacity={0.25 + (0.75 * (i + 1)) / STRENGTHS} d={d} />,
        )}
      </g>
    </g>
  );
}

/** Times below the tracks. */
export function TimeAxis({
  ticks,
  place,
  x,
}: {
  readonly ticks: readonly number[];
  readonly place: Place;
  readonly x: (seconds: number) => number;
}): JSX.Element {
  return (
    <g class="axis">
      {ticks.map((tick) => (
        <>
          <line x1={x(tick)} x2={x(tick)} y1={place.top} y2={place.top + place.height} />
          <text x={x(tick)} y={place.top + place.height + 16} text-anchor="middle">
            {axisLabel(tick, 'seconds')}
          </text>
        </>
      ))}
    </g>
  );
}
