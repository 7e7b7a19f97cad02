import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { IovaAllocator } from '../../src/dma/index.ts';
import { alignedFit, RangeTree } from '../../src/dma/range-tree.ts';
import { refusal } from '../../src/testing/setup.ts';
import { asCase, IOVA_FILES, readIovaVectors } from '../conform/vectors.ts';
import { PlainIova } from './plain-iova.ts';

describe('every recorded history of the allocator comes out again', () => {
  test.each(IOVA_FILES)('%s', (name) => {
    const results = readIovaVectors(name).map((vector) => asCase(vector).run());
    expect(results.filter((result) => result !== 'passed')).toEqual([]);
  });

  test('there are 118 of them, of two kernels', () => {
    const vectors = IOVA_FILES.flatMap(readIovaVectors);
    expect(vectors.length).toBe(118);
    expect(new Set(vectors.map(({ kernel }) => kernel)).size).toBe(2);
  });

  test('a history with one wrong frame fails at that operation', () => {
    const vector = readIovaVectors('V_iova_basic.jsonl.gz')[0];
    if (vector === undefined) throw new Error('no vector');
    const ops = vector.ops.map((op, i) =>
      i === 3 && op[0] === 'a' ? (['a', op[1], op[2], op[3], '0x5'] as const) : op,
    );
    expect(asCase({ ...vector, ops }).run()).toMatchObject({ op: 3, field: 'pfn', expected: '0x5' });
    expect(asCase({ ...vector, kernel: '9.9.9' }).run()).toEqual({ skipped: 'IOVA caches of kernel 9.9.9' });
    const state = { ...vector.state, max32: '0x5' };
    expect(asCase({ ...vector, state }).run()).toMatchObject({ op: null, field: 'state.max32' });
  });

  test.each([
    ['ops[0]', { ops: [['A', 0, 1, '0xfffff', 1]] }],
    ['ops[0]', { ops: [['q']] }],
    ['ops[0]', { ops: [['A', 5000, 1, '0xfffff', 1, '0x1']] }],
    ['cfg.granule', { cfg: { cpus: 1, granule: 4096, start_pfn: '0x1' } }],
    ['cfg.cpus', { cfg: { cpus: 1e9, granule: '0x1000', start_pfn: '0x1' } }],
    ['init.dma_32bit_pfn', { init: { ret: 0 } }],
    ['state.tree', { state: { max32: '0x1', cached: 'anchor', cached32: 'anchor', rcache: [], tree: [['0x1']] } }],
  ])('a line with a wrong %s is refused by that name', (key, change) => {
    const vector = readIovaVectors('V_iova_basic.jsonl.gz')[0];
    expect(() => asCase({ ...vector, ...change })).toThrow(
      `history of the IOVA allocator, got one whose ${key} is missing or wrong`,
    );
  });
});

const LIMITS = [0xff, 0xfff, 0xfffff, 0xffffff, 0xfffffffff];

/** Letters of operations, weighted, with numbers that are taken modulo what is possible. */
const OPERATIONS = fc.array(
  fc.record({
    kind: fc.constantFrom('alloc', 'fast', 'fast', 'fast', 'free', 'freeFast', 'freeFast', 'reserve', 'trim'),
    cpu: fc.nat(2),
    size: fc.oneof(fc.integer({ min: 1, max: 40 }), fc.integer({ min: 1, max: 600 })),
    limit: fc.constantFrom(...LIMITS),
    pick: fc.nat(1000),
    flag: fc.boolean(),
  }),
  { maxLength: 400 },
);

/** The allocator and its twin, called alike. */
class Twins {
  readonly fast: IovaAllocator;
  readonly plain: PlainIova;
  readonly #live: [pfn: number, size: number][] = [];

  constructor(startPfn: number) {
    this.fast = new IovaAllocator({ granule: 4096, startPfn, cpus: 3, frees: 'linux' });
    this.plain = new PlainIova(4096, startPfn, 3);
  }

