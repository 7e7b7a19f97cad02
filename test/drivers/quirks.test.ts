/** Which quirks of which formats each driver drives. */
import { expect, test } from 'vitest';
import { Domain } from '../../src/core/domain.ts';
import { DRIVERS } from '../../src/drivers/registry.ts';
import { IommuError } from '../../src/errors.ts';
import { QUIRK, type QuirkName } from '../../src/formats/quirks.ts';

function isTaken(driver: string, format: string, quirk: QuirkName): boolean {
  const kind = DRIVERS.find(({ id }) => id === driver);
  try {
    new Domain({ format, quirks: [quirk], ...(kind === undefined ? {} : { driver: kind.make() }) }).free();
    return true;
  } catch (error) {
    if (error instanceof IommuError) return false;
    throw error;
  }
}

/** Quirks that the format itself takes, and the driver too. */
function driven(driver: string, format: string): string {
  const names = Object.keys(QUIRK) as QuirkName[];
  const offered = names.filter((quirk) => isTaken('bare', format, quirk));
  const [taken, refused] = [true, false].map((wanted) =>
    offered.filter((quirk) => isTaken(driver, format, quirk) === wanted),
  );
  return `${(taken ?? []).join(' ')} / ${(refused ?? []).join(' ')}`.trim();
}

/** Driver, format: quirks taken / quirks of the format that the driver refuses. */
const TABLE: readonly string[] = [
  'arm-smmu arm-64-lpae-s1: ARM_NS ARM_TTBR1 NO_WARN ARM_CONTIGUOUS / ARM_HD ARM_LPA2',
  'arm-smmu arm-64-lpae-s2: NO_WARN ARM_CONTIGUOUS / ARM_S2FWB ARM_LPA2',
  'arm-smmu arm-32-lpae-s1: ARM_NS NO_WARN / ARM_TTBR1 ARM_HD',
  'arm-smmu arm-32-lpae-s2: NO_WARN / ARM_S2FWB',
  'arm-smmu arm-v7s: ARM_NS / NO_PERMS',
  'arm-smmu-v3 arm-64-lpae-s1: ARM_NS ARM_HD NO_WARN ARM_CONTIGUOUS / ARM_TTBR1 ARM_LPA2',
  'arm-smmu-v3 arm-64-lpae-s2: NO_WARN ARM_CONTIGUOUS / ARM_S2FWB ARM_LPA2',
  'intel-vtd vtd-ss: FLUSH_RANGE FORCE_COHERENCE FORCE_WRITEABLE /',
  'intel-vtd x86-64: SIGN_EXTEND FLUSH_RANGE FLUSH_RANGE_NO_GAPS / ENCRYPT_TABLES',
  'amd-vi amd-v1: /',
  'amd-vi x86-64: SIGN_EXTEND FLUSH_RANGE FLUSH_RANGE_NO_GAPS ENCRYPT_TABLES /',
  'riscv-iommu riscv-sv39: DETAILED_GATHER /',
  'riscv-iommu riscv-sv48: DETAILED_GATHER /',
  'riscv-iommu riscv-sv57: DETAILED_GATHER /',
];

test('each driver drives the quirks that its device has', () => {
  const rows = DRIVERS.flatMap(({ id, formats }) =>
    (formats ?? []).map((format) => `${id} ${format}: ${driven(id, format)}`),
  );
  expect(rows).toEqual(TABLE);
});
