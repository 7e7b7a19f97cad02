import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { changesTable, missesTable, throughputTable } from '../../src/answers/bench/rings.ts';
import { ASSUMED_CACHES, comparePoint, PAPER_POINTS } from '../../src/replay/ring-paper.ts';
import { runRings, throughput } from '../../src/replay/ring-workload.ts';
import { WalkCaches } from '../../src/replay/walk-caches.ts';
import type { Table } from '../../src/report/table.ts';

const rows = PAPER_POINTS.map((paper) => comparePoint(paper));

describe("the paper's figures", () => {
  test('its model gives its throughput within 10 % from its own counts, but for 40 flows', () => {
    for (const { paper, paperModel } of rows) {
      const off = Math.abs(paperModel / paper.strict - 1);
      if (paper.name.includes('40 flows')) expect(off).toBeGreaterThan(0.1);
      else expect(off).toBeLessThan(0.1);
    }
  });

  test('its ring sizes come out within 10 % in throughput from the counts here', () => {
    const rings = rows.filter(({ paper }) => paper.name.includes(' 5 flows'));
    expect(rings).toHaveLength(4);
    for (const { paper, linuxThroughput } of rings) {
      expect(Math.abs(linuxThroughput / paper.strict - 1)).toBeLessThan(0.1);
    }
  });

  test('with kept tables nothing above the leaf is read but for new addresses', () => {
    for (const { fastAndSafe, keepsTables } of rows) {
      expect(fastAndSafe).toMatchObject({ level1: 0, level2: 0 });
      expect(keepsTables).toMatchObject({ level1: 0, level2: 0 });
      expect(fastAndSafe.level3).toBeLessThanOrEqual(0.031);
    }
  });

  test('a descriptor costs one range and one invalidation instead of 64', () => {
    for (const { linux, together, paper } of rows) {
      const { acksPerPage } = paper.load;
      expect(linux.allocations).toBeGreaterThan(0.95 + acksPerPage);
      expect(linux.allocations).toBeLessThan(1.02 + acksPerPage);
      expect(together.allocations).toBeLessThan(0.02);
      expect(together.invalidations).toBeLessThan(0.02);
      expect(together.level3).toBeGreaterThan(0.014);
      expect(together.level3).toBeLessThan(0.031);
    }
  });

  test('addresses that are used again lie regions apart, and next to each other where they are taken together', () => {
    expect(rows[0]?.linux.reuseP99).toBeLessThan(64);
    expect(rows[3]?.linux.reuseP99).toBeGreaterThan(200);
    for (const { fastAndSafe } of rows) expect(fastAndSafe.reuseMedian).toBeLessThan(8);
  });
});

test('the model: no read costs the packet, one more costs a read', () => {
  expect(throughput(0)).toBeCloseTo(32000 / 65, 6);
  expect(throughput(1.76)).toBeCloseTo(77.7, 1);
});

test('one seed, one result', () => {
  const load = PAPER_POINTS[0]?.load;
  if (load === undefined) throw new Error('no load');
  const policy = { addresses: 'page', invalidation: 'page', keepsTables: false } as const;
  const run = (seed: number) => runRings(load, policy, ASSUMED_CACHES, 3000, seed);
  expect(run(7)).toEqual(run(7));
  expect(run(7)).not.toEqual(run(8));
});

describe('caches of a walk', () => {
  const make = () => new WalkCaches({ iotlb: 2, level1: 1, level2: 1, level3: 2 });

  test('a first access misses everything, a second one nothing, a neighbour the leaf only', () => {
    const caches = make();
    for (const page of [5, 5, 6]) caches.access(page);
    expect(caches.counts).toEqual({ accesses: 3, iotlb: 2, level3: 1, level2: 1, level1: 1 });
  });

  test('the least recently used goes first', () => {
    const caches = make();
    for (const page of [1, 2, 1, 3, 1, 2]) caches.access(page);
    expect(caches.counts).toMatchObject({ iotlb: 4, level3: 1 });
  });

  test('an invalidation drops the leaf, and the tables on its way if it is not told to keep them', () => {
    const kept = make();
    kept.access(5);
    kept.invalidate(5, 1, false);
    kept.access(5);
    expect(kept.counts).toMatchObject({ iotlb: 2, level3: 1, level1: 1 });
    const dropped = make();
    dropped.access(5);
    dropped.invalidate(5, 1, true);
    dropped.access(5);
    expect(dropped.counts).toMatchObject({ iotlb: 2, level3: 2, level2: 2, level1: 2 });
    dropped.invalidate(0, 512 * 512, true);
    dropped.access(6);
    expect(dropped.counts.level2).toBe(3);
  });
});

/** Cells of a table as they stand in a page of the documentation, whatever its spaces. */
function cells(table: Table): string[] {
  return table.rows.map((row) => row.map(String).join(' | '));
}

test('docs/fast-and-safe.md shows these numbers', () => {
  const page = readFileSync(new URL('../../docs/fast-and-safe.md', import.meta.url), 'utf8').replace(/ +/g, ' ');
  const first = rows[0];
  if (first === undefined) throw new Error('no row');
  const expected = [throughputTable(rows), missesTable(rows), changesTable(first)].flatMap(cells);
  expect(expected.filter((line) => !page.includes(`| ${line} |`))).toEqual([]);
});
