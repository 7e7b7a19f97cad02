/** Newer parts of Arm's and Apple's tables: what entries and roots hold, and who writes them. */
import { describe, expect, test } from 'vitest';
import { Domain, type DomainOptions } from '../../src/core/index.ts';
import { bareDriver } from '../../src/drivers/index.ts';
import { formatById, PROT, QUIRK, type QuirkName, type Semantics } from '../../src/formats/index.ts';
import { forEachEntry } from '../../src/pagetable/index.ts';
import { RW, refusal } from '../../src/testing/setup.ts';

const S2 = 'arm-64-lpae-s2';

/** Entries of the last level, or of another, in order. */
function entriesOf(domain: Domain, level = 3): bigint[] {
  const { tree } = domain.table;
  const found: bigint[] = [];
  forEachEntry(tree, (_table, depth, _index, lo, hi) => {
    if (tree.levelAt(depth).level === level) found.push((BigInt(hi >>> 0) << 32n) | BigInt(lo >>> 0));
  });
  return found;
}

function bits(value: bigint | undefined, high: number, low: number): number {
  return Number(BigInt.asUintN(high - low + 1, (value ?? 0n) >> BigInt(low)));
}

describe('contiguous entries (DDI 0487, D8.6.1)', () => {
  const options: DomainOptions = { granule: '4K', quirks: ['ARM_CONTIGUOUS'] };

  test('each of sixteen entries has bit 52 and its own address; a page beside them does not', () => {
    const domain = new Domain(options);
    domain.map(0x10000, 0x4000_0000, 0x11000, RW);
    const entries = entriesOf(domain);
    expect(entries.map((entry) => bits(entry, 52, 52))).toEqual([...Array.from({ length: 16 }, () => 1), 0]);
    expect(entries.map((entry) => bits(entry, 47, 12))).toEqual(Array.from({ length: 17 }, (_, i) => 0x40000 + i));
    expect(domain.leaves().map(({ size }) => size)).toEqual([0x10000, 0x1000]);
  });

  test.each([
    ['4K', [12, 16, 21, 25, 30, 34]],
    ['16K', [14, 21, 25, 30]],
    ['64K', [16, 21, 29, 34]],
  ] as const)('with %s they bring the sizes of the architecture', (granule, sizes) => {
    const { geometry } = new Domain({ granule, quirks: ['ARM_CONTIGUOUS'] });
    expect(geometry.pageSizes).toBe(sizes.reduce((sum, shift) => sum + 2 ** shift, 0));
  });

  test('an unmap of a part leaves single entries, each with its address', () => {
    const domain = new Domain(options);
    domain.map(0, 0x4000_0000, 0x10000, RW);
    expect(domain.unmap(0x3000, 0x1000)).toEqual({ bytes: 0x1000, splits: 1 });
    const entries = entriesOf(domain);
    expect(entries).toHaveLength(15);
    expect(entries.every((entry) => bits(entry, 52, 52) === 0)).toBe(true);
    expect(domain.translate(0x4000)).toBe(0x4000_4000);
  });

  test('a root of fewer entries than a group has no such page', () => {
    const domain = new Domain({ ...options, ias: 33 });
    domain.map(0, 0, 2 ** 33, RW);
    expect(domain.leaves().map(({ size }) => size)).toEqual(Array.from({ length: 8 }, () => 2 ** 30));
  });
});

