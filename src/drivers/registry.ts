/**
 * All drivers, by id. A new driver is a folder and a line here.
 * @module
 */
import { IommuError, shown } from '../errors.ts';
import { AMD_VI } from './amd-vi/amd-vi.ts';
import { ARM_SMMU } from './arm-smmu/arm-smmu.ts';
import { ARM_SMMU_V3 } from './arm-smmu-v3/arm-smmu-v3.ts';
import { BARE } from './bare.ts';
import { INTEL_VTD } from './intel-vtd/intel-vtd.ts';
import type { DriverKind } from './kind.ts';
import { RISCV_IOMMU } from './riscv-iommu/riscv-iommu.ts';
import { VIRTIO_IOMMU } from './virtio-iommu/virtio-iommu.ts';

/** Every driver of this library; the one without a device is the last. */
export const DRIVERS: readonly DriverKind[] = [
  ARM_SMMU,
  ARM_SMMU_V3,
  INTEL_VTD,
  AMD_VI,
  RISCV_IOMMU,
  VIRTIO_IOMMU,
  BARE,
];

/**
 * The driver of this id.
 * @throws IommuError `BAD_OPTION`.
 */
export function driverById(id: string): DriverKind {
  const found = DRIVERS.find((kind) => kind.id === id);
  if (found !== undefined) return found;
  const known = DRIVERS.map((kind) => kind.id).join(', ');
  throw new IommuError('BAD_OPTION', 'driver', `expected one of ${known}, got ${shown(id)}`);
}

/** The drivers whose devices walk tables of a format. */
export function driversOf(format: string): readonly DriverKind[] {
  return DRIVERS.filter(({ formats }) => formats === undefined || formats.includes(format));
}
