/** Geometry observed from Linux's own code: start level, levels and root bytes for each granule and input width. */
import { describe, expect, test } from 'vitest';
import { formatById } from '../../src/formats/index.ts';

function shape(id: string, granuleK: number, ias: number, oas: number): string {
  const format = formatById(id);
  const { levels } = format.configure(format.request(granuleK * 1024, ias, oas));
  return `${levels[0]?.level}/${levels.length}/${levels[0]?.tableBytes}`;
}

const S1: readonly (readonly [granuleK: number, ias: number, oas: number, shape: string])[] = [
  [4, 32, 32, '1/3/32'],
  [4, 36, 36, '1/3/512'],
  [4, 39, 40, '1/3/4096'],
  [4, 40, 40, '0/4/16'],
  [4, 42, 42, '0/4/64'],
  [4, 44, 44, '0/4/256'],
  [4, 48, 48, '0/4/4096'],
  [16, 32, 32, '2/2/1024'],
  [16, 36, 36, '2/2/16384'],
  [16, 39, 40, '1/3/64'],
  [16, 40, 40, '1/3/128'],
  [16, 42, 42, '1/3/512'],
  [16, 44, 44, '1/3/2048'],
  [16, 48, 48, '0/4/16'],
  [64, 32, 32, '2/2/64'],
  [64, 36, 36, '2/2/1024'],
  [64, 39, 40, '2/2/8192'],
  [64, 40, 40, '2/2/16384'],
  [64, 42, 42, '2/2/65536'],
  [64, 44, 44, '1/3/32'],
  [64, 48, 48, '1/3/512'],
  [64, 52, 52, '1/3/8192'],
];

const S2: typeof S1 = [
  [4, 40, 40, '1/3/8192'],
  [4, 42, 42, '1/3/32768'],
  [4, 44, 44, '0/4/256'],
  [16, 48, 48, '1/3/32768'],
  [4, 39, 40, '1/3/4096'],
];

describe('trees', () => {
  test.each(S1)('stage 1, %dK, ias %d, oas %d: %s', (granuleK, ias, oas, expected) => {
    expect(shape('arm-64-lpae-s1', granuleK, ias, oas)).toBe(expected);
  });

  test.each(S2)('stage 2, %dK, ias %d, oas %d: %s', (granuleK, ias, oas, expected) => {
    expect(shape('arm-64-lpae-s2', granuleK, ias, oas)).toBe(expected);
  });

  test('widths above what a granule holds are cut, not refused', () => {
    const format = formatById('arm_64_lpae_s1');
    expect(format.configure(format.request(4096, 52, 52))).toMatchObject({ ias: 48, oas: 48 });
    expect(format.configure(format.request(65536, 60, 60))).toMatchObject({ ias: 52, oas: 52 });
  });

  test('a short tree grants blocks that it cannot hold; under safe they are not chosen', () => {
    const format = formatById('arm-32-lpae-s1');
    const { pageSizes, levels } = format.configure(format.request(4096, 30, 32));
    expect({ pageSizes, top: levels[0]?.level }).toEqual({ pageSizes: 2 ** 12 + 2 ** 21 + 2 ** 30, top: 2 });
  });
});

describe('registers', () => {
  test('TCR fields of stage 1, and the sign-extended MAIR', () => {
    const format = formatById('arm-64-lpae-s1');
    const registers = format.configure(format.request(16384, 36, 40)).registers([0x8000_0000], 0);
    expect(registers).toEqual({
      ttbr: 0x8000_0000n,
      mair: 0xffff_ffff_f404_ff44n,
      'tcr.ips': 2n,
      'tcr.tg': 2n,
      'tcr.sh': 3n,
      'tcr.orgn': 1n,
      'tcr.irgn': 1n,
      'tcr.tsz': 28n,
    });
  });

  test('VTCR.SL0 counts differently with 4K', () => {
    const format = formatById('arm-64-lpae-s2');
    const sl = (granule: number, ias: number, oas: number): bigint | undefined =>
      format.configure(format.request(granule, ias, oas)).registers([0], 0)['vtcr.sl'];
    expect([sl(4096, 48, 48), sl(4096, 40, 40), sl(65536, 48, 48), sl(65536, 42, 42)]).toEqual([2n, 1n, 2n, 1n]);
  });

  test('short descriptors: PRRR, NMRR, and TTBR with and without coherence', () => {
    const format = formatById('arm-v7s');
    const request = format.request(4096, 32, 32);
    expect(format.configure(request).registers([0x8000_0000], 0)).toEqual({
      ttbr: 0x8000_006an,
      tcr: 0n,
      prrr: 0x800b_8204n,
      nmrr: 0x4000_4000n,
    });
    expect(format.configure({ ...request, coherent: false }).registers([0x8000_0000], 0)['ttbr']).toBe(0x8000_0002n);
  });
});
