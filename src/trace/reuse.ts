/**
 * How soon addresses come back: for each map, how many maps ago its address was last mapped in its domain, as far as a
 * window reaches.
 * @module
 */
import { BATCH_CALLS, type CallColumns } from './call-batch.ts';
import { hashAddress } from './hash.ts';
import { Sketch } from './sketch.ts';

/** Maps that the window holds. */
export const REUSE_WINDOW = 65_536;

const FIRST_SLOTS = 1024;

/** Reuse distances in a window of {@link REUSE_WINDOW} maps. */
export class ReuseDistance {
  /** Distances of addresses that came back within the window; 1 is the very next map. */
  readonly distances: Sketch = new Sketch();
  /** Maps whose address was not mapped within the window before. */
  fresh = 0;
  #keys = new Float64Array(FIRST_SLOTS);
  /** Number of the last map of each key, counted from 1; 0 where a slot is empty. */
  #last = new Float64Array(FIRST_SLOTS);
  #used = 0;
  #maps = 0;

  readonly #found = new Float64Array(BATCH_CALLS);

  /** Takes the maps of a batch. Domains are told apart below 256; above, they share. */
  take({ count, maps, domain, iova }: CallColumns): void {
    let found = 0;
    for (let i = 0; i < count; i++) {
      if (maps[i] !== 1) continue;
      const distance = this.#distance((iova[i] as number) + ((domain[i] as number) & 0xff));
      if (distance === 0) this.fresh++;
      else this.#found[found++] = distance;
    }
    this.distances.addAll(this.#found, 0, found);
  }

  /** How many maps ago a key was mapped, 0 where it was not within the window; now it is mapped. */
  #distance(key: number): number {
    const slot = this.#slotOf(key);
    const before = this.#last[slot] as number;
    this.#maps++;
    this.#last[slot] = this.#maps;
    const distance = before > 0 && this.#inWindow(before) ? this.#maps - before : 0;
    if (before === 0) this.#take(slot, key);
    return distance;
  }

  #inWindow(number: number): boolean {
    return this.#maps - number < REUSE_WINDOW;
  }

  /** The slot of a key, or the empty one where it belongs. */
  #slotOf(key: number): number {
    const keys = this.#keys;
    const last = this.#last;
    const mask = keys.length - 1;
    let slot = hashAddress(key) & mask;
    while (last[slot] !== 0 && keys[slot] !== key) slot = (slot + 1) & mask;
    return slot;
  }

  #take(slot: number, key: number): void {
    this.#keys[slot] = key;
    this.#used++;
    if (this.#used * 4 > this.#keys.length * 3) this.#rebuild();
  }

  /** Drops what has left the window. */
  #rebuild(): void {
    const keys = this.#keys;
    const last = this.#last;
    const kept = last.reduce((count, number) => count + Number(number > 0 && this.#inWindow(number)), 0);
    const room = 2 ** Math.ceil(Math.log2(kept * 2));
    this.#keys = new Float64Array(room);
    this.#last = new Float64Array(room);
    this.#used = kept;
    for (const [at, number] of last.entries()) {
      if (number === 0 || !this.#inWindow(number)) continue;
      const slot = this.#slotOf(keys[at] as number);
      this.#keys[slot] = keys[at] as number;
      this.#last[slot] = number;
    }
  }
}
