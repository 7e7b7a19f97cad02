/**
 * The checks of the semantics `safe`: every argument to its last byte, before the first write.
 * @module
 */
import { type Address, checkAddress, hex, highHalf, lowHalf, offsetIn } from '../address.ts';
import { IommuError } from '../errors.ts';
import type { Geometry } from '../formats/contract.ts';
import { offsetOfIova, publicIova, rangeText } from '../formats/iova.ts';
import type { Rules } from '../formats/rules.ts';
import { sizesOf } from '../formats/widths.ts';
import type { ListFacts } from '../memory/checked-list.ts';
import { STATE_OFFSET } from '../memory/kernel-contract.ts';
import type { ListArrays, ScatterList } from '../memory/scatter-list.ts';
import type { TableMemory } from '../memory/table-memory.ts';
import { ListRuns } from '../pagetable/runs.ts';

/** Where numbers end that are all exact. */
const EXACT_END = 2 ** 53;

/** A public address or size as an exact number. Input addresses become offsets from the region's base. */
export class ArgumentCheck {
  readonly #geometry: Geometry;
  readonly #memory: TableMemory;
  /** Bytes of the smallest page. */
  readonly smallest: number;
  /** One by that: a power of two, so that products are exact. */
  readonly #perPage: number;
  readonly #inputEnd: number;
  /** Where the input addresses end that are their own offsets. */
  readonly #plainEnd: number;
  readonly #outputEnd: number;
  /** The same ends, where numbers are exact up to them. */
  readonly #exactInput: number;
  readonly #exactOutput: number;
  readonly #allowedLo: number;
  readonly #allowedHi: number;

  constructor(geometry: Geometry, memory: TableMemory) {
    this.#geometry = geometry;
    this.#memory = memory;
    this.smallest = sizesOf(geometry.pageSizes)[0] ?? 2 ** geometry.pageShift;
    this.#perPage = 1 / this.smallest;
    this.#inputEnd = 2 ** geometry.ias;
    const half = geometry.signExtends ? this.#inputEnd / 2 : this.#inputEnd;
    this.#plainEnd = geometry.iovaBase === 0n ? half : 0;
    this.#outputEnd = 2 ** Math.min(geometry.oas, geometry.outputBits);
    this.#exactInput = Math.min(this.#plainEnd, EXACT_END);
    this.#exactOutput = Math.min(this.#outputEnd, EXACT_END);
    const allowed = this.#outputEnd - this.smallest;
    this.#allowedLo = lowHalf(allowed);
    this.#allowedHi = highHalf(allowed);
  }

