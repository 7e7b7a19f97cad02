import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { LeafTlb } from '../../src/device/leaf-tlb.ts';
import { bareDriver } from '../../src/drivers/bare.ts';
import { ReplayRow, type RowSpec } from '../../src/replay/row.ts';
import { type TlbSettings, TlbWhatIf } from '../../src/replay/tlb-what-if.ts';
import { CallBatch } from '../../src/trace/call-batch.ts';
import { createCall, type TraceCall } from '../../src/trace/calls.ts';
import { runCli } from '../support/cli.ts';
import { CAPTURES, withFile } from './helpers.ts';

const PAGE = 4096;

/** A plain TLB: each set a map from leaf to nothing, in order of last use. */
class PlainTlb {
  hits = 0;
  misses = 0;
  readonly sets: Map<string, { domain: number; start: number; size: number }>[];
  readonly ways: number;

  constructor(entries: number, ways: number) {
    this.ways = ways;
    this.sets = Array.from({ length: entries / ways }, () => new Map());
  }

  access(domain: number, iova: number, size: number): boolean {
    const start = iova - (iova % size);
    const number = start / size;
    const set = this.sets[(number ^ (number >>> 9)) % this.sets.length] ?? this.sets[0];
    const key = `${domain} ${start} ${size}`;
    const isHeld = set?.delete(key) === true;
    set?.set(key, { domain, start, size });
    const [oldest] = set?.keys() ?? [];
    if (set !== undefined && set.size > this.ways && oldest !== undefined) set.delete(oldest);
    if (isHeld) this.hits++;
    else this.misses++;
    return isHeld;
  }

  invalidate(domain: number, iova: number, bytes: number): number {
    let gone = 0;
    for (const set of this.sets) {
      for (const [key, leaf] of [...set]) {
        const meets = leaf.start < iova + bytes && leaf.start + leaf.size > iova;
        if (leaf.domain === domain && meets && set.delete(key)) gone++;
      }
    }
    return gone;
  }
}

/** Leaves of one address space: 2M below 16M, 64K below 32M, 4K above. */
function sizeAt(iova: number): number {
  return iova < 2 ** 24 ? 2 ** 21 : iova < 2 ** 25 ? 2 ** 16 : PAGE;
}

const TABLES = { leafSize: sizeAt };

describe('a TLB in front of tables', () => {
  const iova = fc.oneof(
    fc.integer({ min: 0, max: 2 ** 24 - 1 }),
    fc.integer({ min: 2 ** 24, max: 2 ** 24 + 40 * 2 ** 16 }),
    fc.integer({ min: 2 ** 25, max: 2 ** 25 + 40 * PAGE }),
  );
  const step = fc.oneof(
    { weight: 8, arbitrary: fc.record({ domain: fc.nat(2), iova, bytes: fc.constant(0) }) },
    { weight: 1, arbitrary: fc.record({ domain: fc.nat(2), iova, bytes: fc.integer({ min: 1, max: 2 ** 22 }) }) },
  );
  const shape = fc.constantFrom([1, 1], [2, 1], [8, 2], [8, 8], [24, 3], [64, 4], [64, 64]);

  test('hits, misses and drops what a map of least recently used leaves does', () => {
    fc.assert(
      fc.property(shape, fc.array(step, { maxLength: 400 }), ([entries = 1, ways = 1], steps) => {
        const fast = new LeafTlb({ entries, ways });
        const plain = new PlainTlb(entries, ways);
        for (const { domain, iova: at, bytes } of steps) {
          if (bytes === 0) {
            expect(fast.access(domain, at, TABLES)).toBe(plain.access(domain, at, sizeAt(at)));
          } else {
            const first = at - (at % PAGE);
            const end = Math.ceil((at + bytes) / PAGE) * PAGE;
            expect(fast.invalidate(domain, at, bytes)).toBe(plain.invalidate(domain, first, end - first));
          }
        }
        const { hits, misses, held } = fast.statistics;
        expect([hits, misses]).toEqual([plain.hits, plain.misses]);
        expect(held).toBe(plain.sets.reduce((sum, set) => sum + set.size, 0));
      }),
      { numRuns: 300 },
    );
  });

  test('keeps nothing where nothing is mapped', () => {
    const tlb = new LeafTlb({ entries: 4 });
    for (let i = 0; i < 3; i++) expect(tlb.access(0, 0x1000, { leafSize: () => 0 })).toBe(false);
    expect(tlb.statistics.held).toBe(0);
  });
});

