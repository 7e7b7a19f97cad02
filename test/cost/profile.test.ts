import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { Domain } from '../../src/core/domain.ts';
import { analyse } from '../../src/cost/analysis.ts';
import { countsOf, PATHS, type Run } from '../../src/cost/counts.ts';
import { readLatencyTable, selectRows } from '../../src/cost/csv.ts';
import { unitsOfMeter } from '../../src/cost/meter-units.ts';
import { predict, predictMeter } from '../../src/cost/predict.ts';
import { problemsOf } from '../../src/cost/problem.ts';
import { fitProfile, type Profile, readProfile } from '../../src/cost/profile.ts';
import type { Counts } from '../../src/cost/units.ts';
import { armSmmu } from '../../src/drivers/arm-smmu/arm-smmu.ts';
import { InputError } from '../../src/errors.ts';
import { Meter } from '../../src/meter/meter.ts';

const MACHINE = { name: 'undisclosed', kind: 'hardware' } as const;

function profileOf(name: string, ...where: [string, string][]): Profile {
  const text = readFileSync(new URL(`../../data/latency/${name}`, import.meta.url), 'utf8');
  const table = selectRows(readLatencyTable(text, name), where);
  return fitProfile(problemsOf(table).map(analyse), MACHINE, name);
}

const JANUARY = profileOf('map-sg-series-2021.csv', ['posted', '2021-01-11']);
const RUN: Run = {
  op: 'map',
  path: 'per-page',
  dispatch: 'indirect',
  power: true,
  layout: 'scattered',
  pages: 8192,
  entriesPerTable: 512,
  barrierPerPage: false,
  whole: 'block',
  tableInvalidation: 'by-address',
  cacheClean: null,
};

const counted = (run: Run): Counts => ({ ...countsOf(run), [`list:${run.path}`]: 1 });

describe('predictions from the tables of 11 January 2021', () => {
  test('give back the measured times of both paths within their range', () => {
    const perPage = predict(JANUARY, counted(RUN));
    expect(perPage.low).toBeLessThan(3_832_979);
    expect(perPage.high).toBeGreaterThan(3_832_979);
    const list = predict(JANUARY, counted({ ...RUN, path: 'map-sg' }));
    expect(list.low).toBeLessThan(210_468);
    expect(list.high).toBeGreaterThan(210_468);
    expect(list.high / list.low).toBeLessThan(1.1);
  });

  test('what is inseparable is one layer with its sum', () => {
    const { layers } = predict(JANUARY, counted(RUN));
    expect(layers.map((layer) => layer.layer)).toEqual([
      'dispatch + runtime power + core + page table',
      'page table',
      'list',
    ]);
    expect((layers[0]?.ns ?? 0) / 8192).toBeCloseTo(445, 0);
  });

  test('without power calls only a range is known: from nothing saved to everything', () => {
    const { layers, ns } = predict(JANUARY, counted({ ...RUN, power: false }));
    expect(ns).toBeNull();
    expect(layers[0]?.ns).toBeNull();
    expect(layers[0]?.low).toBe(0);
    expect((layers[0]?.high ?? 0) / 8192).toBeCloseTo(462, 0);
  });

  test('a path that was never measured gets a range, and its unpriced units are named', () => {
    const oneWalk = predict(JANUARY, counted({ ...RUN, path: 'one-walk' }));
    expect(oneWalk.ns).toBeNull();
    expect(oneWalk.unpriced).toEqual(['list:one-walk']);
    expect(oneWalk.high).toBeLessThan(250_000);
    expect(predict(JANUARY, { 'tlbi.asid': 3 }, 'unmap').unpriced).toEqual(['tlbi.asid']);
  });
});

