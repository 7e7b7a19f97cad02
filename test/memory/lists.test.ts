import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Domain, type DomainOptions, PATHS } from '../../src/core/index.ts';
import { bareDriver } from '../../src/drivers/index.ts';
import { FORMATS } from '../../src/formats/index.ts';
import { type ListArrays, type ScatterList, TableMemory } from '../../src/memory/index.ts';
import { type Call, CallMaker, type Draw, draws } from '../../src/testing/histories.ts';
import { leavesOf, perform } from '../../src/testing/rules/histories.ts';
import { makeDomain, RW, refusal, type Setup } from '../../src/testing/setup.ts';
import { snapshot } from '../../src/testing/snapshot.ts';

const SETUPS = FORMATS.flatMap((format) =>
  format.configurations.map((configuration) => ({ name: `${format.id} ${configuration.name}`, format, configuration })),
);
const GRANULES = [
  { format: 'arm-64-lpae-s1', granule: 4096 },
  { format: 'arm-64-lpae-s1', granule: 16384 },
  { format: 'arm-64-lpae-s2', granule: 65536 },
  { format: 'arm-32-lpae-s1', granule: 4096 },
  { format: 'arm-v7s', granule: 4096 },
  { format: 'arm-mali-lpae', granule: 4096 },
  { format: 'apple-dart', granule: 4096 },
  { format: 'apple-dart2', granule: 16384 },
];

/** Pages scattered, sometimes neighbours, sometimes a few pages in one element. */
function scattered(count: number, granule: number): ListArrays {
  const addresses = new Float64Array(count);
  const lengths = new Float64Array(count);
  let next = 0x10000000;
  for (let i = 0; i < count; i++) {
    const pages = count < 1000 && i % 5 === 4 ? (i % 3) + 1 : 1;
    addresses[i] = next;
    lengths[i] = pages * granule;
    next += (i % 7 === 0 ? 3 : 1) * pages * granule;
    if (next > 0xc0000000) next = 0x8000000;
  }
  return { addresses, lengths };
}

function inMemory(memory: TableMemory, { addresses, lengths }: ListArrays): ListArrays {
  const list = memory.list(addresses.length);
  list.addresses.set(addresses);
  list.lengths.set(lengths);
  return list;
}

function bytesOf(options: DomainOptions, list: ListArrays): ReturnType<typeof snapshot> {
  const domain = new Domain(options);
  domain.mapSg(0, list, RW);
  return snapshot(domain);
}

describe.each(GRANULES)('$format with $granule', ({ format, granule }) => {
  test.each([1, 7, 8, 9, 1000, 16384, 16385])('a list of %d elements leaves the bytes of page after page', (count) => {
    const list = scattered(count, granule);
    const expected = bytesOf({ format, granule, path: 'per-page' }, list);
    expect(bytesOf({ format, granule, path: 'one-walk' }, list)).toEqual(expected);
    const plain = new TableMemory({ plainKernels: true });
    expect(bytesOf({ format, granule, path: 'one-walk', memory: plain }, list)).toEqual(expected);
  });

  test.each([7, 8, 1024])('a list of %d elements in the engine’s own memory leads to the same pages', (count) => {
    const list = scattered(count, granule);
    const outside = new Domain({ format, granule, path: 'per-page' });
    outside.mapSg(0, list, RW);
    for (const plainKernels of [false, true]) {
      const memory = new TableMemory({ plainKernels });
      const inside = new Domain({ format, granule, path: 'one-walk', memory });
      inside.mapSg(0, inMemory(memory, list), RW);
      expect(inside.leaves()).toEqual(outside.leaves());
    }
  });

  test('elements of no bytes anywhere are nothing', () => {
    const plain = scattered(12, granule);
    const addresses = [...(plain.addresses as Float64Array)].flatMap((address) => [0, address, 0x7000]);
    const lengths = [...(plain.lengths as Float64Array)].flatMap((length) => [0, length, 0]);
    const expected = bytesOf({ format, granule, path: 'per-page' }, plain);
    for (const path of PATHS) {
      expect(bytesOf({ format, granule, path }, { addresses, lengths }), path).toEqual(expected);
    }
  });

  test('elements of no bytes hide no larger page behind them', () => {
    const large = new Domain({ format, granule }).table.chooser.after(granule);
    const block = Number.isFinite(large) ? large : 4 * granule;
    const addresses = [3, 0, 5, 6].flatMap((place) => [place * granule, place * block]);
    const lengths = [0, block, 0, 3 * granule, 0, block - 3 * granule, 0, block];
    const expected = bytesOf({ format, granule, path: 'per-page' }, { addresses, lengths });
    for (const path of PATHS) {
      expect(bytesOf({ format, granule, path }, { addresses, lengths }), path).toEqual(expected);
    }
  });
});