const SPEC: RowSpec = {
  device: { driver: 'bare', kernel: undefined, kernelAssumed: false, features: {}, assumed: true },
  path: 'one-walk',
  dispatch: 'direct',
  format: 'arm-64-lpae-s1',
  granule: PAGE,
  tracedPage: PAGE,
  iova: 'keep',
  physical: 'keep',
  tlb: 'strict',
};

const SETTINGS: TlbSettings = {
  sizes: [2, 64, Number.POSITIVE_INFINITY],
  orders: ['in-order', 'by-element', 'interleaved', 'random'],
  requestBytes: 1024,
  seed: 7,
};

/** Maps elements of these lengths, or unmaps `unmap` bytes. */
interface Step {
  readonly iova: number;
  readonly lengths?: readonly number[];
  readonly unmap?: number;
  readonly time?: number;
}

function callOf({ iova, lengths = [], unmap = 0, time = 0 }: Step): TraceCall {
  const size = lengths.reduce((sum, one) => sum + one, 0);
  // Elements lie 1M apart, each one page off the alignment of larger leaves.
  const pa = lengths.map((_, i) => 0x8000_0000 + i * 0x10_0000 + PAGE);
  return {
    ...createCall(),
    kind: unmap > 0 ? 'unmap' : 'mapSg',
    iova,
    size: unmap > 0 ? unmap : size,
    covered: unmap,
    count: lengths.length,
    pa: Float64Array.from(pa),
    length: Float64Array.from(lengths),
    time,
  };
}

function modelOf(steps: readonly Step[], spec: Partial<RowSpec> = {}, settings: Partial<TlbSettings> = {}) {
  const model = new TlbWhatIf({ ...SPEC, ...spec }, { ...SETTINGS, ...settings });
  const row = new ReplayRow({ ...SPEC, ...spec }, bareDriver(), false, undefined, model);
  const batch = new CallBatch();
  for (const step of steps) batch.add(callOf(step), 3);
  row.run(batch);
  row.finish();
  expect(row.refusals).toEqual([]);
  const missesOf = (order: string, entries: number): number | undefined =>
    model.counts.find((one) => one.order === order && one.entries === entries)?.misses;
  return { model, row, missesOf };
}

const NONE = Number.POSITIVE_INFINITY;

