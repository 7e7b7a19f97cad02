import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { readLatencyTable, selectRows } from '../../src/cost/csv.ts';
import { explainTable, type TableAnswer } from '../../src/explain/table.ts';

const FOLDER = new URL('../../data/latency/', import.meta.url);

function explain(name: string, ...where: [string, string][]): TableAnswer {
  const text = readFileSync(new URL(name, FOLDER), 'utf8');
  return explainTable(selectRows(readLatencyTable(text, name), where)).answer;
}

function unit(answer: TableAnswer, name: string): TableAnswer['units'][number] {
  const found = answer.units.find((one) => one.unit === name);
  if (found === undefined) throw new Error(`no unit ${name}: ${answer.units.map((one) => one.unit).join(', ')}`);
  return found;
}

function group(answer: TableAnswer, ...units: string[]): TableAnswer['inseparable'][number] {
  const wanted = units.toSorted().join();
  const found = answer.inseparable.find((one) => one.units.toSorted().join() === wanted);
  if (found === undefined)
    throw new Error(`no group ${wanted}: ${answer.inseparable.map((one) => one.units.join()).join(' | ')}`);
  return found;
}

function texts(answer: TableAnswer, kind: string): string[] {
  return answer.findings.filter((finding) => finding.kind === kind).map((finding) => finding.text);
}

const CALLS = ['call.driver', 'call.pagetable'];

describe('map-sg series of 11 January 2021', () => {
  const answer = explain('map-sg-series-2021.csv', ['posted', '2021-01-11']);

  test('lines by both estimators', () => {
    const figures = answer.fits.map((fit) => [
      fit.series,
      fit.estimator,
      Math.round(fit.perPageNs),
      Number((fit.fixedNs / 1000).toFixed(1)),
    ]);
    expect(figures).toEqual([
      ['per-page', 'unweighted least squares', 468, 1.1],
      ['per-page', 'relative least squares', 482, 0.1],
      ['map-sg', 'unweighted least squares', 25, 4.2],
      ['map-sg', 'relative least squares', 26, 3.7],
    ]);
  });

  test('ratio, limit and break-even', () => {
    expect(answer.comparisons).toHaveLength(1);
    const [comparison] = answer.comparisons;
    expect(comparison?.from).toBe('per-page');
    expect(comparison?.to).toBe('map-sg');
    expect(comparison?.limit).toBeCloseTo(18.6, 1);
    expect(comparison?.rows.at(-1)?.ratio).toBeCloseTo(18.21, 2);
    expect(comparison?.breakEvenBytes).toBe(28672);
  });

  test('noise factor', () => {
    expect(answer.noise.factor).toBeCloseTo(0.56, 2);
  });

  test('calls, power and core are exactly inseparable, and their own sum is not identified', () => {
    const exact = group(answer, ...CALLS, 'power', 'core');
    expect(exact.exact).toBe(true);
    expect(exact.sumNs).toBeNull();
  });

  test('with the barrier they are inseparable within the noise, and their sum is identified', () => {
    const noisy = group(answer, ...CALLS, 'power', 'core', 'barrier');
    expect(noisy.exact).toBe(false);
    expect(Math.round(noisy.low)).toBe(433);
    expect(Math.round(noisy.high)).toBe(462);
    expect(Math.round(noisy.sumNs ?? 0)).toBe(445);
  });

  test('no unit of an unidentified set has an estimate', () => {
    for (const name of [...CALLS, 'power', 'core', 'barrier'])
      expect(unit(answer, name)).toMatchObject({ ns: null, identifiable: false });
  });

  test('page and the fixed cost of map-sg are identified', () => {
    expect(Math.round(unit(answer, 'page').ns ?? 0)).toBe(25);
    const fixed = unit(answer, 'list:map-sg');
    expect(fixed.low / 1000).toBeCloseTo(3.0, 1);
    expect(fixed.high / 1000).toBeCloseTo(4.3, 1);
  });

  test('no outlier is invented, though one estimator alone accuses three rows', () => {
    expect(answer.fits.flatMap((fit) => fit.rows).some((row) => row.outlier)).toBe(false);
  });

  test('the fixed cost of map-sg is found, carried by 4K and 64K, and not in the units counted', () => {
    const [text, ...others] = texts(answer, 'fixed-cost');
    expect(others).toEqual([]);
    expect(text).toContain(
      'map-sg carries a fixed cost of 3.74 to 4.16 µs a list that per-page lacks (0.149 to 1.11 µs',
    );
    expect(text).toContain('4K is predicted at 3.9 to 4.36 µs against 3.645 µs measured');
    expect(text).toContain('64K is predicted');
    expect(text).toContain('not in the units counted');
  });

  test('the run to make is per-page without power calls', () => {
    expect(answer.suggestedRun).toMatchObject({
      path: 'per-page',
      dispatch: 'indirect',
      power: 'off',
      bytes: 33554432,
    });
    expect(answer.suggestedRun?.widthAfter).toBeLessThan(answer.suggestedRun?.widthBefore ?? 0);
  });
});

