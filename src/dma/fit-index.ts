/**
 * Which of many ordered things is the next below another one that has enough of something: a B-tree of keys that also
 * knows the most of every subtree. Entries of a block are in no order, so that adding and removing one moves at most
 * one other; a block is small enough to be searched from end to end. Typed arrays only: once they have grown,
 * nothing is allocated.
 * @module
 */

/** Entries of a block, a power of two. */
const SHIFT = 5;
const WIDTH = 1 << SHIFT;
const NONE = -1;
const FIRST_BLOCKS = 32;
const FIRST_IDS = 256;

/** Things by number from 1 up, each with a key that orders them and a `fit`. Keys are distinct and at least 0. */
export class FitIndex {
  /** By position, `block * WIDTH + place`: key, fit, and number of a thing, or of a block below. */
  #keys = new Float64Array(FIRST_BLOCKS * WIDTH);
  #fits = new Float64Array(FIRST_BLOCKS * WIDTH);
  #ids = new Int32Array(FIRST_BLOCKS * WIDTH);
  /** By block: entries, position of its entry in the block above, 0 for blocks of things. */
  #counts = new Int32Array(FIRST_BLOCKS);
  #ups = new Int32Array(FIRST_BLOCKS);
  #levels = new Uint8Array(FIRST_BLOCKS);
  /** By thing: position of its entry. */
  #at = new Int32Array(FIRST_IDS);
  readonly #free: number[] = [];
  readonly #sorted = new Float64Array(WIDTH);
  #blocks = 0;
  #root: number;

  /** @param top a thing above all others; it is never removed */
  constructor(top: number) {
    this.#root = this.#take(0);
    this.#append(this.#root, Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY, top);
  }

