/**
 * Drivers: the contract, and the drivers of this library.
 * @module
 */

export type { ArmSmmuV3Options } from './arm-smmu-v3/arm-smmu-v3.ts';
export { armSmmuV3 } from './arm-smmu-v3/arm-smmu-v3.ts';
export type { SmmuV3UnitOptions } from './arm-smmu-v3/unit.ts';
export { SmmuV3Unit } from './arm-smmu-v3/unit.ts';
export type { ArmSmmuOptions } from './arm-smmu/arm-smmu.ts';
export { armSmmu } from './arm-smmu/arm-smmu.ts';
export type { RuntimePowerOptions } from './arm-smmu/runtime-power.ts';
export type { TableInvalidation } from './arm-smmu/tlb.ts';
export type { BareCallbacks } from './bare.ts';
export { bareDriver } from './bare.ts';
export type { DomainContext, Driver, DriverFactory, DriverHooks, ListWalk, PowerControl } from './contract.ts';
