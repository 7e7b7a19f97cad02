/**
 * The panthor driver (Mali Valhall with a command stream front end).
 * @module
 */
import type { FaultDriver } from '../contract.ts';
import { maliDriver } from './mali-decode.ts';

/** The panthor driver. */
export const panthor: FaultDriver = maliDriver({
  id: 'panthor',
  title: 'Arm Mali, panthor',
  source: 'Linux drivers/gpu/drm/panthor/panthor_mmu.c, panthor_device.c',
  heads: ['panthor {unit:s}: <[drm] ><*ERROR* >'],
  functions: ['panthor_mmu_irq_handler'],
});