  /** Adds a thing whose key is below that of `next` and above all keys below that one. */
  insert(next: number, id: number, key: number, fit: number): void {
    if (id >= this.#at.length) this.#at = enlarged(this.#at, this.#at.length * 2);
    this.#insertInto(blockOf(this.#at[next] as number), key, fit, id);
  }

  /** Removes a thing. */
  remove(id: number): void {
    this.#removeAt(this.#at[id] as number);
  }

  /** Changes what a thing has. */
  setFit(id: number, fit: number): void {
    const at = this.#at[id] as number;
    const before = this.#fits[at] as number;
    this.#fits[at] = fit;
    if (fit > before) this.#raise(blockOf(at), fit);
    else if (fit < before) this.#lower(blockOf(at), before);
  }

  /** Lowers the key of a thing; it stays above all keys below it. */
  lowerKey(id: number, key: number): void {
    const at = this.#at[id] as number;
    this.#keys[at] = key;
    this.#lowerKeys(blockOf(at), key);
  }

  /** The highest thing below `id` that has `size` or more; 0 where there is none. */
  nextBelow(id: number, size: number): number {
    let at = this.#at[id] as number;
    while (at !== NONE) {
      const block = blockOf(at);
      let found = this.#highest(block, this.#keys[at] as number, size);
      if (found !== NONE) {
        for (let level = this.#levels[block] as number; level > 0; level--) {
          found = this.#highest(this.#ids[found] as number, Number.POSITIVE_INFINITY, size);
        }
        return this.#ids[found] as number;
      }
      at = this.#ups[block] as number;
    }
    return 0;
  }

  /** The thing with the highest key up to `key`, or one whose key is the lowest above it. */
  near(key: number): number {
    let block = this.#root;
    for (;;) {
      const at = this.#nearest(block, key);
      if (this.#levels[block] === 0) return this.#ids[at] as number;
      block = this.#ids[at] as number;
    }
  }

  /** Position of the highest entry below `key` with `size` or more. */
  #highest(block: number, key: number, size: number): number {
    const keys = this.#keys;
    const fits = this.#fits;
    const first = block * WIDTH;
    const end = first + (this.#counts[block] as number);
    let found = NONE;
    let highest = -1;
    for (let at = first; at < end; at++) {
      if ((fits[at] as number) < size) continue;
      const one = keys[at] as number;
      if (one >= key || one <= highest) continue;
      highest = one;
      found = at;
    }
    return found;
  }

  /** Position of the highest entry up to `key`, of the lowest where all are above. */
  #nearest(block: number, key: number): number {
    const keys = this.#keys;
    const first = block * WIDTH;
    const end = first + (this.#counts[block] as number);
    let best = first;
    for (let at = first + 1; at < end; at++) {
      const one = keys[at] as number;
      const before = keys[best] as number;
      if (before > key ? one < before : one <= key && one > before) best = at;
    }
    return best;
  }

  #insertInto(given: number, key: number, fit: number, id: number): void {
    let block = given;
    if (this.#counts[block] === WIDTH) {
      const below = this.#split(block, key);
      if (key < (this.#keys[this.#ups[block] as number] as number)) block = below;
    }
    this.#append(block, key, fit, id);
    this.#lowerKeys(block, key);
    this.#raise(block, fit);
  }

  #append(block: number, key: number, fit: number, id: number): void {
    const at = block * WIDTH + (this.#counts[block] as number);
    this.#counts[block] = (this.#counts[block] as number) + 1;
    this.#keys[at] = key;
    this.#fits[at] = fit;
    this.#place(block, at, id);
  }

  /** Notes that the entry of a thing, or of a block, is at a position of `block`. */
  #place(block: number, at: number, id: number): void {
    this.#ids[at] = id;
    if (this.#levels[block] === 0) this.#at[id] = at;
    else this.#ups[id] = at;
  }

  #removeAt(at: number): void {
    const block = blockOf(at);
    const up = this.#ups[block] as number;
    const count = (this.#counts[block] as number) - 1;
    if (count === 0 && up !== NONE) {
      this.#free.push(block);
      this.#removeAt(up);
      return;
    }
    const fit = this.#fits[at] as number;
    const last = block * WIDTH + count;
    this.#counts[block] = count;
    this.#keys[at] = this.#keys[last] as number;
    this.#fits[at] = this.#fits[last] as number;
    this.#place(block, at, this.#ids[last] as number);
    this.#lower(block, fit);
  }

  /** Makes a full block two: in the middle, or low where `key` is below all of it and more like it may follow. @returns the lower one */
  #split(block: number, key: number): number {
    const first = block * WIDTH;
    const sorted = this.#sorted;
    for (let place = 0; place < WIDTH; place++) sorted[place] = this.#keys[first + place] as number;
    sorted.sort();
    const lowest = sorted[0] as number;
    const threshold = sorted[key < lowest ? WIDTH / 4 : WIDTH / 2] as number;
    const below = this.#take(this.#levels[block] as number);
    this.#moveBelow(block, below, threshold);
    if (this.#ups[block] === NONE) this.#growRoot(block);
    const up = this.#ups[block] as number;
    const separator = Math.min(this.#keys[up] as number, key, lowest);
    this.#keys[up] = threshold;
    this.#insertInto(blockOf(up), separator, this.#most(below), below);
    this.#lower(block, Number.POSITIVE_INFINITY);
    return below;
  }

  /** Moves the entries below `threshold`. */
  #moveBelow(from: number, to: number, threshold: number): void {
    const first = from * WIDTH;
    let kept = first;
    for (let at = first; at < first + WIDTH; at++) {
      const [key, fit, id] = [this.#keys[at] as number, this.#fits[at] as number, this.#ids[at] as number];
      if (key < threshold) {
        this.#append(to, key, fit, id);
        continue;
      }
      this.#keys[kept] = key;
      this.#fits[kept] = fit;
      this.#place(from, kept, id);
      kept++;
    }
    this.#counts[from] = kept - first;
  }

  #growRoot(block: number): void {
    this.#root = this.#take((this.#levels[block] as number) + 1);
    this.#append(this.#root, 0, this.#most(block), block);
  }

  #most(block: number): number {
    const fits = this.#fits;
    const first = block * WIDTH;
    const end = first + (this.#counts[block] as number);
    let most = -1;
    for (let at = first; at < end; at++) if ((fits[at] as number) > most) most = fits[at] as number;
    return most;
  }

  /** An entry of `block` has `fit` now. */
  #raise(block: number, fit: number): void {
    const fits = this.#fits;
    let up = this.#ups[block] as number;
    while (up !== NONE && (fits[up] as number) < fit) {
      fits[up] = fit;
      up = this.#ups[blockOf(up)] as number;
    }
  }

  /** An entry of `block` that had `fit` has less now. */
  #lower(given: number, fit: number): void {
    const fits = this.#fits;
    let block = given;
    let up = this.#ups[block] as number;
    while (up !== NONE && (fits[up] as number) <= fit) {
      const before = fits[up] as number;
      const most = this.#most(block);
      if (most === before) return;
      fits[up] = most;
      block = blockOf(up);
      up = this.#ups[block] as number;
    }
  }

  #lowerKeys(block: number, key: number): void {
    const keys = this.#keys;
    let up = this.#ups[block] as number;
    while (up !== NONE && (keys[up] as number) > key) {
      keys[up] = key;
      up = this.#ups[blockOf(up)] as number;
    }
  }

  #take(level: number): number {
    const block = this.#free.pop() ?? this.#blocks++;
    if (block === this.#counts.length) this.#grow();
    this.#counts[block] = 0;
    this.#ups[block] = NONE;
    this.#levels[block] = level;
    return block;
  }

  #grow(): void {
    const blocks = this.#counts.length * 2;
    this.#keys = enlarged(this.#keys, blocks * WIDTH);
    this.#fits = enlarged(this.#fits, blocks * WIDTH);
    this.#ids = enlarged(this.#ids, blocks * WIDTH);
    this.#counts = enlarged(this.#counts, blocks);
    this.#ups = enlarged(this.#ups, blocks);
    this.#levels = enlarged(this.#levels, blocks);
  }
}

function blockOf(position: number): number {
  return position >>> SHIFT;
}

/** A longer copy. */
function enlarged<T extends Float64Array | Int32Array | Uint8Array>(array: T, length: number): T {
  const larger = new (array.constructor as new (length: number) => T)(length);
  larger.set(array);
  return larger;
}
