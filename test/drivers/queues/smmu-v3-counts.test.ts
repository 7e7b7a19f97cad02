import { describe, expect, it } from 'vitest';
import { Domain } from '../../../src/core/index.ts';
import { type ArmSmmuV3Options, armSmmuV3 } from '../../../src/drivers/arm-smmu-v3/arm-smmu-v3.ts';
import { AT, K4, K64, type Leaves, M2, M32, mapLeaves, RW, sent, sums } from './helpers.ts';

const KERNELS = ['6.1', '6.12', '7.3'] as const;

function make(options: ArmSmmuV3Options, format = 'arm-64-lpae-s1'): Domain {
  return new Domain({ format, driver: armSmmuV3(options) });
}

function strict(options: ArmSmmuV3Options, iova: number, bytes: number, leaves: Leaves): string {
  const domain = make(options);
  const mapped = sent(domain, () => mapLeaves(domain, iova, bytes, leaves));
  expect(mapped).toEqual({});
  return sums(
    sent(domain, () => domain.unmap(iova, bytes)),
    'CMD_SYNC',
  );
}

/** Invalidations and synchronisations of one strict unmap: without range invalidation, and with it, by kernel. */
const STRICT: readonly [string, number, number, Leaves, readonly string[], readonly string[]][] = [
  ['4K', AT, K4, '4K', ['1+1', '1+1', '1+1'], ['1+1', '1+1', '1+1']],
  ['64K of 4K', AT, K64, '4K', ['16+1', '16+1', '16+1'], ['1+1', '1+1', '1+1']],
  ['2M of 4K, a whole table', AT, M2, '4K', ['512+1', '513+2', '2+2'], ['1+1', '2+2', '2+2']],
  ['2M of 4K, not aligned', AT + K4, M2, '4K', ['512+1', '512+1', '1+1'], ['1+1', '1+1', '1+1']],
  ['a block of 2M', AT, M2, 'largest', ['1+1', '1+1', '1+1'], ['1+1', '1+1', '1+1']],
  ['32M of 4K', AT, M32, '4K', ['8192+16', '8208+17', '32+17'], ['16+16', '17+17', '17+17']],
  ['32M of 16 blocks', AT, M32, 'largest', ['16+1', '16+1', '16+1'], ['1+1', '1+1', '1+1']],
];

describe('commands of a strict unmap by an SMMUv3 driver', () => {
  for (const [i, kernel] of KERNELS.entries()) {
    it.each(STRICT)(`%s, Linux ${kernel}`, (_name, iova, bytes, leaves, without, withRanges) => {
      const results = [false, true].map((rangeInvalidation) =>
        strict({ kernel, rangeInvalidation }, iova, bytes, leaves),
      );
      expect(results).toEqual([without[i], withRanges[i]]);
    });

    it(`8,192 unmaps of one page, Linux ${kernel}`, () => {
      const domain = make({ kernel });
      mapLeaves(domain, AT + K4, M32, '4K');
      const totals = sent(domain, () => {
        for (let page = 1; page <= 8192; page++) domain.unmap(AT + page * K4, K4);
      });
      expect(totals).toEqual({ CMD_TLBI_NH_VA: 8192, CMD_SYNC: 8192 });
    });
  }

  it('Linux 7.3 without ranges: a table is the whole ASID, and a block by address', () => {
    const domain = make({ kernel: '7.3', rangeInvalidation: false });
    mapLeaves(domain, AT, M2, '4K');
    expect(sent(domain, () => domain.unmap(AT, M2))).toEqual({
      CMD_TLBI_NH_ASID: 1,
      CMD_TLBI_NH_VA: 1,
      CMD_SYNC: 2,
    });
  });
});

describe('commands of a lazy unmap', () => {
  it.each([
    ['6.1', '8192+16', '16+16'],
    ['6.12', '8192+16', '16+16'],
    ['7.3', '16+16', '16+16'],
  ] as const)('Linux %s: pages later, tables at once', (kernel, without, withRanges) => {
    for (const [rangeInvalidation, tables] of [
      [false, without],
      [true, withRanges],
    ] as const) {
      const domain = make({ kernel, rangeInvalidation });
      const later = { invalidation: 'later' } as const;
      mapLeaves(domain, AT, K4, '4K');
      mapLeaves(domain, AT + M32, M32, '4K');
      expect(sent(domain, () => domain.unmap(AT, K4, later))).toEqual({});
      const totals = sent(domain, () => domain.unmap(AT + M32, M32, later));
      expect(sums(totals, 'CMD_SYNC')).toBe(tables);
      expect(sent(domain, () => domain.flushAll())).toEqual({ CMD_TLBI_NH_ASID: 1, CMD_SYNC: 1 });
    }
  });
});

