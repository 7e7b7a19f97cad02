/**
 * How soon addresses come back: for each map, how many maps ago its address was last mapped in its domain, as far as a
 * window reaches.
 * @module
 */
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

  /** Takes a map. Domains are told apart below 256; above, they share. */
  map(domain: number, iova: number): void {
    const key = iova + (domain & 0xff);
    const slot = this.#slotOf(key);
    const before = this.#last[slot] as number;
    this.#maps++;
    this.#last[slot] = this.#maps;
    if (before > 0 && this.#inWindow(before)) this.distances.add(this.#maps - before);
    else this.fresh++;
    if (before === 0) this.#take(slot, key);
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
