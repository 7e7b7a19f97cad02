import { describe, expect, it } from 'vitest';
import { Domain } from '../../../src/core/index.ts';
import { type IntelVtdOptions, intelVtd } from '../../../src/drivers/index.ts';
import { AT, K4, K64, type Leaves, M2, M32, mapLeaves, RW, sent, sums } from './helpers.ts';

const KERNELS = ['6.1', '6.12', '7.3'] as const;
const WAIT = 'invalidation wait';
const IOTLB = 'IOTLB invalidation';
const PIOTLB = 'PASID-based IOTLB invalidation';
const CONTEXT = 'context-cache invalidation';
const DEVICE = 'device-TLB invalidation';
const PASIDS = 'PASID-cache invalidation';

function make(options: IntelVtdOptions, format = 'vtd-ss'): Domain {
  return new Domain({ format, driver: intelVtd(options) });
}

/** Strict unmaps of one call: descriptors and waits by kernel. */
const STRICT: readonly [string, number, number, Leaves, readonly string[]][] = [
  ['4K', AT, K4, '4K', ['1+1', '1+1', '1+1']],
  ['64K of 4K', AT, K64, '4K', ['1+1', '1+1', '1+1']],
  ['2M of 4K', AT, M2, '4K', ['1+1', '1+1', '1+1']],
  ['a page of 2M', AT, M2, 'largest', ['1+1', '1+1', '1+1']],
  ['2M of 4K, 4K off', AT + K4, M2, '4K', ['1+1', '1+1', '1+1']],
  ['4M of 4K, 4K off', AT + K4, 2 * M2, '4K', ['3+3', '3+3', '1+1']],
  ['32M of 4K', AT, M32, '4K', ['1+1', '1+1', '1+1']],
];

describe('descriptors of a strict unmap by a VT-d driver', () => {
  for (const [i, kernel] of KERNELS.entries()) {
    it.each(STRICT)(`%s, Linux ${kernel}`, (_name, iova, bytes, leaves, expected) => {
      for (const [format, kind] of [
        ['vtd-ss', IOTLB],
        ['x86-64', PIOTLB],
      ] as const) {
        const domain = make({ kernel }, format);
        expect(sent(domain, () => mapLeaves(domain, iova, bytes, leaves))).toEqual({});
        const totals = sent(domain, () => domain.unmap(iova, bytes));
        expect(sums(totals, WAIT)).toBe(expected[i]);
        expect(Object.keys(totals).sort()).toEqual([kind, WAIT].sort());
        domain.free();
        expect(domain.memory.liveTables).toBe(0);
      }
    });
  }
});

describe('descriptors of other events', () => {
  it.each(KERNELS)('lazy: nothing, then everything of the domain; tables stay until then (Linux %s)', (kernel) => {
    const domain = make({ kernel });
    mapLeaves(domain, AT, M2, '4K');
    const live = domain.memory.liveTables;
    expect(sent(domain, () => domain.unmap(AT, M2, { invalidation: 'later' }))).toEqual({});
    expect(domain.memory.liveTables).toBe(live);
    domain.map(AT + M32, 0, K4, RW);
    domain.unmap(AT + M32, K4);
    expect(domain.memory.liveTables).toBe(live + 1);
    expect(sent(domain, () => domain.flushAll())).toEqual({ [IOTLB]: 1, [WAIT]: 1 });
    expect(domain.memory.liveTables).toBe(live);
  });

  it('caching mode: a map is announced, attach flushes what was not there, and lazy is strict', () => {
    for (const kernel of KERNELS) {
      const domain = make({ kernel, cachingMode: true });
      expect(domain.meter.commands?.snapshot()).toMatchObject({ [CONTEXT]: 2, [IOTLB]: 2, [WAIT]: 4 });
      expect(sent(domain, () => domain.map(AT, 0, K4, RW))).toEqual({ [IOTLB]: 1, [WAIT]: 1 });
      const later = sent(domain, () => domain.unmap(AT, K4, { invalidation: 'later' }));
      expect(later).toEqual({ [IOTLB]: 1, [WAIT]: 1 });
    }
  });

  it('caching mode never concerns a first stage', () => {
    const domain = make({ cachingMode: true }, 'x86-64');
    expect(sent(domain, () => domain.map(AT, 0, K4, RW))).toEqual({});
  });

  it('a write buffer is flushed by a register, without a descriptor', () => {
    const domain = make({ writeBuffer: true });
    const before = domain.meter.registerWrites;
    expect(sent(domain, () => domain.map(AT, 0, K4, RW))).toEqual({});
    expect(domain.meter.registerWrites - before).toBe(1);
  });

  it.each([
    ['6.1', { [IOTLB]: 1, [DEVICE]: 2, [WAIT]: 3 }],
    ['6.12', { [IOTLB]: 1, [DEVICE]: 2, [WAIT]: 1 }],
    ['7.3', { [IOTLB]: 1, [DEVICE]: 2, [WAIT]: 1 }],
  ] as const)('device TLBs have waits of their own in Linux 6.1 only (%s)', (kernel, expected) => {
    const domain = make({ kernel, ats: true, sources: [8, 16] });
    domain.map(AT, 0, K4, RW);
    expect(sent(domain, () => domain.unmap(AT, K4))).toEqual(expected);
    expect(sent(domain, () => domain.flushAll())).toEqual(expected);
  });

  it('at most 16 descriptors go with one wait', () => {
    const domain = make({ ats: true, sources: Array.from({ length: 20 }, (_, i) => 8 * i) });
    domain.map(AT, 0, K4, RW);
    expect(sent(domain, () => domain.unmap(AT, K4))).toEqual({ [IOTLB]: 1, [DEVICE]: 20, [WAIT]: 2 });
  });

  it('a page of 2M over an empty table, and a failed map', () => {
    const domain = make({});
    domain.map(AT, 0, K4, RW);
    domain.unmap(AT, K4);
    expect(sent(domain, () => domain.map(AT, M2, M2, RW))).toEqual({ [IOTLB]: 1, [WAIT]: 1 });
  });

  it.each(KERNELS)('detach (Linux %s)', (kernel) => {
    const legacy = make({ kernel });
    expect(sent(legacy, () => legacy.free())).toEqual({ [CONTEXT]: 1, [IOTLB]: 1, [WAIT]: 2 });
    const second = make({ kernel, scalable: true });
    expect(sent(second, () => second.free())).toEqual({ [PASIDS]: 1, [IOTLB]: 1, [WAIT]: 2 });
    const first = make({ kernel }, 'x86-64');
    expect(sent(first, () => first.free())).toEqual({ [PASIDS]: 1, [PIOTLB]: 1, [WAIT]: 2 });
    expect(first.memory.liveTables).toBe(0);
  });
});
