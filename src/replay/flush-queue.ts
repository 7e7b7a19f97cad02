/**
 * When Linux's flush queue is emptied: 256 entries a processor, or 10 ms after the first (dma-iommu, 6.1).
 * @module
 */
import { QUEUE_SLOTS, QUEUE_TIMEOUT_NS } from '../dma/flush-queue.ts';

/** Unmaps that wait for an invalidation. */
export class FlushQueue {
  /** Unmaps that wait. */
  waiting = 0;
  #since = 0;

  /** An unmap waits from `time` on, nanoseconds. @returns whether the queue is to be flushed */
  add(time: number): boolean {
    if (this.waiting === 0) this.#since = time;
    this.waiting++;
    return this.waiting >= QUEUE_SLOTS || time - this.#since >= QUEUE_TIMEOUT_NS;
  }
}
