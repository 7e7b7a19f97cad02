/**
 * Which driver this engine has for a table format.
 * @module
 */
import { armSmmu } from '../drivers/arm-smmu/arm-smmu.ts';
import { bareDriver } from '../drivers/bare.ts';
import type { DriverFactory } from '../drivers/contract.ts';

/** The SMMUv2 driver for Arm's formats (but Mali's), none for those of other devices. */
export function driverName(format: string): 'arm-smmu' | 'bare' {
  return format.startsWith('arm-') && format !== 'arm-mali-lpae' ? 'arm-smmu' : 'bare';
}

/** The driver that {@link driverName} names. */
export function driverOf(format: string): DriverFactory {
  return driverName(format) === 'bare' ? bareDriver() : armSmmu();
}
