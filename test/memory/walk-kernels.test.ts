import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type Kernels, WALK } from '../../src/memory/kernel-contract.ts';
import {
  addressOf,
  BASE,
  DEPTHS,
  FIRST,
  indexBits,
  indices,
  KIB,
  MARK,
  PAGE_SHIFT,
  place,
  ROOT,
  shiftAt,
  type Tree,
  trees,
  walked,
} from './trees.ts';
import { COMPILED, doubles, expectTwins, PAIR, words } from './twins.ts';

const DECODED = 0x1c000;

const steps = fc.array(
  fc.record({
    path: indices,
    high: fc.constantFrom(0, 1, 0xfff),
    target: fc.nat({ max: DEPTHS - 1 }),
    keep: fc.boolean(),
  }),
  { minLength: 1, maxLength: 12 },
);

describe('follow', () => {
  test('reaches the table that the entries lead to, from the root or from where the last walk was', () => {
    fc.assert(
      fc.property(trees, steps, (tree, walks) => {
        const found = expectTwins(
          (memory) => place(memory, tree),
          (kernels) =>
            walks.map(({ path, high, target, keep }, i) =>
              kernels.follow(ROOT, addressOf(tree, path, high), target, keep && i > 0 ? 1 : 0),
            ),
        );
        for (const [i, { path, target }] of walks.entries()) {
          const { table, depth } = walked(tree, path, target);
          const answer = found[i] as number;
          expect([answer & 15, (answer & -1024) >>> 0]).toEqual([depth, (FIRST + table) * KIB]);
        }
      }),
      { numRuns: 500 },
    );
  });

  test('begins where addresses still agree, never deeper than asked', () => {
    const tree: Tree = {
      wide: true,
      set: [
        [0, 1, 'table', 1],
        [1, 2, 'table', 2],
        [1, 3, 'table', 3],
      ],
    };
    const begun = (kernels: Kernels, path: readonly [number, number, number], target: number): number =>
      (kernels.follow(ROOT, addressOf(tree, path, 0), target, 1) >>> 4) & 15;
    expectTwins(
      (memory) => place(memory, tree),
      (kernels) => {
        kernels.follow(ROOT, addressOf(tree, [1, 2, 0], 0), 2, 0);
        expect(begun(kernels, [1, 2, 5], 2)).toBe(2);
        expect(begun(kernels, [1, 2, 5], 1)).toBe(1);
        expect(begun(kernels, [1, 3, 0], 2)).toBe(1);
        expect(begun(kernels, [2, 3, 0], 2)).toBe(0);
      },
    );
  });

  test('counts the entries passed that bear no mark', () => {
    const tree: Tree = {
      wide: true,
      set: [
        [0, 1, 'marked', 1],
        [1, 2, 'table', 2],
      ],
    };
    expectTwins(
      (memory) => place(memory, tree),
      (kernels) => kernels.follow(ROOT, addressOf(tree, [1, 2, 0], 0), 2, 0),
    );
    expect(words(PAIR.compiled)[WALK.walked / 4 + 3]).toBe(1);
  });
});

describe('walks without keep', () => {
  test('answer and count as one from the root does, wherever the walk before them went', () => {
    fc.assert(
      fc.property(trees, steps, (tree, walks) => {
        const kept = expectTwins(
          (memory) => place(memory, tree),
          (kernels) =>
            walks.map(({ path, high, target }) => [
              kernels.follow(ROOT, addressOf(tree, path, high), target, 0),
              words(kernels === COMPILED ? PAIR.compiled : PAIR.plain)[WALK.walked / 4 + 3],
            ]),
        );
        const fresh = walks.map(({ path, high, target }) => {
          words(PAIR.compiled)[WALK.walked / 4 + 2] = 0;
          const found = COMPILED.follow(ROOT, addressOf(tree, path, high), target, 0);
          return [found, words(PAIR.compiled)[WALK.walked / 4 + 3]];
        });
        expect(kept).toEqual(fresh);
      }),
      { numRuns: 500 },
    );
  });
});