  alloc(size: number, limit: number, aligned: boolean): void {
    this.#allocated(this.fast.alloc(size, limit, aligned), this.plain.alloc(size, limit, aligned), size);
  }

  allocFast(cpu: number, size: number, limit: number, flush: boolean): void {
    this.#allocated(this.fast.allocFast(cpu, size, limit, flush), this.plain.allocFast(cpu, size, limit, flush), size);
  }

  free(pick: number, cpu: number | undefined): void {
    const [pfn, size] = this.#live.splice(pick % Math.max(1, this.#live.length), 1)[0] ?? [0, 0];
    if (size === 0) return;
    if (cpu === undefined) {
      this.fast.free(pfn);
      this.plain.free(pfn);
    } else {
      this.fast.freeFast(cpu, pfn, size);
      this.plain.freeFast(cpu, pfn, size);
    }
  }

  reserve(lo: number, hi: number): void {
    this.fast.reserve(lo, hi);
    this.plain.reserve(lo, hi);
  }

  trim(): void {
    this.fast.runPending();
    this.plain.trim();
  }

  #allocated(got: number, want: number, size: number): void {
    expect(got).toBe(want);
    if (got !== 0) this.#live.push([got, size]);
  }
}

test('any history gives the addresses and the state of the plain allocator', () => {
  fc.assert(
    fc.property(OPERATIONS, fc.constantFrom(1, 0xf0, 0xfff00), (operations, startPfn) => {
      const twins = new Twins(startPfn);
      for (const { kind, cpu, size, limit, pick, flag } of operations) {
        const lo = startPfn + ((pick * 37) % 5000);
        if (kind === 'alloc') twins.alloc(size, limit, flag);
        else if (kind === 'fast') twins.allocFast(cpu, size, limit, flag);
        else if (kind === 'reserve') twins.reserve(lo, lo + size);
        else if (kind === 'trim') twins.trim();
        else twins.free(pick, kind === 'free' ? undefined : cpu);
      }
      const state = twins.fast.state();
      expect(state.tree).toEqual(twins.plain.tree());
      expect([state.cached, state.cached32]).toEqual(twins.plain.remembered());
      expect(state.rcache).toEqual(twins.plain.caches());
    }),
    { numRuns: 150 },
  );
});

test('what fits into a gap at its alignment is what trying every size finds', () => {
  fc.assert(
    fc.property(fc.nat(5000), fc.integer({ min: 1, max: 300 }), (start, width) => {
      const end = start + width;
      const fits = (size: number): boolean => {
        let unit = 1;
        while (unit < size) unit *= 2;
        return Math.floor((end - size) / unit) * unit >= start;
      };
      let largest = 0;
      for (let size = 1; size <= width; size++) if (fits(size)) largest = size;
      expect(alignedFit(start, end)).toBe(largest);
      for (let size = 1; size <= largest; size++) expect(fits(size)).toBe(true);
    }),
  );
});

test('the next gap that fits is found past any number that does not', () => {
  const tree = new RangeTree();
  let next = 1;
  for (let i = 0; i < 5000; i++) next = tree.insertBelow(next, 1_000_000 - 2 * i, 1_000_000 - 2 * i);
  const lowest = tree.insertBelow(next, 980_000, 980_000);
  expect(tree.nextFit(1, 1)).toBe(tree.prev(1));
  expect(tree.lo(tree.nextFit(1, 2))).toBe(1_000_000 - 2 * 4999);
  expect(tree.nextFit(1, 2 ** 30)).toBe(lowest);
});

