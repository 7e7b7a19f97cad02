/**
 * How soon addresses come back: for each map, how many maps ago its address was last mapped in its domain, as far as a
 * window reaches.
 * @module
 */
import { Sketch } from './sketch.ts';

/** Maps that the window holds. */
export const REUSE_WINDOW = 65_536;

/** Reuse distances in a window of {@link REUSE_WINDOW} maps. */
export class ReuseDistance {
  /** Distances of addresses that came back within the window; 1 is the very next map. */
  readonly distances: Sketch = new Sketch();
  /** Maps whose address was not mapped within the window before. */
  fresh = 0;
  readonly #last = new Map<number, number>();
  readonly #keys = new Float64Array(REUSE_WINDOW);
  #maps = 0;

  /** Takes a map. Domains are told apart below 256; above, they share. */
  map(domain: number, iova: number): void {
    const key = iova + (domain & 0xff);
    const slot = this.#maps % REUSE_WINDOW;
    this.#forget(slot);
    const before = this.#last.get(key);
    if (before === undefined) this.fresh++;
    else this.distances.add(this.#maps - before);
    this.#last.set(key, this.#maps);
    this.#keys[slot] = key;
    this.#maps++;
  }

  /** Drops the map that leaves the window, unless its address came back since. */
  #forget(slot: number): void {
    if (this.#maps < REUSE_WINDOW) return;
    const key = this.#keys[slot] as number;
    if (this.#last.get(key) === this.#maps - REUSE_WINDOW) this.#last.delete(key);
  }
}