describe('a list at the end of memory', () => {
  const COUNT = 65536;
  const BYTES = COUNT * 4096;

  /** A domain whose tables are there already, and a list behind them. */
  function withList(limit: number, plainKernels: boolean): { domain: Domain; list: ScatterList; end: number } {
    const memory = new TableMemory({ plainKernels, limit });
    const domain = new Domain({ memory, path: 'one-walk' });
    for (let at = 0; at < BYTES; at += 2 ** 21) {
      domain.map(at, 0, 4096, RW);
      domain.unmap(at, 4096);
    }
    const list = memory.list(COUNT);
    return { domain, list, end: Math.max(list.offset, list.lengthsOffset) + 8 * COUNT };
  }

  test.each([false, true])('is read to its last element and no further (plain kernels: %s)', (plainKernels) => {
    const { domain, list, end } = withList(withList(2 ** 30, plainKernels).end, plainKernels);
    expect(domain.memory.byteLength).toBe(end);
    list.addresses.set(Array.from({ length: COUNT }, (_, i) => i * 8192));
    list.lengths.fill(4096);
    list.lengths[0] = 0;
    list.lengths[COUNT - 1] = 2 * 4096;
    expect(domain.mapSg(0, list, RW).bytes).toBe(BYTES);
    expect(domain.memory.byteLength).toBe(end);
    expect(domain.translate(BYTES - 4096)).toBe((COUNT - 1) * 8192 + 4096);
  });
});

test('a list mapped where it lies is read from there by a domain of another memory too', () => {
  const memory = new TableMemory();
  const list = inMemory(memory, { addresses: [0x9000, 0x20000], lengths: [4096, 8192] });
  for (const path of PATHS) {
    new Domain({ memory, path: 'one-walk' }).mapSg(0, list, RW);
    const other = new Domain({ path });
    other.mapSg(0, list, RW);
    expect(
      [0, 4096, 8192].map((iova) => other.translate(iova)),
      path,
    ).toEqual([0x9000, 0x20000, 0x21000]);
  }
});

describe('a list that is being mapped', () => {
  const M2 = 2 ** 21;
  const scatter = scattered(16, 4096);
  const calls: readonly (readonly [name: string, call: (other: Domain) => unknown])[] = [
    ['translates a range', (other) => other.translateRange(0, 64)],
    ['maps a list', (other) => other.mapSg(0x40000, scatter, RW)],
    ['is refused a list', (other) => refusal(() => other.mapSg(0, scatter, RW))],
  ];

  test.each(calls)('stays as it is while a second domain of the memory %s', (_name, call) => {
    for (const plainKernels of [false, true]) {
      const memory = new TableMemory({ plainKernels });
      const other = new Domain({ memory, path: 'one-walk' });
      other.map(0, 0x4000_0000, 64 * 4096, RW);
      let called = 0;
      const flushWalk = (): void => {
        if (called++ === 0) call(other);
      };
      const driver = bareDriver({ flushWalk, addPages() {}, flushAll() {}, sync() {} });
      const domain = new Domain({ memory, path: 'one-walk', driver });
      domain.map(0, 0, 4096, RW);
      domain.unmap(0, 4096);
      const addresses = [0x1000_0000, ...Array.from(scatter.addresses)];
      const lengths = [M2, ...Array.from(scatter.lengths)];
      domain.mapSg(0, { addresses, lengths }, RW);
      expect(called).toBe(1);
      const plain = new Domain({ path: 'per-page' });
      plain.mapSg(0, { addresses, lengths }, RW);
      expect(domain.leaves()).toEqual(plain.leaves());
      expect(refusal(() => domain.mapSg(0, { addresses, lengths }, RW)).code).toBe('OVERLAP');
      expect(memory.staging).toBe(false);
    }
  });
});

