import { describe, expect, it } from 'vitest';
import { Domain } from '../../../src/core/index.ts';
import { type RiscvIommuOptions, riscvIommu } from '../../../src/drivers/index.ts';
import { AT, K4, K64, type Leaves, M2, M32, mapLeaves, RW, sent, sums } from './helpers.ts';

const FENCE = 'IOFENCE.C';
const VMA = 'IOTINVAL.VMA';
const DIRECTORY = 'IODIR.INVAL_DDT';
const RANGES = { naturalRanges: true, nonLeaf: true } as const;

function make(options: RiscvIommuOptions): Domain {
  return new Domain({ format: 'riscv-sv48', driver: riscvIommu(options) });
}

/** Strict unmaps: without capabilities, with ranges and non-leaf invalidation, and by Linux 6.13. */
const STRICT: readonly [string, number, number, Leaves, string, string, string][] = [
  ['4K', AT, K4, '4K', '1+1', '1+1', '1+1'],
  ['16K of 4K', AT, 4 * K4, '4K', '4+1', '1+1', '4+1'],
  ['64K of 4K', AT, K64, '4K', '16+1', '1+1', '16+1'],
  ['2M of 4K, a whole table', AT, M2, '4K', '1+1', '1+1', '1+1'],
  ['2M of 4K, not aligned', AT + K4, M2, '4K', '512+1', '1+1', '1+1'],
  ['a page of 2M', AT, M2, 'largest', '1+1', '1+1', '1+1'],
  ['32M of 4K', AT, M32, '4K', '1+1', '1+1', '1+1'],
  ['32M of 2M pages', AT, M32, 'largest', '16+1', '1+1', '1+1'],
];

describe('commands of a RISC-V IOMMU driver', () => {
  it.each(STRICT)('%s', (_name, iova, bytes, leaves, plain, ranges, own) => {
    for (const [options, expected] of [
      [{}, plain],
      [RANGES, ranges],
      [{ kernel: '6.13' }, own],
    ] as const) {
      const domain = make(options);
      expect(sent(domain, () => mapLeaves(domain, iova, bytes, leaves))).toEqual({});
      expect(
        sums(
          sent(domain, () => domain.unmap(iova, bytes)),
          FENCE,
        ),
      ).toBe(expected);
      domain.free();
      expect(domain.memory.liveTables).toBe(0);
    }
  });

  it('more than 512 pages without a table are the whole address space', () => {
    const domain = make({});
    mapLeaves(domain, AT + K4, M2 + 2 * K4, '4K');
    expect(sent(domain, () => domain.unmap(AT + K4, M2 + 2 * K4))).toEqual({ [VMA]: 1, [FENCE]: 1 });
  });

  it('lazy: nothing, then the whole address space', () => {
    const domain = make({});
    mapLeaves(domain, AT, M2, '4K');
    expect(sent(domain, () => domain.unmap(AT, M2, { invalidation: 'later' }))).toEqual({});
    expect(sent(domain, () => domain.flushAll())).toEqual({ [VMA]: 1, [FENCE]: 1 });
  });

  it('attach and the last detach', () => {
    const domain = make({});
    expect(domain.meter.commands?.snapshot()).toEqual({ [DIRECTORY]: 2, [VMA]: 2, [FENCE]: 2 });
    expect(sent(domain, () => domain.free())).toEqual({ [DIRECTORY]: 1, [VMA]: 2, [FENCE]: 2 });
  });

  it('linux-7.3 tells the level of what it removed', () => {
    const driver = riscvIommu({});
    const domain = new Domain({ format: 'riscv-sv48', semantics: 'linux-7.3', driver });
    domain.map(AT, 2 ** 33, M32, RW);
    expect(sent(domain, () => domain.unmap(AT, M32))).toEqual({ [VMA]: 16, [FENCE]: 1 });
    domain.map(AT, 2 ** 33 + K4, M2, RW);
    expect(sent(domain, () => domain.unmap(AT, M2))).toEqual({ [VMA]: 1, [FENCE]: 1 });
  });
});
