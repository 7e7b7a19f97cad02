/** What the recorded vectors do not hold, from what is known of that kernel. */
import { describe, expect, test } from 'vitest';
import { Domain, type DomainOptions } from '../../src/core/index.ts';
import { bareDriver } from '../../src/drivers/index.ts';
import { formatById, PROT, QUIRK, type TableRequest } from '../../src/formats/index.ts';
import { TableMemory } from '../../src/memory/index.ts';
import { forEachEntry } from '../../src/pagetable/index.ts';
import { RW, refusal } from '../../src/testing/setup.ts';

const ENOMEM = -12;
const EINVAL = -22;
const ERANGE = -34;
const MTK = QUIRK.ARM_MTK_EXT | QUIRK.NO_PERMS;

/** A `linux-6.1` domain with a page table that is called as a driver calls it, and what it told the TLB. */
function kernel(options: DomainOptions) {
  const events: string[] = [];
  const driver = bareDriver({
    flushWalk: (iova, size, granule) => events.push(`W ${iova.toString(16)} ${size} ${granule}`),
    addPages: (iova, granule, count) => events.push(`A ${iova.toString(16)} ${granule} ${count}`),
    flushAll: () => events.push('F'),
    sync: () => events.push('S'),
  });
  const domain = new Domain({ semantics: 'linux-6.1', driver, ...options });
  const map = (iova: number, pa: number, size: number, count: number, prot: number) => {
    const done = { bytes: 0 };
    return { errno: domain.table.mapPages(iova, pa, size, count, prot, done), mapped: done.bytes };
  };
  const entries = (): string[] => {
    const list: string[] = [];
    forEachEntry(domain.table.tree, (_table, depth, index, lo) => {
      if (!domain.table.tree.isTable(depth, lo)) list.push(`${depth} ${index} ${(lo >>> 0).toString(16)}`);
    });
    return list;
  };
  return { domain, events, map, entries };
}

