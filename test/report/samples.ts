/**
 * Charts that the tests of pictures share, and arbitrary ones.
 * @module
 */
import fc from 'fast-check';
import type { Axis, BarChart, Chart, Evidence, LineChart, RangeChart, ScatterChart } from '../../src/report/index.ts';

const SIZE: Axis = { label: 'Size of the list', unit: 'bytes', log: true };
const TIME: Axis = { label: 'Time of one call', unit: 'ns', log: true };

/** Latency against size, published and predicted. */
export const LATENCY: ScatterChart = {
  kind: 'scatter',
  title: 'Latency against size',
  x: SIZE,
  y: TIME,
  series: [
    {
      name: 'per-page',
      evidence: 'published',
      joined: true,
      points: [
        [4096, 624],
        [65536, 9468],
        [1048576, 122557],
      ],
    },
    {
      name: 'per-page',
      evidence: 'predicted',
      joined: true,
      points: [
        [4096, 500],
        [65536, 8000],
        [1048576, 128000],
      ],
    },
    {
      name: 'one-walk',
      evidence: 'this-engine',
      joined: true,
      points: [
        [4096, 300],
        [65536, 900],
        [1048576, 9000],
      ],
    },
  ],
};

/** Live bytes over time, as steps. */
export const LIVE: LineChart = {
  kind: 'line',
  title: 'Live bytes',
  x: { label: 'Time', unit: 'seconds' },
  y: { label: 'Mapped', unit: 'bytes' },
  fill: true,
  step: true,
  series: [
    {
      name: 'live',
      evidence: 'count',
      points: [
        [0, 0],
        [1, 8192],
        [2, 4096],
        [3, 0],
      ],
    },
  ],
};

/** Stacked times by layer. */
export const STACKED: BarChart = {
  kind: 'bar',
  title: 'Cost by layer',
  category: 'Path',
  categories: ['per-page', 'one-walk'],
  value: { label: 'Time', unit: 'ns' },
  stacked: true,
  series: [
    { name: 'core', evidence: 'predicted', values: [4000, 100] },
    { name: 'driver', evidence: 'predicted', values: [2000, 50] },
    { name: 'page table', evidence: 'predicted', values: [2000, 850] },
  ],
};

/** Ranges, one of them open. */
export const RANGES: RangeChart = {
  kind: 'range',
  title: 'What is known of each unit',
  category: 'Unit',
  value: { label: 'Cost of one', unit: 'ns' },
  rows: [
    { name: 'page', evidence: 'published', low: 24, high: 27, best: 25 },
    { name: 'power', evidence: 'published', low: 0, high: 213, best: null, note: 'below noise' },
    { name: 'list', evidence: 'published', low: 30, high: Number.POSITIVE_INFINITY, best: null },
  ],
};

const text = fc.oneof(fc.string({ unit: 'grapheme', maxLength: 60 }), fc.string({ unit: 'binary', maxLength: 20 }));
const evidence = fc.constantFrom<Evidence>('count', 'measured', 'published', 'this-engine', 'predicted', 'emulated');
const value = fc.oneof(
  fc.double(),
  fc.integer({ min: -5, max: 5 }),
  fc.double({ min: 1e-9, max: 1e15, noNaN: true }),
  fc.constantFrom(0, Number.MAX_VALUE, Number.MIN_VALUE, -Number.MAX_VALUE),
);
const axis: fc.Arbitrary<Axis> = fc.record({
  label: text,
  unit: fc.constantFrom('count', 'bytes', 'ns', 'seconds', 'share', 'ratio', 'plain'),
  log: fc.boolean(),
});
const notes = fc.array(text, { maxLength: 2 });
const points = fc.array(fc.tuple(value, value), { maxLength: 12 });
const xySeries = fc.array(fc.record({ name: text, evidence, points, joined: fc.boolean() }), { maxLength: 4 });
const shared = { title: text, notes };

/** Any chart at all, with odd text and odd numbers. */
export const anyChart: fc.Arbitrary<Chart> = fc.oneof(
  fc.record({
    kind: fc.constant('line' as const),
    ...shared,
    x: axis,
    y: axis,
    series: xySeries,
    fill: fc.boolean(),
    step: fc.boolean(),
  }),
  fc.record({ kind: fc.constant('scatter' as const), ...shared, x: axis, y: axis, series: xySeries }),
  fc.record({
    kind: fc.constant('bar' as const),
    ...shared,
    category: text,
    categories: fc.array(text, { maxLength: 5 }),
    value: axis,
    stacked: fc.boolean(),
    series: fc.array(fc.record({ name: text, evidence, values: fc.array(fc.option(value), { maxLength: 6 }) }), {
      maxLength: 4,
    }),
  }),
  fc.record({
    kind: fc.constant('range' as const),
    ...shared,
    category: text,
    value: axis,
    rows: fc.array(fc.record({ name: text, evidence, low: value, high: value, best: fc.option(value) }), {
      maxLength: 4,
    }),
  }),
);
