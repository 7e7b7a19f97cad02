/**
 * Numbers spread over the slots of a table.
 * @module
 */

const DOUBLE = new Float64Array(1);
const WORDS = new Int32Array(DOUBLE.buffer);

/** 32 bits of an address that spread well in the low ones: from the bits of the double, which differ for all addresses. */
export function hashAddress(address: number): number {
  DOUBLE[0] = address;
  const mixed = (WORDS[0] as number) ^ Math.imul(WORDS[1] as number, 0x9e3779b1);
  const hash = Math.imul(mixed ^ (mixed >>> 16), 0x85ebca6b);
  return hash ^ (hash >>> 15);
}