describe('52 bits with 4K and 16K (FEAT_LPA2)', () => {
  test('address bits 51:50 lie in bits 9:8, where the shareability was', () => {
    const domain = new Domain({ granule: '4K', ias: 52, oas: 52, quirks: ['ARM_LPA2'] });
    domain.map(2 ** 51, 2 ** 52 - 0x1000, 0x1000, RW | PROT.CACHE);
    const [entry] = entriesOf(domain);
    expect([bits(entry, 49, 12), bits(entry, 9, 8)]).toEqual([2 ** 38 - 1, 3]);
    domain.map(0, 0x1000, 0x1000, RW | PROT.CACHE);
    expect(bits(entriesOf(domain)[0], 9, 8)).toBe(0);
    expect(domain.translate(2 ** 51 + 5)).toBe(2 ** 52 - 0x1000 + 5);
  });

  test('more than 48 bits begin at level −1 with 4K and at level 0 with 16K; registers say DS', () => {
    const shapeOf = (granule: string, format: string) => {
      const { geometry, registers } = new Domain({ format, granule, ias: 52, oas: 52, quirks: ['ARM_LPA2'] });
      return [geometry.levels[0]?.level, registers['tcr.ds'] ?? registers['vtcr.ds'], registers['vtcr.sl2']];
    };
    expect(shapeOf('4K', 'arm-64-lpae-s1')).toEqual([-1, 1n, undefined]);
    expect(shapeOf('4K', S2)).toEqual([-1, 1n, 1n]);
    expect(shapeOf('16K', 'arm-64-lpae-s1')).toEqual([0, 1n, undefined]);
    expect(shapeOf('16K', S2)).toEqual([0, 1n, 0n]);
  });

  test('64K has 52 bits of its own: both together are refused', () => {
    const make = () => new Domain({ granule: '64K', quirks: ['ARM_LPA2'] });
    expect(refusal(make)).toMatchObject({ code: 'BAD_GEOMETRY', argument: 'quirks' });
  });
});

describe('dirty state (ARM_HD)', () => {
  const options: DomainOptions = { quirks: ['ARM_HD'] };

  test('leaves that may be written have DBM and are dirty from the start; others are neither', () => {
    const domain = new Domain(options);
    domain.map(0, 0x1000, 0x1000, PROT.READ);
    domain.map(0x1000, 0x8000, 0x1000, PROT.WRITE);
    domain.map(0x2000, 0xa000, 0x1000, RW);
    expect(entriesOf(domain).map((entry) => [bits(entry, 51, 51), bits(entry, 7, 7)])).toEqual([
      [0, 1],
      [1, 0],
      [1, 0],
    ]);
    expect([...domain.readDirty(0, 0x3000).bitmap]).toEqual([0b110]);
    expect(entriesOf(domain).map((entry) => bits(entry, 7, 7))).toEqual([1, 1, 1]);
    expect([...domain.readDirty(0, 0x3000).bitmap]).toEqual([0]);
  });

  test('a write shows in a leaf with DBM alone', () => {
    const domain = new Domain(options);
    domain.map(0, 0x1000, 0x1000, PROT.READ);
    domain.map(0x1000, 0x8000, 0x1000, RW);
    domain.readDirty(0, 0x2000);
    expect([domain.setDirty(0), domain.setDirty(0x1000)]).toEqual([false, true]);
    expect([...domain.readDirty(0, 0x2000).bitmap]).toEqual([0b10]);
  });

  test('under linux-7.3 a hole ends a read with EINVAL, once what lies before it is read', () => {
    const domain = new Domain({ ...options, semantics: 'linux-7.3' });
    domain.map(0, 0x1000, 0x1000, RW);
    domain.map(0x2000, 0xa000, 0x1000, RW);
    expect(domain.readDirty(0, 0x3000)).toMatchObject({ errno: -22, leaves: 1 });
    expect(domain.readDirty(0x2000, 0x1000)).toMatchObject({ errno: 0, leaves: 1 });
    expect(domain.readDirty(2 ** 48, 0x1000)).toMatchObject({ errno: -22 });
  });
});

test('with ARM_S2FWB cacheable memory is MemAttr 0110; the others are as without', () => {
  const attributesOf = (quirks: readonly QuirkName[]) => {
    const domain = new Domain({ format: S2, quirks });
    for (const [i, prot] of [PROT.CACHE, 0, PROT.MMIO].entries()) domain.map(i * 0x1000, i * 0x3000, 0x1000, RW | prot);
    return entriesOf(domain).map((entry) => bits(entry, 5, 2));
  };
  expect(attributesOf([])).toEqual([0b1111, 0b0101, 0b0001]);
  expect(attributesOf(['ARM_S2FWB'])).toEqual([0b0110, 0b0101, 0b0001]);
});

