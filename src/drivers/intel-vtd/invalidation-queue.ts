/**
 * The invalidation queue of a VT-d unit as Linux's driver uses it: descriptors and a wait that stores to a slot of its own, one
 * slot for each index; and the answer to the queue's errors. Intel VT-d specification, 6.5; drivers/iommu/intel/dmar.c.
 * @module
 */
import { IommuError } from '../../errors.ts';
import type { CommandCounts } from '../../meter/commands.ts';
import { positionOf, Ring, type RingEnd } from '../queue/ring.ts';
import type { SharedPages } from '../queue/shared-pages.ts';
import { countPoll, type UnitPort } from '../queue/unit-port.ts';
import { KIND, TYPES, WAIT } from './descriptors.ts';
import { FSTS, REGISTER } from './registers.ts';

/** Descriptors of the queue. */
export const QUEUE_ENTRIES = 256;
/** Descriptors that are sent with one wait, at most. */
const BATCH = 16;
/** Times that descriptors are sent again whose wait was aborted; Linux asks instead whether the device is still there. */
const MOST_RESENDS = 8;
/** Bytes of a completion slot. */
const SLOT_BYTES = 4;

/** Descriptors of one unit. Adding and submitting allocate nothing. */
export class InvalidationQueue implements RingEnd {
  /** The descriptors. */
  readonly ring: Ring;
  /** Errors that the unit reported and the driver answered. */
  errors = 0;
  readonly #port: UnitPort;
  readonly #pages: SharedPages;
  readonly #counts: CommandCounts;
  readonly #shift: number;
  readonly #slots: number;
  /** Position of the first descriptor that no wait follows yet. */
  #first = 0;
  #batch = 0;

  constructor(port: UnitPort, pages: SharedPages, counts: CommandCounts, wide: boolean) {
    this.#port = port;
    this.#pages = pages;
    this.#counts = counts;
    this.#shift = wide ? 5 : 4;
    this.ring = new Ring(pages, QUEUE_ENTRIES, wide ? 32 : 16, QUEUE_ENTRIES - 1, this);
    this.#slots = pages.take(QUEUE_ENTRIES * SLOT_BYTES);
  }

  /** Adds a descriptor: its kind, further bits of its first word, and the other three words. */
  add(kind: number, a: number, b: number, c: number, d: number): void {
    if (this.#batch === BATCH) this.submit();
    this.ring.put((TYPES[kind] as number) | a, b, c, d);
    this.#counts.add(kind);
    this.#batch++;
  }

  /** Sends what was added, and waits until it is done. */
  submit(): void {
    if (this.#batch === 0) return;
    const count = this.#batch;
    for (let sent = 0; !this.#isDone(this.#sendWait()); sent++) {
      if (sent === MOST_RESENDS) throw silentDevice();
      this.#again(count);
    }
    this.#batch = 0;
    this.#first = this.ring.tail;
  }

  publish(tail: number): void {
    this.#port.write32(REGISTER.IQT, this.ring.index(tail) << this.#shift);
  }

  consumed(): number {
    if (!this.#port.listened) {
      this.#port.poll(REGISTER.IQH);
      return this.ring.tail;
    }
    this.#answerErrors(-1);
    return positionOf(this.#port.poll(REGISTER.IQH) >>> this.#shift, this.ring.tail, QUEUE_ENTRIES);
  }

  /** Sends a wait; returns its position. */
  #sendWait(): number {
    const { ring } = this;
    ring.reserve(1);
    const position = ring.tail;
    const slot = this.#slotAt(position);
    this.#pages.memory.u32[this.#pages.word(slot)] = WAIT.pending;
    ring.put((TYPES[KIND.wait] as number) | WAIT.store, WAIT.done, slot, Math.floor(slot / 0x100000000));
    this.#counts.add(KIND.wait);
    this.#port.meter.tlbSync++;
    ring.publish();
    return position;
  }

  /** Waits for the store of a wait descriptor; false where the unit aborted it. */
  #isDone(position: number): boolean {
    if (!this.#port.listened) {
      this.#port.poll(REGISTER.FSTS);
      return true;
    }
    const word = this.#pages.word(this.#slotAt(position));
    for (let polls = 0; ; polls = countPoll(polls, 'invalidation wait descriptor')) {
      const status = this.#pages.memory.u32[word];
      if (status === WAIT.done) return true;
      if (status === WAIT.aborted) return false;
      this.#answerErrors(position);
    }
  }

  /** Adds the last descriptors again, which an aborted wait followed. */
  #again(count: number): void {
    const { ring } = this;
    let from = this.#first;
    this.#first = ring.tail;
    for (let i = 0; i < count; i++) {
      ring.put(ring.wordAt(from, 0), ring.wordAt(from, 1), ring.wordAt(from, 2), ring.wordAt(from, 3));
      from = (from + 1) & (2 * QUEUE_ENTRIES - 1);
    }
  }

  /** As `qi_check_fault`: a bad descriptor gives way to the wait, a device that does not answer aborts the waits before it. */
  #answerErrors(wait: number): void {
    const status = this.#port.poll(REGISTER.FSTS) & (FSTS.IQE | FSTS.ICE | FSTS.ITE);
    if (status === 0) return;
    this.errors++;
    if ((status & FSTS.IQE) !== 0) this.#replaceBad(wait);
    if ((status & FSTS.ITE) !== 0) this.#abortWaits();
    this.#port.write32(REGISTER.FSTS, status);
  }

  #replaceBad(wait: number): void {
    const { ring } = this;
    const head = positionOf(this.#port.read32(REGISTER.IQH) >>> this.#shift, ring.tail, QUEUE_ENTRIES);
    if (wait === -1) ring.set(head, (TYPES[KIND.wait] as number) | WAIT.store, WAIT.done, this.#slotAt(head), 0);
    else ring.set(head, ring.wordAt(wait, 0), ring.wordAt(wait, 1), ring.wordAt(wait, 2), ring.wordAt(wait, 3));
  }

  #abortWaits(): void {
    const { u32 } = this.#pages.memory;
    for (let i = 0; i < QUEUE_ENTRIES; i++) {
      const word = this.#pages.word(this.#slots + SLOT_BYTES * i);
      if (u32[word] === WAIT.pending) u32[word] = WAIT.aborted;
    }
  }

  #slotAt(position: number): number {
    return this.#slots + SLOT_BYTES * this.ring.index(position);
  }
}

function silentDevice(): IommuError {
  const message = `expected a device to answer the invalidation of its TLB, got none after ${MOST_RESENDS} times`;
  return new IommuError('DEVICE', 'device', message);
}
