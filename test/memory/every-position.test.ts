// Kernels over short runs, with what they look for at each position in turn: bounds and tails leave nothing to chance.
import { describe, expect, test } from 'vitest';
import { type Kernels, WALK } from '../../src/memory/kernel-contract.ts';
import { FIRST, KIB, place, ROOT, shiftAt, type Tree } from './trees.ts';
import { expectTwins, PAIR } from './twins.ts';

const LENGTH = 19;
const BITS = 37;
const PAGE = 4096;
const TABLE = (FIRST + 2) * KIB;
const HALVES = [1n, 1n << 63n] as const;

/** Each range [from, to) of a few entries with each position in it. */
function positions(): [number, number, number][] {
  const all: [number, number, number][] = [];
  for (const from of [0, 1, 2, 5]) {
    for (let to = from + 1; to <= LENGTH; to++) for (let at = from; at < to; at++) all.push([from, to, at]);
  }
  return all;
}

function entries(memory: WebAssembly.Memory): BigUint64Array {
  return new BigUint64Array(memory.buffer);
}

/** One answer of both sides over the same entries. */
function answer(fill: (memory: WebAssembly.Memory) => void, run: (kernels: Kernels) => number): number {
  return expectTwins(fill, (kernels) => [run(kernels)])[0] ?? -1;
}

describe('the first entry', () => {
  test.each(HALVES)('that is set, by %i, and the first that is clear', (bit) => {
    for (const [from, to, at] of positions()) {
      const set = (memory: WebAssembly.Memory): void => {
        entries(memory)[TABLE / 8 + at] = bit;
      };
      const clear = (memory: WebAssembly.Memory): void => {
        entries(memory).fill(bit, TABLE / 8, TABLE / 8 + LENGTH + 1);
        entries(memory)[TABLE / 8 + at] = 0n;
      };
      expect(answer(set, (kernels) => kernels.firstSet8(TABLE, from, to))).toBe(at);
      expect(answer(clear, (kernels) => kernels.firstClear8(TABLE, from, to))).toBe(at);
    }
  });

  test('of 4 bytes that is set, and that is clear', () => {
    for (const [from, to, at] of positions()) {
      const words = (memory: WebAssembly.Memory, usual: number, odd: number): void => {
        new Uint32Array(memory.buffer).fill(usual, TABLE / 4, TABLE / 4 + LENGTH + 1)[TABLE / 4 + at] = odd;
      };
      expect(
        answer(
          (memory) => words(memory, 0, 1),
          (kernels) => kernels.firstSet4(TABLE, from, to),
        ),
      ).toBe(at);
      expect(
        answer(
          (memory) => words(memory, 5, 0),
          (kernels) => kernels.firstClear4(TABLE, from, to),
        ),
      ).toBe(at);
    }
  });

  test('that has all bits of a mask, among those that have some', () => {
    for (const [from, to, at] of positions()) {
      const fill = (memory: WebAssembly.Memory): void => {
        for (let i = 0; i <= LENGTH; i++) entries(memory)[TABLE / 8 + i] = i % 2 === 0 ? 1n << 9n : 1n << 40n;
        entries(memory)[TABLE / 8 + at] = (1n << 40n) | (1n << 9n) | 1n;
      };
      expect(answer(fill, (kernels) => kernels.firstWith8(TABLE, from, to, 1 << 9, 1 << 8))).toBe(at);
    }
  });

  test('that is dirty is the only one reported and made clean', () => {
    for (let count = 1; count <= BITS; count++) {
      for (let at = 0; at < count; at++) {
        const fill = (memory: WebAssembly.Memory): void => {
          entries(memory).fill(1n, TABLE / 8, TABLE / 8 + BITS + 1);
          entries(memory)[TABLE / 8 + at] = 3n;
          entries(memory)[TABLE / 8 + count] = 3n;
        };
        expect(answer(fill, (kernels) => kernels.dirty8(TABLE, count, 4096, 2, 0, 2, 0, 2))).toBe(1);
        const bits = new Uint32Array(PAIR.compiled.buffer, 4096, 2);
        expect([bits[0], bits[1]]).toEqual(at < 32 ? [(1 << at) >>> 0, 0] : [0, (1 << (at - 32)) >>> 0]);
        expect([at, count].map((i) => entries(PAIR.compiled)[TABLE / 8 + i])).toEqual([1n, 3n]);
      }
    }
  });
});

