/**
 * Numbers by page frame: open addressing with linear probing in typed arrays, without tombstones, so that it stays as
 * quick after 10^9 changes as at first.
 * @module
 */

const FIRST_CAPACITY = 512;
const HALF = 2 ** 26;
const EMPTY = -1;

/** A map from frame numbers (0 to 2^53 − 1) to positive 32-bit numbers; 0 stands for none. */
export class PfnMap {
  #keys = new Float64Array(FIRST_CAPACITY).fill(EMPTY);
  #values = new Int32Array(FIRST_CAPACITY);
  #mask = FIRST_CAPACITY - 1;
  #count = 0;

  /** The number at `pfn`, or 0. */
  get(pfn: number): number {
    const at = this.#find(pfn);
    return this.#keys[at] === pfn ? (this.#values[at] as number) : 0;
  }

  /** Sets the number at `pfn`. */
  set(pfn: number, value: number): void {
    if (this.#count * 2 > this.#mask) this.#grow();
    const at = this.#find(pfn);
    if (this.#keys[at] !== pfn) this.#count++;
    this.#keys[at] = pfn;
    this.#values[at] = value;
  }

  /** Removes `pfn`; what was pushed behind it by collisions moves up. */
  delete(pfn: number): void {
    let hole = this.#find(pfn);
    if (this.#keys[hole] !== pfn) return;
    this.#count--;
    let at = hole;
    for (;;) {
      at = (at + 1) & this.#mask;
      const key = this.#keys[at] as number;
      if (key === EMPTY) break;
      const home = this.#home(key);
      if (((at - home) & this.#mask) < ((at - hole) & this.#mask)) continue;
      this.#keys[hole] = key;
      this.#values[hole] = this.#values[at] as number;
      hole = at;
    }
    this.#keys[hole] = EMPTY;
  }

  #home(pfn: number): number {
    const high = Math.floor(pfn / HALF);
    const mixed = Math.imul(pfn - high * HALF, 0x9e3779b1) ^ Math.imul(high, 0x85ebca6b);
    return (mixed ^ (mixed >>> 15)) & this.#mask;
  }

  #find(pfn: number): number {
    const keys = this.#keys;
    let at = this.#home(pfn);
    for (let key = keys[at] as number; key !== EMPTY && key !== pfn; key = keys[at] as number) {
      at = (at + 1) & this.#mask;
    }
    return at;
  }

  #grow(): void {
    const keys = this.#keys;
    const values = this.#values;
    const capacity = keys.length * 2;
    this.#keys = new Float64Array(capacity).fill(EMPTY);
    this.#values = new Int32Array(capacity);
    this.#mask = capacity - 1;
    this.#count = 0;
    for (let i = 0; i < keys.length; i++) {
      if (keys[i] !== EMPTY) this.set(keys[i] as number, values[i] as number);
    }
  }
}