describe('short descriptors', () => {
  test('a size of two entries writes two, in the contiguous form', () => {
    const { domain, events, map, entries } = kernel({ format: 'arm-v7s' });
    expect(map(0x2000, 0x1234_4000, 0x2000, 1, RW)).toEqual({ errno: 0, mapped: 0x2000 });
    expect(entries()).toEqual(['1 2 12345c31', '1 3 12345c31']);
    expect(domain.table.unmapPages(0x2000, 0x2000, 1, false)).toBe(0x2000);
    expect(events).toEqual(['A 2000 4096 2']);
    expect(entries()).toEqual([]);
  });

  test('two of a large page’s sixteen entries go without a split', () => {
    const { domain, events, map, entries } = kernel({ format: 'arm-v7s' });
    map(0, 0x1235_0000, 0x10000, 1, RW);
    expect(domain.table.unmapPages(0x4000, 0x2000, 1, false)).toBe(0x2000);
    expect(entries()).toHaveLength(14);
    expect(entries()[0]).toBe('1 0 12351c31');
    expect(events.filter((event) => event.startsWith('W'))).toEqual([]);
  });

  test('unaligned addresses are cut to the entry, and told to the TLB as given', () => {
    const { domain, events, map, entries } = kernel({ format: 'arm-v7s' });
    expect(map(0x1234, 0x1234_5678, 0x1000, 1, RW)).toEqual({ errno: 0, mapped: 0x1000 });
    expect(entries()).toEqual(['1 1 12345c72']);
    expect(domain.table.unmapPages(0x1234, 0x1000, 1, false)).toBe(0x1000);
    expect(events).toEqual(['A 1234 4096 1']);
  });

  test('map checks the range of the first page, then the protection, then the count', () => {
    const { domain, map } = kernel({ format: 'arm-v7s', ias: 28 });
    expect(map(2 ** 28, 0, 0x1000, 0, 0)).toEqual({ errno: ERANGE, mapped: 0 });
    expect(map(0, 2 ** 32, 0x1000, 0, 0)).toEqual({ errno: ERANGE, mapped: 0 });
    expect(map(0, 0, 0x1000, 1, PROT.CACHE)).toEqual({ errno: EINVAL, mapped: 0 });
    expect(map(0, 0, 0x1000, 0, RW)).toEqual({ errno: EINVAL, mapped: 0 });
    expect(domain.table.unmapPages(0, 0x1000, 0, false)).toBe(0);
    expect(domain.memory.liveTables).toBe(1);
  });

  test('a second-level table above 4 GiB is no memory; tables below it are used to the last', () => {
    const memory = new TableMemory({ base: 0xffff_0000 });
    const { map } = kernel({ format: 'arm-v7s', memory });
    const room = (0x1_0000_0000 - 0xffff_0000 - 0x4000) / 1024;
    for (let i = 0; i < room; i++) expect(map(i * 2 ** 20, 0, 0x1000, 1, RW).errno).toBe(0);
    expect(map(room * 2 ** 20, 0, 0x1000, 1, RW)).toEqual({ errno: ENOMEM, mapped: 0 });
    expect(memory.liveTables).toBe(room + 1);
  });

  test('a root above 4 GiB is refused, except with MediaTek’s encoding of table addresses', () => {
    const above = { format: 'arm-v7s', ias: 34, oas: 35, memory: new TableMemory({ base: 0x1_0000_0000 }) };
    expect(refusal(() => new Domain({ ...above, quirks: MTK }))).toMatchObject({ code: 'NO_MEMORY' });
    const domain = new Domain({ ...above, quirks: MTK | QUIRK.ARM_MTK_TTBR_EXT });
    domain.map(0x1000, 0x7_0000_0000, 0x1000, RW);
    expect(domain.translate(0x1042)).toBe(0x7_0000_0042);
  });

  test.each(['arm-32-lpae-s1', 'arm-32-lpae-s2'])('a root above 40 bits is refused: %s', (format) => {
    const above = new TableMemory({ base: 2 ** 40 });
    expect(refusal(() => new Domain({ format, memory: above }))).toMatchObject({ code: 'NO_MEMORY' });
    const below = new TableMemory({ base: 2 ** 40 - 0x10000 });
    expect(new Domain({ format, memory: below }).registers).toBeDefined();
    expect(new Domain({ format: format.replace('32', '64'), memory: above }).registers).toBeDefined();
  });

  test.each(['safe', 'linux-6.1'] as const)('MediaTek: a map across 4 GiB under %s', (semantics) => {
    const { domain, entries } = kernel({ format: 'arm-v7s', ias: 34, oas: 35, quirks: MTK, semantics });
    expect(domain.map(0x8000, 0xffff_e000, 0x4000, RW)).toMatchObject({ bytes: 0x4000, errno: 0 });
    expect(entries()).toEqual(['1 8 ffffec42', '1 9 fffffc42', '1 10 e42', '1 11 1e42']);
    expect(domain.translate(0xa123)).toBe(0x1_0000_0123);
  });

  test('sizes that the format does not know are dropped from the bitmap', () => {
    const format = formatById('arm-v7s');
    const request = { ...format.request(4096, 32, 32), pageSizes: 2 ** 12 + 2 ** 14 + 2 ** 16 + 2 ** 21 + 2 ** 40 };
    expect(format.configure(request).pageSizes).toBe(2 ** 12 + 2 ** 16);
    expect(refusal(() => format.configure({ ...request, pageSizes: 2 ** 14 })).code).toBe('BAD_GEOMETRY');
  });

  test('a quirk that needs another is refused without it', () => {
    const format = formatById('arm-v7s');
    const plain = format.request(4096, 32, 32);
    const refused = [QUIRK.ARM_MTK_EXT, QUIRK.ARM_MTK_TTBR_EXT, QUIRK.NO_PERMS | QUIRK.ARM_MTK_TTBR_EXT];
    for (const quirks of refused) {
      expect(refusal(() => format.configure({ ...plain, quirks }))).toMatchObject({ code: 'BAD_GEOMETRY' });
    }
    expect(refusal(() => format.configure({ ...plain, quirks: QUIRK.ARM_TTBR1 })).code).toBe('BAD_QUIRK');
  });
});

