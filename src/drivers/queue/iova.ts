/**
 * The input address of a command as two halves: what an offset from the region's base is to the device.
 * @module
 */
import { highHalf, lowHalf, offsetIn, pow2 } from '../../address.ts';
import type { Geometry } from '../../formats/contract.ts';
import { publicIova } from '../../formats/iova.ts';

const LOW = 0xffffffffn;
const PAGE_SHIFT = 12;
const PAGE = 2 ** PAGE_SHIFT;
/** log2 of all pages of 64 address bits. */
export const EVERYTHING = 52;

/** One address, set again for each command: no command costs an object. */
export class DeviceAddress {
  /** Bits 31:0. */
  lo = 0;
  /** Bits 63:32. */
  hi = 0;
  readonly #half: number;
  readonly #base: readonly [lo: number, hi: number];
  readonly #upper: readonly [lo: number, hi: number];

  constructor(geometry: Geometry) {
    this.#half = geometry.signExtends ? 2 ** (geometry.ias - 1) : Number.POSITIVE_INFINITY;
    this.#base = halves(publicIova(geometry, 0));
    this.#upper = halves(publicIova(geometry, 2 ** (geometry.ias - 1)) - 2n ** BigInt(geometry.ias - 1));
  }

  /** Takes an offset. */
  set(offset: number): void {
    const [lo, hi] = offset < this.#half ? this.#base : this.#upper;
    this.lo = (lowHalf(offset) | lo) >>> 0;
    this.hi = (highHalf(offset) | hi) >>> 0;
  }

  /**
   * Takes an aligned power of two of pages, 2^`log2` of 4K, that holds an offset: ones below the highest bit that it spans, as
   * PCIe, AMD and RISC-V write such ranges. From 2^{@link EVERYTHING} pages on it is every address.
   */
  setSpan(offset: number, log2: number): void {
    if (log2 >= EVERYTHING) {
      this.lo = 0xfffff000;
      this.hi = 0x7fffffff;
      return;
    }
    this.set(spanStart(offset, log2));
    this.lo = (this.lo | (lowOnes(log2 + 11) & ~0xfff)) >>> 0;
    this.hi = (this.hi | lowOnes(log2 - 21)) >>> 0;
  }
}

/** Bits 31:0 of the ones below bit `bits`. */
function lowOnes(bits: number): number {
  return bits >= 32 ? 0xffffffff : pow2(Math.max(0, bits)) - 1;
}

/** Where the naturally aligned 2^`log2` pages of 4K begin that hold an address. */
export function spanStart(address: number, log2: number): number {
  return address - offsetIn(address, pow2(log2 + PAGE_SHIFT));
}

/** log2 of the pages of 4K of the smallest aligned power of two that holds [start, end). */
export function pagesLog2(start: number, end: number): number {
  const last = end - PAGE;
  const high = (highHalf(start) ^ highHalf(last)) >>> 0;
  if (high !== 0) return 64 - PAGE_SHIFT - Math.clz32(high);
  return Math.max(0, 32 - PAGE_SHIFT - Math.clz32(lowHalf(start) ^ lowHalf(last)));
}

/** The range of a gather, of 64-bit addresses, as offsets. */
export function offsetsOf(geometry: Geometry, start: bigint, last: bigint): readonly [start: number, end: number] {
  const from = Number(BigInt.asUintN(geometry.ias, start - geometry.iovaBase));
  return [from, from + Number(last - start + 1n)];
}

function halves(value: bigint): readonly [lo: number, hi: number] {
  return [Number(value & LOW), Number((value >> 32n) & LOW)];
}
