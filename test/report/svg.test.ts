import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type Chart, chartToSvg, type Point } from '../../src/report/index.ts';
import { anyChart, LATENCY, LIVE, RANGES, STACKED } from './samples.ts';
import { elements, parseXml, textsOf, type XmlElement } from './xml.ts';

const CHARTS: readonly Chart[] = [LATENCY, LIVE, STACKED, RANGES];

function drawn(chart: Chart): XmlElement[] {
  return [...elements(parseXml(chartToSvg(chart)))];
}

test('every kind of chart is one well-formed SVG element with a title, a description and a size', () => {
  for (const chart of CHARTS) {
    const root = parseXml(chartToSvg(chart));
    expect(root.name).toBe('svg');
    expect(root.attributes.get('viewBox')).toMatch(/^0 0 760 \d+$/);
    expect(root.children[0]?.text).toBe(chart.title);
    expect(root.children[1]?.name).toBe('desc');
  }
});

test('equal charts give equal bytes, whatever was drawn before', () => {
  const first = CHARTS.map((chart) => chartToSvg(chart));
  const again = [...CHARTS].reverse().map((chart) => chartToSvg(chart));
  expect(again.reverse()).toEqual(first);
});

test('ids of one picture begin with its id, so that several fit on one page', () => {
  const svg = chartToSvg(STACKED, { id: 'cost-7' });
  const ids = [...svg.matchAll(/ id="([^"]*)"|url\(#([^)]*)\)/g)].map(([, a, b]) => a ?? b ?? '');
  expect(ids.length).toBeGreaterThan(4);
  for (const id of ids) expect(id).toMatch(/^ccost7/);
});

test('origins differ in dash and in marker, not in colour alone', () => {
  const lines = drawn(LATENCY).filter(
    ({ attributes }) => attributes.get('stroke-width') === '2' && attributes.get('fill') === 'none',
  );
  const dashes = new Set(lines.map(({ attributes }) => attributes.get('stroke-dasharray')));
  expect(dashes.size).toBe(3);
  const key = textsOf(parseXml(chartToSvg(LATENCY))).join(' ');
  for (const words of ['ring', 'hollow diamond', 'triangle', 'times of this engine on this machine'])
    expect(key).toContain(words);
});

test('stacked layers differ in pattern', () => {
  const fills = new Set(
    drawn(STACKED)
      .map(({ attributes }) => attributes.get('fill') ?? '')
      .filter((fill) => fill.startsWith('url(')),
  );
  expect(fills.size).toBe(3);
});

test('each colour has a twin for dark surroundings, and none on paper', () => {
  for (const chart of CHARTS) {
    const svg = chartToSvg(chart);
    const style = /<style>(.*?)<\/style>/s.exec(svg)?.[1] ?? '';
    expect(style).toContain('@media screen and (prefers-color-scheme: dark)');
    const used = new Set(
      [
        ...svg
          .replace(style, '')
          .replace(/<defs[\s\S]*?<\/defs>/g, '')
          .matchAll(/(?:fill|stroke)="(#[0-9a-f]+)"/g),
      ].map(([, color]) => color ?? ''),
    );
    for (const color of used) expect(style, color).toContain(`"${color}"]`);
  }
});

test('nothing is fetched and nothing runs: no script, no link, no foreign address', () => {
  for (const chart of CHARTS) {
    const svg = chartToSvg(chart).replace('http://www.w3.org/2000/svg', '');
    expect(svg).not.toMatch(/<script|href|https?:|@import|url\((?!#)|\son\w+=/i);
  }
});

test('values that an axis cannot show are left out and counted', () => {
  const points: Point[] = [
    [0, 5],
    [10, 0],
    [10, Number.NaN],
    [100, 5],
  ];
  const texts = textsOf(parseXml(chartToSvg({ ...LATENCY, series: [{ name: 's', evidence: 'count', points }] }))).join(
    ' ',
  );
  expect(texts).toContain('2 points at or below 0');
  expect(texts).toContain('1 point without a finite value');
});

test('thousands of points are thinned, highest and lowest kept, and the picture says so', () => {
  const points: Point[] = Array.from({ length: 50_000 }, (_, i) => [i, i === 31_415 ? 2 ** 20 : Math.sin(i)]);
  const svg = chartToSvg({ ...LIVE, series: [{ name: 'live', evidence: 'count', points }] });
  expect(svg.length).toBeLessThan(200_000);
  expect(svg).toMatch(/drawn with \d+ of 50000 points/);
  expect(textsOf(parseXml(svg))).toContain('1M');
});

test('empty charts say that there is nothing to show', () => {
  const empty: Chart[] = [
    { ...LIVE, series: [] },
    { ...STACKED, categories: [] },
    { ...RANGES, rows: [] },
  ];
  for (const chart of empty) expect(textsOf(parseXml(chartToSvg(chart)))).toContain('nothing to show');
});

test('a value that is not known is said, not drawn as 0', () => {
  const chart: Chart = { ...STACKED, stacked: false, series: [{ name: 'a', evidence: 'count', values: [null, 0] }] };
  const texts = textsOf(parseXml(chartToSvg(chart)));
  expect(texts).toContain('not known');
});

test('any chart of any text and numbers gives a well-formed picture without NaN', () => {
  fc.assert(
    fc.property(anyChart, (chart) => {
      const svg = chartToSvg(chart);
      parseXml(svg);
      expect(svg.replace(/>[^<]*</g, '><')).not.toMatch(/NaN|Infinity|undefined/);
    }),
    { numRuns: 200 },
  );
});

test('names that every object has are drawn like others and change no object', () => {
  const before = Reflect.ownKeys(Object.prototype);
  const names = ['__proto__', 'constructor', 'toString', 'hasOwnProperty'];
  const series = names.map((name) => ({ name, evidence: 'count' as const, values: [1, 2] }));
  const chart: Chart = {
    ...STACKED,
    title: '__proto__',
    category: 'valueOf',
    categories: ['__proto__', 'constructor'],
    series,
  };
  const texts = textsOf(parseXml(chartToSvg(chart)));
  for (const name of names) expect(texts).toContain(name);
  parseXml(chartToSvg({ ...RANGES, rows: RANGES.rows.map((row) => ({ ...row, name: '__proto__' })) }));
  parseXml(chartToSvg({ ...LATENCY, series: LATENCY.series.map((one) => ({ ...one, name: 'constructor' })) }));
  expect(Reflect.ownKeys(Object.prototype)).toEqual(before);
  expect(Object.keys(Object)).toEqual([]);
});
