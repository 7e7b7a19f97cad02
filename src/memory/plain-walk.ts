/**
 * What the plain twin of the walk kernel reads of a tree that lies in the words of a memory, as {@link WALK} says.
 * @module
 */
import { highHalf, lowHalf } from '../address.ts';
import { WALK } from './kernel-contract.ts';

const TWO_32 = 0x100000000;
const TREE = WALK.tree / 4;
const WALKED = WALK.walked / 4;
const LEVELS = WALK.levels / 4;

/** Low half of the table address in an entry; the shift to the right where it is negative. */
export function addressIn(words: Uint32Array, lo: number, hi: number): number {
  const field = lo & (words[TREE + 1] as number);
  const shift = (words[TREE + 2] as number) | 0;
  return shift >= 0 ? field << shift : (field >>> -shift) | (hi << (32 + shift));
}

/** Index of an address in a table at a depth. */
export function indexIn(words: Uint32Array, depth: number, low: number, high: number): number {
  const shift = words[LEVELS + 4 * depth] as number;
  const mask = words[LEVELS + 4 * depth + 1] as number;
  return (shift >= 32 ? high >>> (shift - 32) : (low >>> shift) | (high << (32 - shift))) & mask;
}

/** Low and high word of the entry for an address; the high word of a 4-byte entry is 0. */
export function entryBehind(
  words: Uint32Array,
  depth: number,
  table: number,
  low: number,
  high: number,
): [number, number] {
  const wide = words[TREE + 3] === 3;
  const word = (table >>> 2) + (indexIn(words, depth, low, high) << (wide ? 1 : 0));
  return [words[word] as number, wide ? (words[word + 1] as number) : 0];
}

/** Depth of the deepest table of the last walk that leads to an address too, from `top` to `target`. */
export function sharedDepth(words: Uint32Array, low: number, high: number, top: number, target: number): number {
  let depth = Math.max(top, Math.min(words[WALKED + 2] as number, target));
  const at = high * TWO_32 + low;
  const last = (words[WALKED + 1] as number) * TWO_32 + (words[WALKED] as number);
  const span = (below: number): number => 2 ** (words[LEVELS + 4 * below] as number);
  while (depth > top && Math.floor(at / span(depth - 1)) !== Math.floor(last / span(depth - 1))) depth--;
  return depth;
}

/** Writes `count` leaves of one 8-byte entry each, from the word of the first on, for the output range from `pa` on. */
export function writeLeaves(
  words: Uint32Array,
  first: number,
  count: number,
  pa: number,
  page: number,
  bitsLo: number,
  bitsHi: number,
): void {
  for (let i = 0; i < count; i++) {
    const address = Math.floor((pa + i * page) / 2 ** (words[TREE + 8] as number));
    words[first + 2 * i] = (lowHalf(address) & (words[TREE + 6] as number)) | bitsLo;
    words[first + 2 * i + 1] = (highHalf(address) & (words[TREE + 7] as number)) | bitsHi;
  }
}