describe('bad calls are refused by name and change nothing', () => {
  const make = (): IovaAllocator => new IovaAllocator({ granule: 4096, cpus: 2 });

  test('what an allocator is made of', () => {
    expect(refusal(() => new IovaAllocator({ granule: 3000 }))).toMatchObject({
      code: 'BAD_OPTION',
      argument: 'granule',
    });
    expect(refusal(() => new IovaAllocator({ granule: 4096, startPfn: -1 }))).toMatchObject({ argument: 'startPfn' });
    expect(refusal(() => new IovaAllocator({ granule: 4096, cpus: 0 }))).toMatchObject({ argument: 'cpus' });
  });

  test.each([
    ['size', (iova: IovaAllocator) => iova.alloc(0, 0xfffff, true)],
    ['size', (iova: IovaAllocator) => iova.allocFast(0, 1.5, 0xfffff, true)],
    ['limit', (iova: IovaAllocator) => iova.alloc(1, 2 ** 60, true)],
    ['limit', (iova: IovaAllocator) => iova.allocFast(0, 1, Number.NaN, true)],
    ['cpu', (iova: IovaAllocator) => iova.allocFast(2, 1, 0xfffff, true)],
    ['cpu', (iova: IovaAllocator) => iova.freeFast(-1, 0xfffff, 1)],
    ['hi', (iova: IovaAllocator) => iova.reserve(20, 10)],
    ['pfn', (iova: IovaAllocator) => iova.find(-4)],
  ])('%s', (argument, call) => {
    const iova = make();
    iova.allocFast(0, 3, 0xfffff, true);
    const before = JSON.stringify(iova.state());
    expect(refusal(() => call(iova))).toMatchObject({ code: 'BAD_OPTION', argument });
    expect(JSON.stringify(iova.state())).toBe(before);
  });

  test('a free of what was not allocated, twice, or of another size', () => {
    const iova = make();
    const pfn = iova.allocFast(0, 8, 0xfffff, true);
    const before = JSON.stringify(iova.state());
    expect(refusal(() => iova.freeFast(0, pfn + 1, 8))).toMatchObject({ code: 'BAD_FREE', argument: 'pfn' });
    expect(refusal(() => iova.freeFast(0, pfn, 2))).toMatchObject({ code: 'BAD_FREE', argument: 'size' });
    expect(JSON.stringify(iova.state())).toBe(before);
    iova.freeFast(0, pfn, 5);
    expect(refusal(() => iova.freeFast(1, pfn, 8)).message).toContain('which is free already');
    expect(iova.free(0x123)).toBe(false);
  });

  test('a limit or a reservation that leaves no room is answered with 0', () => {
    const iova = new IovaAllocator({ granule: 4096, startPfn: 0x100 });
    expect(iova.allocFast(0, 1, 0xff, true)).toBe(0);
    expect(iova.allocFast(0, 2 ** 40, 0xfffff, true)).toBe(0);
    expect(iova.reserve(0x100, 0x1ff)).toEqual({ lo: 0x100, hi: 0x1ff });
    expect(iova.reserve(0x180, 0x2ff)).toEqual({ lo: 0x200, hi: 0x2ff });
    expect(iova.allocFast(0, 1, 0x2ff, true)).toBe(0);
  });
});

test('depots are trimmed to the number of CPUs as time passes, one magazine in 100 ms', () => {
  const iova = new IovaAllocator({ granule: 4096, cpus: 1 });
  const pfns = Array.from({ length: 127 * 6 }, () => iova.allocFast(0, 1, 0xfffff, true));
  for (const pfn of pfns) iova.freeFast(0, pfn, 1);
  expect(iova.state().rcache[0]).toMatchObject({ depot: 4, work: true });
  iova.advance(99e6);
  expect(iova.state().rcache[0]?.depot).toBe(4);
  iova.advance(200e6);
  expect(iova.state().rcache[0]).toMatchObject({ depot: 2, work: true });
  iova.advance(1e9);
  expect(iova.state().rcache[0]).toMatchObject({ depot: 1, work: false });
  expect(iova.ranges).toBe(127 * 3);
});

test('memory for ranges is reused: a long churn leaves as many as are live', () => {
  const iova = new IovaAllocator({ granule: 4096, cpus: 2 });
  const live: number[] = [];
  for (let i = 0; i < 200_000; i++) {
    live.push(iova.allocFast(i % 2, 40, 0xfffffffff, true));
    if (live.length > 50) iova.freeFast(0, live.splice((i * 7) % live.length, 1)[0] as number, 40);
  }
  expect(iova.ranges).toBe(live.length);
});
