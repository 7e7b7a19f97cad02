/**
 * The panfrost driver (Mali Midgard and Bifrost).
 * @module
 */
import type { FaultDriver } from '../contract.ts';
import { maliDriver } from './mali-decode.ts';

/** The panfrost driver. */
export const panfrost: FaultDriver = maliDriver({
  id: 'panfrost',
  title: 'Arm Mali, panfrost',
  source: 'Linux drivers/gpu/drm/panfrost/panfrost_mmu.c, panfrost_device.h',
  heads: ['panfrost {unit:s}: <[drm] >'],
  functions: ['panfrost_mmu_irq_handler_thread'],
});