/** A table of the last level behind address 0, whose output addresses lie `shift` bits further down in an entry. */
function placed(memory: WebAssembly.Memory, shift: number): void {
  const tree: Tree = {
    wide: true,
    set: [
      [0, 0, 'table', 1],
      [1, 0, 'table', 2],
    ],
  };
  place(memory, tree);
  const words = new Uint32Array(memory.buffer);
  words.set([(0xfffff000 >>> shift) & 0xfffffc00, 0x3fff, shift], WALK.tree / 4 + 6);
  new Float64Array(memory.buffer, WALK.calls, 3).set([2 ** 40, 2 ** 44, 2 ** 52 * PAGE]);
  words.set([ROOT, 2, shiftAt(tree, 1), 0, 0, 2 ** 8], WALK.calls / 4 + 6);
}

describe.each([0, 2])('pages of a table, with addresses %i bits further down', (shift) => {
  const mapping: [string, (kernels: Kernels, index: number, count: number) => boolean][] = [
    ['mapCall8', (k, index, count) => k.mapCall8(2, index * PAGE, 2 ** 30, count * PAGE, 7, 0) !== 0],
    ['mapPages8', (k, index, count) => (k.mapPages8(ROOT, index * PAGE, 2 ** 30, count, 2, 0, 7, 0) & 256) !== 0],
  ];

  /** Maps `count` pages from entry 3 on, of which the entry at `at` is taken, or none for −1. */
  function attempt(map: (typeof mapping)[number][1], count: number, at: number, bit: bigint): void {
    const fill = (memory: WebAssembly.Memory): void => {
      placed(memory, shift);
      if (at >= 0) entries(memory)[TABLE / 8 + 3 + at] = bit;
    };
    expect(answer(fill, (kernels) => Number(map(kernels, 3, count)))).toBe(at < 0 ? 1 : 0);
    const left = entries(PAIR.compiled).subarray(TABLE / 8, TABLE / 8 + 128);
    expect(left.filter((entry) => entry !== 0n)).toHaveLength(at < 0 ? count : 1);
    if (at < 0) expect(left[2 + count]).toBe((BigInt(2 ** 30 + (count - 1) * PAGE) >> BigInt(shift)) | 7n);
  }

  test.each(mapping)('%s writes nothing where one entry is taken, by either half, and else all of them', (_, map) => {
    for (let count = 1; count <= LENGTH; count++) {
      for (let at = -1; at < count; at++) for (const bit of HALVES) attempt(map, count, at, bit);
    }
  });

  test('an unmap leaves the entries beside its own, and all of them where the last is a part of a larger leaf', () => {
    for (let count = 1; count <= LENGTH; count++) {
      for (const part of [false, true]) {
        const fill = (memory: WebAssembly.Memory): void => {
          placed(memory, shift);
          new Uint32Array(memory.buffer)[WALK.tree / 4 + 10] = 0x40;
          entries(memory).fill(0x1003n, TABLE / 8, TABLE / 8 + 128);
          if (part) entries(memory)[TABLE / 8 + 2 + count] = 0x1043n;
        };
        expect(answer(fill, (kernels) => kernels.unmapCall8(3 * PAGE, count * PAGE))).toBe(part ? 0 : TABLE);
        const left = entries(PAIR.compiled).subarray(TABLE / 8, TABLE / 8 + 128);
        expect(left.filter((entry) => entry !== 0n)).toHaveLength(part ? 128 : 128 - count);
      }
    }
  });

  test('a call takes no page beyond its table, its range, or between pages, wherever the walk before went', () => {
    const called = (iova: number, pa: number, bytes: number): number =>
      answer(
        (memory) => placed(memory, shift),
        (kernels) => {
          kernels.translateCall8(0);
          return kernels.mapCall8(2, iova, pa, bytes, 7, 0);
        },
      );
    expect(called(127 * PAGE, 0, PAGE)).toBe(TABLE);
    expect(called(127 * PAGE, 0, 2 * PAGE)).toBe(0);
    expect(called(128 * PAGE, 0, PAGE)).toBe(0);
    expect(called(PAGE, 2 ** 44 - PAGE, PAGE)).toBe(TABLE);
    expect(called(PAGE, 2 ** 44 - PAGE, 2 * PAGE)).toBe(0);
    expect(called(PAGE + 2048, 0, PAGE)).toBe(0);
    expect(called(PAGE, 2048, PAGE)).toBe(0);
  });
});
