/**
 * Scatter lists: what a caller wants mapped one behind the other, as two arrays of numbers.
 * @module
 */
import { type Address, checkAddress, hex } from '../address.ts';
import { IommuError, reading, shown } from '../errors.ts';
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

/** A list as two arrays of equal length, whose elements may be bigints. */
export interface AddressArrays {
  /** Physical addresses of the elements. */
  readonly addresses: ArrayLike<Address>;
  /** Their lengths in bytes. */
  readonly lengths: ArrayLike<Address>;
}

/** Everything that is accepted as a list. */
export type ListInput = ScatterList | AddressArrays | readonly ListElement[];

/** What the constructor of {@link ScatterList} asks for: lists are made by a memory, and by nobody else. */
export const LIST_KEY: unique symbol = Symbol('list');

/**
 * Takes a list out of use.
 * @returns where it lies; `undefined` for anything but a list of this memory that is in use
 */
export function retireList(list: unknown, memory: TableMemory): { offset: number; bytes: number } | undefined {
  return retire(list, memory);
}

let retire: typeof retireList;

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
  readonly #memory: TableMemory;
  readonly #place: { readonly offset: number; readonly bytes: number };
  #live = true;
  #addresses: Float64Array;
  #lengths: Float64Array;

  static {
    retire = (list, memory) => {
      if (!ScatterList.is(list)) return undefined;
      if (!list.#live || list.#memory !== memory) return undefined;
      list.#live = false;
      return list.#place;
    };
  }

  /** @throws IommuError `BAD_OPTION` without the key that `TableMemory.list` has. */
  constructor(key: typeof LIST_KEY, memory: TableMemory, lengthsOffset: number, count: number, bytes: number) {
    if (key !== LIST_KEY)
      throw new IommuError(
        'BAD_OPTION',
        'list',
        `expected a call of TableMemory.list(count), got ${shown(key)} as its key`,
      );
    this.#memory = memory;
    this.#place = { offset: lengthsOffset, bytes };
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

  /** Whether a value is such a list; asks nothing of it, as a proxy would answer. */
  static is(value: unknown): value is ScatterList {
    return typeof value === 'object' && value !== null && #live in value;
  }

  /** Whether the list lies in this memory. */
  isIn(memory: TableMemory): boolean {
    return this.#memory === memory;
  }

  /** @throws IommuError `FREED` once the list was given back to its memory. */
  checkInUse(): void {
    if (!this.#live) throw new IommuError('FREED', 'list', 'expected a live list, got one that was freed');
  }
}

function isElements(input: ListInput): input is readonly ListElement[] {
  return Array.isArray(input);
}

function isArrayLike(value: ArrayLike<Address> | undefined): value is ArrayLike<Address> {
  return typeof value === 'object' && value !== null && Number.isSafeInteger(value.length);
}

/** Typed arrays that hold whole numbers and doubles exactly. */
const EXACT: readonly object[] = [
  Float64Array,
  Uint32Array,
  Int32Array,
  Uint16Array,
  Int16Array,
  Uint8Array,
  Int8Array,
  Uint8ClampedArray,
].map(({ prototype }) => prototype);

/** Whether a value is a plain array of doubles: no proxy, no subclass with a length of its own. */
export function isDoubles(value: unknown): value is Float64Array {
  return ArrayBuffer.isView(value) && Object.getPrototypeOf(value) === Float64Array.prototype && ownLength(value);
}

function ownLength(view: ArrayBufferView): boolean {
  return !Object.hasOwn(view, 'length') && view.buffer instanceof ArrayBuffer;
}

/** Whether an array holds numbers and nothing else, and cannot change while it is read. */
function holdsNumbers(values: ArrayLike<Address>): values is ArrayLike<number> {
  if (!ArrayBuffer.isView(values)) return false;
  const prototype = Object.getPrototypeOf(values);
  return (prototype === Float64Array.prototype || EXACT.includes(prototype)) && ownLength(values);
}

/** Most elements of a list that is copied: 1 GiB of numbers. */
const MOST_ELEMENTS = 2 ** 26;

/** @throws IommuError for an array of single precision, whose addresses may be rounded already, and for one too long. */
function checkArray(values: ArrayLike<unknown>, name: string): void {
  if (Object.prototype.toString.call(values) === '[object Float32Array]') {
    throw new IommuError(
      'UNSAFE_NUMBER',
      name,
      'expected numbers of double precision, got a Float32Array, which rounds',
    );
  }
  if (values.length >= 0 && values.length <= MOST_ELEMENTS) return;
  throw new IommuError('MEMORY_LIMIT', name, `expected at most ${MOST_ELEMENTS} elements, got ${values.length}`);
}

/**
 * A list input as two arrays of numbers: typed arrays of numbers as they are, others and objects copied.
 * @throws IommuError `BAD_OPTION` for anything that is not a list, and where the arrays differ in length; `NOT_A_NUMBER`,
 * `UNSAFE_NUMBER` and others for an element.
 */
export function asArrays(input: ListInput): ListArrays {
  if (ScatterList.is(input)) {
    input.checkInUse();
    return input;
  }
  return reading('list', () => copied(input));
}

function copied(input: Exclude<ListInput, ScatterList>): ListArrays {
  if (isElements(input)) {
    checkArray(input, 'list');
    const at = (i: number): Partial<ListElement> => input[i] ?? {};
    return {
      addresses: exactNumbers(input.length, 'address', (i) => at(i).address),
      lengths: exactNumbers(input.length, 'length', (i) => at(i).length),
    };
  }
  const { addresses, lengths }: Partial<AddressArrays> = input ?? {};
  if (!isArrayLike(addresses) || !isArrayLike(lengths)) {
    throw new IommuError(
      'BAD_OPTION',
      'list',
      `expected { address, length } objects, or arrays addresses and lengths, got ${shown(input)}`,
    );
  }
  if (addresses.length !== lengths.length) {
    throw new IommuError(
      'BAD_OPTION',
      'list',
      `expected as many lengths as addresses (${addresses.length}), got ${lengths.length}`,
    );
  }
  if (holdsNumbers(addresses) && holdsNumbers(lengths) && addresses.length <= MOST_ELEMENTS) {
    return { addresses, lengths };
  }
  checkArray(addresses, 'addresses');
  checkArray(lengths, 'lengths');
  return {
    addresses: exactNumbers(addresses.length, 'address', (i) => addresses[i]),
    lengths: exactNumbers(lengths.length, 'length', (i) => lengths[i]),
  };
}

function exactNumbers(count: number, name: string, at: (i: number) => Address | undefined): Float64Array {
  const numbers = new Float64Array(count);
  for (let i = 0; i < count; i++) {
    const value = at(i);
    const plain = typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;
    numbers[i] = plain ? value : exactNumber(`list[${i}].${name}`, value);
  }
  return numbers;
}

function exactNumber(argument: string, value: Address | undefined): number {
  checkAddress(argument, value as Address);
  const number = Number(value);
  if (BigInt(number) !== BigInt(value as Address)) {
    throw new IommuError(
      'UNSAFE_NUMBER',
      argument,
      `expected a value that a number holds exactly, got ${hex(value as Address)}`,
      {
        got: hex(value as Address),
      },
    );
  }
  return number;
}
