/**
 * The DMA layer: input addresses handed out as Linux does.
 * @module
 */
export { IovaAllocator, type IovaAllocatorOptions, type IovaState } from './iova-allocator.ts';
export type { ClassState, IovaKernel } from './iova-cache.ts';
