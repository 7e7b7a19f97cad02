/**
 * Sets and ways of a cache: which slot an entry takes, which one gives way. Slots are numbers, so that caches keep their
 * entries in typed arrays. Each set is a chain of slots, the most recently used first.
 * @module
 */
import { IommuError, shown } from '../errors.ts';

/** Size of a cache. */
export interface CacheGeometry {
  /** Entries in all: 0 for none, Infinity for no limit. */
  readonly entries: number;
  /** Entries of a set; a divisor of `entries`. Fully associative unless given. */
  readonly ways?: number;
}

const FIRST_SLOTS = 64;
/** Sets of a cache without limit, before it grows. */
const FIRST_SETS = 64;
/** Entries of the largest cache with a limit: typed arrays of that size are made at once. */
const MOST_ENTRIES = 2 ** 24;

/** @throws IommuError `BAD_OPTION` */
function checkGeometry(name: string, { entries, ways }: CacheGeometry): void {
  const bounded = Number.isInteger(entries) && entries >= 0 && entries <= MOST_ENTRIES;
  if (!bounded && entries !== Number.POSITIVE_INFINITY) {
    throw new IommuError(
      'BAD_OPTION',
      name,
      `expected 0 to ${MOST_ENTRIES} entries or Infinity, got ${shown(entries)}`,
    );
  }
  if (ways === undefined) return;
  const sets = entries / ways;
  const fits = entries === Number.POSITIVE_INFINITY || (Number.isInteger(sets) && (sets & (sets - 1)) === 0);
  if (!Number.isInteger(ways) || ways < 1 || !fits) {
    throw new IommuError(
      'BAD_OPTION',
      name,
      `expected ways that make a power of two of sets of ${shown(entries)} entries, got ${shown(ways)}`,
    );
  }
}

/** Slots in sets. */
export class Sets {
  /** Slots that exist; arrays beside it must have room for them. */
  capacity: number;
  /** Slots in use. */
  used = 0;
  /** Entries that gave way to others. */
  evictions = 0;
  readonly #limit: number;
  readonly #ways: number;
  readonly #grow: (capacity: number) => void;
  #mask: number;
  #heads: Int32Array;
  #next: Int32Array;
  #hashes: Int32Array;
  #counts: Int32Array;
  #free = -1;

  /** @param grow makes room beside for more slots; called once at first */
  constructor(name: string, geometry: CacheGeometry, grow: (capacity: number) => void) {
    checkGeometry(name, geometry);
    this.#limit = geometry.entries;
    this.#grow = grow;
    const unlimited = geometry.entries === Number.POSITIVE_INFINITY;
    this.#ways = unlimited ? Number.POSITIVE_INFINITY : (geometry.ways ?? Math.max(1, geometry.entries));
    const sets = unlimited ? FIRST_SETS : Math.max(1, geometry.entries / this.#ways);
    this.#mask = sets - 1;
    this.#heads = new Int32Array(sets).fill(-1);
    this.#counts = new Int32Array(sets);
    this.capacity = unlimited ? FIRST_SLOTS : geometry.entries;
    this.#next = new Int32Array(this.capacity);
    this.#hashes = new Int32Array(this.capacity);
    grow(this.capacity);
    this.#chainFree(0);
  }

  /** Whether nothing is ever kept. */
  get none(): boolean {
    return this.#limit === 0;
  }

  /** The first slot of the set of a hash, −1 where it is empty. */
  first(hash: number): number {
    return this.#heads[hash & this.#mask] as number;
  }

  /** The slot behind another one of its set, or −1. */
  after(slot: number): number {
    return this.#next[slot] as number;
  }

  /** Makes a slot the most recently used of its set; `before` is the one in front of it, −1 if it is first. */
  touch(hash: number, before: number, slot: number): void {
    if (before < 0) return;
    const set = hash & this.#mask;
    this.#next[before] = this.#next[slot] as number;
    this.#next[slot] = this.#heads[set] as number;
    this.#heads[set] = slot;
  }

  /** A slot for a new entry of a hash: a free one, or that of the entry of the set that was not used for longest. */
  place(hash: number): number {
    if (this.#free < 0 && this.#limit === Number.POSITIVE_INFINITY) this.#widen();
    const set = hash & this.#mask;
    const full = (this.#counts[set] as number) >= this.#ways;
    const slot = full ? this.#last(set) : this.#free;
    if (full) this.evictions++;
    else {
      this.#free = this.#next[slot] as number;
      this.used++;
      (this.#counts[set] as number)++;
    }
    this.#hashes[slot] = hash;
    this.#next[slot] = this.#heads[set] as number;
    this.#heads[set] = slot;
    return slot;
  }

  /** Gives a slot back. */
  remove(slot: number): void {
    const set = (this.#hashes[slot] as number) & this.#mask;
    this.#unlink(set, slot);
    (this.#counts[set] as number)--;
    this.used--;
    this.#next[slot] = this.#free;
    this.#free = slot;
  }

  /** Calls `visit` with each slot in use; it may remove the slot that it is called with. */
  each(visit: (slot: number) => void): void {
    for (let set = 0; set <= this.#mask; set++) {
      for (let slot = this.#heads[set] as number; slot >= 0; ) {
        const after = this.#next[slot] as number;
        visit(slot);
        slot = after;
      }
    }
  }

  #unlink(set: number, slot: number): void {
    let at = this.#heads[set] as number;
    if (at === slot) {
      this.#heads[set] = this.#next[slot] as number;
      return;
    }
    while (this.#next[at] !== slot) at = this.#next[at] as number;
    this.#next[at] = this.#next[slot] as number;
  }

  /** Takes the last slot of a set out of its chain. */
  #last(set: number): number {
    let slot = this.#heads[set] as number;
    while ((this.#next[slot] as number) >= 0) slot = this.#next[slot] as number;
    this.#unlink(set, slot);
    return slot;
  }

  #chainFree(from: number): void {
    for (let slot = this.capacity - 1; slot >= from; slot--) {
      this.#next[slot] = this.#free;
      this.#free = slot;
    }
  }

  /** Twice the slots and twice the sets. */
  #widen(): void {
    const before = this.capacity;
    const [next, hashes] = [new Int32Array(2 * before), new Int32Array(2 * before)];
    next.set(this.#next);
    hashes.set(this.#hashes);
    const slots: number[] = [];
    this.each((slot) => slots.push(slot));
    this.capacity = 2 * before;
    this.#next = next;
    this.#hashes = hashes;
    this.#grow(this.capacity);
    this.#chainFree(before);
    this.#rehash(slots);
  }

  #rehash(slots: readonly number[]): void {
    const sets = 2 * (this.#mask + 1);
    this.#mask = sets - 1;
    this.#heads = new Int32Array(sets).fill(-1);
    this.#counts = new Int32Array(sets);
    for (let i = slots.length - 1; i >= 0; i--) {
      const slot = slots[i] as number;
      const set = (this.#hashes[slot] as number) & this.#mask;
      this.#next[slot] = this.#heads[set] as number;
      this.#heads[set] = slot;
      (this.#counts[set] as number)++;
    }
  }
}

/** A hash of a whole number up to 2^53. */
export function hashOf(key: number): number {
  const high = Math.floor(key / 0x4000_0000);
  const low = key - high * 0x4000_0000;
  return low ^ (low >>> 9) ^ (high * 0x9e37);
}

/** A longer copy of a typed array's content. */
export function longer<T extends Int32Array | Float64Array>(array: T, copy: T): T {
  copy.set(array);
  return copy;
}
