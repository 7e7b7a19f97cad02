/**
 * Leaf entries observed from Linux's own code, protection by protection (a page at 0x12345000, a large page, section and
 * supersection around it). Written down by hand from the record; no function of the library computes what is expected.
 */
import { describe, expect, test } from 'vitest';
import { Domain, type DomainOptions } from '../../src/core/index.ts';
import { PROT, QUIRK } from '../../src/formats/index.ts';
import { forEachLeaf } from '../../src/pagetable/index.ts';

const { READ: R, WRITE: W, CACHE: C, NOEXEC: N, MMIO: M, PRIV: P } = PROT;

/** The one leaf of a domain in which one page is mapped. */
function leafOf(options: DomainOptions, pa: number, size: number, prot: number): string {
  const domain = new Domain(options);
  domain.map(0, pa, size, prot);
  let text = '';
  forEachLeaf(domain.table.tree, (_iova, _pa, _size, lo, hi) => {
    text = ((BigInt(hi >>> 0) << 32n) | BigInt(lo >>> 0)).toString(16);
  });
  return text;
}

const S1 = { format: 'arm-64-lpae-s1' };
const NS = { ...S1, quirks: QUIRK.ARM_NS };
const S2 = { format: 'arm-64-lpae-s2' };
const MALI = { format: 'arm-mali-lpae' };

const LPAE: readonly (readonly [prot: number, s1: string, ns: string, s2: string, mali: string])[] = [
  [R, '12345ec3', '12345ee3', '12345657', '12345241'],
  [W, '12345e43', '12345e63', '12345697', '12345281'],
  [R | W, '12345e43', '12345e63', '123456d7', '123452c1'],
  [R | C, '12345fc7', '12345fe7', '1234577f', '12345245'],
  [R | W | C, '12345f47', '12345f67', '123457ff', '123452c5'],
  [R | W | M, '12345e4b', '12345e6b', '123456c7', '123452c9'],
  [R | M, '12345ecb', '12345eeb', '12345647', '12345249'],
  [R | W | N, '60000012345e43', '60000012345e63', '600000123456d7', '600000123452c1'],
  [R | W | P, '12345e03', '12345e23', '123456d7', '123452c1'],
  [R | W | C | N, '60000012345f47', '60000012345f67', '600000123457ff', '600000123452c5'],
  [R | W | C | P, '12345f07', '12345f27', '123457ff', '123452c5'],
  [R | N | P, '60000012345e83', '60000012345ea3', '60000012345657', '60000012345241'],
  [R | W | C | M, '12345f4b', '12345f6b', '123457c7', '123452c9'],
];

describe('LPAE and Mali leaves', () => {
  test.each(LPAE)('protection %d: page, with NS, stage 2, Mali', (prot, s1, ns, s2, mali) => {
    const pa = 0x1234_5000;
    expect([S1, NS, S2, MALI].map((options) => leafOf(options, pa, 4096, prot))).toEqual([s1, ns, s2, mali]);
  });

  test('blocks of 2M', () => {
    const leaves = [S1, S2, MALI].map((options) => leafOf(options, 0x4020_0000, 2 ** 21, R | W | C));
    expect(leaves).toEqual(['40200f45', '402007fd', '402002c5']);
  });

  test('52 bits with the 64K granule', () => {
    const wide = { ...S1, granule: '64K', ias: 52, oas: 52 };
    expect(leafOf(wide, 0xf_1234_5678_0000, 65536, R | W | C)).toBe('12345678ff47');
  });
});