describe('map-sg series, both dates', () => {
  const answer = explain('map-sg-series-2021.csv');

  test('noise factor', () => {
    expect(answer.noise.factor).toBeCloseTo(2.2, 1);
  });

  test('power is below the noise', () => {
    const power = unit(answer, 'power');
    expect(power).toMatchObject({ belowNoise: true, low: 0, ns: null });
    expect(Math.round(power.high)).toBe(213);
    expect(texts(answer, 'below-noise')).toEqual([expect.stringContaining('3832.979 µs against 3832.041 µs')]);
  });

  test('calls, core and barrier stay inseparable', () => {
    expect(group(answer, ...CALLS, 'core').exact).toBe(true);
    const noisy = group(answer, ...CALLS, 'core', 'barrier');
    expect(Math.round(noisy.low)).toBe(279);
    expect(Math.round(noisy.high)).toBe(499);
  });

  test('the run to make is per-page with direct dispatch', () => {
    expect(answer.suggestedRun).toMatchObject({ path: 'per-page', dispatch: 'direct' });
  });

  test('the noise is large: with fewer units 1M and 2M are slower', () => {
    expect(texts(answer, 'noise')).toContainEqual(
      expect.stringMatching(/per-page.*slower at 1M by 11 % and 2M by 14 %/),
    );
  });

  test('the fixed cost is gone on the second date, and the table cannot say which change removed it', () => {
    const [text] = texts(answer, 'gone');
    expect(text).toContain('4K takes 0.645 µs and 64K takes 1.229 µs');
    expect(text).toContain('posted and runtime_pm');
    expect(texts(answer, 'confounded')).toHaveLength(1);
  });
});

describe('table invalidation on SM8150', () => {
  const answer = explain('sm8150-table-flush-2021.csv', ['op', 'unmap']);

  test('an invalidation by address', () => {
    const tlbi = unit(answer, 'tlbi.address');
    expect([tlbi.ns, tlbi.low, tlbi.high].map((ns) => Math.round(ns ?? 0))).toEqual([120, 108, 138]);
  });

  test('freeing a table and invalidating by ASID are inseparable; a leaf', () => {
    expect(group(answer, 'table', 'tlbi.asid').sumNs).toBeCloseTo(3240, -1);
    expect(group(answer, ...CALLS, 'power', 'core', 'page').sumNs).toBeCloseTo(494, 0);
  });

  test('mapping costs 0.58 µs a page', () => {
    const map = explain('sm8150-table-flush-2021.csv', ['op', 'map']);
    expect(group(map, ...CALLS, 'power', 'core', 'barrier', 'page').sumNs).toBeCloseTo(582, -1);
  });

  test('the whole file gives the same', () => {
    const whole = explain('sm8150-table-flush-2021.csv');
    expect(
      whole.units
        .filter((one) => one.where['op'] === 'unmap')
        .map(({ unit: name, ns, low, high }) => ({ name, ns, low, high })),
    ).toEqual(answer.units.map(({ unit: name, ns, low, high }) => ({ name, ns, low, high })));
  });
});

test('Tegra: a clean and a leaf', () => {
  const answer = explain('tegra-noncoherent-unmap-2024.csv');
  const clean = unit(answer, 'clean');
  expect([clean.ns, clean.low, clean.high].map((ns) => Math.round(ns ?? 0))).toEqual([242, 197, 287]);
  expect(unit(answer, 'entry').ns).toBeCloseTo(754, 0);
});

test('Kunpeng, one thread: a call against an entry', () => {
  const answer = explain('kunpeng-map-pages-2021.csv', ['op', 'map'], ['threads', '1']);
  const calls = group(answer, ...CALLS, 'power', 'core', 'barrier');
  expect([calls.low, calls.sumNs, calls.high].map((ns) => Math.round(ns ?? 0))).toEqual([49, 53, 56]);
  expect(unit(answer, 'entry')).toMatchObject({ identifiable: true });
  expect(unit(answer, 'entry').ns).toBeCloseTo(2.9, 0);
});

