/**
 * A chart on the page.
 * @module
 */
import type { JSX } from 'preact';
import type { Chart } from '../../src/report/chart.ts';
import { chartToText } from '../../src/report/text.ts';

/** A chart as text, until its picture is drawn. */
export function ChartView({ chart }: { readonly chart: Chart }): JSX.Element {
  return (
    <figure class="chart">
      <pre tabIndex={0}>{chartToText(chart, { width: 96 })}</pre>
    </figure>
  );
}