describe('a TLB what-if', () => {
  const TEN = Array.from({ length: 10 }, () => PAGE);

  test('a list read once misses once a leaf in order, whatever the size', () => {
    const { model, missesOf } = modelOf([{ iova: 0x100_0000, lengths: TEN }]);
    expect(model.requests).toBe(40);
    expect([...model.leaves]).toEqual([[PAGE, 10]]);
    for (const entries of SETTINGS.sizes) expect(missesOf('in-order', entries)).toBe(10);
  });

  test('read by element, a TLB smaller than the list misses at every request', () => {
    const { missesOf } = modelOf([{ iova: 0x100_0000, lengths: TEN }]);
    expect([missesOf('by-element', 2), missesOf('by-element', 64)]).toEqual([40, 10]);
  });

  test('read in turn, as many live lists as entries fit, and one more does not', () => {
    const steps = Array.from({ length: 3 }, (_, i) => ({ iova: 0x100_0000 * (i + 1), lengths: [PAGE] }));
    expect(modelOf(steps.slice(0, 2)).missesOf('interleaved', 2)).toBe(2);
    const { model, missesOf } = modelOf(steps);
    expect(model.requests).toBe(12);
    expect(missesOf('interleaved', 64)).toBe(3);
    // Four requests of one list, four of two lists in turn, and four of three: all of the last but the first miss or give way.
    expect(missesOf('interleaved', 2)).toBeGreaterThan(3);
  });

  test('an unmap takes its entries out: at once when strict, and with everything at the flush when lazy', () => {
    const list = { iova: 0x100_0000, lengths: [PAGE] };
    const other = { iova: 0x200_0000, lengths: [PAGE] };
    const unmap = { iova: 0x100_0000, unmap: PAGE };
    expect(modelOf([list, unmap, list]).missesOf('in-order', NONE)).toBe(2);
    const strict = modelOf([other, list, unmap]);
    expect(strict.model.counts.map(({ invalidated }) => invalidated)).toEqual(Array.from({ length: 12 }, () => 1));
    const lazy = modelOf([other, list, unmap], { tlb: 'lazy' });
    expect(lazy.model.counts.every(({ invalidated }) => invalidated === 0)).toBe(true);
    const third = { iova: 0x300_0000, lengths: [PAGE] };
    const late = { ...unmap, iova: 0x200_0000, time: 20e6 };
    const turns = (tlb: RowSpec['tlb']) =>
      modelOf([other, list, unmap, list, late, third], { tlb }).missesOf('interleaved', NONE) ?? 0;
    expect(turns('lazy')).toBeGreaterThan(turns('strict'));
  });

  test('a list mapped where a lazy flush is waited for does not hit the old entries, and is counted', () => {
    const list = { iova: 0x100_0000, lengths: [PAGE] };
    const { model, missesOf } = modelOf([list, { iova: 0x100_0000, unmap: PAGE }, list], { tlb: 'lazy' });
    expect(missesOf('in-order', NONE)).toBe(2);
    expect(model.reused).toBe(1);
  });

  test('a part of a list that is unmapped ends its turns', () => {
    const steps = [
      { iova: 0x100_0000, lengths: TEN },
      { iova: 0x100_0000 + PAGE, unmap: PAGE },
      { iova: 0x200_0000, lengths: [PAGE] },
    ];
    expect(modelOf(steps).missesOf('interleaved', NONE)).toBe(11);
  });

  test('requests are those of the trace, however a row rounds or gathers the memory', () => {
    for (const spec of [{ granule: 0x4000 }, { granule: 0x10000 }, { physical: 'contiguous-2m', iova: 'aligned' }]) {
      const { model, missesOf } = modelOf([{ iova: 0x100_0000, lengths: TEN }], spec as Partial<RowSpec>);
      expect(model.requests).toBe(40);
      expect(missesOf('in-order', NONE)).toBe([...model.leaves.values()].reduce((sum, one) => sum + one, 0));
    }
  });

  test('equal seeds give equal random orders', () => {
    const steps = [{ iova: 0x100_0000, lengths: TEN }];
    expect(modelOf(steps).model.counts).toEqual(modelOf(steps).model.counts);
    const misses = [1, 3, 5, 9, 11].map((seed) => modelOf(steps, {}, { seed }).missesOf('random', 2));
    expect(new Set(misses).size).toBeGreaterThan(1);
  });

  test('a list longer than what is read of one is read in part, and counted', () => {
    const { model } = modelOf([{ iova: 0x1_0000_0000, lengths: [2 ** 28] }], {}, { orders: ['in-order'], sizes: [4] });
    expect([model.requests, model.cutLists]).toEqual([2 ** 17, 1]);
  });
});

const TRACE = ['trace_boot.txt', 'trace.txt.gz'].map((file) => join(CAPTURES, 'arm64-smmuv3-612-blk-strict', file));

interface TlbJson {
  readonly verdict: string;
  readonly notes: readonly string[];
  readonly rows: readonly {
    readonly granule: string;
    readonly requests: number;
    readonly lists: number;
    readonly tlbs: readonly { readonly order: string; readonly entries: number | null; readonly hits: number }[];
  }[];
}

