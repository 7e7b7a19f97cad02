/**
 * The elements of a traced list, reshaped for a what-if: rounded to a granule, or as if their memory had been allocated in
 * larger contiguous pieces.
 * @module
 */
import { alignDown, alignUp } from '../address.ts';

/** Whether physical pages stay as traced or come in contiguous, aligned pieces. */
export type PhysicalPolicy = 'keep' | 'contiguous-64k' | 'contiguous-2m';

const PIECE: Readonly<Record<PhysicalPolicy, number>> = {
  keep: 0,
  'contiguous-64k': 0x10000,
  'contiguous-2m': 0x200000,
};

/** Synthetic physical memory is taken from these 2^36 bytes, over and over. */
const POOL_BYTES = 2 ** 36;

/** Reshapes lists into arrays of its own, reused for the next list. */
export class ElementShaper {
  /** Addresses of the reshaped list, `count` of them. */
  addresses: Float64Array<ArrayBuffer> = new Float64Array(256);
  /** Lengths of the reshaped list. */
  lengths: Float64Array<ArrayBuffer> = new Float64Array(256);
  /** Where each element of the list as it was taken begins in the reshaped one, bytes from its start. */
  offsets: Float64Array<ArrayBuffer> = new Float64Array(256);
  /** Elements. */
  count = 0;
  /** Bytes. */
  bytes = 0;
  readonly #granule: number;
  readonly #piece: number;
  readonly #limit: number;
  #next = 0;

  constructor(granule: number, physical: PhysicalPolicy, limit: number) {
    this.#granule = granule;
    this.#piece = PIECE[physical];
    this.#limit = Math.min(POOL_BYTES, limit);
  }

  /** Takes elements [from, to) of a list. */
  shape(addresses: Float64Array, lengths: Float64Array, from: number, to: number): void {
    this.count = 0;
    this.bytes = 0;
    if (to - from > this.offsets.length) this.offsets = new Float64Array(2 * (to - from));
    if (this.#piece > 0) this.#contiguous(lengths, from, to);
    else for (let i = from; i < to; i++) this.#rounded(i - from, addresses[i] as number, lengths[i] as number);
  }

  #rounded(index: number, address: number, length: number): void {
    const start = alignDown(address, this.#granule);
    this.offsets[index] = this.bytes + address - start;
    this.#push(start, alignUp(address + length, this.#granule) - start);
  }

  #contiguous(lengths: Float64Array, from: number, to: number): void {
    let total = 0;
    for (let i = from; i < to; i++) {
      this.offsets[i - from] = total;
      total += lengths[i] as number;
    }
    total = alignUp(total, this.#granule);
    for (let left = total; left > 0; left -= this.#piece) {
      if (this.#next + this.#piece > this.#limit) this.#next = 0;
      this.#push(this.#next, Math.min(left, this.#piece));
      this.#next += 2 * this.#piece;
    }
  }

  #push(address: number, length: number): void {
    if (this.count === this.addresses.length) this.#grow();
    this.addresses[this.count] = address;
    this.lengths[this.count] = length;
    this.count++;
    this.bytes += length;
  }

  #grow(): void {
    const addresses = new Float64Array(this.count * 2);
    const lengths = new Float64Array(this.count * 2);
    addresses.set(this.addresses);
    lengths.set(this.lengths);
    this.addresses = addresses;
    this.lengths = lengths;
  }
}
