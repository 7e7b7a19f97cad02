import { describe, expect, it } from 'vitest';
import type { Domain } from '../../src/core/domain.ts';
import type { Path } from '../../src/core/paths.ts';
import { armSmmu } from '../../src/drivers/arm-smmu/arm-smmu.ts';
import type { Semantics } from '../../src/formats/rules.ts';
import { TableMemory } from '../../src/memory/table-memory.ts';
import { counted, type Work } from './helpers.ts';

const K4 = 0x1000;
const M1 = 2 ** 20;
const M2 = 2 ** 21;
const M16 = 2 ** 24;
const G1 = 2 ** 30;
const RW = 3;

interface Row {
  readonly name: string;
  readonly before?: (domain: Domain) => void;
  readonly step: (domain: Domain) => void;
  readonly work: Work;
}

function work(
  wmb: number,
  dmaWmb: number,
  cleans: readonly [number, number],
  tables: number,
  flushWalk: number,
  addPage: number,
): Work {
  return { wmb, dmaWmb, cleans, tables, flushWalk, addPage };
}

const mapAll = (domain: Domain): void => void domain.map(0, 0x40001000, M2, RW);
/** Two halves, so that no call covers the table. */
function unmapHalves(domain: Domain, bytes: number): void {
  domain.unmap(0, bytes / 2);
  domain.unmap(bytes / 2, bytes / 2);
}

/** What splits and removals of whole tables do is the same for both kernels (facts 4.3, [RUN] 5.10; vectors 6.1). */
const BOTH: readonly Row[] = [
  {
    name: 'first 4K page of an empty table',
    step: (domain) => void domain.map(0, 0x40001000, K4, RW),
    work: work(1, 3, [4, 32], 3, 0, 0),
  },
  {
    name: 'a 2M block over an empty leaf table',
    before: (domain) => {
      mapAll(domain);
      unmapHalves(domain, M2);
    },
    step: (domain) => void domain.map(0, 0x40000000, M2, RW),
    work: work(1, 0, [2, 16], -1, 1, 0),
  },
  {
    name: 'unmapping 4K of a 2M block',
    before: (domain) => void domain.map(0, 0x40000000, M2, RW),
    step: (domain) => void domain.unmap(0, K4),
    work: work(0, 1, [512, 4096], 1, 0, 1),
  },
  {
    name: 'unmapping 2M where a table is',
    before: mapAll,
    step: (domain) => void domain.unmap(0, M2),
    work: work(0, 0, [1, 8], -1, 1, 0),
  },
  {
    name: 'unmapping 512 × 4K, one clean an entry',
    before: mapAll,
    step: (domain) => unmapHalves(domain, M2),
    work: work(0, 0, [512, 4096], 0, 0, 512),
  },
];

const LPAE_510: readonly Row[] = [
  ...BOTH,
  {
    name: 'the next 511 pages',
    before: (domain) => void domain.map(0, 0x40001000, K4, RW),
    step: (domain) => void domain.map(K4, 0x40002000, 511 * K4, RW),
    work: work(511, 0, [511, 4088], 0, 0, 0),
  },
];

const LPAE_61: readonly Row[] = [
  ...BOTH,
  { name: '512 × 4K in an empty table', step: mapAll, work: work(1, 3, [4, 4120], 3, 0, 0) },
  {
    name: 'unmapping three 4K pages of a 1G block',
    before: (domain) => void domain.map(G1, G1, G1, RW),
    step: (domain) => void domain.unmap(G1, 3 * K4),
    work: work(0, 2, [1023, 8184], 2, 0, 3),
  },
];

/** In both kernels v7s goes page by page; 6.1 has one write barrier a call. */
function v7sRows(barriers: number): readonly Row[] {
  return [
    {
      name: 'first 4K page',
      step: (domain) => void domain.map(0, 0x40001000, K4, RW),
      work: work(1, 1, [2, 8], 1, 0, 0),
    },
    {
      name: 'the next 255 pages: the first-level entry is cleaned every time',
      before: (domain) => void domain.map(0, 0x40001000, K4, RW),
      step: (domain) => void domain.map(K4, 0x40002000, 255 * K4, RW),
      work: work(barriers, 0, [510, 2040], 0, 0, 0),
    },
    {
      name: 'one 64K page, new table',
      step: (domain) => void domain.map(0x10000, 0x40010000, 0x10000, RW),
      work: work(1, 1, [2, 68], 1, 0, 0),
    },
    {
      name: 'one 16M supersection',
      step: (domain) => void domain.map(M16, 0x41000000, M16, RW),
      work: work(1, 0, [1, 64], 0, 0, 0),
    },
    {
      name: 'unmapping 4K of 64K',
      before: (domain) => void domain.map(0x10000, 0x40010000, 0x10000, RW),
      step: (domain) => void domain.unmap(0x10000, K4),
      work: work(0, 0, [2, 68], 0, 1, 1),
    },
    {
      name: 'unmapping 1M of 16M',
      before: (domain) => void domain.map(M16, 0x41000000, M16, RW),
      step: (domain) => void domain.unmap(M16, M1),
      work: work(0, 0, [2, 68], 0, 1, 1),
    },
    {
      name: 'unmapping 4K of a 1M section',
      before: (domain) => void domain.map(M1, 0x40000000, M1, RW),
      step: (domain) => void domain.unmap(M1, K4),
      work: work(0, 1, [256, 1024], 1, 0, 1),
    },
  ];
}

interface Suite {
  readonly format: string;
  readonly path: Path;
  readonly semantics: Semantics;
  readonly rows: readonly Row[];
}

