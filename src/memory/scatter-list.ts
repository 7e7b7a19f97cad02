/**
 * Scatter lists: what a caller wants mapped one behind the other, as two arrays of numbers.
 * @module
 */
import { type Address, checkAddress, hex } from '../address.ts';
import { IommuError } from '../errors.ts';
import type { TableMemory } from './table-memory.ts';

/** One element of a list, as an object. */
export interface ListElement {
  /** Physical address of its first byte. */
  readonly address: Address;
  /** Bytes. */
  readonly length: number;
}

/** A list as two arrays of equal length: physical addresses and bytes. */
export interface ListArrays {
  /** Physical addresses of the elements. */
  readonly addresses: ArrayLike<number>;
  /** Their lengths in bytes. */
  readonly lengths: ArrayLike<number>;
}

/** Everything that is accepted as a list. */
export type ListInput = ScatterList | ListArrays | readonly ListElement[];

/** A list in the engine's own memory, read by kernels where it lies: no object and no allocation an element. */
export class ScatterList implements ListArrays {
  /** Byte offset of the addresses. The lengths lie before them: kernels read one length past the last. */
  readonly offset: number;
  /** Byte offset of the lengths, and of the whole list. */
  readonly lengthsOffset: number;
  /** Bytes that the list takes in memory. */
  readonly bytes: number;
  /** Number of elements. */
  readonly length: number;
  /** Whether it was just checked that every element is exactly one smallest page. */
  singlePages = false;
  /** Bytes of the list where it was just checked to consist of whole pages, else 0; kernels rely on it. */
  wholeBytes = 0;
  readonly #memory: TableMemory;
  #addresses: Float64Array;
  #lengths: Float64Array;

  constructor(memory: TableMemory, lengthsOffset: number, count: number, bytes: number) {
    this.#memory = memory;
    this.lengthsOffset = lengthsOffset;
    this.offset = lengthsOffset + bytes / 2;
    this.bytes = bytes;
    this.length = count;
    this.#addresses = new Float64Array(memory.wasm.buffer, this.offset, count);
    this.#lengths = new Float64Array(memory.wasm.buffer, this.lengthsOffset, count);
  }

  /** Physical addresses, to be written by the caller; read anew after an allocation. */
  get addresses(): Float64Array {
    if (this.#addresses.length !== this.length) {
      this.#addresses = new Float64Array(this.#memory.wasm.buffer, this.offset, this.length);
    }
    return this.#addresses;
  }

  /** Lengths in bytes, to be written by the caller; read anew after an allocation. */
  get lengths(): Float64Array {
    if (this.#lengths.length !== this.length) {
      this.#lengths = new Float64Array(this.#memory.wasm.buffer, this.lengthsOffset, this.length);
    }
    return this.#lengths;
  }

  /** Whether the list lies in this memory. */
  isIn(memory: TableMemory): boolean {
    return this.#memory === memory;
  }
}

function isElements(input: ListInput): input is readonly ListElement[] {
  return Array.isArray(input);
}

/**
 * A list input as two arrays; objects are copied, arrays are not.
 * @throws IommuError `BAD_OPTION` where the arrays differ in length, `UNSAFE_NUMBER` and others for an element.
 */
export function asArrays(input: ListInput): ListArrays {
  if (!isElements(input)) {
    if (input.addresses.length !== input.lengths.length) {
      const { addresses, lengths } = input;
      throw new IommuError('BAD_OPTION', 'list', `${addresses.length} addresses but ${lengths.length} lengths`);
    }
    return input;
  }
  const addresses = new Float64Array(input.length);
  const lengths = new Float64Array(input.length);
  for (const [i, element] of input.entries()) {
    addresses[i] = exactNumber(`list[${i}].address`, element.address);
    lengths[i] = exactNumber(`list[${i}].length`, element.length);
  }
  return { addresses, lengths };
}

function exactNumber(argument: string, value: Address): number {
  checkAddress(argument, value);
  const number = Number(value);
  if (BigInt(number) !== BigInt(value)) {
    throw new IommuError('UNSAFE_NUMBER', argument, `${hex(value)} cannot be held exactly`, { got: hex(value) });
  }
  return number;
}