describe('commands of other events', () => {
  it('a block over an empty table flushes the walk at once', () => {
    for (const kernel of KERNELS) {
      const domain = make({ kernel, rangeInvalidation: false });
      domain.map(AT, 2 ** 33, K4, RW);
      domain.unmap(AT, K4);
      const totals = sent(domain, () => domain.map(AT, 2 ** 33, M2, RW));
      expect(totals).toEqual(
        kernel === '7.3' ? { CMD_TLBI_NH_ASID: 1, CMD_SYNC: 1 } : { CMD_TLBI_NH_VA: 512, CMD_SYNC: 1 },
      );
    }
  });

  it.each([
    ['6.1', { CMD_CFGI_STE: 2, CMD_PREFETCH_CONFIG: 1, CMD_SYNC: 4 }],
    ['6.12', { CMD_CFGI_CD: 2, CMD_CFGI_STE: 2, CMD_PREFETCH_CONFIG: 1, CMD_SYNC: 4 }],
    ['7.3', { CMD_CFGI_CD: 2, CMD_CFGI_STE: 2, CMD_PREFETCH_CONFIG: 1, CMD_SYNC: 4 }],
  ] as const)('attach, first stage, Linux %s', (kernel, attached) => {
    const { commands } = make({ kernel }).meter;
    const boot = { CMD_CFGI_ALL: 1, CMD_TLBI_NSNH_ALL: 1 };
    const totals = Object.entries(commands?.snapshot() ?? {}).filter(([, count]) => count > 0);
    expect(Object.fromEntries(totals)).toEqual({ ...boot, ...attached, CMD_SYNC: attached.CMD_SYNC + 2 });
  });

  it.each([
    ['6.1', { CMD_CFGI_STE: 1, CMD_TLBI_NH_ASID: 1, CMD_SYNC: 2 }],
    ['6.12', { CMD_CFGI_CD: 2, CMD_CFGI_STE: 2, CMD_PREFETCH_CONFIG: 1, CMD_TLBI_NH_ASID: 1, CMD_SYNC: 5 }],
  ] as const)('free, Linux %s: the stream aborts, then the ASID is flushed', (kernel, expected) => {
    const domain = make({ kernel });
    expect(sent(domain, () => domain.free())).toEqual(expected);
    expect(domain.memory.liveTables).toBe(0);
  });

  it('second stage: by IPA, and the whole VMID', () => {
    const domain = make({}, 'arm-64-lpae-s2');
    mapLeaves(domain, AT, K4, '4K');
    expect(sent(domain, () => domain.unmap(AT, K4))).toEqual({ CMD_TLBI_S2_IPA: 1, CMD_SYNC: 1 });
    expect(sent(domain, () => domain.flushAll())).toEqual({ CMD_TLBI_S12_VMALL: 1, CMD_SYNC: 1 });
  });

  it('EL2 with E2H has commands of its own', () => {
    const domain = make({ e2h: true });
    mapLeaves(domain, AT, K4, '4K');
    expect(sent(domain, () => domain.unmap(AT, K4))).toEqual({ CMD_TLBI_EL2_VA: 1, CMD_SYNC: 1 });
    expect(sent(domain, () => domain.flushAll())).toEqual({ CMD_TLBI_EL2_ASID: 1, CMD_SYNC: 1 });
  });

  it('a device TLB is invalidated after the SMMU, once a stream', () => {
    const domain = make({ ats: true, streams: [3, 9] });
    mapLeaves(domain, AT, K64, '4K');
    const expected = { CMD_TLBI_NH_VA: 1, CMD_ATC_INV: 2, CMD_SYNC: 2 };
    expect(sent(domain, () => domain.unmap(AT, K64))).toEqual(expected);
    expect(sent(domain, () => domain.flushAll())).toEqual({ CMD_TLBI_NH_ASID: 1, CMD_ATC_INV: 2, CMD_SYNC: 2 });
  });

  it('MMU-700: a synchronisation at every 63 commands', () => {
    const domain = make({ kernel: '6.12', rangeInvalidation: false, forceSync: true });
    mapLeaves(domain, AT + K4, M2, '4K');
    expect(sent(domain, () => domain.unmap(AT + K4, M2))).toEqual({ CMD_TLBI_NH_VA: 512, CMD_SYNC: 9 });
  });
});
