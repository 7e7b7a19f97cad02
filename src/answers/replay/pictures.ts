/**
 * The pictures of a replay.
 * @module
 */
import { formatSize } from '../../address.ts';
import type { PowerCounts } from '../../replay/summary.ts';
import type { BarChart, Chart, HeatChart, LineChart } from '../../report/chart.ts';
import { layerCostChart } from '../../report/describe/layers.ts';
import { formatBytes } from '../../report/number.ts';
import type { ReplayData } from './data.ts';
import { crossingsByLayer, LAYERS } from './layers.ts';
import { type RowData, type RowPart, rowTitle, varyingParts } from './rows.ts';
import { kernelPath } from './verdict.ts';

/** Bytes mapped over time. */
export function liveChart({ live }: ReplayData): LineChart {
  const start = live.series[0]?.time ?? 0;
  return {
    kind: 'line',
    title: 'Bytes mapped over time',
    x: { label: 'time since the first call', unit: 'seconds' },
    y: { label: 'bytes mapped', unit: 'bytes' },
    series: [
      {
        name: 'bytes mapped',
        evidence: 'count',
        points: live.series.map((point) => [(point.time - start) / 1e9, point.maximum]),
      },
    ],
    fill: true,
    step: true,
    notes: ['Each point is the highest value of its stretch.'],
  };
}

function domainName(domain: ReplayData['domains'][number] | undefined): string {
  if (domain === undefined) return '';
  return domain.source === 'layer' ? `no device named (domain ${domain.id})` : domain.title;
}

/** What was mapped where and when; undefined where nothing was. */
export function addressChart({ live, domains }: ReplayData): HeatChart | undefined {
  const { addresses } = live;
  if (addresses === null) return undefined;
  return {
    kind: 'heat',
    title: 'Input addresses over time, by domain',
    x: { label: 'time since the first call', unit: 'seconds' },
    from: 0,
    to: (addresses.to - addresses.from) / 1e9,
    value: { label: `bytes mapped in each stretch of ${formatBytes(Number(addresses.stretch))}`, unit: 'bytes' },
    rows: addresses.rows.map(({ domain, start, bytes }) => ({
      name: `${domainName(domains[domain])} ${start}`,
      values: bytes,
    })),
    notes: ['A row is a stretch of addresses in which something was mapped; stretches between rows stayed empty.'],
  };
}

/** A histogram by powers of two. */
function histogram(
  title: string,
  category: string,
  { counts }: PowerCounts,
  label: (value: number) => string,
): BarChart {
  const first = Math.max(
    0,
    counts.findIndex((count) => count > 0),
  );
  const shown = counts.slice(first);
  return {
    kind: 'bar',
    title,
    category,
    categories: shown.map((_, i) => `${label(2 ** (first + i))} to < ${label(2 ** (first + i + 1))}`),
    value: { label: 'how many', unit: 'count' },
    series: [{ name: 'in the trace', evidence: 'count', values: shown }],
  };
}

/** How contiguous the lists are: what decides whether a path by runs can gain anything. */
export interface Contiguity {
  readonly bytes: PowerCounts;
  readonly runs: PowerCounts;
  readonly runBytes: PowerCounts;
}

/** Sizes of lists, of their contiguous runs, runs of a list. */
export function shapeCharts({ bytes, runs, runBytes }: Contiguity): BarChart[] {
  return [
    histogram('Bytes of a list', 'bytes', bytes, formatSize),
    histogram('Physically contiguous runs of a list', 'runs', runs, String),
    histogram('Bytes of a contiguous run', 'bytes', runBytes, formatSize),
  ];
}

const QUESTIONS: Readonly<Record<RowPart, string>> = {
  driver: 'Which IOMMU?',
  path: 'Which path?',
  dispatch: 'Which dispatch?',
  format: 'Which table format?',
  granule: 'Which granule?',
  iova: 'Which input addresses?',
  physical: 'Which physical memory?',
  tlb: 'Strict or lazy invalidation?',
};

function layersChart(title: string, rows: readonly RowData[], names: readonly string[]): BarChart {
  const parts = rows.map((row) => crossingsByLayer(row));
  const used = LAYERS.map(([name], i) => ({ name, i })).filter(({ i }) => parts.some((one) => (one[i] ?? 0) > 0));
  return {
    kind: 'bar',
    title,
    category: '',
    categories: names,
    value: { label: 'crossings', unit: 'count' },
    series: used.map(({ name, i }) => ({ name, evidence: 'count', values: parts.map((one) => one[i] ?? 0) })),
    stacked: true,
  };
}

/**
 * Crossings by layer, a picture for each question that the rows answer: the rows that differ in one choice only, the others as
 * the traced kernel has them, or as they were asked for first.
 */
export function questionCharts(data: ReplayData): BarChart[] {
  const { rows } = data;
  const varying = varyingParts(rows);
  const own = kernelPath(data).path;
  const base = rows.find((row) => row.path === own && row.dispatch === 'indirect' && row.iova === 'keep') ?? rows[0];
  if (base === undefined) return [];
  if (varying.length === 0) return [layersChart('Crossings by layer', [base], [rowTitle(base, ['path'])])];
  return varying.map((part) => {
    const others = varying.filter((one) => one !== part);
    const shown = rows.filter((row) => others.every((one) => row[one] === base[one]));
    const rest = rowTitle(base, others);
    const title = `${QUESTIONS[part]} Crossings by layer${rest === '' ? '' : ` (${rest})`}`;
    return layersChart(
      title,
      shown,
      shown.map((row) => rowTitle(row, [part])),
    );
  });
}

/** Predicted time of each row by layer; undefined without a profile. */
export function predictedChart({ rows, profile }: ReplayData): Chart | undefined {
  if (profile === null) return undefined;
  const varying = varyingParts(rows);
  const named = rows.map((row) => ({
    name: rowTitle(row, varying.length === 0 ? ['path'] : varying),
    byLayer: Object.fromEntries((row.predicted?.layers ?? []).map(({ layer, ns, low }) => [layer, ns ?? low])),
  }));
  const chart = layerCostChart(`Predicted time by layer on ${profile.name}`, named, 'predicted');
  const note = 'A layer of which only a range is known is drawn at its lower end; the table has the range.';
  return { ...chart, notes: [...(chart.notes ?? []), note] };
}
