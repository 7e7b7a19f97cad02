/**
 * The request queue of a virtio-iommu: a split virtqueue whose requests have a slot each. VIRTIO 1.2, 2.7 (split virtqueues),
 * 5.13.6 (requests).
 * @module
 */
import { IommuError } from '../../errors.ts';
import type { CommandCounts } from '../../meter/commands.ts';
import type { SharedPages } from '../queue/shared-pages.ts';
import { countPoll, type UnitPort } from '../queue/unit-port.ts';
import { REGISTER } from './registers.ts';
import { BYTES, KIND, NOT_ATTACHED, STATUS_NAMES, TYPES, VIRTIO_NAMES } from './requests.ts';

/** Requests that may wait; each takes two descriptors. */
const SLOTS = 64;
/** Descriptors of the queue. */
export const QUEUE_ENTRIES: number = 2 * SLOTS;
/** Bytes of a slot, and where its status lies. */
const SLOT_BYTES = 64;
const STATUS_AT = 40;
const STATUS_BYTES = 4;
/** Descriptor flags (2.7.5). */
const DESCRIPTOR = { bytes: 16, next: 1, write: 2 } as const;
const WRAP = 0x10000;

/** Requests of one unit. Adding and waiting allocate nothing. */
export class RequestQueue {
  /** Physical addresses of the descriptors, the available ring and the used ring. */
  readonly place: { readonly descriptors: number; readonly available: number; readonly used: number };
  readonly #port: UnitPort;
  readonly #pages: SharedPages;
  readonly #counts: CommandCounts;
  readonly #slots: number;
  /** Kinds of the requests that wait. */
  readonly #kinds = new Uint8Array(SLOTS);
  #waiting = 0;
  #available = 0;

  constructor(port: UnitPort, pages: SharedPages, counts: CommandCounts) {
    this.#port = port;
    this.#pages = pages;
    this.#counts = counts;
    this.place = {
      descriptors: pages.take(DESCRIPTOR.bytes * QUEUE_ENTRIES),
      available: pages.take(6 + 2 * QUEUE_ENTRIES),
      used: pages.take(6 + 8 * QUEUE_ENTRIES),
    };
    this.#slots = pages.take(SLOT_BYTES * SLOTS);
    for (let slot = 0; slot < SLOTS; slot++) this.#describe(slot);
  }

  /** Adds a request of a domain: the words behind its domain, from the third on. */
  add(kind: number, domain: number, a: number, b: number, c: number, d: number, e: number, f: number, g: number): void {
    if (this.#waiting === SLOTS) this.wait();
    const slot = this.#waiting++;
    const words = this.#pages.word(this.#slots + SLOT_BYTES * slot);
    const { u32 } = this.#pages.memory;
    u32[words] = TYPES[kind] as number;
    u32[words + 1] = domain;
    u32[words + 2] = a;
    u32[words + 3] = b;
    u32[words + 4] = c;
    u32[words + 5] = d;
    u32[words + 6] = e;
    u32[words + 7] = f;
    u32[words + 8] = g;
    u32[words + STATUS_AT / 4] = 0;
    u32[this.#descriptor(2 * slot) + 2] = BYTES[kind] as number;
    this.#kinds[slot] = kind;
    this.#counts.add(kind);
    this.#set16(this.place.available + 4 + 2 * (this.#available % QUEUE_ENTRIES), 2 * slot);
    this.#available = (this.#available + 1) % WRAP;
  }

  /**
   * Sends what was added, and waits until it is answered. Where the device cannot be told, or does not answer, requests keep their
   * slots, and the next wait is for them, too.
   * @throws IommuError `DEVICE` where the device refuses a request
   */
  wait(): void {
    const count = this.#waiting;
    if (count === 0) return;
    this.#set16(this.place.available + 2, this.#available);
    this.#port.write32(REGISTER.QueueNotify, 0);
    this.#port.meter.tlbSync++;
    this.#waitUntilUsed();
    this.#waiting = 0;
    for (let slot = 0; slot < count; slot++) this.#checkStatus(slot);
  }

  #waitUntilUsed(): void {
    for (let polls = 0; ; polls = countPoll(polls, 'virtio request')) {
      this.#port.meter.tlbPolls++;
      if (!this.#port.listened || this.#used === this.#available) return;
    }
  }

  get #used(): number {
    return (this.#pages.memory.u32[this.#pages.word(this.place.used)] as number) >>> 16;
  }

  #checkStatus(slot: number): void {
    const word = this.#pages.word(this.#slots + SLOT_BYTES * slot + STATUS_AT);
    const status = (this.#pages.memory.u32[word] as number) & 0xff;
    const kind = this.#kinds[slot] as number;
    if (status === 0 || (kind === KIND.detach && NOT_ATTACHED.includes(status))) return;
    const name = STATUS_NAMES[status] ?? String(status);
    const request = VIRTIO_NAMES[kind] ?? 'request';
    throw new IommuError('DEVICE', 'device', `expected the virtio-iommu to answer ${request} with OK, got ${name}`, {
      got: name,
    });
  }

  /** Two descriptors for a slot: what the device reads, then the status that it writes. */
  #describe(slot: number): void {
    const address = this.#slots + SLOT_BYTES * slot;
    this.#write(2 * slot, address, 0, DESCRIPTOR.next | ((2 * slot + 1) << 16));
    this.#write(2 * slot + 1, address + STATUS_AT, STATUS_BYTES, DESCRIPTOR.write);
  }

  #write(index: number, address: number, bytes: number, flags: number): void {
    const at = this.#descriptor(index);
    const { u32 } = this.#pages.memory;
    u32[at] = address;
    u32[at + 1] = Math.floor(address / 0x100000000);
    u32[at + 2] = bytes;
    u32[at + 3] = flags;
  }

  /** Index of a descriptor's first word. */
  #descriptor(index: number): number {
    return this.#pages.word(this.place.descriptors + DESCRIPTOR.bytes * index);
  }

  #set16(address: number, value: number): void {
    const { u32 } = this.#pages.memory;
    const word = this.#pages.word(address - (address % 4));
    const shift = 8 * (address % 4);
    u32[word] = ((u32[word] as number) & ~(0xffff << shift)) | (value << shift);
  }
}
