import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Domain } from '../../src/core/domain.ts';
import type { DomainOptions } from '../../src/core/options.ts';
import { DISPATCHES, PATHS, type Path } from '../../src/core/paths.ts';
import { armSmmu } from '../../src/drivers/arm-smmu/arm-smmu.ts';
import { bareDriver } from '../../src/drivers/bare.ts';
import type { IommuError } from '../../src/errors.ts';
import { liveBytes } from './helpers.ts';

const K4 = 4096;
const M2 = 2 ** 21;
const RW = 3;
const IOVA = 4 * M2;
const PAGES = 1500;

const KERNEL_PATHS = PATHS.filter((path) => path !== 'one-walk');
const LIST = Array.from({ length: PAGES }, (_, i) => ({ address: 0x80000000 + i * 2 * K4, length: K4 }));

interface Case {
  readonly path: Path;
  readonly options: DomainOptions;
}

function cases(paths: readonly Path[]): Case[] {
  return paths.flatMap((path) =>
    DISPATCHES.flatMap((dispatch) =>
      ['arm-64-lpae-s1', 'arm-v7s'].flatMap((format) =>
        [armSmmu(), bareDriver()].map((driver) => ({ path, options: { path, dispatch, format, driver } })),
      ),
    ),
  );
}

function errorOf(action: () => unknown): IommuError | undefined {
  try {
    action();
  } catch (error) {
    return error as IommuError;
  }
  return undefined;
}

const position = fc.nat({ max: PAGES - 1 });

describe('safe leaves no trace', () => {
  it.each(cases(PATHS))('$path, page k occupied: $options.dispatch $options.format', ({ options }) => {
    fc.assert(
      fc.property(position, (k) => {
        const domain = new Domain(options);
        domain.map(IOVA + k * K4, 0x60000000, K4, RW);
        const before = liveBytes(domain.memory);
        const error = errorOf(() => domain.mapSg(IOVA, LIST, RW));
        expect([error?.code, error?.fields['at']]).toEqual(['OVERLAP', `0x${(IOVA + k * K4).toString(16)}`]);
        expect(liveBytes(domain.memory)).toEqual(before);
      }),
      { numRuns: 4 },
    );
  });

  it.each(cases(PATHS))('$path, no memory for table n: $options.dispatch $options.format', ({ options }) => {
    const needed = new Domain(options);
    needed.meter.reset();
    needed.mapSg(IOVA, LIST, RW);
    const tables = needed.meter.tablesAllocated;
    expect(tables).toBeGreaterThan(2);
    for (let granted = 0; granted < tables; granted++) {
      const domain = new Domain(options);
      domain.map(0, 0x60000000, K4, RW);
      domain.unmap(0, K4);
      const before = liveBytes(domain.memory);
      domain.memory.failAfter(granted);
      const error = errorOf(() => domain.mapSg(IOVA, LIST, RW));
      domain.memory.failAfter(-1);
      if (error === undefined) continue;
      expect(error.code).toBe('NO_MEMORY');
      expect(liveBytes(domain.memory)).toEqual(before);
      expect(domain.leaves()).toEqual([]);
      expect(domain.mapSg(IOVA, LIST, RW).bytes).toBe(PAGES * K4);
    }
  });

  it('the first table refused is an error on every path', () => {
    for (const { options } of cases(PATHS)) {
      const domain = new Domain(options);
      domain.memory.failAfter(0);
      expect(errorOf(() => domain.mapSg(IOVA, LIST, RW))?.errno).toBe(-12);
    }
  });
});

it.each([
  ['64K', 0x10000, 0x20000, 1],
  ['16M', 2 ** 24, 2 ** 25, 16],
])('a v7s page of %s stays as a whole where an invalidation throws', (_name, bytes, both, most) => {
  for (let calls = 0; calls < most; calls++) {
    let left = Number.POSITIVE_INFINITY;
    const addPages = (): void => {
      if (left-- === 0) throw new Error('stuck');
    };
    const driver = bareDriver({ flushWalk() {}, addPages, flushAll() {}, sync() {} });
    const domain = new Domain({ format: 'arm-v7s', driver });
    domain.map(0, 0, both, RW);
    const before = domain.leaves();
    left = calls;
    expect(() => domain.unmap(0, bytes)).toThrow('stuck');
    expect(domain.leaves()).toEqual(before);
    left = Number.POSITIVE_INFINITY;
    expect(domain.unmap(0, both).bytes).toBe(both);
    expect(domain.leaves()).toEqual([]);
  }
});

