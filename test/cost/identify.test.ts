import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type Analysis, analyse } from '../../src/cost/analysis.ts';
import { countsOf, type Path, type Run } from '../../src/cost/counts.ts';
import { readLatencyTable } from '../../src/cost/csv.ts';
import { problemsOf, type System } from '../../src/cost/problem.ts';
import { FeasiblePrices, leastFactor } from '../../src/cost/ranges.ts';
import type { UnitId } from '../../src/cost/units.ts';

const RUN: Run = {
  op: 'map',
  path: 'per-page',
  dispatch: 'indirect',
  power: true,
  layout: 'scattered',
  pages: 1,
  entriesPerTable: 512,
  barrierPerPage: false,
  whole: 'block',
  tableInvalidation: 'by-address',
  cacheClean: null,
};
const SIZES = [1, 16, 64, 256, 1024, 4096, 8192];

/** A table as a machine with known prices would have measured it, with a fixed wobble. */
function measure(prices: Partial<Record<UnitId, number>>, runs: readonly Partial<Run>[], wobble = 0.004): string {
  const lines = runs.flatMap((run, r) =>
    SIZES.map((pages, i) => {
      const whole = { ...RUN, ...run, pages };
      const counts = { ...countsOf(whole), [`list:${whole.path}`]: 1 } as Record<UnitId, number>;
      const ns = Object.entries(counts).reduce((sum, [unit, count]) => sum + count * (prices[unit as UnitId] ?? 0), 0);
      const us = (ns / 1000) * (1 + wobble * ((((i * 7 + r * 3) % 5) - 2) / 2));
      return `map,${whole.path},scattered-4k,${whole.dispatch},${whole.power ? 'on' : 'off'},${pages},${us.toFixed(4)}`;
    }),
  );
  return `op,path,layout,dispatch,runtime_pm,pages,us\n${lines.join('\n')}\n`;
}

function analyseText(text: string): Analysis {
  const [problem] = problemsOf(readLatencyTable(text, 'made'));
  if (problem === undefined) throw new Error('no problem');
  return analyse(problem);
}

const PRICES = {
  'call.driver': 60,
  'call.pagetable': 40,
  power: 200,
  core: 90,
  barrier: 80,
  page: 30,
  'list:per-page': 400,
  'list:map-sg': 900,
} as const;
const BOTH: readonly Partial<Run>[] = [{ path: 'per-page' }, { path: 'map-sg' }];

describe('a made table whose prices are known', () => {
  test('every range holds the true price', () => {
    const { units } = analyseText(measure(PRICES, BOTH));
    for (const one of units) {
      const truth = PRICES[one.unit as keyof typeof PRICES];
      expect(one.low).toBeLessThanOrEqual(truth);
      expect(one.high).toBeGreaterThanOrEqual(truth);
    }
  });

  test('what two paths cannot separate is one group with the true sum', () => {
    const { groups } = analyseText(measure(PRICES, BOTH));
    const noisy = groups.find((group) => !group.exact);
    expect(noisy?.units.toSorted()).toEqual(['barrier', 'call.driver', 'call.pagetable', 'core', 'power']);
    expect(noisy?.sumNs).toBeGreaterThan(470 * 0.95);
    expect(noisy?.sumNs).toBeLessThan(470 * 1.05);
  });

  test('a run without power separates power, and the suggestion asks for it', () => {
    const before = analyseText(measure(PRICES, BOTH));
    expect(before.suggestedRun).toMatchObject({ path: 'per-page', dispatch: 'indirect', power: 'off' });
    const after = analyseText(measure(PRICES, [...BOTH, { path: 'per-page', power: false }]));
    const power = after.units.find((one) => one.unit === 'power');
    expect(power?.identifiable).toBe(true);
    expect(power?.ns).toBeGreaterThan(180);
    expect(power?.ns).toBeLessThan(220);
  });

  test('then a run with direct dispatch is asked for, and gives the two calls together', () => {
    const before = analyseText(measure(PRICES, [...BOTH, { path: 'per-page', power: false }]));
    expect(before.suggestedRun?.dispatch).toBe('direct');
    const after = analyseText(
      measure(PRICES, [
        ...BOTH,
        { path: 'per-page', power: false },
        { path: 'per-page', power: false, dispatch: 'direct' },
      ]),
    );
    const calls = after.groups.find((group) => group.units.length === 2 && group.units.includes('call.driver'));
    expect(calls?.exact).toBe(true);
    expect(calls?.low).toBeLessThan(100);
    expect(calls?.high).toBeGreaterThan(100);
  });

  test('a unit without cost is below the noise, not estimated', () => {
    const free = { ...PRICES, power: 0 };
    const { units } = analyseText(measure(free, [...BOTH, { path: 'per-page', power: false }]));
    expect(units.find((one) => one.unit === 'power')).toMatchObject({ low: 0, ns: null, belowNoise: true });
  });
});