describe('what each semantics has', () => {
  const quirks = ['ARM_CONTIGUOUS', 'ARM_LPA2', 'ARM_HD', 'NO_WARN'] as const;
  test.each([
    ['safe', []],
    ['linux-7.3', ['ARM_CONTIGUOUS', 'ARM_LPA2']],
    ['linux-6.1', quirks],
  ] as const)('%s refuses %s', (semantics, refused) => {
    for (const quirk of quirks) {
      const make = () => new Domain({ semantics, quirks: [quirk] }).free();
      if (!(refused as readonly string[]).includes(quirk)) make();
      else expect(refusal(make)).toMatchObject({ code: 'UNSUPPORTED_GEOMETRY', argument: 'quirks' });
    }
  });

  const rootOf = (semantics: Semantics, granule: string, ias: number, oas: number) => {
    const [root] = new Domain({ format: S2, granule, ias, oas, semantics }).geometry.levels;
    return `${root?.level}/${root?.entries}`;
  };

  test('roots of stage 2 are concatenated where that saves a level, or from 6.13 on where it is demanded', () => {
    expect(rootOf('linux-6.1', '4K', 40, 32)).toBe('1/1024');
    expect(rootOf('linux-7.3', '4K', 40, 32)).toBe('0/2');
    expect(rootOf('linux-7.3', '4K', 40, 40)).toBe('1/1024');
    expect(rootOf('linux-7.3', '16K', 48, 44)).toBe('1/4096');
    expect(rootOf('linux-7.3', '16K', 40, 40)).toBe('2/32768');
    expect(rootOf('safe', '16K', 40, 40)).toBe('1/16');
  });

  test.each([
    ['4K', 48, 40],
    ['4K', 48, 42],
    ['16K', 42, 40],
  ])('%s, ias %d, oas %d would need more than sixteen tables: refused under linux-7.3', (granule, ias, oas) => {
    const make = () => rootOf('linux-7.3', granule, ias, oas);
    expect(refusal(make)).toMatchObject({ code: 'BAD_GEOMETRY', argument: 'ias' });
  });

  test.each(['arm-64-lpae-s1', 'arm-v7s'])(
    'linux-7.3 does not unmap a part of a block of %s, nor sync for it',
    (format) => {
      const syncs: string[] = [];
      const hear = {
        flushWalk() {},
        addPages: () => void syncs.push('page'),
        flushAll() {},
        sync: () => void syncs.push('sync'),
      };
      const domain = new Domain({ format, semantics: 'linux-7.3', driver: bareDriver(hear) });
      const size = format === 'arm-v7s' ? 2 ** 20 : 2 ** 21;
      domain.map(0, 0, size, RW);
      expect(domain.unmap(0x1000, 0x1000)).toEqual({ bytes: 0, splits: 0 });
      expect(syncs).toEqual([]);
      expect(domain.translate(0x1000)).toBe(0x1000);
      expect(domain.unmap(0, size).bytes).toBe(size);
      expect(syncs).toEqual(['page', 'sync']);
    },
  );

  test('linux-7.3 maps nothing beyond the roots of a DART: ENOMEM', () => {
    const domain = new Domain({ format: 'apple-dart', granule: '16K', ias: 36, semantics: 'linux-7.3' });
    expect(domain.map(2 ** 36, 0, 0x4000, RW)).toMatchObject({ errno: -12, bytes: 0 });
    expect(domain.unmap(2 ** 36, 0x4000).bytes).toBe(0);
    expect(domain.translate(2 ** 36)).toBeUndefined();
  });

  test('NO_CACHE of a T6000 DART: on all leaves, or under linux-7.3 on those that are not cacheable', () => {
    const noCache = (semantics: Semantics, prot: number) => {
      const domain = new Domain({ format: 'apple-dart2', semantics });
      domain.map(0, 0, 0x4000, RW | prot);
      return bits(entriesOf(domain, 2)[0], 1, 1);
    };
    expect([noCache('linux-6.1', PROT.CACHE), noCache('linux-6.1', 0)]).toEqual([1, 1]);
    expect([noCache('linux-7.3', PROT.CACHE), noCache('linux-7.3', 0)]).toEqual([0, 1]);
  });

  test('no kernel has one-walk for Arm', () => {
    for (const semantics of ['linux-6.1', 'linux-7.3'] as const) {
      expect(refusal(() => new Domain({ semantics, path: 'one-walk' }))).toMatchObject({ argument: 'path' });
    }
  });

  test('quirk flags have the values of include/linux/io-pgtable.h', () => {
    expect([QUIRK.ARM_HD, QUIRK.ARM_S2FWB, QUIRK.NO_WARN]).toEqual([1 << 7, 1 << 8, 1 << 9]);
    expect(formatById('arm-64-lpae-s1').quirks).toContain('ARM_HD');
  });
});
