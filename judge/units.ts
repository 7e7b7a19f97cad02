/**
 * The units that the judge knows.
 * @module
 */
import { AMD_VI } from './amd-vi.ts';
import { RISCV_BASE, RISCV_FIRST, RISCV_NESTED, RISCV_SECOND } from './riscv.ts';
import { SMMU_V3_NESTED, SMMU_V3_STAGE1, SMMU_V3_STAGE2, SMMU_V3_TWO_LEVEL } from './smmu-v3.ts';
import type { Unit } from './unit.ts';
import { VTD_FIRST_STAGE, VTD_LEGACY, VTD_SCALABLE } from './vt-d.ts';

/** All units, in the order in which they are judged. */
export const UNITS: readonly Unit[] = [
  SMMU_V3_STAGE1,
  SMMU_V3_TWO_LEVEL,
  SMMU_V3_STAGE2,
  SMMU_V3_NESTED,
  VTD_LEGACY,
  VTD_SCALABLE,
  VTD_FIRST_STAGE,
  AMD_VI,
  RISCV_FIRST,
  RISCV_BASE,
  RISCV_SECOND,
  RISCV_NESTED,
];