describe('DART', () => {
  test('an input address above the range aliases, it is not refused', () => {
    const { domain, map } = kernel({ format: 'apple-dart', granule: '4K', ias: 30 });
    expect(map(2 ** 30 + 0x5000, 0x1234_5000, 0x1000, 1, RW)).toEqual({ errno: 0, mapped: 0x1000 });
    expect(domain.translate(0x5042)).toBe(0x1234_5042);
    expect(domain.translate(3 * 2 ** 30 + 0x5042)).toBe(0x1234_5042);
    expect(domain.table.unmapPages(0x5000, 0x1000, 1, false)).toBe(0x1000);
  });

  test('with four roots, the address above them comes round to the first', () => {
    const { domain, map } = kernel({ format: 'apple-dart', granule: '4K', ias: 32 });
    map(2 ** 32 + 0x1000, 0x1234_5000, 0x1000, 1, RW);
    expect(domain.translate(0x1000)).toBe(0x1234_5000);
    expect(domain.translate(2 ** 30 + 0x1000)).toBeUndefined();
  });

  const good: TableRequest = formatById('apple-dart').request(4096, 32, 36);
  const refusals: readonly (readonly [name: string, change: Partial<TableRequest>, code: string, argument: string])[] =
    [
      ['a quirk', { quirks: QUIRK.ARM_NS }, 'BAD_QUIRK', 'quirks'],
      ['a walk that is not coherent', { coherent: false }, 'BAD_GEOMETRY', 'coherent'],
      ['another output width', { oas: 40 }, 'BAD_GEOMETRY', 'oas'],
      ['an input width above the output width', { ias: 37 }, 'BAD_GEOMETRY', 'ias'],
      ['two page sizes', { pageSizes: 4096 + 16384 }, 'BAD_GEOMETRY', 'pageSizes'],
      ['another page size', { pageSizes: 65536 }, 'BAD_GEOMETRY', 'pageSizes'],
      ['no page size', { pageSizes: 0 }, 'BAD_GEOMETRY', 'pageSizes'],
      ['more than four roots of two levels', { ias: 33, semantics: 'linux-6.1' }, 'BAD_GEOMETRY', 'ias'],
      ['more than three levels', { ias: 42, oas: 42 }, 'BAD_GEOMETRY', 'ias'],
    ];

  test.each(refusals)('%s is refused', (_name, change, code, argument) => {
    const error = refusal(() => formatById('apple-dart').configure({ ...good, ...change }));
    expect(error).toMatchObject({ code, argument, errnoName: 'EINVAL' });
  });

  test('the first encoding holds 36 output bits: linux-6.1 cuts off what 42 allow, safe refuses it', () => {
    const wide = { format: 'apple-dart', granule: '16K', ias: 36, oas: 42 };
    const { domain } = kernel(wide);
    expect(domain.map(0, 2 ** 36 + 0x4000, 0x4000, RW).errno).toBe(0);
    expect(domain.translate(0)).toBe(0x4000);
    const safe = new Domain(wide);
    expect(refusal(() => safe.map(0, 2 ** 36, 0x4000, RW))).toMatchObject({ code: 'OUT_OF_RANGE', argument: 'pa' });
    expect(safe.map(0, 2 ** 36 - 0x4000, 0x4000, RW).bytes).toBe(0x4000);
  });

  test('the second encoding has no 4K pages, and says why', () => {
    const error = refusal(() => formatById('apple-dart2').configure({ ...good, oas: 42 }));
    expect(error).toMatchObject({ code: 'BAD_GEOMETRY', argument: 'pageSizes' });
    expect(error.message).toContain('16K');
  });

  test.each([
    [30, 1, 2],
    [31, 2, 2],
    [32, 4, 2],
    [33, 1, 3],
    [41, 4, 3],
  ])('ias %d has %d roots, each with a TTBR, of %d levels', (ias, roots, levels) => {
    const { registers } = new Domain({ format: 'apple-dart', granule: '4K', ias, oas: 42 });
    expect(registers).toMatchObject({ n_ttbrs: BigInt(roots), n_levels: BigInt(levels + 1) });
    expect(Object.keys(registers)).toHaveLength(roots + 2);
  });
});

