/**
 * All drivers whose lines are read. A driver is one file and one line here.
 * @module
 */
import type { FaultDriver } from './contract.ts';
import { armSmmu } from './layouts/arm-smmu.ts';
import { riscvIommu } from './layouts/riscv-iommu.ts';

/** In the order in which they are asked about a line that several might print. */
export const FAULT_DRIVERS: readonly FaultDriver[] = [armSmmu, riscvIommu];
