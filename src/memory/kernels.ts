/**
 * Inner loops over table entries: compiled ones where WebAssembly SIMD is at hand, plain twins elsewhere. Chosen once, when
 * a memory is made.
 * @module
 */
import { KERNELS_BASE64 } from './kernels.generated.ts';
import { PlainKernels } from './plain-kernels.ts';

/** Byte offset at which a kernel leaves answers of more than one value, as doubles: within the page left to kernels. */
export const STATE_OFFSET = 64;

/** What every set of kernels offers. Offsets are bytes in the memory, counts are entries, values are 32-bit halves. */
export interface Kernels {
  /** Writes 8-byte entries: a value, each further one `stride` more. */
  fill8(dest: number, count: number, lo: number, hi: number, strideLo: number, strideHi: number): void;
  /** Writes 4-byte entries. */
  fill4(dest: number, count: number, value: number, stride: number): void;
  /** First index in [from, to) whose 8-byte entry is not zero, or `to`. */
  firstSet8(table: number, from: number, to: number): number;
  /** First index in [from, to) whose 8-byte entry is zero, or `to`. */
  firstClear8(table: number, from: number, to: number): number;
  /** First index in [from, to) whose 4-byte entry is not zero, or `to`. */
  firstSet4(table: number, from: number, to: number): number;
  /** First index in [from, to) whose 4-byte entry is zero, or `to`. */
  firstClear4(table: number, from: number, to: number): number;
  /**
   * Checks that all addresses and lengths are whole, below 2^52 and inside the allowed bits; leaves the sum of the
   * lengths and the greatest end at {@link STATE_OFFSET}. Returns 1 where all is well.
   */
  checkList(addresses: number, lengths: number, count: number, allowedLo: number, allowedHi: number): number;
  /** As `checkList`, where every element must be exactly one page; leaves no answers. Returns 1 where all is well. */
  checkPages(
    addresses: number,
    lengths: number,
    count: number,
    page: number,
    allowedLo: number,
    allowedHi: number,
  ): number;
  /** Gathers `count` elements of one page each into 8-byte entries. */
  gatherPages8(
    addresses: number,
    index: number,
    dest: number,
    count: number,
    shift: number,
    maskLo: number,
    maskHi: number,
    bitsLo: number,
    bitsHi: number,
  ): void;
  /** Gathers `count` pages of a checked list into 8-byte entries; leaves the next element and offset in it. */
  gather8(
    addresses: number,
    lengths: number,
    index: number,
    offset: number,
    dest: number,
    count: number,
    pageShift: number,
    shift: number,
    maskLo: number,
    maskHi: number,
    bitsLo: number,
    bitsHi: number,
  ): void;
  /** Gathers `count` pages of a checked list into 4-byte entries. */
  gather4(
    addresses: number,
    lengths: number,
    index: number,
    offset: number,
    dest: number,
    count: number,
    pageShift: number,
    mask: number,
    bits: number,
  ): void;
}

let compiled: WebAssembly.Module | null | undefined;

function bytesOf(base64: string): Uint8Array<ArrayBuffer> {
  const text = atob(base64);
  const bytes = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) bytes[i] = text.charCodeAt(i);
  return bytes;
}

function compile(): WebAssembly.Module | null {
  try {
    return new WebAssembly.Module(bytesOf(KERNELS_BASE64));
  } catch {
    return null;
  }
}

/** Kernels over a memory: compiled ones, or plain ones where the engine has no SIMD or is told so. */
export function kernelsFor(memory: WebAssembly.Memory, plain: boolean): Kernels {
  if (compiled === undefined) compiled = compile();
  if (plain || compiled === null) return new PlainKernels(memory);
  const instance = new WebAssembly.Instance(compiled, { env: { memory } });
  return instance.exports as unknown as Kernels;
}
