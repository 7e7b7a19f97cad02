/**
 * A trace over time, with a range that is drawn with the mouse, moved with arrow keys, or typed.
 * @module
 */
import { useSignal } from '@preact/signals';
import type { JSX } from 'preact';
import { useRef } from 'preact/hooks';
import { plainText } from '../../../src/report/plain.ts';
import { layAxis } from '../../../src/report/scale.ts';
import type { AddressRow } from '../../../src/trace/address-map.ts';
import type { AddressWindow } from '../../../src/trace/call-view.ts';
import type { TimeRange, TraceView } from '../../ask/protocol.ts';
import { CopyButton, svgText } from '../../view/copy.tsx';
import { useWidth } from '../../view/width.ts';
import { AddressTrack, CallsTrack, LiveTrack, type Place, TimeAxis } from './tracks.tsx';

const LIVE = 88;
const CALLS = 48;
const ROW = 14;
const GAP = 20;
const AXIS = 32;
/** Room for the names of the tracks, and how much of a narrow picture it may take. */
const LABELS = 128;
const LABEL_SHARE = 0.36;
/** Share of the picture by which an arrow key moves an end of the range. */
const KEY_STEP = 1 / 100;

interface Layout {
  readonly live: Place;
  readonly calls: Place;
  readonly addresses: Place;
  readonly height: number;
}

function layOut(width: number, rows: number): Layout {
  const left = Math.min(LABELS, Math.floor(width * LABEL_SHARE));
  const across = { left, width: Math.max(1, width - left - 8) };
  const live = { ...across, top: 8, height: LIVE };
  const calls = { ...across, top: live.top + LIVE + GAP, height: CALLS };
  const addresses = { ...across, top: calls.top + CALLS + GAP, height: rows * ROW };
  return { live, calls, addresses, height: addresses.top + addresses.height + AXIS };
}

interface BrushProps {
  readonly view: TraceView;
  readonly range: TimeRange | undefined;
  readonly place: Place;
  readonly height: number;
  readonly onRange: (range: TimeRange) => void;
}

function clamp(value: number, low: number, high: number): number {
  return Math.min(high, Math.max(low, value));
}

/** One end of the range: a slider for arrow keys. */
function End({
  name,
  at,
  x,
  height,
  view,
  move,
}: {
  readonly name: string;
  readonly at: number;
  readonly x: number;
  readonly height: number;
  readonly view: TraceView;
  readonly move: (to: number) => void;
}): JSX.Element {
  const onKeyDown = (event: KeyboardEvent): void => {
    const step = { ArrowLeft: -1, ArrowRight: 1, PageDown: -10, PageUp: 10 }[event.key];
    if (step === undefined) return;
    event.preventDefault();
    move(at + step * KEY_STEP * (view.to - view.from));
  };
  const seconds = (time: number): number => Number(((time - view.first) / 1e9).toFixed(6));
  return (
    <g
      role="slider"
      tabindex={0}
      class="range-end"
      aria-label={`${name} of the range, seconds`}
      aria-valuemin={seconds(view.from)}
      aria-valuemax={seconds(view.to)}
      aria-valuenow={seconds(at)}
      onKeyDown={onKeyDown}
    >
      <line x1={x} x2={x} y1={0} y2={height} />
      <rect x={x - 4} y={height / 2 - 12} width={8} height={24} rx={2} />
    </g>
  );
}

