/**
 * What makes a present PASID table entry of VT-d wrong (Intel VT-d, 7.1.3; 9.6).
 * @module
 */
import { bitsOf, isClear, type Registers } from '../bits.ts';
import { reservedBits } from './reserved.ts';

/** PGTT (9.6). */
export const PGTT = { first: 1, second: 2, nested: 3, passThrough: 4 } as const;
/** Bits of ECAP that a PGTT needs (11.4.3): FSTS 47, SSTS 46, NEST 26, PT 6. */
const PGTT_NEEDS: ReadonlyMap<number, readonly number[]> = new Map([
  [PGTT.first, [47]],
  [PGTT.second, [46]],
  [PGTT.nested, [26]],
  [PGTT.passThrough, [6]],
]);
/** SSPTPTR and FSPTPTR: PGTT that uses them, and where their bits 63:52 are, which are reserved. */
const POINTERS: readonly (readonly [types: readonly number[], at: number])[] = [
  [[PGTT.second, PGTT.nested], 52],
  [[PGTT.first, PGTT.nested], 180],
];
const ABOVE_ADDRESS = 12;

/** The fault reason of an entry that is wrong whatever its tables are, and why; undefined where it is not. */
export function wrongPasidEntry(
  words: Uint32Array,
  registers: Registers,
): { readonly code: number; readonly why: string } | undefined {
  const reserved = reservedBits(words, 'pasid');
  if (reserved !== undefined) return reserved;
  const pgtt = bitsOf(words, 6, 3);
  if (POINTERS.some(([types, at]) => types.includes(pgtt) && bitsOf(words, at, ABOVE_ADDRESS) !== 0)) {
    return { code: 0x5a, why: 'a table pointer is beyond 52 bits' };
  }
  const missing = PGTT_NEEDS.get(pgtt)?.some((bit) => isClear(registers, 'ECAP', bit));
  return missing === true ? { code: 0x5b, why: `PGTT is ${pgtt}, which ECAP does not offer` } : undefined;
}