describe('what no list may hold', () => {
  const odd: readonly (readonly [value: number, code: string])[] = [
    [0.5, 'NOT_A_NUMBER'],
    [4096.5, 'NOT_A_NUMBER'],
    [-4096, 'NOT_A_NUMBER'],
    [Number.NaN, 'NOT_A_NUMBER'],
    [Number.POSITIVE_INFINITY, 'NOT_A_NUMBER'],
    [2 ** 53, 'UNSAFE_NUMBER'],
    [2 ** 80, 'UNSAFE_NUMBER'],
    [1, 'UNALIGNED'],
    [4095, 'UNALIGNED'],
    [2 ** 48, 'OUT_OF_RANGE'],
    [2 ** 52, 'OUT_OF_RANGE'],
  ];

  test.each(odd)('%d as an address is refused by every path with the same error, and nothing changes', (value) => {
    const seen = PATHS.flatMap((path) =>
      [0, 4, 9].flatMap((at) =>
        [false, true].map((plainKernels) => {
          const domain = new Domain({ path, memory: new TableMemory({ plainKernels }) });
          const { addresses, lengths } = scattered(10, 4096);
          const list = { addresses: Array.from(addresses, (address, i) => (i === at ? value : address)), lengths };
          const before = snapshot(domain);
          const error = refusal(() => domain.mapSg(0, list, RW));
          expect(snapshot(domain)).toEqual(before);
          expect(error.argument).toBe(`list[${at}].address`);
          return error.code;
        }),
      ),
    );
    expect([...new Set(seen)]).toHaveLength(1);
  });

  test('an element whose end is no exact number is refused with its bytes as they were given', () => {
    for (const path of PATHS) {
      const list = [{ address: Number.MAX_SAFE_INTEGER - 4095, length: 8192 }];
      expect(refusal(() => new Domain({ path }).mapSg(0, list, RW)).fields, path).toMatchObject({ size: '0x2000' });
    }
  });

  test('minus zero is zero', () => {
    for (const path of PATHS) {
      const domain = new Domain({ path });
      const list = {
        addresses: [-0, ...Array.from({ length: 9 }, (_, i) => i * 8192)],
        lengths: new Array(10).fill(4096),
      };
      domain.mapSg(0, list, RW);
      expect(Object.is(domain.translate(0), 0), path).toBe(true);
    }
  });
});

/** Calls that succeed one after the other. */
function allowedCalls(setup: Setup, history: readonly Draw[]): Call[] {
  const domain = makeDomain(setup);
  const maker = new CallMaker(domain.geometry);
  return history.flatMap((draw) => {
    const call = maker.make(draw, leavesOf(domain));
    if (call === undefined) return [];
    try {
      perform(domain, call);
      return [call];
    } catch {
      return [];
    }
  });
}

describe.each(SETUPS)('$name', (setup) => {
  test('plain kernels leave the bytes of compiled ones after any history', () => {
    fc.assert(
      fc.property(draws, fc.constantFrom(...PATHS), (history, path) => {
        const calls = allowedCalls(setup, history);
        const left = [false, true].map((plainKernels) => {
          const { base } = makeDomain(setup).memory;
          const domain = makeDomain(setup, { path, memory: new TableMemory({ base, plainKernels }) });
          for (const call of calls) perform(domain, call);
          return snapshot(domain);
        });
        expect(left[1]).toEqual(left[0]);
      }),
      { numRuns: 5 },
    );
  });
});

describe.each(PATHS)('what is given as a list, on the path %s', (path) => {
  const maps = (list: unknown): unknown => new Domain({ granule: 4096, path }).mapSg(0, list as ListArrays, RW).bytes;

  test.each([
    ['bigints in typed arrays', { addresses: BigUint64Array.of(4096n), lengths: BigUint64Array.of(4096n) }],
    ['bigints in arrays', { addresses: [4096n], lengths: [4096n] }],
    ['integers of 32 bits', { addresses: Uint32Array.of(4096), lengths: Uint32Array.of(4096) }],
    ['objects', [{ address: 4096n, length: 4096 }]],
  ])('takes %s', (_, list) => {
    expect(maps(list)).toBe(4096);
  });

  test.each([
    ['null', null, 'BAD_OPTION', 'list'],
    ['an object without arrays', {}, 'BAD_OPTION', 'list'],
    ['arrays of two lengths', { addresses: [4096], lengths: [] }, 'BAD_OPTION', 'list'],
    ['text', { addresses: Array(9).fill('4096'), lengths: Array(9).fill(4096) }, 'NOT_A_NUMBER', 'list[0].address'],
    ['a hole', { addresses: [4096, null], lengths: [4096, 4096] }, 'NOT_A_NUMBER', 'list[1].address'],
    ['a missing length', [{ address: 4096 }], 'NOT_A_NUMBER', 'list[0].length'],
    ['null as an element', [null], 'NOT_A_NUMBER', 'list[0].address'],
    ['a rounded number', { addresses: [2 ** 53], lengths: [4096] }, 'UNSAFE_NUMBER', 'list[0].address'],
  ])('refuses %s by name', (_, list, code, argument) => {
    expect(refusal(() => maps(list))).toMatchObject({ code, argument });
  });
});

test('a list in the memory of the tables is read to its end although that memory grows while it is mapped', () => {
  for (const path of PATHS) {
    const memory = new TableMemory();
    const list = memory.list(600);
    for (let i = 0; i < 600; i++) {
      list.addresses[i] = i * 2 ** 21;
      list.lengths[i] = 2 ** 21;
    }
    const domain = new Domain({ path, memory, pageSizes: 4096 });
    const before = memory.byteLength;
    expect(domain.mapSg(0, list, RW).bytes).toBe(600 * 2 ** 21);
    expect(memory.byteLength, path).toBeGreaterThan(before);
  }
});
