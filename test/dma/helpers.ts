/**
 * Devices for the tests of the DMA layer.
 * @module
 */
import { Domain, type DomainOptions } from '../../src/core/index.ts';
import {
  type BouncePool,
  DmaDevice,
  type DmaDeviceOptions,
  DmaSpace,
  type DmaSpaceOptions,
} from '../../src/dma/index.ts';

/** A device in a domain of its own. */
export function device(
  options: DmaDeviceOptions = {},
  space: Partial<DmaSpaceOptions> = {},
  domain: DomainOptions = {},
): DmaDevice {
  return new DmaDevice(new DmaSpace({ domain: new Domain({ path: 'one-walk', ...domain }), ...space }), options);
}

/** What a refused call must leave as it was: mappings, addresses, bounce buffers, and the frames that the flush queue holds. */
export function stateOf({ space }: DmaDevice, pool?: BouncePool): string {
  const { liveFrames, heldFrames, queued } = space.counts;
  const leaves = space.domain.leaves().map(({ iova, pa, size }) => [String(iova), pa, size]);
  const ranges: number[][] = [];
  space.iova.forEachRange((lo, hi, cached) => {
    if (!cached) ranges.push([lo, hi]);
  });
  return JSON.stringify({ leaves, ranges, liveFrames, heldFrames, queued, bounced: pool?.used });
}
