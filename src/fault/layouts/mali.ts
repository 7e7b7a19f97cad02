/**
 * Arm's own driver of Mali (kbase), and Huawei's of the same GPUs.
 * @module
 */
import type { FaultDriver } from '../contract.ts';
import { maliDriver } from './mali-decode.ts';

/** The kbase driver. */
export const mali: FaultDriver = maliDriver({
  id: 'mali',
  title: "Arm Mali, Arm's own driver (kbase)",
  source: "Arm's Mali drivers, mali_kbase_mmu_hw_direct.c, mali_kbase_gpu_fault.c",
  heads: ['mali {unit:s}: ', 'hvgr {unit:s}: ', 'mali: '],
});