describe('profiles', () => {
  test('survive JSON', () => {
    expect(readProfile(JSON.stringify(JANUARY), 'p.json')).toEqual(JANUARY);
  });

  test('say source and confidence of each number', () => {
    const prices = JANUARY.ops.map;
    expect(prices?.units.page).toMatchObject({ source: 'map-sg-series-2021.csv', confidence: 'identified' });
    expect(prices?.units.power).toMatchObject({ ns: null, confidence: 'bounded' });
    expect(prices?.groups).toMatchObject([{ confidence: 'inseparable' }]);
    const assumed = profileOf(
      'generic-pt-2025.csv',
      ['op', 'map'],
      ['format', 'arm64'],
      ['page_bytes', '4096'],
      ['code', 'previous'],
    );
    expect(assumed.ops.map?.units.entry?.confidence).toBe('assumed noise');
  });

  test('are not fitted from emulated times, nor from two sets of prices at once', () => {
    const fit = (): Profile => fitProfile([], { name: 'q', kind: 'emulated' }, 'x');
    expect(fit).toThrow(/got emulated ones, from which no machine profile/);
    expect(() => profileOf('kunpeng-map-pages-2021.csv')).toThrow(
      /expected one set of prices for map, got more.*threads/,
    );
    expect(() => fitProfile([], MACHINE, 'x')).toThrow(/expected measurements that price a unit, got none/);
  });

  const broken = (change: (profile: Record<string, never>) => void): string => {
    const copy = JSON.parse(JSON.stringify(JANUARY)) as Record<string, never>;
    change(copy);
    return JSON.stringify(copy);
  };
  type Loose = {
    ops: { map: { units: Record<string, Record<string, unknown>>; groups: Record<string, unknown>[] } };
    machine: Record<string, unknown>;
  };
  const loose = (profile: unknown): Loose => profile as Loose;

  test.each<[string, string, string, RegExp]>([
    ['no JSON', '{', 'MALFORMED', /expected JSON, got other text/],
    ['another schema', '{"schema":"other","version":1}', 'NOT_RECOGNISED', /iommu\.profile/],
    [
      'a negative price',
      broken((p) => Object.assign(loose(p).ops.map.units['page'] ?? {}, { low: -1 })),
      'MALFORMED',
      /ops\.map\.units\.page\.low: expected nanoseconds, 0 or more, got -1/,
    ],
    [
      'a missing price',
      broken((p) => delete loose(p).ops.map.units['page']?.['high']),
      'MISSING_VALUE',
      /ops\.map\.units\.page\.high: expected nanoseconds, 0 or more, got nothing/,
    ],
    [
      'an unknown unit',
      broken((p) => Object.assign(loose(p).ops.map.units, { warp: { ns: 1 } })),
      'MALFORMED',
      /ops\.map\.units: expected a known unit .* got "warp"/,
    ],
    ['no unit', broken((p) => Object.assign(loose(p).ops.map, { units: {} })), 'MALFORMED', /at least one unit/],
    [
      'units missing',
      broken((p) => Object.assign(loose(p).ops.map, { units: undefined })),
      'MISSING_VALUE',
      /ops\.map\.units/,
    ],
    [
      'an unknown operation',
      broken((p) => Object.assign(loose(p).ops, { fold: {} })),
      'MALFORMED',
      /ops\.fold: expected map or unmap/,
    ],
    [
      'low above high',
      broken((p) => Object.assign(loose(p).ops.map.units['page'] ?? {}, { low: 99 })),
      'MALFORMED',
      /page\.low: expected at most/,
    ],
    [
      'a text as price',
      broken((p) => Object.assign(loose(p).ops.map.units['page'] ?? {}, { ns: '25' })),
      'MALFORMED',
      /page\.ns/,
    ],
    ['no source', broken((p) => delete loose(p).ops.map.units['page']?.['source']), 'MISSING_VALUE', /page\.source/],
    [
      'an emulated machine',
      broken((p) => Object.assign(loose(p).machine, { kind: 'emulated' })),
      'MALFORMED',
      /machine\.kind/,
    ],
    [
      'a weight of 0',
      broken((p) => Object.assign(loose(p).ops.map.groups[0] ?? {}, { weights: { core: 0 } })),
      'MALFORMED',
      /weights\.core/,
    ],
  ])('%s is refused by name', (_, text, code, message) => {
    try {
      readProfile(text, 'p.json');
      expect.unreachable();
    } catch (error) {
      expect(error).toBeInstanceOf(InputError);
      expect((error as InputError).code).toBe(code);
      expect((error as InputError).message).toMatch(message);
    }
  });
});

