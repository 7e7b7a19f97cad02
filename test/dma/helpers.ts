/**
 * Devices and refusals for the tests of the DMA layer.
 * @module
 */
import { Domain, type DomainOptions } from '../../src/core/index.ts';
import { DmaDevice, type DmaDeviceOptions, DmaSpace, type DmaSpaceOptions } from '../../src/dma/index.ts';
import { IommuError } from '../../src/errors.ts';

/** A device in a domain of its own. */
export function device(
  options: DmaDeviceOptions = {},
  space: Partial<DmaSpaceOptions> = {},
  domain: DomainOptions = {},
): DmaDevice {
  return new DmaDevice(new DmaSpace({ domain: new Domain({ path: 'one-walk', ...domain }), ...space }), options);
}

/** The refusal of an action. */
export function refusal(action: () => unknown): IommuError {
  try {
    action();
  } catch (error) {
    if (error instanceof IommuError) return error;
    throw error;
  }
  throw new Error('was not refused');
}

/** What a refused call must leave as it was: mappings, and the frames that they and the flush queue hold. */
export function stateOf({ space }: DmaDevice): string {
  const { liveFrames, heldFrames, queued } = space.counts;
  const leaves = space.domain.leaves().map(({ iova, pa, size }) => [String(iova), pa, size]);
  return JSON.stringify({ leaves, liveFrames, heldFrames, queued });
}
