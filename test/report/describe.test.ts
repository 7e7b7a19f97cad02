import { expect, test } from 'vitest';
import {
  type BenchTimes,
  benchCharts,
  benchRatioCharts,
  chartToSvg,
  chartToText,
  latencyChart,
  layerCostChart,
  measuredLayersChart,
  unitsChart,
} from '../../src/report/index.ts';
import { parseXml, textsOf } from './xml.ts';

const FITS = ['unweighted least squares', 'relative least squares'].flatMap((estimator) => [
  {
    series: 'per-page',
    estimator,
    rows: [
      { bytes: 65536, measuredNs: 9468, fittedNs: 8500 },
      { bytes: 4096, measuredNs: 624, fittedNs: 1500 },
    ],
  },
  { series: 'per-page', estimator, rows: [{ bytes: 2 ** 21, measuredNs: 3000, fittedNs: 3100 }] },
]);

test('published times are marks, the fit of one estimator is lines, each segment its own', () => {
  const chart = latencyChart('t', FITS, 'published');
  expect(chart.series.map(({ evidence, joined, points }) => ({ evidence, joined, points }))).toEqual([
    {
      evidence: 'published',
      joined: false,
      points: [
        [4096, 624],
        [65536, 9468],
        [2 ** 21, 3000],
      ],
    },
    {
      evidence: 'predicted',
      joined: true,
      points: [
        [4096, 1500],
        [65536, 8500],
      ],
    },
    { evidence: 'predicted', joined: true, points: [[2 ** 21, 3100]] },
  ]);
  expect(chart.notes?.[0]).toContain('unweighted least squares');
  expect(chartToText(chart).match(/= per-page \(predicted\)/g)).toHaveLength(1);
});

test('many names are told apart by letters in legend and picture', () => {
  const rows = [
    { bytes: 4096, measuredNs: 1, fittedNs: 1 },
    { bytes: 8192, measuredNs: 2, fittedNs: 2 },
  ];
  const fits = ['a', 'b', 'c', 'd', 'e', 'f'].map((series, i) => ({
    series: `series ${series}`,
    estimator: 'x',
    rows: rows.map((row) => ({ ...row, measuredNs: row.measuredNs * 4 ** i, fittedNs: row.fittedNs * 4 ** i })),
  }));
  const texts = textsOf(parseXml(chartToSvg(latencyChart('t', fits, 'published'))));
  expect(texts).toContain('B  series b (published)');
  expect(texts).toContain('B');
});

const BENCH: BenchTimes[] = ['map', 'unmap'].flatMap((op) =>
  ['per-page', 'one-walk'].flatMap((path, i) =>
    [65536, 4096].map((bytes) => ({
      op,
      path,
      format: 'arm-64-lpae-s1',
      granule: '4K',
      layout: 'scattered',
      bytes,
      medianNs: bytes / (10 * (i + 1)),
      ratioToPerPage: 1 / (i + 1),
    })),
  ),
);

test('benchmarks give a chart for each operation and layout, sizes ascending, as times of this engine', () => {
  const charts = benchCharts(BENCH);
  expect(charts.map(({ title }) => title)).toEqual([
    'Time of one call: map, scattered, arm-64-lpae-s1 4K',
    'Time of one call: unmap, scattered, arm-64-lpae-s1 4K',
  ]);
  expect(charts[0]?.series.map(({ name, evidence }) => [name, evidence])).toEqual([
    ['per-page', 'this-engine'],
    ['one-walk', 'this-engine'],
  ]);
  expect(charts[0]?.series[0]?.points.map(([x]) => x)).toEqual([4096, 65536]);
});

test('ratios are those of the largest size; the path that they are measured against is left out', () => {
  const [chart, ...others] = benchRatioCharts(
    BENCH.map((row) => (row.bytes === 4096 ? { ...row, ratioToPerPage: 0.1 } : row)),
  );
  expect(chart?.series.map(({ name }) => name)).toEqual(['one-walk']);
  expect(chart?.categories).toEqual(['scattered, 64K']);
  expect([chart, ...others].map((one) => one?.series[0]?.values)).toEqual([[2], [2]]);
});

test('a price that is not identified has a range and no estimate; groups come first with their sum', () => {
  const chart = unitsChart(
    't',
    [
      { unit: 'page', ns: 25.4, low: 24.8, high: 26.1, identifiable: true, belowNoise: false },
      { unit: 'power', ns: null, low: 0, high: 462, identifiable: false, belowNoise: true, where: { op: 'map' } },
      { unit: 'core', ns: null, low: 0, high: null, identifiable: false, belowNoise: false },
    ],
    [{ units: ['power', 'core'], exact: true, sumNs: 445, low: 433, high: 462 }],
    'published',
  );
  expect(chart.rows.map(({ name, best, high, note }) => [name, best, high, note])).toEqual([
    ['power + core', 445, 462, 'sum only'],
    ['page', 25.4, 26.1, undefined],
    ['power (map)', null, 462, 'below the noise'],
    ['core', null, Number.POSITIVE_INFINITY, 'not identified'],
  ]);
  expect(chart.value.log).toBe(false);
});

test('long names of groups are shown whole, on two lines', () => {
  const units = ['call.driver', 'call.pagetable', 'power', 'core', 'barrier'];
  const group = { units, exact: false, sumNs: 445, low: 433, high: 462 };
  const texts = textsOf(parseXml(chartToSvg(unitsChart('t', [], [group], 'published'))));
  expect(texts.join(' ')).toContain('call.driver + call.pagetable + power + core + barrier');
});

test('a layer whose cost is not known is named and not drawn as 0', () => {
  const chart = layerCostChart(
    't',
    [
      { name: 'per-page', byLayer: { core: 5, power: null } },
      { name: 'one-walk', byLayer: { core: 1, power: 2 } },
    ],
    'predicted',
  );
  expect(chart.series.map(({ values }) => values)).toEqual([
    [5, 1],
    [null, 2],
  ]);
  expect(chart.notes?.[0]).toContain('power');
});

test('self times are means by call; layers that were not traced are named and have no bar', () => {
  const layer = (name: string, status: string, selfNs: number) => ({ layer: name, status, medianNs: 0, selfNs });
  const sizes = [
    {
      bytesLow: 4096,
      bytesHigh: 4096,
      count: 4,
      layers: [layer('core', 'measured', 400), layer('power', 'not traced', 0)],
    },
  ];
  const chart = measuredLayersChart([{ op: 'map', sizes }], 'emulated', (bytes) => `${bytes / 1024}K`);
  expect(chart.categories).toEqual(['map 4K']);
  expect(chart.series.map(({ name, values }) => [name, values])).toEqual([['core', [100]]]);
  expect(chart.notes).toEqual(['Not traced: power.']);
});
