/**
 * The bitmap of a read of dirty bits: one bit a page of a range.
 * @module
 */
import { type DirtyLeaves, forEachDirty } from '../pagetable/dirty.ts';

/** Bits of one range, as leaves come. */
export class DirtyBits {
  /** Bit `i % 8` of byte `i / 8` is page `i` of the range. */
  readonly bitmap: Uint8Array;
  /** Bits of the range. */
  readonly pages: number;
  /** Dirty leaves so far. */
  leaves = 0;
  /** Their bytes in the range. */
  bytes = 0;
  readonly #from: number;
  readonly #end: number;
  readonly #page: number;

  /** @param page bytes of a bit; the range begins and ends at multiples of it */
  constructor(from: number, size: number, page: number, bitmap: Uint8Array) {
    this.#from = from;
    this.#end = from + size;
    this.#page = page;
    this.pages = size / page;
    this.bitmap = bitmap;
  }

  /** Adds leaves; those that reach beyond the range count with what lies in it. */
  readonly add = (found: DirtyLeaves): void => {
    this.leaves += found.dirty;
    const { iova, size, count } = found;
    if (size === this.#page && iova >= this.#from && iova + count * size <= this.#end) this.#copy(found);
    else forEachDirty(found, (index) => this.#leaf(iova + index * size, size));
  };

  /** Leaves of a page each: their bits as they are. */
  #copy({ iova, size, count, dirty, words, first }: DirtyLeaves): void {
    this.bytes += dirty * size;
    const at = (iova - this.#from) / size;
    const shift = at & 7;
    let byte = (at - shift) / 8;
    for (let word = first; word < first + Math.ceil(count / 32); word++) {
      for (let bits = words[word] as number, i = byte; bits !== 0; bits >>>= 8, i++)
        this.#or(i, (bits & 0xff) << shift);
      byte += 4;
    }
  }

  #or(byte: number, bits: number): void {
    const { bitmap } = this;
    bitmap[byte] = (bitmap[byte] as number) | bits;
    if (bits > 0xff) bitmap[byte + 1] = (bitmap[byte + 1] as number) | (bits >>> 8);
  }

  #leaf(iova: number, size: number): void {
    const from = Math.max(iova, this.#from) - this.#from;
    const end = Math.min(iova + size, this.#end) - this.#from;
    this.bytes += end - from;
    this.#set(Math.floor(from / this.#page), Math.ceil(end / this.#page));
  }

  /** Sets bits in [from, end): whole bytes at once. */
  #set(from: number, end: number): void {
    const firstByte = Math.floor(from / 8);
    const lastByte = Math.floor((end - 1) / 8);
    const low = (0xff << (from % 8)) & 0xff;
    const high = 0xff >>> (7 - ((end - 1) % 8));
    if (firstByte === lastByte) this.#or(firstByte, low & high);
    else {
      this.#or(firstByte, low);
      this.bitmap.fill(0xff, firstByte + 1, lastByte);
      this.#or(lastByte, high);
    }
  }
}
