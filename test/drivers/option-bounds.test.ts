/** The numbers that drivers' options may be, at and beyond their bounds, and the numbers that a unit gives its domains. */
import { describe, expect, test } from 'vitest';
import { Domain } from '../../src/core/domain.ts';
import { IdPool } from '../../src/drivers/queue/id-pool.ts';
import { DRIVERS } from '../../src/drivers/registry.ts';
import { IommuError } from '../../src/errors.ts';

/** Driver, option, least, most: IHI 0070 6.3 and 3.3.1, AMD 48882 2.2.2, VT-d 11.4.2, RISC-V IOMMU 6.6, VIRTIO 5.13.4. */
const BOUNDS: readonly (readonly [driver: string, option: string, least: number, most: number])[] = [
  ['arm-smmu-v3', 'queueBits', 7, 19],
  ['arm-smmu-v3', 'streamBits', 8, 24],
  ['arm-smmu', 'contextBank', 0, 15],
  ['arm-smmu', 'contextBanks', 1, 128],
  ['arm-smmu', 'streamGroups', 1, 128],
  ['amd-vi', 'lastDevice', 0, 0xffff],
  ['intel-vtd', 'mamv', 0, 63],
  ['riscv-iommu', 'queueBits', 6, 16],
];

/** Driver, option of device ids, largest id. */
const DEVICES: readonly (readonly [driver: string, option: string, most: number])[] = [
  ['arm-smmu-v3', 'streams', 0xffff],
  ['arm-smmu', 'streams', 0x7fff],
  ['amd-vi', 'devices', 0xffff],
  ['intel-vtd', 'sources', 0xffff],
  ['riscv-iommu', 'devices', 0xffffff],
  ['virtio-iommu', 'endpoints', 0xffff_ffff],
];

/** `taken`, or the code and words of the refusal. */
function outcome(driver: string, options: object): string {
  const kind = DRIVERS.find(({ id }) => id === driver);
  if (kind === undefined) throw new Error(driver);
  try {
    new Domain({ format: kind.formats?.[0] ?? 'arm-64-lpae-s1', driver: kind.make(options) }).free();
    return 'taken';
  } catch (error) {
    if (!(error instanceof IommuError)) throw error;
    return error.message;
  }
}

test.each(BOUNDS)('%s: %s is a whole number from %d to %d', (driver, option, least, most) => {
  for (const value of [least, most]) expect(outcome(driver, { [option]: value })).toBe('taken');
  for (const value of [least - 1, most + 1, least + 0.5]) {
    expect(outcome(driver, { [option]: value })).toContain(`expected a whole number from ${least} to ${most}`);
  }
});

test.each(DEVICES)('%s: %s up to 0x%x', (driver, option, most) => {
  for (const id of [0, most]) expect(outcome(driver, { [option]: [id] })).toBe('taken');
  for (const id of [-1, most + 1]) expect(outcome(driver, { [option]: [id] })).not.toBe('taken');
});

describe('numbers that a unit gives', () => {
  const refusal = (call: () => unknown): string => {
    try {
      return String(call());
    } catch (error) {
      return error instanceof IommuError ? error.code : String(error);
    }
  };

  test('the lowest free one, from the first to the last', () => {
    const pool = new IdPool('asid', 2, 5);
    expect([pool.take(undefined), pool.take(undefined), pool.take(5), pool.take(undefined)]).toEqual([2, 3, 5, 4]);
    expect(refusal(() => pool.take(undefined))).toBe('NO_MEMORY');
    pool.give(3);
    expect(pool.take(undefined)).toBe(3);
  });

  test('one asked for, if it is in range and free', () => {
    const pool = new IdPool('asid', 2, 5);
    expect([refusal(() => pool.take(6)), refusal(() => pool.take(-1))]).toEqual(['BAD_OPTION', 'BAD_OPTION']);
    expect([pool.take(0), pool.take(2)]).toEqual([0, 2]);
    expect(refusal(() => pool.take(2))).toBe('BAD_OPTION');
  });
});
