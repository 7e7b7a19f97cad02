/** Entries that the SMMUv3 driver writes, read field by field by the reader that shares no code with it (Arm IHI 0070, 5.2, 5.4). */
import { describe, expect, test } from 'vitest';
import {
  cdUsed,
  contextDescriptor,
  type Entry,
  stage1Ste,
  stage2Ste,
  steUsed,
} from '../../src/drivers/arm-smmu-v3/entries.ts';
import { cdFields, decodeCd } from '../../src/hardware/smmu-v3/cd.ts';
import { decodeSte, steFields } from '../../src/hardware/smmu-v3/ste.ts';

const ALL = 2n ** 64n - 1n;

/** The sixteen words of an entry. */
function words(entry: Entry): Uint32Array {
  const wide = BigUint64Array.from({ length: 8 }, (_, i) => entry[i] ?? 0n);
  return new Uint32Array(wide.buffer);
}

/** Fields that are not zero. */
function set(fields: Record<string, string | number>): Record<string, string | number> {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== 0 && value !== '0x0'));
}

const STAGE1 = {
  ttbr: 0x4_0000_1000n,
  mair: 0xfff404ff44n,
  'tcr.tsz': 16n,
  'tcr.tg': 2n,
  'tcr.irgn': 1n,
  'tcr.orgn': 1n,
  'tcr.sh': 3n,
  'tcr.ips': 5n,
};
const STAGE2 = {
  vttbr: 0x4_0000_2000n,
  'vtcr.tsz': 24n,
  'vtcr.sl': 1n,
  'vtcr.irgn': 1n,
  'vtcr.orgn': 1n,
  'vtcr.sh': 3n,
  'vtcr.tg': 2n,
  'vtcr.ps': 4n,
};

const CD = {
  ...{ V: 1, T0SZ: 16, TG0: 2, IR0: 1, OR0: 1, SH0: 3, EPD1: 1, IPS: 5, AA64: 1, R: 1, A: 1, ASET: 1, ASID: 0x1234 },
  TTB0: '0x400001000',
  MAIR: '0xfff404ff44',
};
const STE1 = { V: 1, Config: 5, S1ContextPtr: '0x40000040', S1DSS: 2, S1CIR: 1, S1COR: 1, S1CSH: 3 };
const STE2 = {
  ...{ V: 1, Config: 6, SHCFG: 1, S2VMID: 7, S2T0SZ: 24, S2SL0: 1, S2IR0: 1, S2OR0: 1, S2SH0: 3, S2TG: 2, S2PS: 4 },
  ...{ S2AA64: 1, S2PTW: 1, S2R: 1, S2TTB: '0x400002000' },
};

describe('entries of the SMMUv3 driver', () => {
  test('a context descriptor, with and without dirty bits by the device', () => {
    const fieldsOf = (dirty: boolean) => set(cdFields(decodeCd(words(contextDescriptor(STAGE1, 0x1234, dirty)))));
    expect(fieldsOf(false)).toEqual(CD);
    expect(fieldsOf(true)).toEqual({ ...CD, HA: 1, HD: 1 });
  });

  test('a stream table entry of stage 1, with and without ATS and EL2', () => {
    const fieldsOf = (ats: boolean, e2h: boolean) =>
      set(steFields(decodeSte(words(stage1Ste(0x4000_0040, { ats, e2h })))));
    expect(fieldsOf(false, false)).toEqual(STE1);
    expect(fieldsOf(true, false)).toEqual({ ...STE1, EATS: 1 });
    expect(fieldsOf(false, true)).toEqual({ ...STE1, STRW: 2 });
  });

  test('a stream table entry of stage 2, with and without ATS', () => {
    const fieldsOf = (ats: boolean) => set(steFields(decodeSte(words(stage2Ste(STAGE2, 7, { ats, e2h: false })))));
    expect(fieldsOf(false)).toEqual(STE2);
    expect(fieldsOf(true)).toEqual({ ...STE2, EATS: 1 });
  });

  test('the bits that the device looks at', () => {
    expect(steUsed([0n])).toEqual([1n]);
    expect(steUsed([1n])).toEqual([0xfn]);
    expect(steUsed(stage1Ste(0x4000_0040, { ats: false, e2h: false }))).toEqual([ALL, ALL, 0xffffn]);
    expect(steUsed(stage2Ste(STAGE2, 7, { ats: false, e2h: false }))).toEqual([0xfn, ALL, ALL, ALL]);
    expect(cdUsed([])).toEqual([1n << 31n]);
    expect(cdUsed(contextDescriptor(STAGE1, 1, false))).toEqual([ALL, ALL, 0n, ALL]);
  });
});
