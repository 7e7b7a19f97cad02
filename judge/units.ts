/**
 * The units that the judge knows.
 * @module
 */
import { AMD_VI } from './amd-vi.ts';
import { SMMU_V3_STAGE1 } from './smmu-v3.ts';
import type { Unit } from './unit.ts';
import { VTD_LEGACY, VTD_SCALABLE } from './vt-d.ts';

/** All units, in the order in which they are judged. */
export const UNITS: readonly Unit[] = [SMMU_V3_STAGE1, VTD_LEGACY, VTD_SCALABLE, AMD_VI];
