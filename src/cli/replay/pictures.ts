/**
 * The pictures of `iommu replay`.
 * @module
 */
import { formatSize } from '../../address.ts';
import { predictMeter } from '../../cost/predict.ts';
import type { Profile } from '../../cost/profile.ts';
import type { Replay } from '../../replay/replay.ts';
import type { PowerHistogram } from '../../replay/summary.ts';
import { type BarChart, type Chart, type LineChart, layerCostChart } from '../../report/index.ts';
import { sortedRows, titleOf } from './answer.ts';
import { LAYERS } from './layers.ts';

/** Live bytes over time. */
export function liveChart(replay: Replay): LineChart {
  const { live } = replay.pairing;
  const start = live[0]?.time ?? 0;
  return {
    kind: 'line',
    title: 'Bytes mapped over time',
    x: { label: 'time since the first call', unit: 'seconds' },
    y: { label: 'bytes live', unit: 'bytes' },
    series: [
      {
        name: 'live bytes',
        evidence: 'count',
        points: live.map((point) => [(point.time - start) / 1e9, point.maximum]),
      },
    ],
    fill: true,
    step: true,
    notes: ['each point is the highest value of its stretch'],
  };
}

function histogram(
  title: string,
  category: string,
  counts: PowerHistogram,
  label: (value: number) => string,
): BarChart {
  const first = Math.max(
    0,
    counts.counts.findIndex((count) => count > 0),
  );
  const shown = counts.counts.slice(first);
  return {
    kind: 'bar',
    title,
    category,
    categories: shown.map((_, i) => `≥ ${label(2 ** (first + i))}`),
    value: { label: 'how many', unit: 'count' },
    series: [{ name: 'in the trace', evidence: 'count', values: shown }],
  };
}

/** Sizes of lists, of their contiguous runs, runs a list. */
export function shapeCharts(replay: Replay): BarChart[] {
  const { shape } = replay;
  return [
    histogram('Bytes of a list', 'bytes', shape.bytes, formatSize),
    histogram('Physically contiguous runs of a list', 'runs', shape.runs, String),
    histogram('Bytes of a contiguous run', 'bytes', shape.runBytes, formatSize),
  ];
}

/** Counts by layer, a stacked bar a row. */
export function layersChart(replay: Replay): BarChart {
  const rows = sortedRows(replay);
  return {
    kind: 'bar',
    title: 'Crossings by layer',
    category: 'row',
    categories: rows.map((row) => titleOf(row)),
    value: { label: 'counts', unit: 'count' },
    series: LAYERS.map(([name, counts]) => ({
      name,
      evidence: 'count',
      values: rows.map(({ row }) => counts.reduce((total, count) => total + row.counts[count], 0)),
    })),
    stacked: true,
  };
}

/** All pictures, in the order of a report. */
export function allCharts(replay: Replay): Chart[] {
  return [liveChart(replay), ...shapeCharts(replay), layersChart(replay)];
}

/** Predicted time of each row by layer. */
export function predictedLayersChart(replay: Replay, profile: Profile): BarChart {
  const rows = sortedRows(replay).map((timed) => ({
    name: titleOf(timed),
    byLayer: Object.fromEntries(
      predictMeter(profile, timed.row.work).layers.map(({ layer, ns, low }) => [layer, ns ?? low]),
    ),
  }));
  const chart = layerCostChart(`Predicted time by layer on ${profile.machine.name}`, rows, 'predicted');
  const note = 'a layer of which only a range is known is drawn at its lower end; the table has the range';
  return { ...chart, notes: [...(chart.notes ?? []), note] };
}
