/**
 * The DMA layer: input addresses handed out as Linux does, and the DMA API over a domain.
 * @module
 */
export { BouncePool } from './bounce.ts';
export { allocCoherent, type CoherentMemory, type CoherentOptions, freeCoherent, type PageSource } from './coherent.ts';
export type { Direction, DmaAttributes, DmaDeviceOptions, SmallBuffers } from './device-options.ts';
export { type DmaCounts, DmaDevice } from './dma-device.ts';
export { LinkedRange } from './dma-link.ts';
export {
  type DmaObserver,
  DmaSpace,
  type DmaSpaceCounts,
  type DmaSpaceOptions,
  type InvalidationPolicy,
  type ReservedRegion,
} from './dma-space.ts';
export { FlushQueue, type FlushQueueHooks, type FlushQueueOptions } from './flush-queue.ts';
export { IovaAllocator, type IovaAllocatorOptions, type IovaState } from './iova-allocator.ts';
export type { ClassState, IovaKernel } from './iova-cache.ts';
export type { SegmentLimits, SegmentList } from './segments.ts';