describe('iommu replay --tlb-size', () => {
  test('says first that accesses are assumed, and sets granules side by side', async () => {
    const { stdout, status } = await runCli('replay', ...TRACE, '--tlb-size', '64,512', '--json', '--quiet');
    const { verdict, rows } = JSON.parse(stdout) as TlbJson;
    expect(status).toBe(0);
    expect(verdict).toMatch(/^Assumed accesses \(the trace records maps only\)/);
    expect(verdict).toContain('With a TLB of 64 entries, 4K leaves hit');
    expect(new Set(rows.map(({ granule }) => granule))).toEqual(new Set(['4K', '16K', '64K']));
    expect(new Set(rows.map(({ requests }) => requests)).size).toBe(1);
    for (const { tlbs } of rows) {
      for (const { order } of tlbs) {
        const hits = tlbs.filter((one) => one.order === order).map((one) => one.hits);
        expect(hits).toEqual(hits.toSorted((a, b) => a - b));
      }
    }
  });

  test('has CSV with one line a row, order and TLB', async () => {
    const args = ['--tlb-size', '64', '--granule', '4K', '--access-order', 'random,in-order'];
    const { stdout } = await runCli('replay', ...TRACE, ...args, '-o', 'csv', '--quiet');
    const lines = stdout.trim().split('\n');
    expect(lines).toHaveLength(1 + 4);
    expect(lines[0]).toContain('order,entries,reach_bytes,requests,hits,misses');
  });

  test.each([
    [['--tlb-size', '0'], /tlb-size: expected a whole number from 1 to 65536, got '0'/],
    [['--tlb-size', '64,'], /tlb-size: expected a whole number .* got ''/],
    [['--tlb-size', 'many'], /got 'many'/],
    [['--tlb-size', '1e3'], /got '1e3'/],
    [['--tlb-size', '-4'], /got '-4'/],
    [['--tlb-size', '70000'], /got '70000'/],
    [['--tlb-size', '1,2,3,4,5,6,7,8,9'], /at most 8 sizes/],
    [['--tlb-size', '64', '--tlb-ways', '3'], /tlb-ways: expected ways that make a power of two of sets of 64/],
    [['--tlb-size', '64', '--tlb-ways', '128'], /tlb-ways: expected ways/],
    [['--tlb-size', '64', '--tlb-ways', '0'], /tlb-ways: expected a whole number/],
    [['--tlb-size', '64', '--access-bytes', '100'], /access-bytes: expected a power of two/],
    [['--tlb-size', '64', '--access-bytes', '1M'], /access-bytes: expected a power of two/],
    [['--tlb-size', '64', '--access-order', 'backwards'], /access-order: expected in-order/],
    [['--tlb-size', '64', '--access-seed', 'x'], /access-seed: expected a whole number/],
    [['--tlb-size', '64', '--policy', 'all'], /--tlb-size: expected no --policy beside it/],
    [['--tlb-size', '64', '--leaks'], /--tlb-size: expected no --leaks beside it/],
    [['--tlb-ways', '4'], /--tlb-ways: expected --tlb-size beside it/],
    [['--access-seed', '4'], /--access-seed: expected --tlb-size beside it/],
    [['--tlb-size', '64', '--until', 'no such mark'], /until: expected text of a mark/],
  ])('%j is refused', async (args, message) => {
    const { status, error } = await runCli('replay', TRACE[0] ?? '', ...args, '--quiet');
    expect(status).toBeGreaterThan(1);
    expect(error).toMatch(message);
  });

  test('a trace without maps has status 3', async () => {
    const result = await withFile('# tracer: nop\n', 'empty.txt', (path) =>
      runCli('replay', path, '--tlb-size', '64', '--quiet'),
    );
    expect(result.status).toBe(3);
    expect(result.stdout).toContain('The trace maps nothing');
  });
});