test('generic-pt: two sizes, 10 % noise assumed and said, call and entry for each code', () => {
  const answer = explain('generic-pt-2025.csv');
  expect(texts(answer, 'assumed')).toEqual([expect.stringContaining('10 %')]);
  const entries = answer.units.filter((one) => one.unit === 'entry' && one.where['format'] === 'arm64');
  expect(entries.map((one) => [one.where['op'], one.where['code'], one.identifiable])).toEqual([
    ['map', 'generic-pt', true],
    ['map', 'previous', true],
    ['unmap', 'generic-pt', true],
    ['unmap', 'previous', true],
  ]);
  expect(texts(answer, 'left-out')).toEqual([expect.stringContaining('One size only')]);
});

test('over all five files one row is an outlier', () => {
  const names = [
    'map-sg-series-2021',
    'sm8150-table-flush-2021',
    'kunpeng-map-pages-2021',
    'tegra-noncoherent-unmap-2024',
    'generic-pt-2025',
  ];
  const rows = names.flatMap((name) =>
    explain(`${name}.csv`).fits.flatMap((fit) =>
      fit.rows.filter((row) => row.outlier).map((row) => `${fit.series} ${row.bytes}`),
    ),
  );
  expect([...new Set(rows)]).toEqual(['per-page unmap threads=1 524288']);
});

test('every figure names its estimator', () => {
  const answer = explain('map-sg-series-2021.csv');
  for (const fit of answer.fits) expect(fit.estimator).toMatch(/least squares/);
  for (const one of [...answer.units, ...answer.inseparable])
    expect(one.estimator).toBe('non-negative least squares, weights 1/noise²');
});

describe('changed copies of the tables', () => {
  const january = readFileSync(new URL('map-sg-series-2021.csv', FOLDER), 'utf8')
    .split('\n')
    .filter((line) => line.startsWith('posted') || line.startsWith('2021-01-11'));

  function changed(change: (us: number, path: string, pages: number, at: number) => number): TableAnswer {
    const lines = january.map((line, at) => {
      const fields = line.split(',');
      if (at === 0) return line;
      return [
        ...fields.slice(0, -1),
        change(Number(fields.at(-1)), fields[2] ?? '', Number(fields[5]), at).toFixed(3),
      ].join(',');
    });
    return explainTable(readLatencyTable(lines.join('\n'), 'changed.csv')).answer;
  }

  test('half a percent of noise changes no conclusion', () => {
    for (const seed of [1, 2, 3, 4, 5]) {
      const answer = changed((us, _, __, at) => us * (1 + 0.005 * Math.sin(at * 12.9898 * seed)));
      expect(texts(answer, 'fixed-cost')).toHaveLength(1);
      expect(group(answer, ...CALLS, 'power', 'core', 'barrier').sumNs).toBeCloseTo(445, -1);
      expect(answer.fits.flatMap((fit) => fit.rows).some((row) => row.outlier)).toBe(false);
      expect(answer.suggestedRun).toMatchObject({ path: 'per-page', power: 'off', dispatch: 'indirect' });
    }
  });

  test('without the fixed cost none is claimed', () => {
    const answer = changed((us, path) => (path === 'map-sg' ? us - 3.1 : us));
    expect(texts(answer, 'fixed-cost')).toEqual([]);
    expect(unit(answer, 'list:map-sg').belowNoise).toBe(true);
  });

  test('a row that is far off is the outlier', () => {
    const answer = changed((us, path, pages) => (path === 'map-sg' && pages === 3072 ? 140 : us));
    const rows = answer.fits.flatMap((fit) =>
      fit.rows.filter((row) => row.outlier).map((row) => [fit.series, row.bytes]),
    );
    expect(rows).toEqual([
      ['map-sg', 12582912],
      ['map-sg', 12582912],
    ]);
  });
});

test('of the five files only the series of January 2021 has a fixed cost that its partner lacks', () => {
  const claims = [
    'map-sg-series-2021',
    'sm8150-table-flush-2021',
    'kunpeng-map-pages-2021',
    'tegra-noncoherent-unmap-2024',
    'generic-pt-2025',
  ].map((name) => texts(explain(`${name}.csv`), 'fixed-cost').length);
  expect(claims).toEqual([1, 0, 0, 0, 0]);
});