describe('32-bit long descriptors, stage 1', () => {
  const format = formatById('arm-32-lpae-s1');
  const plain = format.request(4096, 32, 40);

  test('TTBR1: the region is the top of 64 bits, and the granule is coded as TG1', () => {
    const domain = new Domain({ format, request: { ...plain, quirks: QUIRK.ARM_TTBR1 } });
    expect(domain.geometry.iovaBase).toBe(0xffff_ffff_0000_0000n);
    expect(domain.registers).toMatchObject({ 'tcr.tg': 2n, 'tcr.tsz': 32n });
    domain.map(0xffff_ffff_ffff_f000n, 0x12_3456_7000, 0x1000, RW);
    expect(domain.translate(0xffff_ffff_ffff_f042n)).toBe(0x12_3456_7042);
    expect(refusal(() => domain.map(0xffff_f000, 0, 0x1000, RW)).code).toBe('OUT_OF_RANGE');
    const linux = new Domain({ format, request: { ...plain, quirks: QUIRK.ARM_TTBR1 }, semantics: 'linux-6.1' });
    expect(linux.map(0xffff_f000, 0, 0x1000, RW).errno).toBe(ERANGE);
  });

  test('OUTER_WBWA: outer cacheable walks, and only where they are not coherent', () => {
    const request = { ...plain, quirks: QUIRK.ARM_OUTER_WBWA };
    expect(refusal(() => format.configure(request))).toMatchObject({ code: 'BAD_GEOMETRY', argument: 'quirks' });
    const { registers } = new Domain({ format, request: { ...request, coherent: false } });
    expect(registers).toMatchObject({ 'tcr.orgn': 1n, 'tcr.irgn': 0n, 'tcr.sh': 2n });
  });

  test('widths above the limits are refused, not cut', () => {
    expect(refusal(() => format.configure({ ...plain, ias: 33 }))).toMatchObject({ argument: 'ias' });
    expect(refusal(() => format.configure({ ...plain, oas: 42 }))).toMatchObject({ argument: 'oas' });
  });
});

describe('requests that no format takes', () => {
  const impossible: readonly (readonly [string, Partial<TableRequest>, string])[] = [
    ['an input width of zero', { ias: 0 }, 'BAD_GEOMETRY'],
    ['a fraction of a bit', { ias: 31.5 }, 'BAD_GEOMETRY'],
    ['NaN bits', { oas: Number.NaN }, 'BAD_GEOMETRY'],
    ['no page size', { pageSizes: 0 }, 'BAD_GEOMETRY'],
    ['an infinite bitmap', { pageSizes: Number.POSITIVE_INFINITY }, 'BAD_GEOMETRY'],
    ['a negative bitmap', { pageSizes: -4096 }, 'BAD_GEOMETRY'],
    ['a bitmap beyond numbers', { pageSizes: 2 ** 64 }, 'BAD_GEOMETRY'],
    ['a CPU page that is no power of two', { cpuPageSize: 12288 }, 'BAD_GEOMETRY'],
    ['unknown quirks', { quirks: 4 }, 'BAD_QUIRK'],
    ['a quirk above 32 bits', { quirks: 2 ** 32 }, 'BAD_QUIRK'],
    ['a negative quirk', { quirks: -1 }, 'BAD_QUIRK'],
  ];

  test.each(impossible)('%s', (_name, change, code) => {
    for (const id of ['arm-64-lpae-s1', 'arm-64-lpae-s2', 'arm-32-lpae-s2', 'arm-mali-lpae', 'arm-v7s', 'apple-dart']) {
      const format = formatById(id);
      const [first] = format.configurations;
      if (first === undefined) throw new Error('no configuration');
      expect(refusal(() => format.configure({ ...first.request, ...change })).code, id).toBe(code);
    }
  });

  test('names that are not known', () => {
    expect(refusal(() => new Domain({ format: 'vax' }))).toMatchObject({ code: 'UNKNOWN_FORMAT' });
    expect(refusal(() => new Domain({ granule: '8K' }))).toMatchObject({ code: 'BAD_GEOMETRY', argument: 'granule' });
    expect(refusal(() => new Domain({ quirks: ['NONE' as 'ARM_NS'] }))).toMatchObject({ code: 'BAD_QUIRK' });
    expect(refusal(() => new Domain({ path: 'fast' as 'map-sg' }))).toMatchObject({ code: 'BAD_OPTION' });
    expect(refusal(() => new Domain({ semantics: 'linux-6.1', path: 'one-walk' }))).toMatchObject({ argument: 'path' });
  });
});
