/**
 * Memory of a conformance pack: words that are not zero, ranges that read as zero elsewhere, and nothing outside of them.
 * @module
 */
import { hex } from '../../address.ts';
import type { PhysicalReader } from '../../bus.ts';
import { type Check, isCount, isHex, isObject, type Shape } from '../shape.ts';

/** Words from an address on: `[address, word]`, or `[address, word, count, stride]` where each word is a stride more. */
export type WordRun = readonly [address: string, word: string, count?: number, stride?: string];

/** An image as it stands in a pack. */
export interface PackImage {
  readonly kind: 'image';
  readonly id: string;
  /** Addresses [from, end) that are memory. */
  readonly ranges: readonly (readonly [from: string, end: string])[];
  readonly words: readonly WordRun[];
}

const isRun: Check = (value) =>
  Array.isArray(value) &&
  (value.length === 2 || value.length === 4) &&
  isHex(value[0]) &&
  isHex(value[1]) &&
  (value.length === 2 || (isCount(value[2]) && isHex(value[3])));

/** Words of a line. */
export const areWords: Check = (value) => Array.isArray(value) && value.every(isRun);

const isRange: Check = (value) => Array.isArray(value) && value.length === 2 && value.every(isHex);

/** Shape of an image. */
export const IMAGE: Shape = {
  needs: {
    id: (value) => typeof value === 'string',
    ranges: (value) => Array.isArray(value) && value.every(isRange),
    words: areWords,
  },
};

/** Whether a line is an image. */
export function isImage(value: unknown): boolean {
  return isObject(value) && value['kind'] === 'image';
}

const WORD = 8;
const ALL = (1n << 64n) - 1n;

/** Fewer neighbours than this are written one by one. */
const SHORTEST_RUN = 3;

/** The words of a run that goes on with the same stride. */
function runLength(words: readonly (readonly [number, bigint])[], from: number): number {
  const [first, second] = [words[from], words[from + 1]];
  if (first === undefined || second === undefined || second[0] !== first[0] + WORD) return 1;
  const stride = (second[1] - first[1]) & ALL;
  let count = 2;
  for (let next = words[from + count]; next !== undefined; next = words[from + ++count]) {
    const before = words[from + count - 1] ?? first;
    if (next[0] !== before[0] + WORD || ((next[1] - before[1]) & ALL) !== stride) break;
  }
  return count;
}

/** Words in ascending order as runs. */
export function wordRuns(given: Iterable<readonly [number, bigint]>): WordRun[] {
  const words = [...given];
  const runs: WordRun[] = [];
  for (let i = 0; i < words.length; ) {
    const [address, word] = words[i] ?? [0, 0n];
    const count = runLength(words, i);
    if (count < SHORTEST_RUN) runs.push([hex(address), hex(word)]);
    else runs.push([hex(address), hex(word), count, hex(((words[i + 1]?.[1] ?? 0n) - word) & ALL)]);
    i += count < SHORTEST_RUN ? 1 : count;
  }
  return runs;
}

/** The memory of an image. */
export class ImageMemory implements PhysicalReader {
  readonly #words: Map<number, bigint>;
  readonly #ranges: readonly (readonly [number, number])[];

  constructor(ranges: readonly (readonly [number, number])[], words: Map<number, bigint>) {
    this.#ranges = ranges;
    this.#words = words;
  }

  /** Memory as an image says. */
  static of({ ranges, words }: PackImage): ImageMemory {
    const bounds = ranges.map(([from, end]) => [Number(from), Number(end)] as const);
    return new ImageMemory(bounds, new Map()).with(words);
  }

  /** The same memory with some other words; this one stays as it is. */
  with(runs: readonly WordRun[]): ImageMemory {
    if (runs.length === 0) return this;
    const words = new Map(this.#words);
    for (const [address, word, count = 1, stride = '0x0'] of runs) {
      for (let i = 0; i < count; i++) {
        words.set(Number(address) + WORD * i, (BigInt(word) + BigInt(i) * BigInt(stride)) & ALL);
      }
    }
    return new ImageMemory(this.#ranges, words);
  }

  /** Addresses of the words that are given. */
  addresses(): Iterable<number> {
    return this.#words.keys();
  }

  read64(address: number): bigint | undefined {
    if (!this.#ranges.some(([from, end]) => address >= from && address + WORD <= end)) return undefined;
    return this.#words.get(address) ?? 0n;
  }

  read32(address: number): number | undefined {
    const word = this.read64(address - (address % WORD));
    return word === undefined ? undefined : Number((word >> BigInt(8 * (address % WORD))) & 0xffffffffn);
  }
}
