/**
 * Drivers: the contract, and the drivers of this library.
 * @module
 */

export type { AmdViOptions } from './amd-vi/amd-vi.ts';
export { amdVi } from './amd-vi/amd-vi.ts';
export type { AmdViUnitOptions } from './amd-vi/unit.ts';
export { AmdViUnit } from './amd-vi/unit.ts';
export type { ArmSmmuOptions } from './arm-smmu/arm-smmu.ts';
export { armSmmu } from './arm-smmu/arm-smmu.ts';
export type { RuntimePowerOptions } from './arm-smmu/runtime-power.ts';
export type { TableInvalidation } from './arm-smmu/tlb.ts';
export type { ArmSmmuV3Options } from './arm-smmu-v3/arm-smmu-v3.ts';
export { armSmmuV3 } from './arm-smmu-v3/arm-smmu-v3.ts';
export type { SmmuV3UnitOptions } from './arm-smmu-v3/unit.ts';
export { SmmuV3Unit } from './arm-smmu-v3/unit.ts';
export type { BareCallbacks } from './bare.ts';
export { bareDriver } from './bare.ts';
export type { DomainContext, Driver, DriverFactory, DriverHooks, ListWalk, PowerControl } from './contract.ts';
export type { IntelVtdOptions } from './intel-vtd/intel-vtd.ts';
export { intelVtd } from './intel-vtd/intel-vtd.ts';
export type { VtdUnitOptions } from './intel-vtd/unit.ts';
export { VtdUnit } from './intel-vtd/unit.ts';
export type { DriverKind } from './kind.ts';
export { DRIVERS, driverById, driversOf } from './registry.ts';
export type { RiscvIommuOptions } from './riscv-iommu/riscv-iommu.ts';
export { riscvIommu } from './riscv-iommu/riscv-iommu.ts';
export type { RiscvUnitOptions } from './riscv-iommu/unit.ts';
export { RiscvUnit } from './riscv-iommu/unit.ts';
export type { VirtioUnitOptions } from './virtio-iommu/unit.ts';
export { VirtioUnit } from './virtio-iommu/unit.ts';
export type { VirtioIommuOptions } from './virtio-iommu/virtio-iommu.ts';
export { virtioIommu } from './virtio-iommu/virtio-iommu.ts';
