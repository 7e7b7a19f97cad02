/**
 * The protection of a traced call: iommu:map does not carry it, so that the direction of the dma event decides.
 * @module
 */
import { PROT } from '../formats/protection.ts';
import type { TraceCall } from '../trace/calls.ts';
import { DIRECTIONS } from '../trace/events.ts';

const TO_DEVICE = DIRECTIONS.indexOf('TO_DEVICE');
const FROM_DEVICE = DIRECTIONS.indexOf('FROM_DEVICE');

/** Flags of {@link PROT}: none for an unmap, read-write where the trace gives no direction. */
export function protectionOf({ kind, direction }: Pick<TraceCall, 'kind' | 'direction'>): number {
  if (kind === 'unmap') return 0;
  if (direction === TO_DEVICE) return PROT.READ;
  return direction === FROM_DEVICE ? PROT.WRITE : PROT.READ | PROT.WRITE;
}
