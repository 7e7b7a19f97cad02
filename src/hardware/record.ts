/**
 * Fault and event records as fields at bit positions, both ways.
 * @module
 */
import { type Field, fieldValue, putBits } from './bits.ts';

/** The words of a record whose named fields have these values; others are 0. Address fields take the address. */
export function encodeRecord(
  fields: readonly Field[],
  bytes: number,
  values: Readonly<Record<string, bigint | number>>,
): Uint32Array {
  const words = new Uint32Array(bytes / 4);
  for (const field of fields) {
    putBits(words, field.at, field.bits, BigInt(values[field.name] ?? 0) >> BigInt(field.shift ?? 0));
  }
  return words;
}

/** The fields of a record by name. */
export function decodeRecord(fields: readonly Field[], words: Uint32Array): Record<string, bigint> {
  return Object.fromEntries(fields.map((field) => [field.name, fieldValue(words, field)]));
}
