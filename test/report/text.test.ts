import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type Chart, chartToText } from '../../src/report/index.ts';
import { anyChart, LATENCY, LIVE, RANGES, STACKED } from './samples.ts';

const CHARTS: readonly Chart[] = [LATENCY, LIVE, STACKED, RANGES];

test('several series are told apart by letters, named in the legend with their origin', () => {
  const text = chartToText(LATENCY, { width: 80 });
  expect(text).toContain('A = per-page (published)');
  expect(text).toContain('B = per-page (predicted)');
  expect(text).toMatch(/[┤│].*A/);
  expect(text).toContain('this engine: times of this engine on this machine');
});

test('longer bars stand for larger values', () => {
  const chart: Chart = { ...STACKED, stacked: false, series: [{ name: 'n', evidence: 'count', values: [100, 25] }] };
  const lengths = chartToText(chart)
    .split('\n')
    .map((line) => line.replace(/[^█]/g, '').length)
    .filter((n) => n > 0);
  expect(lengths).toHaveLength(2);
  expect(lengths[0]).toBeGreaterThanOrEqual(4 * (lengths[1] ?? 0) - 2);
  expect(lengths[0]).toBeLessThanOrEqual(4 * (lengths[1] ?? 0) + 5);
});

test('stacked bars have the lengths of their parts', () => {
  const [, , row = ''] = chartToText(STACKED, { width: 80 }).split('\n');
  const count = (mark: string): number => [...row].filter((c) => c === mark).length;
  expect(Math.abs(count('█') - 2 * count('▒'))).toBeLessThanOrEqual(2);
  expect(Math.abs(count('▒') - count('░'))).toBeLessThanOrEqual(1);
});

test('a range without an upper limit ends in an arrow and says so', () => {
  const line = chartToText(RANGES)
    .split('\n')
    .find((row) => row.startsWith('list'));
  expect(line).toMatch(/├─*> 30 ns or more/);
});

test('lines stay within the width, and ASCII means ASCII', () => {
  for (const chart of CHARTS) {
    for (const width of [40, 80, 200]) {
      const lines = chartToText(chart, { width, ascii: true }).split('\n');
      for (const line of lines) expect(line).toMatch(/^[ -~]*$/);
      if (width >= 80) for (const line of lines) expect(line.length).toBeLessThanOrEqual(width);
    }
  }
});

test('no colour and no control character reaches the terminal, whatever the names hold', () => {
  fc.assert(
    fc.property(anyChart, fc.boolean(), (chart, ascii) => {
      const text = chartToText(chart, { width: 60, ascii });
      expect(text).not.toMatch(/(?!\n)\p{Cc}/u);
      if (ascii) expect(text).toMatch(/^[ -~\n]*$/);
    }),
    { numRuns: 300 },
  );
});

test('empty charts and single points are drawn', () => {
  expect(chartToText({ ...LIVE, series: [] })).toContain('(no points)');
  expect(chartToText({ ...STACKED, categories: [] })).toContain('(nothing to show)');
  expect(chartToText({ ...LIVE, series: [{ name: 'one', evidence: 'count', points: [[1, 1]] }] })).toContain('●');
});
