/**
 * Drivers beside live units: what a driver writes to memory and registers is all that the unit knows, caches are on, and after
 * each call the unit translates as the domain does.
 */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Semantics } from '../../src/formats/rules.ts';
import { amd, DEVICE, type Live, live, type Make, riscv, smmu, virtio, vtd } from './live.ts';

const K4 = 4096;
const M2 = 2 ** 21;
const RW = 3;
const BASE = 2 ** 32 - 4 * M2;

const RISCV_BOTH = (1n << 42n) | (1n << 43n);
const CACHING = 0x81d2_008c_222f_0606n | (1n << 7n);

const CASES: readonly [string, string, Make, Semantics?][] = [
  ['arm-smmu-v3 6.1', 'arm-64-lpae-s1', smmu({ kernel: '6.1' })],
  ['arm-smmu-v3 6.1, linux-6.1', 'arm-64-lpae-s1', smmu({ kernel: '6.1', rangeInvalidation: false }), 'linux-6.1'],
  ['arm-smmu-v3 6.12', 'arm-64-lpae-s1', smmu({ kernel: '6.12', msi: true })],
  ['arm-smmu-v3 7.3', 'arm-64-lpae-s1', smmu({ kernel: '7.3' })],
  ['arm-smmu-v3 7.3 without ranges', 'arm-64-lpae-s1', smmu({ kernel: '7.3', rangeInvalidation: false })],
  ['arm-smmu-v3 second stage', 'arm-64-lpae-s2', smmu({ kernel: '6.12' })],
  ['intel-vtd 6.1', 'vtd-ss', vtd({ kernel: '6.1' })],
  ['intel-vtd 6.12', 'vtd-ss', vtd({ kernel: '6.12' })],
  ['intel-vtd 6.12, MAMV 9', 'vtd-ss', vtd({ kernel: '6.12', mamv: 9 })],
  ['intel-vtd 7.3', 'vtd-ss', vtd({ kernel: '7.3' }), 'linux-7.3'],
  ['intel-vtd 6.12 scalable', 'vtd-ss', vtd({ kernel: '6.12', scalable: true })],
  ['intel-vtd first stage', 'x86-64', vtd({ kernel: '7.3' })],
  ['intel-vtd first stage, linux-7.3', 'x86-64', vtd({ kernel: '7.3' }), 'linux-7.3'],
  ['intel-vtd caching mode', 'vtd-ss', vtd({ cachingMode: true }, { cap: CACHING })],
  ['amd-vi 6.1', 'amd-v1', amd({ kernel: '6.1' })],
  ['amd-vi 6.12', 'amd-v1', amd({ kernel: '6.12' })],
  ['amd-vi 7.3', 'amd-v1', amd({ kernel: '7.3' }), 'linux-7.3'],
  ['amd-vi guest tables', 'x86-64', amd({ kernel: '6.12' })],
  ['amd-vi NpCache', 'amd-v1', amd({ kernel: '6.12' }, true)],
  ['riscv-iommu 6.13', 'riscv-sv39', riscv({ kernel: '6.13' })],
  ['riscv-iommu 7.3', 'riscv-sv48', riscv({ kernel: '7.3' })],
  ['riscv-iommu 7.3, linux-7.3', 'riscv-sv57', riscv({ kernel: '7.3' }), 'linux-7.3'],
  ['riscv-iommu 7.3 with ranges', 'riscv-sv48', riscv({ kernel: '7.3' }, RISCV_BOTH)],
  ['virtio-iommu', 'x86-64', virtio({})],
  ['virtio-iommu beside other tables', 'arm-64-lpae-s1', virtio({})],
];

const WIDE = 8 * M2;

/** One call of a history: what, where, how much, how far the output is off. */
const step = fc.record({
  unmap: fc.boolean(),
  page: fc.nat({ max: WIDE / K4 - 1 }),
  pages: fc.oneof(fc.integer({ min: 1, max: 20 }), fc.constantFrom(512, 513, 1024, 511)),
  aligned: fc.boolean(),
  lazy: fc.boolean(),
});
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;

function perform({ domain }: Live, { unmap, page, pages, aligned, lazy }: Step): void {
  const iova = BASE + (aligned ? page - (page % 512) : page) * K4;
  const bytes = Math.min(pages * K4, BASE + WIDE - iova);
  if (unmap && domain.semantics === 'safe') {
    domain.unmap(iova, bytes, { holes: 'skip', invalidation: lazy ? 'later' : 'now' });
    if (lazy) domain.flushAll();
  } else if (unmap) domain.unmap(iova, bytes);
  else {
    try {
      domain.map(iova, 2 ** 33 + (aligned ? 0 : K4) + (iova - BASE), bytes, RW);
    } catch {
      // something is mapped there already
    }
  }
}

function expectSame({ domain, unit }: Live, pages: readonly number[]): void {
  for (const page of pages) {
    const iova = BASE + page * K4;
    const expected = domain.translate(iova) ?? -1;
    const { result } = unit.translate(DEVICE, iova);
    expect(result.ok ? result.pa : -1, `0x${iova.toString(16)}`).toBe(expected);
  }
}

describe.each(CASES)('%s', (_name, format, make, semantics) => {
  it('a live unit translates as the domain after every call, and nothing is left', () => {
    const places = fc.array(fc.nat({ max: WIDE / K4 - 1 }), { minLength: 8, maxLength: 8 });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 12 }), places, (steps, pages) => {
        const made = live({ format, semantics: semantics ?? 'safe' }, make);
        for (const one of steps) {
          perform(made, one);
          expectSame(made, [...pages, one.page, Math.min(one.page + one.pages, WIDE / K4 - 1)]);
        }
        const { domain, unit } = made;
        expect([...unit.unknown.keys()]).toEqual([]);
        domain.free();
        expect([domain.memory.liveTables, domain.memory.liveBytes]).toEqual([0, 0]);
      }),
      { numRuns: 15 },
    );
  });
});
