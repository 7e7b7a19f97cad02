/**
 * Bit fields of device structures: a structure is an array of 32-bit words, least significant first.
 * @module
 */
import { pow2 } from '../address.ts';
import type { PhysicalReader } from '../bus.ts';

/** A field at a bit position of a structure; at most 64 bits. */
export interface Field {
  readonly name: string;
  /** First bit, counted from bit 0 of word 0. */
  readonly at: number;
  readonly bits: number;
  /** The field holds an address: its bits stand at these positions of the value (`at` mod 64 unless given). */
  readonly shift?: number;
}

/** Up to 64 bits of a structure from bit `at`. Above 2^53 the result is rounded: use {@link wideBits}. */
export function bitsOf(words: Uint32Array, at: number, bits: number): number {
  const offset = at & 31;
  const first = at >>> 5;
  const low = (words[first] ?? 0) >>> offset;
  if (offset + bits < 32) return low & ((1 << bits) - 1);
  if (bits > 53) return Number(wideBits(words, at, bits));
  const rest = bits + offset - 32;
  const middle = words[first + 1] ?? 0;
  const unit = pow2(32 - offset);
  if (rest < 32) return low + (middle & ((1 << rest) - 1)) * unit;
  const high = (words[first + 2] ?? 0) & ((1 << (rest - 32)) - 1);
  return low + middle * unit + high * pow2(64 - offset);
}

/** Up to 64 bits of a structure from bit `at`, exact. */
export function wideBits(words: Uint32Array, at: number, bits: number): bigint {
  const first = at >>> 5;
  let value = 0n;
  for (let i = 0; i < 3; i++) value |= BigInt(words[first + i] ?? 0) << BigInt(32 * i);
  return BigInt.asUintN(bits, value >> BigInt(at & 31));
}

/** Writes up to 64 bits at bit `at`. */
export function putBits(words: Uint32Array, at: number, bits: number, value: bigint): void {
  let rest = BigInt.asUintN(bits, value);
  for (let done = 0; done < bits; ) {
    const offset = (at + done) & 31;
    const count = Math.min(32 - offset, bits - done);
    const word = (at + done) >>> 5;
    const mask = (2 ** count - 1) * 2 ** offset;
    const part = Number(rest & BigInt(2 ** count - 1)) * 2 ** offset;
    words[word] = (((words[word] ?? 0) & ~mask) | part) >>> 0;
    rest >>= BigInt(count);
    done += count;
  }
}

/** The value of a field; an address field is given as the address. */
export function fieldValue(words: Uint32Array, field: Field): bigint {
  return wideBits(words, field.at, field.bits) << BigInt(field.shift ?? 0);
}

/** All fields of a structure by name: numbers, or `0x…` text where a number would not be exact or is an address. */
export function fieldsOf(words: Uint32Array, fields: readonly Field[]): Record<string, string | number> {
  const out: Record<string, string | number> = {};
  for (const field of fields) {
    const value = fieldValue(words, field);
    out[field.name] = field.shift !== undefined || field.bits > 32 ? `0x${value.toString(16)}` : Number(value);
  }
  return out;
}

/** Reads a structure of `bytes` bytes; `undefined` if part of it is not in memory. */
export function readWords(reader: PhysicalReader, address: number, bytes: number): Uint32Array | undefined {
  const words = new Uint32Array(bytes / 4);
  for (let i = 0; i < words.length; i++) {
    const word = reader.read32(address + i * 4);
    if (word === undefined) return undefined;
    words[i] = word;
  }
  return words;
}

/**
 * Parts of a unit's configuration, which a device may cache each by itself: what a stream's entry is found by, the entry
 * (stream table entry, context entry, device table entry, device context), and the same of a substream.
 */
export type StructureKind = 'stream-directory' | 'stream' | 'substream-directory' | 'substream';

/** Memory that may serve parts of the configuration from a cache. */
export interface StructureReader extends PhysicalReader {
  structure?(kind: StructureKind, address: number, bytes: number): Uint32Array | undefined;
}

/** Reads a part of the configuration; `undefined` if some of it is not in memory. */
export function readStructure(
  reader: StructureReader,
  kind: StructureKind,
  address: number,
  bytes: number,
): Uint32Array | undefined {
  return reader.structure === undefined ? readWords(reader, address, bytes) : reader.structure(kind, address, bytes);
}

/** A register's bits as a number. */
export function registerBits(value: bigint, at: number, bits: number): number {
  return Number(BigInt.asUintN(bits, value >> BigInt(at)));
}

/** Named registers of a unit; a register that is not known reads as 0. */
export type Registers = ReadonlyMap<string, bigint>;

/** True if a register is known and its bit is 0; what is not known says nothing. */
export function isClear(registers: Registers, name: string, bit: number): boolean {
  const value = registers.get(name);
  return value !== undefined && ((value >> BigInt(bit)) & 1n) === 0n;
}

/** A register by name, 0 where it is not known. */
export function register(registers: Registers, name: string): bigint {
  return registers.get(name) ?? 0n;
}
