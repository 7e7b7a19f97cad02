/**
 * Address arithmetic. Addresses inside the engine are JavaScript numbers, never handled with 32-bit operators: exact
 * below 2^53, and above that where they are multiples of 4 KiB (2 KiB below 2^64), which 53 bits hold. At the edge they may be `bigint`.
 * @module
 */
import { checkText, IommuError, shown } from './errors.ts';

/** A 64-bit address or size as callers pass it: a safe integer or a bigint. */
export type Address = number | bigint;

const UNITS = ['', 'K', 'M', 'G', 'T', 'P', 'E'];

/** Powers of two from 2^0 on: an exponent that varies makes `**` a call. */
const POWERS = powersOfTwo(1024);

function powersOfTwo(count: number): Float64Array {
  const powers = new Float64Array(count);
  for (let bits = 0, power = 1; bits < count; bits++, power *= 2) powers[bits] = power;
  return powers;
}

/** 2 to the power of `bits`, exact for 0 to 1023. */
export function pow2(bits: number): number {
  return POWERS[bits] as number;
}

/** Bits of a whole number from 0 to below 2^64: 0 for 0, one more than the number of the highest bit that is set for others. */
export function bitLength(value: number): number {
  const high = highHalf(value);
  return high === 0 ? 32 - Math.clz32(lowHalf(value)) : 64 - Math.clz32(high);
}

/** True if `value` is a positive power of two. Exact for numbers of any size below 2^1024. */
export function isPow2(value: number): boolean {
  return value > 0 && Number.isInteger(Math.log2(value)) && 2 ** Math.log2(value) === value;
}

/** The largest multiple of `unit` that is not above `value`. */
export function alignDown(value: number, unit: number): number {
  return value - (value % unit);
}

/** The smallest multiple of `unit` that is not below `value`. */
export function alignUp(value: number, unit: number): number {
  const rest = value % unit;
  return rest === 0 ? value : value + (unit - rest);
}

const TWO_32 = 0x100000000;
const BIAS = 2 ** 52;
const DOUBLE = new Float64Array(1);
const WORDS = new Uint32Array(DOUBLE.buffer);

/**
 * Bits 31:0 of an address below 2^64, unsigned. Adding 2^52 to a number below it leaves the number in the low bits of the
 * double, which is much faster than `>>> 0`; little-endian hosts only, as WebAssembly memory is.
 */
export function lowHalf(address: number): number {
  if (address >= BIAS) return address % TWO_32;
  DOUBLE[0] = address + BIAS;
  return WORDS[0] as number;
}

/** Bits 63:32 of an address below 2^64, unsigned. */
export function highHalf(address: number): number {
  if (address >= BIAS) return Math.floor(address / TWO_32);
  DOUBLE[0] = address + BIAS;
  return (WORDS[1] as number) & 0xfffff;
}

/** `address` modulo a power of two; both below 2^64. */
export function offsetIn(address: number, unit: number): number {
  if (unit <= TWO_32) return (lowHalf(address) & (unit - 1)) >>> 0;
  return lowHalf(address) + ((highHalf(address) & (unit / TWO_32 - 1)) >>> 0) * TWO_32;
}

/** `0x…` text of an address or value; `digits` pads with zeros. Negative numbers are shown as 64-bit two's complement. */
export function hex(value: Address, digits = 1): string {
  const wide = typeof value === 'bigint' && value < 0n ? BigInt.asUintN(64, value) : value;
  return `0x${wide.toString(16).padStart(digits, '0')}`;
}

/** A size in short form: `4K`, `2M`, `1G`; a size that is not a whole number of one unit is given in the next smaller unit. */
export function formatSize(bytes: number): string {
  let unit = 0;
  let value = bytes;
  while (value !== 0 && value % 1024 === 0 && unit < UNITS.length - 1) {
    value /= 1024;
    unit++;
  }
  return `${value}${UNITS[unit] ?? ''}`;
}

/**
 * Reads a size such as `4096`, `0x1000`, `4K`, `2MiB` (any case).
 * @throws IommuError `BAD_OPTION` where the text is not a size.
 */
export function parseSize(text: string): number {
  return parseNamedSize('size', text);
}

/** As {@link parseSize}; `argument` names the text in a refusal. */
export function parseNamedSize(argument: string, text: string): number {
  checkText('text', text);
  const match = /^(0x[0-9a-f]+|\d+)\s*([kmgtpe]?)(?:i?b)?$/i.exec(text.trim());
  const value = Number(match?.[1]) * 1024 ** UNITS.indexOf((match?.[2] ?? '').toUpperCase());
  if (match === null || !Number.isSafeInteger(value)) {
    throw new IommuError('BAD_OPTION', argument, `expected a size such as 4096, 0x1000, 4K, 2M or 1G, got '${text}'`);
  }
  return value;
}

/**
 * Reads an address such as `0x1000` or `4096`.
 * @throws IommuError `BAD_OPTION` where the text is not a 64-bit address.
 */
export function parseAddress(text: string): bigint {
  return parseNamedAddress('address', text);
}

/** As {@link parseAddress}; `argument` names the text in a refusal. */
export function parseNamedAddress(argument: string, text: string): bigint {
  checkText('text', text);
  const clean = text.trim().replace(/_/g, '');
  if (/^(?:0x[0-9a-f]{1,16}|\d{1,20})$/i.test(clean)) {
    const value = BigInt(clean);
    if (value < 1n << 64n) return value;
  }
  throw new IommuError('BAD_OPTION', argument, `expected a 64-bit address, 0x… or decimal digits, got '${text}'`);
}

/**
 * Reads a physical address, which a number holds exactly.
 * @throws IommuError `BAD_OPTION` where the text is not an address, `OUT_OF_RANGE` from 2^53 on, where it would be rounded.
 */
export function parsePhysical(argument: string, text: string): number {
  const value = parseNamedAddress(argument, text);
  if (value <= BigInt(Number.MAX_SAFE_INTEGER)) return Number(value);
  throw new IommuError('OUT_OF_RANGE', argument, `expected a physical address below 2^53, got ${hex(value)}`, {
    got: hex(value),
  });
}

/**
 * Checks that a public argument is a whole, non-negative value that was not rounded on its way here.
 * @throws IommuError `NOT_A_NUMBER`, `UNSAFE_NUMBER` (a number above 2^53 − 1: pass a bigint) or `OUT_OF_RANGE`.
 */
export function checkAddress(argument: string, value: Address): void {
  if (typeof value === 'bigint') {
    if (value < 0n || value >= 1n << 64n) {
      throw new IommuError('OUT_OF_RANGE', argument, `expected 0x0 to 0xffffffffffffffff, got ${hex(value)}`, {
        got: hex(value),
      });
    }
    return;
  }
  if (typeof value !== 'number' || !Number.isInteger(value) || value < 0) {
    throw new IommuError('NOT_A_NUMBER', argument, `expected a whole number ≥ 0 or a bigint, got ${shown(value)}`);
  }
  if (value > Number.MAX_SAFE_INTEGER) {
    throw new IommuError(
      'UNSAFE_NUMBER',
      argument,
      `expected a number up to 2^53 − 1, above which numbers round, or a bigint, got ${hex(value)}`,
      {
        got: hex(value),
        limit: hex(Number.MAX_SAFE_INTEGER),
      },
    );
  }
}

/** An address that a device puts on the bus, which has 64 bits. @throws IommuError those of {@link checkAddress} */
export function busAddress(value: Address): bigint {
  checkAddress('iova', value);
  return BigInt(value);
}
