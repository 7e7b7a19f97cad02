/**
 * A ring of commands in memory: entries are written at the tail, made visible by a doorbell, and taken by the device from the
 * head on. Units differ in how many entries may wait, and in what their pointers count.
 * @module
 */
import type { SharedPages } from './shared-pages.ts';
import { countPoll } from './unit-port.ts';

/** The device's end of a ring. Pointers are positions: entry numbers that count up to twice the entries. */
export interface RingEnd {
  /** Makes the entries before `tail` visible to the device. */
  publish(tail: number): void;
  /** The position that the device will read next; it answers an error of the device on the way. */
  consumed(): number;
}

/** Entries of one queue. */
export class Ring {
  /** Physical address. */
  readonly base: number;
  /** Entries, a power of two. */
  readonly entries: number;
  /** Entries that may wait at once. */
  readonly most: number;
  /** Position that is written next. */
  tail = 0;
  readonly #pages: SharedPages;
  readonly #words: number;
  readonly #end: RingEnd;
  #head = 0;
  #published = 0;

  /** @param most entries that may wait: all of them where the unit has a wrap bit, else one less */
  constructor(pages: SharedPages, entries: number, entryBytes: number, most: number, end: RingEnd) {
    this.#pages = pages;
    this.#words = entryBytes / 4;
    this.#end = end;
    this.entries = entries;
    this.most = most;
    this.base = pages.take(entries * entryBytes);
  }

  /** Entry number of a position. */
  index(position: number): number {
    return position & (this.entries - 1);
  }

  /** Physical address of the entry at a position. */
  addressAt(position: number): number {
    return this.base + this.index(position) * this.#words * 4;
  }

  /** Waits until `count` entries are free. */
  reserve(count: number): void {
    if (this.#waiting() + count > this.most) this.#makeRoom(count);
  }

  /** Writes an entry of four words at the tail; further words of a longer entry are zero. */
  put(a: number, b: number, c: number, d: number): void {
    this.reserve(1);
    this.set(this.tail, a, b, c, d);
    this.tail = this.#next(this.tail);
  }

  /** Writes the entry at a position, which is not free for the next one by that. */
  set(position: number, a: number, b: number, c: number, d: number): void {
    const at = this.#pages.word(this.addressAt(position));
    const { u32 } = this.#pages.memory;
    u32[at] = a;
    u32[at + 1] = b;
    u32[at + 2] = c;
    u32[at + 3] = d;
    for (let i = 4; i < this.#words; i++) u32[at + i] = 0;
  }

  /** The word at an index of the entry at a position. */
  wordAt(position: number, word: number): number {
    return this.#pages.memory.u32[this.#pages.word(this.addressAt(position)) + word] as number;
  }

  /** Makes what was written visible. */
  publish(): void {
    if (this.#published === this.tail) return;
    this.#published = this.tail;
    this.#end.publish(this.tail);
  }

  /** Asks the device once whether it has taken everything that was published. */
  isTaken(): boolean {
    this.#head = this.#end.consumed();
    return this.#head === this.#published;
  }

  /** Waits until the device has taken everything. */
  drain(): void {
    this.publish();
    for (let polls = 0; !this.isTaken(); polls = countPoll(polls, 'command queue')) {}
  }

  /** The queue starts anew, empty. */
  reset(): void {
    this.tail = 0;
    this.#head = 0;
    this.#published = 0;
  }

  #waiting(): number {
    return (this.tail - this.#head + 2 * this.entries) & (2 * this.entries - 1);
  }

  #makeRoom(count: number): void {
    this.publish();
    this.#head = this.#end.consumed();
    for (let polls = 0; this.#waiting() + count > this.most; polls = countPoll(polls, 'command queue')) {
      this.#head = this.#end.consumed();
    }
  }

  #next(position: number): number {
    return (position + 1) & (2 * this.entries - 1);
  }
}

/**
 * The position behind an entry number that a unit without a wrap bit reads: the last one not beyond `tail`.
 */
export function positionOf(index: number, tail: number, entries: number): number {
  return (tail - ((tail - index) & (entries - 1)) + 2 * entries) & (2 * entries - 1);
}
