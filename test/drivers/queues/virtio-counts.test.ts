import { describe, expect, it } from 'vitest';
import type { RegisterPort } from '../../../src/bus.ts';
import { Domain, type DomainOptions } from '../../../src/core/index.ts';
import { LiveVirtio } from '../../../src/device/index.ts';
import { type VirtioIommuOptions, virtioIommu } from '../../../src/drivers/index.ts';
import { refusal } from '../../../src/testing/setup.ts';
import { AT, K4, K64, M2, mapLeaves, RW, sent } from './helpers.ts';

function make(options: VirtioIommuOptions = {}, more: DomainOptions = {}): Domain {
  return new Domain({ format: 'x86-64', driver: virtioIommu(options), ...more });
}

describe('requests of a virtio-iommu driver', () => {
  it.each([
    ['one page', AT, K4, 1],
    ['64K, aligned', AT, K64, 1],
    ['20K: 16K and 4K', AT, 5 * K4, 2],
    ['2M', AT, M2, 1],
    ['2M, 4K off: pages up to each larger boundary, and down again', AT + K4, M2, 10],
  ])('%s that is contiguous', (_name, iova, bytes, requests) => {
    const domain = make();
    expect(sent(domain, () => domain.map(iova, 2 ** 33 + (iova - AT), bytes, RW))).toEqual({ MAP: requests });
    expect(sent(domain, () => domain.unmap(iova, bytes))).toEqual({ UNMAP: requests });
  });

  it('each run of a list is mapped by itself; one doorbell for all of them', () => {
    const domain = make();
    const before = domain.meter.registerWrites;
    expect(sent(domain, () => mapLeaves(domain, AT, K64, '4K'))).toEqual({ MAP: 16 });
    expect(domain.meter.registerWrites - before).toBe(1);
    expect(sent(domain, () => domain.unmap(AT, K64))).toEqual({ UNMAP: 1 });
  });

  it('a part of a mapping: the whole goes, and what stays is mapped anew', () => {
    const domain = make();
    domain.map(AT, 2 ** 33, K64, RW);
    expect(sent(domain, () => domain.unmap(AT + K4, K4))).toEqual({ UNMAP: 1, MAP: 2 });
    expect(sent(domain, () => domain.unmap(AT, K64, { holes: 'skip' }))).toEqual({ UNMAP: 2 });
  });

  it('attaches and detaches every endpoint', () => {
    const domain = make({ endpoints: [1, 2] });
    expect(domain.meter.commands?.snapshot()).toEqual({ ATTACH: 2, DETACH: 0, MAP: 0, UNMAP: 0 });
    domain.map(AT, 0, K4, RW);
    expect(sent(domain, () => domain.free())).toEqual({ DETACH: 2 });
    expect(domain.memory.liveTables).toBe(0);
  });

  it('more requests than the queue holds are sent in parts', () => {
    const domain = make();
    const before = domain.meter.registerWrites;
    expect(sent(domain, () => mapLeaves(domain, AT, 200 * K4, '4K'))).toEqual({ MAP: 200 });
    expect(domain.meter.registerWrites - before).toBe(4);
  });

  it('takes neither lists nor ranges, nor tables of a kernel', () => {
    for (const path of ['map-sg', 'one-walk'] as const) {
      expect(refusal(() => make({}, { path })).code).toBe('UNSUPPORTED');
    }
    expect(refusal(() => make({}, { semantics: 'linux-7.3' })).code).toBe('UNSUPPORTED');
    expect(refusal(() => make({}, { format: 'arm-v7s', semantics: 'linux-6.1' })).code).toBe('UNSUPPORTED');
    expect(refusal(() => make({ pageSizes: M2 })).code).toBe('BAD_OPTION');
  });

  it('a request that the device refuses is an error', () => {
    const refuses = new Domain({
      format: 'x86-64',
      driver: (context) => {
        const device = new LiveVirtio(context.memory, { pageSizeMask: 0xffff_ffff_ffe0_0000n });
        const port: RegisterPort = {
          read32: (offset) => device.read32(offset),
          // the device does not say which sizes it has
          read64: () => 0n,
          write32: (offset, value) => device.write32(offset, value),
          write64: (offset, value) => device.write64(offset, value),
        };
        return virtioIommu({ port })(context);
      },
    });
    expect(refusal(() => refuses.map(AT, 0, K4, RW)).message).toContain('to answer MAP with OK, got RANGE');
  });
});