const V7S: readonly (readonly [prot: number, small: string, large: string, section: string, supersection: string])[] = [
  [R, '12345e72', '12351e31', '12339c02', '13079c02'],
  [R | W, '12345c72', '12351c31', '12331c02', '13071c02'],
  [W, '12345c72', '12351c31', '12331c02', '13071c02'],
  [R | C, '12345e7e', '12351e3d', '12339c0e', '13079c0e'],
  [R | W | C, '12345c7e', '12351c3d', '12331c0e', '13071c0e'],
  [R | W | M, '12345c36', '12350c35', '12330c06', '13070c06'],
  [R | M, '12345e36', '12350e35', '12338c06', '13078c06'],
  [R | W | N, '12345c73', '12359c31', '12331c12', '13071c12'],
  [R | W | P, '12345c52', '12351c11', '12331402', '13071402'],
  [R | W | C | N, '12345c7f', '12359c3d', '12331c1e', '13071c1e'],
  [R | N | P, '12345e53', '12359e11', '12339412', '13079412'],
];

function v7sLeaves(quirks: number, prot: number): string[] {
  const options = { format: 'arm-v7s', quirks };
  const pages = [
    [0x1234_5000, 2 ** 12],
    [0x1235_0000, 2 ** 16],
    [0x1230_0000, 2 ** 20],
    [0x1300_0000, 2 ** 24],
  ] as const;
  return pages.map(([pa, size]) => leafOf(options, pa, size, prot));
}

const MTK = QUIRK.ARM_MTK_EXT | QUIRK.NO_PERMS;

describe('short-descriptor leaves', () => {
  test.each(V7S)('protection %d: small, large, section, supersection', (prot, ...leaves) => {
    expect(v7sLeaves(0, prot)).toEqual(leaves);
  });

  test('NS marks sections and leaves pages alone', () => {
    expect(v7sLeaves(QUIRK.ARM_NS, R | W | C)).toEqual(['12345c7e', '12351c3d', '123b1c0e', '130f1c0e']);
  });

  test.each([
    [R | W, '12345c42', '12351c01', '12331002', '13071002'],
    [R | W | C, '12345c4e', '12351c0d', '1233100e', '1307100e'],
    [R | W | M, '12345c06', '12350c05', '12330006', '13070006'],
    [R | N | P, '12345c42', '12351c01', '12331002', '13071002'],
  ])('without permission bits, protection %d', (prot, ...leaves) => {
    expect(v7sLeaves(QUIRK.NO_PERMS, prot)).toEqual(leaves);
  });

  test.each([
    [0, '12345c42', '12351c01', '12331002', '13071002'],
    [1, '12345e42', '12351e01', '12331202', '13071202'],
    [2, '12345c52', '12351c11', '12331012', '13071012'],
    [3, '12345e52', '12351e11', '12331212', '13071212'],
    [4, '12345c62', '12351c21', '12331022', '13071022'],
  ])('MediaTek: output bits 34:32 are %d', (high, ...leaves) => {
    const options = { format: 'arm-v7s', quirks: MTK, ias: 34, oas: 35 };
    const pages = [0x1234_5000, 0x1235_0000, 0x1230_0000, 0x1300_0000];
    const sizes = [12, 16, 20, 24].map((shift) => 2 ** shift);
    expect(pages.map((pa, i) => leafOf(options, high * 2 ** 32 + pa, sizes[i] ?? 0, R | W))).toEqual(leaves);
  });
});

describe('DART leaves: valid, whole page, sub-page bit, what is not allowed', () => {
  test.each([
    [R | W, 'fff0012344003', 'fff00048d1003'],
    [R, 'fff0012344083', 'fff00048d1007'],
    [W, 'fff0012344103', 'fff00048d100b'],
    [R | W | C | N | M | P, 'fff0012344003', 'fff00048d1003'],
  ])('protection %d', (prot, first, second) => {
    const options = { granule: '16K' };
    const dart1 = leafOf({ ...options, format: 'apple-dart' }, 0x1234_4000, 16384, prot);
    const dart2 = leafOf({ ...options, format: 'apple-dart2', ias: 36, oas: 42 }, 0x48d1_0000, 16384, prot);
    expect(dart1).toBe(first);
    expect(dart2).toBe(second);
  });
});