test('noise above what the rows admit raises the factor', () => {
  const calm = analyseText(measure(PRICES, BOTH, 0.002));
  const rough = analyseText(measure(PRICES, BOTH, 0.1));
  expect(calm.leastFactor).toBeLessThan(1);
  expect(rough.leastFactor).toBeLessThan(2);
  for (const one of [calm, rough]) expect(one.factor).toBe(Math.max(1, 2 * one.leastFactor));
});

test('a given spread is the noise of its row', () => {
  const text = 'op,path,pages,us,sd_us\nmap,per-page,1,1.0,0.5\nmap,per-page,16,10.0,0.5\n';
  const [problem] = problemsOf(readLatencyTable(text, 'made'));
  expect(problem?.rows.map((row) => row.tauNs)).toEqual([500, 500]);
  expect(problem?.noise.assumed).toBe(false);
});

describe('ranges', () => {
  const system = fc
    .record({ units: fc.integer({ min: 1, max: 4 }), seed: fc.integer({ min: 1, max: 1e9 }) })
    .map(({ units, seed }) => {
      let state = seed;
      const random = (): number => {
        state = (state * 48271) % 2147483647;
        return state / 2147483647;
      };
      const prices = Array.from({ length: units }, () => Math.round(100 * random()));
      const matrix = Array.from({ length: units + 4 }, () =>
        Float64Array.from(prices, () => Math.round(10 * random())),
      );
      const timeNs = Float64Array.from(
        matrix,
        (row) => 1 + row.reduce((sum, count, j) => sum + count * (prices[j] ?? 0), 0),
      );
      const built: System = {
        units: prices.map((_, j) => `list:${j}` as UnitId),
        matrix,
        timeNs,
        tauNs: timeNs.map((time) => 0.05 * time + 1),
      };
      return { built, prices };
    });

  test('the truth is feasible, and every vertex that is found keeps within the noise', () => {
    fc.assert(
      fc.property(system, ({ built, prices }) => {
        expect(leastFactor(built)).toBeLessThanOrEqual(1 + 1e-9);
        const feasible = new FeasiblePrices(built, 1);
        for (const [j, price] of prices.entries()) {
          if (built.matrix.every((row) => row[j] === 0)) continue;
          const { low, high } = feasible.rangeOf(j, prices.length);
          expect(low).toBeLessThanOrEqual(price + 1e-6);
          expect(high).toBeGreaterThanOrEqual(price - 1e-6);
        }
      }),
      { numRuns: 100 },
    );
  });
});

describe('counts', () => {
  const paths: readonly Path[] = ['per-page', 'map-pages', 'map-sg', 'one-walk'];

  test.each([
    ['per-page', { 'call.driver': 8, 'call.pagetable': 8, power: 8, core: 8, barrier: 8, page: 8 }],
    ['map-pages', { 'call.driver': 8, 'call.pagetable': 8, power: 8, core: 8, barrier: 8, page: 8 }],
    ['map-sg', { 'call.driver': 1, 'call.pagetable': 1, power: 1, core: 1, barrier: 0, page: 8 }],
    ['one-walk', { 'call.driver': 1, 'call.pagetable': 1, power: 1, core: 1, barrier: 1, entry: 8 }],
  ] as const)('mapping 8 scattered pages by %s', (path, counts) => {
    expect(countsOf({ ...RUN, path, pages: 8 })).toEqual(counts);
  });

  test('v7s waits after each page of a list', () => {
    expect(countsOf({ ...RUN, path: 'map-sg', barrierPerPage: true, pages: 8 }).barrier).toBe(8);
  });

  test('a contiguous run is one call, whole tables are blocks', () => {
    expect(countsOf({ ...RUN, path: 'map-pages', layout: 'contiguous', pages: 256 })).toMatchObject({
      core: 1,
      entry: 256,
      block: 0,
    });
    expect(countsOf({ ...RUN, path: 'map-pages', layout: 'contiguous', pages: 1024 })).toMatchObject({
      core: 1,
      entry: 0,
      block: 2,
    });
    expect(countsOf({ ...RUN, path: 'per-page', layout: 'contiguous', pages: 1024 })).toMatchObject({
      core: 2,
      block: 2,
    });
  });

  test('unmapping whole tables: one call and one free a table, invalidated by address or by ASID', () => {
    const unmap = { ...RUN, op: 'unmap', pages: 1024 } as const;
    expect(countsOf(unmap)).toMatchObject({ core: 2, page: 0, table: 2, 'tlbi.address': 1024 });
    expect(countsOf({ ...unmap, tableInvalidation: 'by-asid' })).toMatchObject({ table: 2, 'tlbi.asid': 2 });
    expect(countsOf({ ...unmap, cacheClean: 'per-entry', pages: 8 }).clean).toBe(8);
    expect(countsOf({ ...unmap, cacheClean: 'per-table', pages: 8 }).clean).toBe(1);
  });

  test('without power none is visited, with direct dispatch nothing is called indirectly', () => {
    for (const path of paths) {
      expect(countsOf({ ...RUN, path, power: false, pages: 8 }).power).toBe(0);
      expect(countsOf({ ...RUN, path, dispatch: 'direct', pages: 8 })).toMatchObject({
        'call.driver': 0,
        'call.pagetable': 0,
      });
    }
  });
});
