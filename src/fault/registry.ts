/**
 * All drivers whose lines are read. A driver is one file and one line here.
 * @module
 */
import type { FaultDriver } from './contract.ts';
import { amdVi } from './layouts/amd-vi.ts';
import { armSmmu } from './layouts/arm-smmu.ts';
import { armSmmuV3 } from './layouts/arm-smmu-v3.ts';
import { intelVtd } from './layouts/intel-vtd.ts';
import { riscvIommu } from './layouts/riscv-iommu.ts';

/** In the order in which they are asked about a line that several might print. */
export const FAULT_DRIVERS: readonly FaultDriver[] = [armSmmuV3, armSmmu, intelVtd, amdVi, riscvIommu];