function Brush({ view, range, place, height, onRange }: BrushProps): JSX.Element {
  const drawn = useSignal<{ readonly a: number; readonly b: number } | undefined>(undefined);
  const span = view.to - view.from;
  const timeAt = (event: PointerEvent & { readonly currentTarget: SVGElement }): number => {
    const box = event.currentTarget.getBoundingClientRect();
    return view.from + clamp((event.clientX - box.left) / box.width, 0, 1) * span;
  };
  const x = (time: number): number => place.left + clamp((time - view.from) / span, 0, 1) * place.width;
  const finish = (): void => {
    const ends = drawn.value;
    drawn.value = undefined;
    if (ends === undefined) return;
    const column = span / view.live.length;
    const [low, high] = [Math.min(ends.a, ends.b), Math.max(ends.a, ends.b)];
    // a click chooses the stretch of time that it hits
    const from = high - low < column / 2 ? view.from + Math.floor((low - view.from) / column) * column : low;
    onRange({ from, to: Math.max(high, from + column) });
  };
  const shown =
    drawn.value === undefined
      ? range
      : { from: Math.min(drawn.value.a, drawn.value.b), to: Math.max(drawn.value.a, drawn.value.b) };
  const move = (from: number, to: number): void => {
    const [low, high] = [clamp(from, view.from, view.to), clamp(to, view.from, view.to)];
    if (low < high) onRange({ from: low, to: high });
  };
  return (
    <g class="brush">
      {shown === undefined ? null : (
        <rect
          class="chosen-range"
          x={x(shown.from)}
          y={0}
          width={Math.max(1, x(shown.to) - x(shown.from))}
          height={height}
        />
      )}
      <rect
        class="brush-ground"
        x={place.left}
        y={0}
        width={place.width}
        height={height}
        onPointerDown={(event) => {
          event.currentTarget.setPointerCapture(event.pointerId);
          drawn.value = { a: timeAt(event), b: timeAt(event) };
        }}
        onPointerMove={(event) => {
          if (drawn.value !== undefined) drawn.value = { ...drawn.value, b: timeAt(event) };
        }}
        onPointerUp={finish}
        onPointerCancel={() => (drawn.value = undefined)}
      />
      {range === undefined ? null : (
        <>
          <End
            name="start"
            at={range.from}
            x={x(range.from)}
            height={height}
            view={view}
            move={(to) => move(to, range.to)}
          />
          <End
            name="end"
            at={range.to}
            x={x(range.to)}
            height={height}
            view={view}
            move={(to) => move(range.from, to)}
          />
        </>
      )}
    </g>
  );
}

/** Rows of addresses, with the name of the domain above its first one. */
function linesOf({ addresses, domains }: TraceView): readonly (AddressRow | { readonly title: string })[] {
  const rows = addresses?.rows ?? [];
  return rows.flatMap((row, i) =>
    rows[i - 1]?.domain === row.domain ? [row] : [{ title: plainText(domains[row.domain] ?? '') }, row],
  );
}

function DomainLine({ title, y }: { readonly title: string; readonly y: number }): JSX.Element {
  return (
    <text class="domain" x={0} y={y}>
      {title}
    </text>
  );
}

/** The picture. */
export function Timeline({
  view,
  range,
  onRange,
  hrefOf,
}: {
  readonly view: TraceView;
  readonly range: TimeRange | undefined;
  readonly onRange: (range: TimeRange) => void;
  /** The link that zooms into addresses. */
  readonly hrefOf: (addresses: AddressWindow) => string;
}): JSX.Element {
  const box = useRef<HTMLDivElement>(null);
  const width = useWidth(box).value;
  const rows = view.addresses?.rows ?? [];
  const lines = linesOf(view);
  const { live, calls, addresses, height } = layOut(width, lines.length);
  const [from, to] = [(view.from - view.first) / 1e9, (view.to - view.first) / 1e9];
  const scale = layAxis({ label: '', unit: 'seconds' }, [from, to], Math.max(2, Math.floor(live.width / 110)), false);
  const ticks = scale.ticks.filter((tick) => tick >= from && tick <= to);
  const most = rows.flatMap(({ bytes }) => bytes).reduce((a, b) => Math.max(a, b), 1);
  const all = { ...live, top: 0, height: addresses.top + addresses.height };
  const svg = (): string => {
    const picture = box.current?.querySelector('svg');
    return picture === null || picture === undefined ? '' : svgText(picture);
  };
  return (
    <div class="timeline" ref={box}>
      <CopyButton title="Copy as SVG" text={svg} />
      {width === 0 ? null : (
        <svg width={width} height={height} aria-labelledby="timeline-title">
          <title id="timeline-title">the trace over time</title>
          <TimeAxis
            ticks={ticks}
            place={all}
            x={(seconds) => live.left + ((seconds - from) / (to - from)) * live.width}
          />
          <LiveTrack view={view} place={live} />
          <CallsTrack view={view} place={calls} />
          {lines.map((row, i) =>
            'title' in row ? (
              <DomainLine title={row.title} y={addresses.top + (i + 1) * ROW - 3} />
            ) : (
              <AddressTrack
                row={row}
                most={most}
                stretch={view.addresses?.stretch ?? 0}
                domain={view.domains[row.domain] ?? ''}
                place={{ ...addresses, top: addresses.top + i * ROW, height: ROW }}
                href={hrefOf}
              />
            ),
          )}
          <Brush view={view} range={range} place={live} height={all.height} onRange={onRange} />
        </svg>
      )}
    </div>
  );
}
