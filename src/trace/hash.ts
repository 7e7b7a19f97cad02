/**
 * Numbers spread over the slots of a table.
 * @module
 */
import { highHalf, lowHalf } from '../address.ts';

/** 32 bits of an address that spread well in the low ones. */
export function hashAddress(address: number): number {
  const hash = Math.imul(lowHalf(address) ^ Math.imul(highHalf(address), 0x9e3779b1), 0x85ebca6b);
  return hash ^ (hash >>> 15);
}
