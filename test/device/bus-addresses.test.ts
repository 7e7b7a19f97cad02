/** A device's address has 64 bits: any other is refused by name, and is not taken for the one that its low bits are. */
import { expect, test } from 'vitest';
import { refusal } from '../../src/testing/setup.ts';
import { amd, DEVICE, live, type Make, riscv, smmu, smmuV2, virtio, vtd } from '../cross/live.ts';

const UNITS: readonly (readonly [name: string, format: string, make: Make])[] = [
  ['SMMUv2', 'arm-64-lpae-s1', smmuV2({})],
  ['SMMUv3', 'arm-64-lpae-s1', smmu({})],
  ['VT-d', 'vtd-ss', vtd({})],
  ['AMD-Vi', 'amd-v1', amd({})],
  ['RISC-V', 'riscv-sv39', riscv({})],
  ['virtio-iommu', 'arm-64-lpae-s1', virtio({})],
];

test.each(UNITS)('%s', (_name, format, make) => {
  const { domain, unit } = live({ format }, make);
  domain.map(0, 0x4000_0000, 4096, 3);
  expect(unit.translate(DEVICE, 0n).result).toMatchObject({ ok: true, pa: 0x4000_0000 });
  for (const iova of [1n << 64n, -(1n << 64n), -1n, -4096]) {
    const { code, argument } = refusal(() => unit.translate(DEVICE, iova));
    expect([code, argument]).toEqual([typeof iova === 'bigint' ? 'OUT_OF_RANGE' : 'NOT_A_NUMBER', 'iova']);
  }
  expect(unit.translate(DEVICE, (1n << 64n) - 1n).result.ok).toBe(false);
  domain.free();
});