describe('the meter of the engine counts by the same rules', () => {
  function measure(path: Run['path'], pages: number, contiguous: boolean): { map: Counts; unmap: Counts } {
    const meter = new Meter();
    const domain = new Domain({ path, meter, driver: armSmmu() });
    meter.reset();
    const iova = 0x4000_0000;
    const stride = contiguous ? 4096 : 8192;
    const list = Array.from({ length: pages }, (_, i) => ({ address: 0x8000_0000 + i * stride, length: 4096 }));
    domain.mapSg(iova, list, 3);
    const map = unitsOfMeter(meter.snapshot(), { op: 'map', path, lists: 1 });
    meter.reset();
    domain.unmap(iova, pages * 4096);
    const unmap = unitsOfMeter(meter.snapshot(), { op: 'unmap', path, lists: 1 });
    domain.free();
    return { map, unmap };
  }

  const nonZero = (counts: Counts): Counts =>
    Object.fromEntries(Object.entries(counts).filter(([, count]) => count !== 0)) as Counts;

  test.each(PATHS)('scattered pages by %s', (path) => {
    for (const pages of [1, 16, 256]) {
      const rule = nonZero(countsOf({ ...RUN, path, pages }));
      const counted = nonZero(measure(path, pages, false).map);
      const walked = (counts: Counts): number => (counts.page ?? 0) + (counts.entry ?? 0);
      expect(walked(counted)).toBe(walked(rule));
      for (const unit of ['call.driver', 'call.pagetable', 'power', 'core', 'barrier'] as const)
        expect(counted[unit] ?? 0).toBe(rule[unit] ?? 0);
      if (path !== 'one-walk') expect(counted.page).toBe(rule.page);
    }
  });

  test('whole tables are unlinked by one call each and invalidated by address', () => {
    const { unmap } = measure('per-page', 1024, false);
    expect(unmap).toMatchObject({ 'call.driver': 2, core: 2, page: 0, entry: 0, table: 2, 'tlbi.address': 1024 });
  });

  test('metered maps and unmaps are priced each by their own prices', () => {
    const both = profileOf('sm8150-table-flush-2021.csv');
    const meter = new Meter();
    const domain = new Domain({ path: 'per-page', meter, driver: armSmmu() });
    meter.reset();
    const list = Array.from({ length: 256 }, (_, i) => ({ address: 0x8000_0000 + i * 8192, length: 4096 }));
    domain.mapSg(0, list, 3);
    const map = meter.snapshot();
    domain.unmap(0, 256 * 4096);
    const unmap = meter.since(map);
    const work = { path: 'per-page', lists: 1 } as const;
    const prediction = predictMeter(both, [
      { ...work, op: 'map', counts: map },
      { ...work, op: 'unmap', counts: unmap },
    ]);
    // Published: 148.89 and 155.364 µs for the map, 130.718 and 135.223 µs for the unmap.
    expect(prediction.low).toBeLessThan(148_890 + 130_718);
    expect(prediction.high).toBeGreaterThan(155_364 + 130_718);
    expect(prediction.high).toBeLessThan(330_000);
    expect(prediction.unpriced).toEqual([]);
    domain.free();
  });

  test('contiguous pages are one call a run', () => {
    const { map } = measure('map-pages', 256, true);
    expect(map).toMatchObject({ 'call.driver': 1, core: 1, barrier: 1, page: 1, entry: 255 });
  });
});
