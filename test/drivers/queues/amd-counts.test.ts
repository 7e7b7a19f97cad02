import { describe, expect, it } from 'vitest';
import { Domain } from '../../../src/core/index.ts';
import { type AmdViOptions, amdVi } from '../../../src/drivers/index.ts';
import { AT, K4, K64, M2, M32, mapLeaves, RW, sent } from './helpers.ts';

const KERNELS = ['6.1', '6.12', '7.3'] as const;
const WAIT = 'COMPLETION_WAIT';
const PAGES = 'INVALIDATE_IOMMU_PAGES';
const ENTRY = 'INVALIDATE_DEVTAB_ENTRY';
const DEVICE = 'INVALIDATE_IOTLB_PAGES';
const ONE = { [PAGES]: 1, [WAIT]: 1 };

function make(options: AmdViOptions, format = 'amd-v1'): Domain {
  return new Domain({ format, driver: amdVi(options) });
}

describe('commands of an AMD-Vi driver', () => {
  it.each(KERNELS)('every strict unmap is one command and one wait (Linux %s)', (kernel) => {
    for (const [iova, bytes, leaves] of [
      [AT, K4, '4K'],
      [AT, K64, '4K'],
      [AT, M2, '4K'],
      [AT + K4, M2, '4K'],
      [AT, M2, 'largest'],
      [AT, M32, '4K'],
    ] as const) {
      const domain = make({ kernel });
      expect(sent(domain, () => mapLeaves(domain, iova, bytes, leaves))).toMatchObject({});
      expect(sent(domain, () => domain.unmap(iova, bytes))).toEqual(ONE);
      domain.free();
      expect(domain.memory.liveTables).toBe(0);
    }
  });

  it('8,192 unmaps of one page', () => {
    const domain = make({});
    mapLeaves(domain, AT + K4, M32, '4K');
    const totals = sent(domain, () => {
      for (let page = 1; page <= 8192; page++) domain.unmap(AT + page * K4, K4);
    });
    expect(totals).toEqual({ [PAGES]: 8192, [WAIT]: 8192 });
  });

  it.each(KERNELS)('lazy: nothing, then everything (Linux %s)', (kernel) => {
    const domain = make({ kernel });
    mapLeaves(domain, AT, M2, '4K');
    expect(sent(domain, () => domain.unmap(AT, M2, { invalidation: 'later' }))).toEqual({});
    expect(sent(domain, () => domain.flushAll())).toEqual(ONE);
  });

  it('device TLBs share the wait', () => {
    const domain = make({ ats: true, devices: [8, 16] });
    domain.map(AT, 0, K4, RW);
    expect(sent(domain, () => domain.unmap(AT, K4))).toEqual({ [PAGES]: 1, [DEVICE]: 2, [WAIT]: 1 });
  });

  it('guest tables have a domain id a device', () => {
    const domain = make({ devices: [8, 16] }, 'x86-64');
    domain.map(AT, 0, K4, RW);
    expect(sent(domain, () => domain.unmap(AT, K4))).toEqual({ [PAGES]: 2, [WAIT]: 1 });
  });

  it.each([
    [0x1ff, 512, 10],
    [3, 5, 2],
    [0x100, 257, 2],
    [0x400, 0x400, 1],
  ])('with NpCache pages from %i on, %i of them, are %i pieces, and a map is announced', (first, pages, pieces) => {
    const domain = make({ npCache: true });
    const iova = AT + first * K4;
    const mapped = sent(domain, () => mapLeaves(domain, iova, pages * K4, '4K'));
    expect(mapped).toEqual({ [PAGES]: pieces, [WAIT]: 1 });
    const later = { invalidation: 'later' } as const;
    expect(sent(domain, () => domain.unmap(iova, pages * K4, later))).toEqual({ [PAGES]: pieces, [WAIT]: 1 });
  });

  it.each([
    ['6.1', { [ENTRY]: 1, [PAGES]: 1, [WAIT]: 1 }, { [ENTRY]: 1, [PAGES]: 1, [WAIT]: 1 }],
    ['6.12', { [ENTRY]: 2, [WAIT]: 2 }, { [ENTRY]: 1, [PAGES]: 1, [WAIT]: 2 }],
    ['7.3', { [ENTRY]: 2, [WAIT]: 2 }, { [ENTRY]: 2, [PAGES]: 1, [WAIT]: 3 }],
  ] as const)('attach and detach (Linux %s)', (kernel, attached, detached) => {
    const domain = make({ kernel });
    const boot = { INVALIDATE_IOMMU_ALL: 1, [WAIT]: attached[WAIT] + 1 };
    const totals = Object.entries(domain.meter.commands?.snapshot() ?? {}).filter(([, count]) => count > 0);
    expect(Object.fromEntries(totals)).toEqual({ ...attached, ...boot });
    expect(sent(domain, () => domain.free())).toEqual(detached);
  });

  it.each([
    ['6.12', { [ENTRY]: 1, [PAGES]: 1, [WAIT]: 1 }],
    ['7.3', { [ENTRY]: 1, [WAIT]: 1 }],
  ] as const)('a root that grows is written to the device entry (Linux %s)', (kernel, expected) => {
    const domain = make({ kernel });
    domain.map(0, 0, K4, RW);
    expect(sent(domain, () => domain.map(2 ** 45, 0, K4, RW))).toEqual(expected);
    expect(domain.translate(2 ** 45)).toBe(0);
  });

  it('a table that a page replaces flushes the whole domain', () => {
    const domain = make({});
    domain.map(AT, 0, K4, RW);
    domain.unmap(AT, K4);
    expect(sent(domain, () => domain.map(AT, M2, M2, RW))).toEqual(ONE);
  });

  it('an unmap that removed nothing flushes everything, as the sums of an empty gather say', () => {
    const domain = make({});
    expect(sent(domain, () => domain.unmap(AT, K4, { holes: 'skip' }))).toEqual(ONE);
  });
});
