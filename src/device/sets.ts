/**
 * Sets and ways of a cache: which slot an entry takes, which one gives way. Slots are numbers, so that caches keep their
 * entries in typed arrays. Slots are found by chains of one hash; those of a set are linked by their last use besides, so that a
 * set may have any number of ways.
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

/** Slots of a cache without limit, before it grows. */
const FIRST_SLOTS = 64;
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
  readonly #setMask: number;
  /** Of each set: slots in use, the one used last, the one not used for longest. A cache without limit leaves them out. */
  readonly #counts: Int32Array;
  readonly #newest: Int32Array;
  readonly #oldest: Int32Array;
  readonly #newer: Int32Array;
  readonly #older: Int32Array;
  /** Chains by hash: one whole bucket lies in one set. */
  #bucketMask: number;
  #heads: Int32Array;
  #next: Int32Array;
  #hashes: Int32Array;
  #free = -1;

  /** @param grow makes room beside for more slots; called once at first */
  constructor(name: string, geometry: CacheGeometry, grow: (capacity: number) => void) {
    checkGeometry(name, geometry);
    const { entries, ways = Math.max(1, entries) } = geometry;
    this.#limit = entries;
    this.#grow = grow;
    this.#ways = this.#unlimited ? Number.POSITIVE_INFINITY : ways;
    const sets = this.#unlimited ? 1 : Math.max(1, entries / ways);
    this.#setMask = sets - 1;
    this.#counts = new Int32Array(sets);
    this.#newest = new Int32Array(sets).fill(-1);
    this.#oldest = new Int32Array(sets).fill(-1);
    this.capacity = this.#unlimited ? FIRST_SLOTS : entries;
    this.#newer = new Int32Array(this.#unlimited ? 0 : entries);
    this.#older = new Int32Array(this.#unlimited ? 0 : entries);
    this.#bucketMask = 2 ** Math.ceil(Math.log2(Math.max(1, this.capacity))) - 1;
    this.#heads = new Int32Array(this.#bucketMask + 1).fill(-1);
    this.#next = new Int32Array(this.capacity);
    this.#hashes = new Int32Array(this.capacity);
    grow(this.capacity);
    this.#chainFree(0);
  }

  get #unlimited(): boolean {
    return this.#limit === Number.POSITIVE_INFINITY;
  }

  /** Whether nothing is ever kept. */
  get none(): boolean {
    return this.#limit === 0;
  }

  /** The first slot that may hold a hash, −1 where there is none. */
  first(hash: number): number {
    return this.#heads[hash & this.#bucketMask] as number;
  }

  /** The next slot behind another one that may hold the same hash, or −1. */
  after(slot: number): number {
    return this.#next[slot] as number;
  }

  /** Makes a slot the most recently used of its set; `before` is the one in front of it, −1 if it is first. */
  touch(hash: number, before: number, slot: number): void {
    if (before >= 0) {
      const bucket = hash & this.#bucketMask;
      this.#next[before] = this.#next[slot] as number;
      this.#next[slot] = this.#heads[bucket] as number;
      this.#heads[bucket] = slot;
    }
    if (this.#limit === Number.POSITIVE_INFINITY) return;
    const set = hash & this.#setMask;
    if (this.#newest[set] === slot) return;
    this.#retire(set, slot);
    this.#renew(set, slot);
  }

  /** A slot for a new entry of a hash: a free one, or that of the entry of the set that was not used for longest. */
  place(hash: number): number {
    if (this.#free < 0 && this.#unlimited) this.#widen();
    const set = hash & this.#setMask;
    if ((this.#counts[set] as number) >= this.#ways) {
      this.remove(this.#oldest[set] as number);
      this.evictions++;
    }
    const slot = this.#free;
    this.#free = this.#next[slot] as number;
    this.used++;
    (this.#counts[set] as number)++;
    this.#hashes[slot] = hash;
    const bucket = hash & this.#bucketMask;
    this.#next[slot] = this.#heads[bucket] as number;
    this.#heads[bucket] = slot;
    if (!this.#unlimited) this.#renew(set, slot);
    return slot;
  }

  /** Gives a slot back. */
  remove(slot: number): void {
    const hash = this.#hashes[slot] as number;
    const set = hash & this.#setMask;
    this.#unlink(hash & this.#bucketMask, slot);
    if (!this.#unlimited) this.#retire(set, slot);
    (this.#counts[set] as number)--;
    this.used--;
    this.#next[slot] = this.#free;
    this.#free = slot;
  }

  /** Calls `visit` with each slot in use; it may remove the slot that it is called with. */
  each(visit: (slot: number) => void): void {
    const [heads, links] = this.#unlimited ? [this.#heads, this.#next] : [this.#newest, this.#older];
    for (const head of heads) {
      for (let slot = head; slot >= 0; ) {
        const after = links[slot] as number;
        visit(slot);
        slot = after;
      }
    }
  }

  /** Puts a slot in front of its set. */
  #renew(set: number, slot: number): void {
    const second = this.#newest[set] as number;
    this.#newer[slot] = -1;
    this.#older[slot] = second;
    if (second >= 0) this.#newer[second] = slot;
    else this.#oldest[set] = slot;
    this.#newest[set] = slot;
  }

  /** Takes a slot out of the order of its set. */
  #retire(set: number, slot: number): void {
    const newer = this.#newer[slot] as number;
    const older = this.#older[slot] as number;
    if (newer >= 0) this.#older[newer] = older;
    else this.#newest[set] = older;
    if (older >= 0) this.#newer[older] = newer;
    else this.#oldest[set] = newer;
  }

  #unlink(bucket: number, slot: number): void {
    let at = this.#heads[bucket] as number;
    if (at === slot) {
      this.#heads[bucket] = this.#next[slot] as number;
      return;
    }
    while (this.#next[at] !== slot) at = this.#next[at] as number;
    this.#next[at] = this.#next[slot] as number;
  }

  #chainFree(from: number): void {
    for (let slot = this.capacity - 1; slot >= from; slot--) {
      this.#next[slot] = this.#free;
      this.#free = slot;
    }
  }

  /** Twice the slots and twice the buckets. */
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
    const buckets = 2 * (this.#bucketMask + 1);
    this.#bucketMask = buckets - 1;
    this.#heads = new Int32Array(buckets).fill(-1);
    for (let i = slots.length - 1; i >= 0; i--) {
      const slot = slots[i] as number;
      const bucket = (this.#hashes[slot] as number) & this.#bucketMask;
      this.#next[slot] = this.#heads[bucket] as number;
      this.#heads[bucket] = slot;
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
