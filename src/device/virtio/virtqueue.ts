/**
 * A split virtqueue as the device sees it in memory (VIRTIO 1.2, 2.7).
 * @module
 */
import type { PhysicalMemory } from '../../bus.ts';

/** A part of a buffer chain. */
export interface Segment {
  readonly address: number;
  readonly bytes: number;
  /** The device may write it. */
  readonly writable: boolean;
}

/** A chain that the driver made available. */
export interface Chain {
  readonly head: number;
  readonly segments: readonly Segment[];
  /** Why the chain cannot be used, in words. */
  readonly broken?: string;
}

// 2.7.5: descriptors of 16 bytes, flags NEXT, WRITE, INDIRECT
const DESCRIPTOR_BYTES = 16;
const FLAG = { next: 1, write: 2, indirect: 4 } as const;

/** Where a queue lies. */
export interface QueuePlace {
  readonly entries: number;
  readonly descriptors: number;
  readonly available: number;
  readonly used: number;
}

/** Takes chains that are available, in order, and gives them back as used. */
export class Virtqueue {
  readonly #memory: PhysicalMemory;
  readonly #place: QueuePlace;
  #taken = 0;
  #used = 0;

  constructor(memory: PhysicalMemory, place: QueuePlace) {
    this.#memory = memory;
    this.#place = place;
  }

  /** The next chain; undefined where none is available, more are said to be than the queue has room for, or the ring is not in memory. */
  take(): Chain | undefined {
    const { available, entries } = this.#place;
    const index = this.#half(available + 2);
    if (index === undefined || index === this.#taken) return undefined;
    if ((index - this.#taken + 2 ** 16) % 2 ** 16 > entries) return undefined;
    const head = this.#half(available + 4 + 2 * (this.#taken % entries));
    if (head === undefined) return undefined;
    this.#taken = (this.#taken + 1) % 2 ** 16;
    return this.#chain(head);
  }

  /** Gives a chain back, with the bytes that were written into it. */
  give(head: number, written: number): void {
    const { used, entries } = this.#place;
    const at = used + 4 + 8 * (this.#used % entries);
    this.#memory.write32(at, head);
    this.#memory.write32(at + 4, written);
    this.#used = (this.#used + 1) % 2 ** 16;
    const flags = (this.#memory.read32(used) ?? 0) % 2 ** 16;
    this.#memory.write32(used, flags + this.#used * 2 ** 16);
  }

  #chain(head: number): Chain {
    const segments: Segment[] = [];
    const { descriptors, entries } = this.#place;
    for (let index = head; ; ) {
      if (index >= entries) return { head, segments, broken: `descriptor ${index} of a queue of ${entries}` };
      if (segments.length >= entries) return { head, segments, broken: 'a loop of descriptors' };
      const at = descriptors + index * DESCRIPTOR_BYTES;
      const words = [0, 4, 8, 12].map((offset) => this.#memory.read32(at + offset));
      const [low, high, bytes, last] = words;
      if (low === undefined || high === undefined || bytes === undefined || last === undefined) {
        return { head, segments, broken: 'a descriptor is not in memory' };
      }
      if ((last & FLAG.indirect) !== 0)
        return { head, segments, broken: 'an indirect descriptor, which was not offered' };
      segments.push({ address: high * 2 ** 32 + low, bytes, writable: (last & FLAG.write) !== 0 });
      if ((last & FLAG.next) === 0) return { head, segments };
      index = last >>> 16;
    }
  }

  /** 16 bits at an even address. */
  #half(address: number): number | undefined {
    const word = this.#memory.read32(address - (address % 4));
    return word === undefined ? undefined : (word >>> (8 * (address % 4))) & 0xffff;
  }
}