describe('linux-6.1 leaves what that kernel leaves', () => {
  it.each(cases(KERNEL_PATHS))('$path, page k occupied: $options.dispatch $options.format', ({ options }) => {
    fc.assert(
      fc.property(position, (k) => {
        const domain = new Domain({ ...options, semantics: 'linux-6.1' });
        domain.map(IOVA + k * K4, 0x60000000, K4, RW);
        const result = domain.mapSg(IOVA, LIST, RW);
        expect([result.bytes, result.errno]).toEqual([0, -17]);
        expect(domain.leaves()).toEqual([{ iova: BigInt(IOVA + k * K4), pa: 0x60000000, size: K4 }]);
      }),
      { numRuns: 4 },
    );
  });

  it.each(cases(KERNEL_PATHS))('$path, no memory for table n: $options.dispatch $options.format', ({ options }) => {
    const domain = new Domain({ ...options, semantics: 'linux-6.1' });
    domain.memory.failAfter(2);
    const result = domain.mapSg(IOVA, LIST, RW);
    domain.memory.failAfter(-1);
    expect([result.bytes, result.errno]).toEqual([0, -12]);
    expect(domain.leaves()).toEqual([]);
  });

  it('tables that cover whole blocks of the rollback go, the last one and those above stay, empty', () => {
    for (const path of KERNEL_PATHS) {
      const domain = new Domain({ path, semantics: 'linux-6.1' });
      const before = domain.memory.liveTables;
      domain.map(IOVA + 600 * K4, 0x60000000, K4, RW);
      domain.mapSg(IOVA, LIST.slice(0, 700), RW);
      // Levels 1 and 2, and the leaf table with the page that was there; the first leaf table was unmapped whole.
      expect(domain.memory.liveTables - before).toBe(3);
    }
  });
});

describe('an invalidation that fails', () => {
  function stuck(options: DomainOptions): { domain: Domain; fail: (now: boolean) => void } {
    let fails = false;
    const flush = (): void => {
      if (fails) throw new Error('the device is stuck');
    };
    const driver = bareDriver({ flushWalk: flush, addPages() {}, flushAll: flush, sync() {} });
    const domain = new Domain({ ...options, driver });
    const fail = (now: boolean): void => {
      fails = now;
    };
    return { domain, fail };
  }

  it.each(PATHS)('links the table again: %s', (path) => {
    const { domain, fail } = stuck({ path });
    for (let page = 0; page < 512; page++) domain.map(IOVA + page * K4, 0x80000000 + 2 * page * K4, K4, RW);
    const live = domain.memory.liveTables;
    const before = liveBytes(domain.memory);
    fail(true);
    expect(() => domain.unmap(IOVA, M2)).toThrow('stuck');
    expect([domain.memory.liveTables, liveBytes(domain.memory)]).toEqual([live, before]);
    fail(false);
    expect(domain.unmap(IOVA, M2).bytes).toBe(M2);
    domain.free();
    expect([domain.memory.liveTables, domain.memory.liveBytes]).toEqual([0, 0]);
  });

  it.each(PATHS)('keeps the tables of a split and of a map from reuse until the domain is freed: %s', (path) => {
    const { domain, fail } = stuck({ path });
    domain.map(IOVA, 2 ** 30, M2, RW);
    const live = domain.memory.liveTables;
    domain.memory.failAfter(1);
    fail(true);
    expect(() => domain.mapSg(2 ** 31, LIST, RW)).toThrow('stuck');
    domain.memory.failAfter(-1);
    expect(domain.leaves()).toEqual([{ iova: BigInt(IOVA), pa: 2 ** 30, size: M2 }]);
    expect(domain.memory.liveTables).toBe(live + 1);
    fail(false);
    domain.free();
    expect([domain.memory.liveTables, domain.memory.liveBytes]).toEqual([0, 0]);
  });

  it.each(KERNEL_PATHS)('leaves the page unmapped, and keeps its table from reuse, under linux-6.1: %s', (path) => {
    const { domain, fail } = stuck({ path, semantics: 'linux-6.1' });
    for (let page = 0; page < 512; page++) domain.map(IOVA + page * K4, 0x80000000 + 2 * page * K4, K4, RW);
    const live = domain.memory.liveTables;
    fail(true);
    expect(() => domain.unmap(IOVA, M2)).toThrow('stuck');
    fail(false);
    expect(domain.translate(IOVA)).toBeUndefined();
    expect(domain.memory.liveTables).toBe(live);
    domain.free();
    expect([domain.memory.liveTables, domain.memory.liveBytes]).toEqual([0, 0]);
  });
});