describe('translate8', () => {
  const FIELD = 0xfffff000n;

  test('gives the address field and the offset in the leaf, −1 for an empty entry, NaN for one of several', () => {
    fc.assert(
      fc.property(trees, steps, fc.boolean(), (drawn, walks, joined) => {
        const tree = { ...drawn, wide: true };
        const addresses = walks.map(({ path, high }) => addressOf(tree, path, high));
        const answers = expectTwins(
          (memory) => {
            place(memory, tree);
            words(memory)[WALK.tree / 4 + 11] = joined ? MARK : 0;
          },
          (kernels) => addresses.map((at) => kernels.translate8(ROOT, at, DEPTHS - 1)),
        );
        for (const [i, { path }] of walks.entries()) {
          const { table, depth } = walked(tree, path, DEPTHS - 1);
          const entry = tree.set.findLast(([where, index]) => where === table && index === path[depth]);
          const value = entry === undefined || entry[2] === 'leaf' ? 0n : BigInt(BASE + (FIRST + entry[3]) * KIB);
          const offset = BigInt(addresses[i] as number) % 2n ** BigInt(shiftAt(tree, depth));
          const mapped = joined && entry?.[2] === 'marked' ? Number.NaN : Number((value & FIELD) | offset);
          expect(answers[i]).toBe(entry === undefined ? -1 : mapped);
        }
      }),
      { numRuns: 500 },
    );
  });
});

describe('mapPages8', () => {
  const LEAF = (0x400000n << 32n) | 0x7c3n;

  test('writes the leaves where the table is there and their entries are zero, and else nothing', () => {
    fc.assert(
      fc.property(trees, indices, fc.nat({ max: 2 ** 35 }), fc.nat(), (drawn, path, frame, n) => {
        const tree = { ...drawn, wide: true };
        const pa = frame * 4096;
        const count = 1 + (n % Math.min(300, 2 ** indexBits(tree) - path[2]));
        const found = expectTwins(
          (memory) => place(memory, tree),
          (kernels) => kernels.mapPages8(ROOT, addressOf(tree, path, 0), pa, count, DEPTHS - 1, 0, 0x7c3, 0x400000),
        );
        const { table, depth } = walked(tree, path, DEPTHS - 1);
        const isTaken = (index: number): boolean => index >= path[2] && index < path[2] + count;
        const taken = tree.set.some(([where, index]) => where === table && isTaken(index));
        const written = depth === DEPTHS - 1 && !taken;
        expect((found & 256) !== 0).toBe(written);
        if (!written) return;
        const first = ((FIRST + table) * KIB) / 8 + path[2];
        const left = new BigUint64Array(PAIR.compiled.buffer).subarray(first, first + count);
        const entries = Array.from({ length: count }, (_, i) => BigInt(pa + i * 2 ** PAGE_SHIFT) | LEAF);
        expect([...left]).toEqual(entries);
      }),
      { numRuns: 500 },
    );
  });
});

describe('runs', () => {
  test('clear zeroes its bytes and no other', () => {
    fc.assert(
      fc.property(fc.nat({ max: 600 }), fc.nat({ max: 600 }), (start, length) => {
        const at = FIRST * KIB + start * 4;
        expectTwins(
          (memory) => void words(memory).fill(0x5a5a5a5a),
          (kernels) => kernels.clear(at, length * 4),
        );
        const zeros = words(PAIR.compiled).filter((word) => word === 0).length;
        expect([zeros, words(PAIR.compiled)[at / 4 - 1]]).toEqual([length, 0x5a5a5a5a]);
      }),
    );
  });

  const entry = fc.oneof(fc.constant(0n), fc.bigInt({ min: 1n, max: 2n ** 64n - 1n }));

  test.each([
    [0, 0xfffff000, 0xffff],
    [4, 0xffffff00, 0x3f],
    [2, 0xfffffc00, 0x3fffff],
    [0, 0xfffff000, 0xfffff],
  ])('decode8 gives the field of each entry, shifted left by %i, or −1', (shift, lo, hi) => {
    fc.assert(
      fc.property(fc.array(entry, { maxLength: 40 }), (entries) => {
        expectTwins(
          (memory) => new BigUint64Array(memory.buffer).set(entries, ROOT / 8),
          (kernels) => kernels.decode8(ROOT, entries.length, DECODED, shift, lo, hi),
        );
        const mask = (BigInt(hi) << 32n) | BigInt(lo);
        const expected = entries.map((each) => (each === 0n ? -1 : Number((each & mask) << BigInt(shift))));
        expect([...doubles(PAIR.compiled).subarray(DECODED / 8, DECODED / 8 + entries.length)]).toEqual(expected);
      }),
    );
  });

  test('the memory of the twins is what kernels run over', () => {
    words(PAIR.compiled).fill(0);
    COMPILED.fill4(ROOT, 1, 7, 0);
    expect(words(PAIR.compiled)[ROOT / 4]).toBe(7);
  });
});