  /**
   * Whether the arguments of a map call are numbers that need no other check: whole pages in range, at input addresses that are
   * their own offsets.
   */
  isPlain(iova: Address, pa: Address, size: Address): boolean {
    if (typeof iova !== 'number' || typeof pa !== 'number' || typeof size !== 'number') return false;
    if (!(iova >= 0 && pa >= 0 && size > 0 && iova + size <= this.#exactInput && pa + size <= this.#exactOutput)) {
      return false;
    }
    return this.#arePages(iova, pa, size);
  }

  /** As {@link ArgumentCheck.isPlain}, of a call that unmaps. */
  isPlainInput(iova: Address, size: Address): boolean {
    if (typeof iova !== 'number' || typeof size !== 'number') return false;
    if (!(iova >= 0 && size > 0 && iova + size <= this.#exactInput)) return false;
    return this.#arePages(iova, 0, size);
  }

  #arePages(iova: number, pa: number, size: number): boolean {
    const { smallest } = this;
    const perPage = this.#perPage;
    // Multiplied back: the product of a number that is all but 0 is 0
    return (
      Math.floor(size * perPage) * smallest === size &&
      Math.floor(iova * perPage) * smallest === iova &&
      Math.floor(pa * perPage) * smallest === pa
    );
  }

  /**
   * An input address as an offset into the range.
   * @throws IommuError `OUT_OF_RANGE`, `UNALIGNED` above 2^53, and those of `checkAddress`.
   */
  offset(iova: Address): number {
    if (typeof iova === 'number' && iova >= 0 && iova < this.#plainEnd && Number.isInteger(iova)) return iova;
    return this.#wideOffset(iova);
  }

  #wideOffset(iova: Address): number {
    checkAddress('iova', iova);
    const offset = offsetOfIova(this.#geometry, BigInt(iova));
    if (offset === -1n) {
      const range = rangeText(this.#geometry);
      throw new IommuError(
        'OUT_OF_RANGE',
        'iova',
        `expected an address in the input range ${range}, got ${hex(iova)}`,
        {
          got: hex(iova),
          range,
        },
      );
    }
    const exact = Number(offset);
    if (BigInt(exact) !== offset) this.#aligned('iova', iova, Number(offset % BigInt(this.smallest)));
    return exact;
  }

  /** Checks an input range; `iova` is its public form, for messages. */
  input(iova: Address, offset: number, bytes: number): void {
    const end = offset < this.#plainEnd ? this.#plainEnd : this.#inputEnd;
    if (bytes <= 0 || !this.#isWhole(offset, bytes, end)) this.#refuseInput(iova, offset, bytes, end);
  }

  #refuseInput(iova: Address, offset: number, bytes: number, end: number): void {
    this.#bytes('size', bytes);
    this.#aligned('iova', iova, offset);
    this.#aligned('size', bytes, bytes);
    if (offset + bytes > end) {
      const limit = hex(publicIova(this.#geometry, end - this.smallest) + BigInt(this.smallest));
      throw new IommuError(
        'OUT_OF_RANGE',
        'size',
        `expected an end up to ${limit}, where the input range of ${this.#geometry.ias} bits ends, got ${hex(iova)} + ${hex(bytes)}`,
        { iova: hex(iova), size: hex(bytes), limit },
      );
    }
  }

  /** Checks an output range. */
  output(argument: string, pa: number, bytes: number): void {
    if (!this.#isWhole(pa, bytes, this.#outputEnd)) this.#refuseOutput(argument, pa, bytes);
  }

  #refuseOutput(argument: string, pa: number, bytes: number): void {
    this.#aligned(argument, pa, pa);
    if (pa + bytes > this.#outputEnd) {
      throw new IommuError(
        'OUT_OF_RANGE',
        argument,
        `expected an end up to ${hex(this.#outputEnd)}, where the output range of ${Math.log2(this.#outputEnd)} bits ends, got ${hex(pa)} + ${hex(bytes)}`,
        {
          got: hex(pa),
          size: hex(bytes),
          limit: hex(this.#outputEnd),
        },
      );
    }
  }

  /** A size or output address as an exact number. */
  number(argument: string, value: Address): number {
    if (typeof value === 'number' && Number.isSafeInteger(value) && value >= 0) return value;
    return this.#wideNumber(argument, value);
  }

  #wideNumber(argument: string, value: Address): number {
    checkAddress(argument, value);
    const exact = Number(value);
    if (BigInt(exact) !== BigInt(value)) {
      // A range of 64 bits has room for sizes that a double does not hold; none of them is made of whole pages
      if (argument === 'size' && BigInt(value) >> BigInt(this.#geometry.ias) === 0n) {
        this.#aligned(argument, value, Number(BigInt(value) % BigInt(this.smallest)));
      }
      const limit = hex(argument === 'size' ? this.#inputEnd : this.#outputEnd);
      throw new IommuError('OUT_OF_RANGE', argument, `expected at most ${limit}, got ${hex(value)}`, {
        got: hex(value),
        limit,
      });
    }
    return exact;
  }

  /**
   * Checks every run of a list and returns its bytes.
   * @throws IommuError `EMPTY` for a list without bytes, and those of `output`, naming the element.
   */
  list(list: ListArrays): number {
    const whole = this.#wholeElements(list);
    if (whole > 0) return whole;
    let total = 0;
    this.#elements(list);
    const runs = new ListRuns(list, false);
    while (runs.next()) {
      if (!this.#isWhole(runs.start, runs.bytes, this.#outputEnd)) this.#refuseRun(runs);
      total += runs.bytes;
    }
    if (total === 0) {
      const got = `0x0 bytes in ${list.addresses.length} elements`;
      throw new IommuError('EMPTY', 'list', `expected at least one page, got ${got}`, { got: '0x0' });
    }
    return total;
  }

  /** Checks a list in the engine's memory by kernels; undefined where `list` must tell what is wrong, if anything is. */
  readonly inMemory: (list: ScatterList) => ListFacts | undefined = (list) => {
    const { kernels, f64 } = this.#memory;
    const { offset, lengthsOffset, length } = list;
    const lo = this.#allowedLo;
    const hi = this.#allowedHi;
    if (length > 0 && kernels.checkPages(offset, lengthsOffset, length, this.smallest, lo, hi) === 1) {
      return { bytes: length * this.smallest, singlePages: true };
    }
    if (kernels.checkList(offset, lengthsOffset, length, lo, hi) !== 1) return undefined;
    const bytes = f64[STATE_OFFSET / 8] as number;
    const end = f64[STATE_OFFSET / 8 + 1] as number;
    return bytes > 0 && end <= this.#outputEnd ? { bytes, singlePages: false } : undefined;
  };

  /** Bytes of a list whose every element is made of whole pages in range; 0 where one is not. */
  #wholeElements({ addresses, lengths }: ListArrays): number {
    const count = addresses.length;
    const mask = this.smallest - 1;
    const end = this.#outputEnd;
    let total = 0;
    for (let i = 0; i < count; i++) {
      const address = addresses[i] as number;
      const length = lengths[i] as number;
      if (!(address >= 0 && length >= 0 && address + length <= end)) return 0;
      if (Math.floor(address) !== address || Math.floor(length) !== length) return 0;
      if (((lowHalf(address) | lowHalf(length)) & mask) !== 0) return 0;
      total += length;
    }
    return total;
  }

  #isWhole(start: number, bytes: number, end: number): boolean {
    return start + bytes <= end && ((lowHalf(start) | lowHalf(bytes)) & (this.smallest - 1)) === 0;
  }

  #refuseRun(run: ListRuns): void {
    this.output(`list[${run.first}].address`, run.start, run.bytes);
    this.#aligned(`list[${run.first}].length`, run.bytes, run.bytes);
  }

  #elements(list: ListArrays): void {
    const { addresses, lengths } = list;
    for (let i = 0; i < addresses.length; i++) {
      const address = addresses[i] as number;
      const length = lengths[i] as number;
      if (!(Number.isSafeInteger(address) && address >= 0)) checkAddress(`list[${i}].address`, address);
      if (!(Number.isSafeInteger(length) && length >= 0)) checkAddress(`list[${i}].length`, length);
    }
  }

  #bytes(argument: string, bytes: number): void {
    if (bytes !== 0) return;
    const page = hex(this.smallest);
    throw new IommuError('EMPTY', argument, `expected at least the smallest page ${page}, got 0x0`, {
      got: '0x0',
      page,
    });
  }

  #aligned(argument: string, shown: Address, value: number): void {
    if (offsetIn(value, this.smallest) === 0) return;
    throw new IommuError(
      'UNALIGNED',
      argument,
      `expected a multiple of the smallest page ${hex(this.smallest)}, got ${hex(shown)}`,
      {
        got: hex(shown),
        page: hex(this.smallest),
      },
    );
  }
}

/** Bits of an address that the engine calculates with. */
const EXACT_BITS = 52;

/**
 * Where any address may be mapped, higher bits alias: more bits than such a tree indexes, and few enough that a range from
 * such an address is exact.
 */
const ALIAS_BITS = 50;

/** How a kernel's page table takes input addresses. */
export interface LinuxInput {
  /** Lowest input address. */
  readonly iovaBase: bigint;
  /** Bits of every address that count, higher ones alias; 0 where a map call looks at all of them. */
  readonly bits: number;
}

/** How the page table of a geometry takes input addresses. */
export function linuxInput({ iovaBase, levels: [root] }: Geometry, { inputRange }: Rules): LinuxInput {
  if (inputRange === 'refused' || root === undefined) return { iovaBase, bits: 0 };
  const indexBits = Math.log2(root.entries);
  return { iovaBase, bits: inputRange === 'aliases' ? ALIAS_BITS : root.shift + 2 * indexBits };
}

/**
 * An input address as a kernel takes it: an offset where it is in the region, else a number that every check sees as outside.
 * @throws IommuError as `checkAddress` does.
 */
export function linuxOffset({ iovaBase, bits }: LinuxInput, iova: Address): number {
  if (bits > 0) return lowBits(iovaBase, iova, bits);
  if (iovaBase === 0n) return linuxNumber('iova', iova);
  checkAddress('iova', iova);
  const wide = BigInt.asUintN(64, BigInt(iova));
  const offset = wide - iovaBase;
  if (offset >= 0n && offset < 1n << 52n) return Number(offset);
  return Number(BigInt.asUintN(52, wide) | (1n << 52n));
}

/**
 * An input address for a kernel's translation: only the bits that index tables count.
 * @throws IommuError as `checkAddress` does.
 */
export function linuxAlias({ iovaBase, bits }: LinuxInput, iova: Address): number {
  return lowBits(iovaBase, iova, bits > 0 ? bits : EXACT_BITS);
}

function lowBits(base: bigint, iova: Address, bits: number): number {
  checkAddress('iova', iova);
  return linuxNumber('iova', BigInt.asUintN(bits, BigInt(iova) - base));
}

/**
 * A 64-bit value for a kernel as a number: exact below 2^53, else one above 2^52 with the same low bits.
 * @throws IommuError as `checkAddress` does.
 */
export function linuxNumber(argument: string, value: Address): number {
  if (typeof value === 'number' && Number.isSafeInteger(value) && value >= 0) return value;
  checkAddress(argument, value);
  const wide = BigInt.asUintN(64, BigInt(value));
  return wide < 1n << 53n ? Number(wide) : Number(BigInt.asUintN(52, wide) | (1n << 52n));
}
