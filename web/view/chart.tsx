/**
 * A chart on the page: a picture, its legend, where the numbers come from, and the same as text.
 * @module
 */
import type { JSX } from 'preact';
import { useRef } from 'preact/hooks';
import { type Chart, EVIDENCE } from '../../src/report/chart.ts';
import { legendName } from '../../src/report/legend.ts';
import { plainText } from '../../src/report/plain.ts';
import { prepare } from '../../src/report/prepare.ts';
import { chartToText } from '../../src/report/text.ts';
import { colourOfSeries, WIDTH } from './chart/plot.ts';
import { BarPicture, HeatPicture, RangePicture } from './chart/rows.tsx';
import { XyPicture } from './chart/xy.tsx';
import { CopyButton, svgText } from './copy.tsx';
import { useWidth } from './width.ts';

function Picture({ chart, width }: { readonly chart: Chart; readonly width: number }): JSX.Element {
  switch (chart.kind) {
    case 'bar':
      return <BarPicture chart={chart} width={width} />;
    case 'range':
      return <RangePicture chart={chart} width={width} />;
    case 'heat':
      return <HeatPicture chart={chart} width={width} />;
    default:
      return <XyPicture chart={chart} width={width} />;
  }
}

function Legend({ chart }: { readonly chart: Chart }): JSX.Element | null {
  if (!('series' in chart)) return null;
  return (
    <ul class="legend">
      {chart.series.map((series, index) => (
        <li>
          <svg viewBox="0 0 24 8" aria-hidden="true" style={{ color: colourOfSeries(chart.series, index) }}>
            {chart.kind === 'bar' ? (
              <path class="bar-value" d="M6 0h8v8H6z" />
            ) : (
              <path class="line" d="M0 4H24" stroke-dasharray={EVIDENCE[series.evidence].dash.join(' ')} />
            )}
          </svg>
          {plainText(legendName(series))}
        </li>
      ))}
    </ul>
  );
}

function svgOf(figure: HTMLElement | null): string {
  const picture = figure?.querySelector('svg');
  return picture === null || picture === undefined ? '' : svgText(picture);
}

/** A chart of any kind; its title is left out where it is the heading above it. */
export function ChartView({ chart: given, heading }: { readonly chart: Chart; readonly heading: string }): JSX.Element {
  const chart = prepare(given);
  const figure = useRef<HTMLElement>(null);
  const width = Math.min(WIDTH, useWidth(figure).value || WIDTH);
  return (
    <figure class="chart" ref={figure}>
      {chart.title === heading ? null : <figcaption>{plainText(chart.title)}</figcaption>}
      <Picture chart={chart} width={width} />
      <Legend chart={chart} />
      {(chart.notes ?? []).map((note) => (
        <p class="note">{plainText(note)}</p>
      ))}
      <CopyButton title="Copy as SVG" text={() => svgOf(figure.current)} />
      <details>
        <summary>The same as text</summary>
        <pre tabIndex={0}>{chartToText(given, { width: 96 })}</pre>
      </details>
    </figure>
  );
}
