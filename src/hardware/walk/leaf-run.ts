/**
 * Leaves put together to runs, as they are found.
 * @module
 */
import type { LeafRun, RunSink } from './leaves.ts';
import type { AddressBits, Region } from './regime.ts';

const TWO_32 = 2 ** 32;
/** Entries of a piece of a table, at most. */
const MOST_ENTRIES = 1024;

/** The run that is being put together. */
export class RunBuilder implements LeafRun {
  count = 0;
  offset = 0;
  bytes = 0;
  depth = 0;
  attributes = 0;
  entryAddress = 0;
  entryStep = 0;
  readonly pa: Float64Array = new Float64Array(MOST_ENTRIES);
  readonly lo: Uint32Array = new Uint32Array(MOST_ENTRIES);
  readonly hi: Uint32Array = new Uint32Array(MOST_ENTRIES);
  /** Whether the root may lead to more than the region holds: what lies outside is left out. */
  readonly clips: boolean;
  readonly #sink: RunSink;
  readonly #from: number;
  readonly #end: number;

  constructor(sink: RunSink, { from = 0, size, descriptors }: Region) {
    this.#sink = sink;
    this.#from = from;
    this.#end = size;
    this.clips = from !== 0 || !descriptors.levels.every((l, i) => i > 0 || l.unit * l.entries <= size);
  }

  /** Adds a leaf. */
  add(
    offset: number,
    pa: number,
    bytes: number,
    depth: number,
    lo: number,
    hi: number,
    attributes: number,
    entryAddress: number,
  ): void {
    if (this.clips && (offset < this.#from || offset >= this.#end)) return;
    if (!this.#continues(offset, bytes, depth, attributes, entryAddress)) {
      this.flush();
      this.offset = offset;
      this.bytes = bytes;
      this.depth = depth;
      this.attributes = attributes;
      this.entryAddress = entryAddress;
    } else if (this.count === 1) this.entryStep = entryAddress - this.entryAddress;
    const k = this.count++;
    this.pa[k] = pa;
    this.lo[k] = lo;
    this.hi[k] = hi;
  }

  /**
   * Adds the leaves behind entry `i`, which was added, as long as they differ from it in their addresses only.
   * @param words - entries of 64 bits, `count` of them
   * @returns how many
   */
  addNeighbours(words: Uint32Array, i: number, count: number, { lo: loBits, hi: hiBits, limit }: AddressBits): number {
    const { pa, lo, hi } = this;
    const first = words[2 * i] as number;
    const firstHigh = words[2 * i + 1] as number;
    let k = this.count;
    let at = i + 1;
    for (; at < count; at++) {
      const low = words[2 * at] as number;
      const high = words[2 * at + 1] as number;
      if ((((low ^ first) & ~loBits) | ((high ^ firstHigh) & ~hiBits)) !== 0) break;
      const output = (high & hiBits) * TWO_32 + ((low & loBits) >>> 0);
      if (output >= limit) break;
      pa[k] = output;
      lo[k] = low;
      hi[k] = high;
      k++;
    }
    if (k > this.count) this.entryStep = 8;
    this.count = k;
    return at - i - 1;
  }

  /** Gives the run to the sink. */
  flush(): void {
    if (this.count > 0) this.#sink(this);
    this.count = 0;
  }

  #continues(offset: number, bytes: number, depth: number, attributes: number, entryAddress: number): boolean {
    const { count, entryStep } = this;
    return (
      count > 0 &&
      count < MOST_ENTRIES &&
      bytes === this.bytes &&
      attributes === this.attributes &&
      depth === this.depth &&
      offset === this.offset + count * bytes &&
      (count === 1 || entryAddress === this.entryAddress + count * entryStep)
    );
  }
}