/** `per-page` stands for Linux 5.10, `map-pages` for 6.1; what succeeds counts alike under both semantics. */
const SUITES: readonly Suite[] = (['linux-6.1', 'safe'] as const).flatMap((semantics) => [
  { format: 'arm-64-lpae-s1', path: 'per-page', semantics, rows: LPAE_510 },
  { format: 'arm-64-lpae-s1', path: 'map-pages', semantics, rows: LPAE_61 },
  { format: 'arm-v7s', path: 'per-page', semantics, rows: v7sRows(255) },
  ...(semantics === 'safe' ? [] : [{ format: 'arm-v7s', path: 'map-pages', semantics, rows: v7sRows(1) } as const]),
]);

describe.each(SUITES)('the work of $format, $path, $semantics', ({ format, path, semantics, rows }) => {
  it.each(rows)('$name', ({ before, step, work: expected }) => {
    const { domain, work: workOf } = counted({ format, path, semantics });
    before?.(domain);
    expect(workOf(step)).toEqual(expected);
  });
});

it('v7s unmapping 256 × 4K cleans and announces each page', () => {
  const { domain, work: workOf } = counted({ format: 'arm-v7s', path: 'per-page', pageSizes: K4 });
  domain.map(0, 0x40001000, M1, RW);
  expect(workOf(() => unmapHalves(domain, M1))).toEqual(work(0, 0, [256, 1024], 0, 0, 256));
});

describe('a scattered list by path', () => {
  const list = Array.from({ length: 600 }, (_, i) => ({ address: 0x80000000 + i * 2 * K4, length: K4 }));

  function mapList(format: string, path: Path): { wmb: number; dmaWmb: number; driver: number; walks: number } {
    const { domain } = counted({ format, path });
    const before = domain.meter.snapshot();
    domain.mapSg(0, list, RW);
    const { wmb, dmaWmb, driverCalls: driver, walks } = domain.meter.since(before);
    return { wmb, dmaWmb, driver, walks };
  }

  it.each(['per-page', 'map-pages'] as const)('%s: a call, a walk and a wmb a page', (path) => {
    expect(mapList('arm-64-lpae-s1', path)).toEqual({ wmb: 600, dmaWmb: 4, driver: 600, walks: 600 });
    expect(mapList('arm-v7s', path)).toEqual({ wmb: 600, dmaWmb: 3, driver: 600, walks: 600 });
  });

  it('map-sg: one call, a walk a page; the LPAE hook has no wmb, the v7s hook one a page', () => {
    expect(mapList('arm-64-lpae-s1', 'map-sg')).toEqual({ wmb: 0, dmaWmb: 4, driver: 1, walks: 600 });
    expect(mapList('arm-v7s', 'map-sg')).toEqual({ wmb: 600, dmaWmb: 3, driver: 1, walks: 600 });
  });

  it('one-walk: one call, one wmb, one walk', () => {
    expect(mapList('arm-64-lpae-s1', 'one-walk')).toEqual({ wmb: 1, dmaWmb: 4, driver: 1, walks: 1 });
  });

  it('one-walk: one walk, also where tables above the first page are there', () => {
    for (const plainKernels of [false, true]) {
      const { domain } = counted({ path: 'one-walk', memory: new TableMemory({ plainKernels }) });
      domain.map(0, 0, K4, RW);
      const before = domain.meter.snapshot();
      domain.mapSg(4 * M2, list.slice(0, 3), RW);
      const { walks, tableReads } = domain.meter.since(before);
      // Three entries on the search for a mapping, and three on the way down.
      expect([walks, tableReads]).toEqual([1, 6]);
    }
  });

  it('one-walk cleans every table it touched once', () => {
    const { work: workOf } = counted({ path: 'one-walk' });
    const { cleans, tables } = workOf((domain) => void domain.mapSg(0, list, RW));
    expect(tables).toBe(4);
    // Three upper entries (root, level 1, and level 2 twice) and 600 leaves: five tables, one of them with two entries.
    expect(cleans[1]).toBe((600 + 4) * 8);
    expect(cleans[0]).toBeLessThanOrEqual(6);
  });
});

describe('crossings by path and dispatch', () => {
  it.each([
    ['per-page', 1024, 1025],
    ['map-pages', 2, 3],
    ['map-sg', 1024, 1025],
    ['one-walk', 1, 2],
  ] as const)(
    '%s: unmapping 1,024 pages page by page takes %i driver calls and %i visits to power',
    (path, calls, visits) => {
      const { domain } = counted({ path, pageSizes: K4, driver: armSmmu() });
      domain.map(K4, 0x40000000, 1024 * K4, RW);
      const before = domain.meter.snapshot();
      domain.unmap(K4, 1024 * K4);
      const counts = domain.meter.since(before);
      const tables = path === 'map-pages' ? 1 : 0;
      expect([counts.driverCalls - tables, counts.powerGets - tables]).toEqual([calls, visits]);
      expect(counts.tlbLastLevel).toBe(1024);
      expect(counts.tlbSync).toBe(1);
      expect(counts.powerPuts).toBe(counts.powerGets);
    },
  );

  it('direct dispatch removes the calls through ops tables from map, unmap and translate, and nothing else', () => {
    const of = (dispatch: 'indirect' | 'direct'): Record<string, number> => {
      const { domain } = counted({ path: 'map-pages', dispatch, driver: armSmmu() });
      const before = domain.meter.snapshot();
      domain.map(0, 0x40001000, M2, RW);
      domain.translate(0x5000);
      domain.unmap(0, M2);
      return domain.meter.since(before);
    };
    const [indirect, direct] = [of('indirect'), of('direct')];
    expect([indirect['driverCalls'], indirect['tableCalls']]).toEqual([3, 3]);
    expect({ ...indirect, driverCalls: 0, tableCalls: 0 }).toEqual(direct);
  });
});
