import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { STATE_OFFSET, WALK } from '../../src/memory/kernel-contract.ts';
import {
  addressOf,
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
import { COMPILED, expectTwins, PAIR, words } from './twins.ts';

const PAGE = 2 ** PAGE_SHIFT;
const INPUT_END = 2 ** 48;
const OUTPUT_END = 2 ** 46;
const LEAF = (0x400000n << 32n) | 0x7c2n;
const LAST = DEPTHS - 1;

/** The bits that tell parts of larger leaves: none, the mark, or the mark and bit 0, which table entries have too. */
const SEVERAL = { none: [0, 0], one: [0, MARK], two: [1, MARK] } as const;
const severals = fc.constantFrom('none' as const, 'one' as const, 'two' as const);

/** A tree of 8-byte entries that whole calls know; but for `none`, marked entries are parts of larger leaves. */
function placeForCalls(memory: WebAssembly.Memory, tree: Tree, several: keyof typeof SEVERAL): void {
  place(memory, tree);
  words(memory).set(SEVERAL[several], WALK.tree / 4 + 10);
  new Float64Array(memory.buffer, WALK.calls, 3).set([INPUT_END, OUTPUT_END, 2 ** (52 + PAGE_SHIFT)]);
  words(memory).set([ROOT, LAST, shiftAt(tree, LAST - 1), 0, 0, INPUT_END / 2 ** 32], WALK.calls / 4 + 6);
}

/** A tree each of whose tables is of one depth, as whole calls change entries. */
function layered(drawn: Tree): Tree {
  const below = (table: number, to: number): number => (table === 0 ? 1 + (to % 7) : 8 + (to % 16));
  return { wide: true, set: drawn.set.map(([table, index, kind, to]) => [table, index, kind, below(table, to)]) };
}

interface Call {
  readonly path: [number, number, number];
  readonly pages: number;
}

const calls = fc.array(fc.record({ path: indices, pages: fc.integer({ min: 1, max: 128 }) }), {
  minLength: 1,
  maxLength: 8,
});

/** Numbers that no call takes: not whole, not of pages, or out of range. */
const bad = fc.constantFrom(
  -PAGE,
  -1,
  1,
  0.5,
  PAGE + 2048,
  PAGE + 0.5,
  INPUT_END,
  2 ** 53,
  2 ** 60,
  Number.NaN,
  Infinity,
);

function entriesOf(table: number, index: number, count: number): bigint[] {
  const first = ((FIRST + table) * KIB) / 8 + index;
  return [...new BigUint64Array(PAIR.compiled.buffer).subarray(first, first + count)];
}

interface Element {
  readonly pages: number;
}

/** What mapping the runs of a list one after the other comes to. */
function expectedRuns(
  tree: Tree,
  list: readonly Element[],
  starts: readonly number[],
  path: [number, number, number],
  { below, index }: { readonly below: number; readonly index: number },
): { next: number; runs: number; entries: bigint[] } {
  const { table, depth } = walked(tree, path, LAST);
  const taken = new Set(tree.set.filter(([at]) => at === table).map(([, slot]) => slot));
  const result = { next: index, runs: 0, entries: [] as bigint[] };
  while (depth === LAST && result.next < list.length) {
    const start = starts[result.next] as number;
    let next = result.next;
    let pages = 0;
    do pages += (list[next++] as Element).pages;
    while (next < list.length && (list[next]?.pages === 0 || starts[next] === start + pages * PAGE));
    const first = path[2] + result.entries.length;
    const slots = Array.from({ length: pages }, (_, page) => first + page);
    if (first >= 2 ** indexBits(tree) || first + pages > 2 ** indexBits(tree)) break;
    if ((pages !== 1 && pages >= below) || slots.some((slot) => taken.has(slot))) break;
    result.next = next;
    if (pages > 0) result.runs++;
    result.entries.push(...slots.map((_, page) => BigInt(start + page * PAGE) | LEAF));
  }
  return result;
}

describe('mapCall8', () => {
  test.each([LAST, LAST - 1])(
    'maps pages of depth %i, of one table whose entries are all zero, and does nothing else',
    (at) => {
      fc.assert(
        fc.property(trees, calls, fc.nat({ max: 2 ** 20 }), (drawn, made, frame) => {
          const tree = layered(drawn);
          const span = 2 ** shiftAt(tree, at);
          const taken = new Set(tree.set.map(([table, index]) => `${table}.${index}`));
          const pa = frame * span;
          const start = (path: Call['path']): Call['path'] => (at === LAST ? path : [path[0], path[1], 0]);
          const tables = expectTwins(
            (memory) => placeForCalls(memory, tree, 'none'),
            (kernels) =>
              made.map(({ path, pages }) =>
                kernels.mapCall8(at, addressOf(tree, start(path), 0) - 0x123, pa, pages * span, 0x7c2, 0x400000),
              ),
          );
          for (const [i, { path, pages }] of made.entries()) {
            const { table, depth } = walked(tree, path, at);
            const first = path[at] as number;
            const keys = Array.from({ length: pages }, (_, page) => `${table}.${first + page}`);
            const fits = depth === at && first + pages <= 2 ** indexBits(tree) && !keys.some((key) => taken.has(key));
            expect(tables[i]).toBe(fits ? (FIRST + table) * KIB : 0);
            if (!fits) continue;
            for (const key of keys) taken.add(key);
            const expected = keys.map((_, page) => BigInt(pa + page * span) | LEAF);
            expect(entriesOf(table, first, pages)).toEqual(expected);
          }
        }),
        { numRuns: 300 },
      );
    },
  );

  test('takes no number that is not whole, not of pages, or out of range', () => {
    const tree: Tree = { wide: true, set: [] };
    const flat: Tree = {
      ...tree,
      set: [
        [0, 0, 'table', 1],
        [1, 0, 'table', 2],
      ],
    };
    fc.assert(
      fc.property(bad, fc.nat({ max: 2 }), (value, which) => {
        const given: [number, number, number] = [PAGE, PAGE, PAGE];
        given[which] = which === 1 && value === INPUT_END ? OUTPUT_END : value;
        const [table] = expectTwins(
          (memory) => placeForCalls(memory, flat, 'none'),
          (kernels) => [kernels.mapCall8(LAST, ...given, 0x7c2, 0x400000)],
        );
        expect(table).toBe(0);
        expect(entriesOf(0, 0, 128).filter((entry) => entry !== 0n)).toHaveLength(1);
      }),
    );
  });

  test('maps up to the last page of both ranges', () => {
    const top: Tree = { wide: true, set: [] };
    const path: [number, number, number] = [127, 127, 127];
    const flat: Tree = {
      ...top,
      set: [
        [0, 127, 'table', 1],
        [1, 127, 'table', 2],
      ],
    };
    const input = 2 ** (shiftAt(flat, 0) + indexBits(flat));
    expect(addressOf(flat, path, 0) - 0x123 + PAGE).toBe(input);
    const tables = expectTwins(
      (memory) => {
        placeForCalls(memory, flat, 'none');
        new Float64Array(memory.buffer, WALK.calls, 1)[0] = input;
      },
      (kernels) => [
        kernels.mapCall8(LAST, input - PAGE, OUTPUT_END, PAGE, 0x7c2, 0x400000),
        kernels.mapCall8(LAST, input - PAGE, OUTPUT_END - PAGE, 2 * PAGE, 0x7c2, 0x400000),
        kernels.mapCall8(LAST, input - PAGE, OUTPUT_END - PAGE, PAGE, 0x7c2, 0x400000),
      ],
    );
    expect(tables).toEqual([0, 0, (FIRST + 2) * KIB]);
  });
});

describe('mapRuns8', () => {
  const LIST = 0x1e000;
  const runs = fc.array(
    fc.record({ joins: fc.boolean(), frame: fc.nat({ max: 2 ** 20 }), pages: fc.nat({ max: 5 }) }),
    {
      minLength: 1,
      maxLength: 40,
    },
  );

  test('maps run after run to the end of the table, or to one that is too long or whose entries are in use', () => {
    fc.assert(
      fc.property(
        trees,
        runs,
        indices,
        fc.integer({ min: 1, max: 12 }),
        fc.nat({ max: 3 }),
        (drawn, list, path, below, from) => {
          const tree = layered(drawn);
          let end = 0;
          const starts = list.map(({ joins, frame, pages }) => {
            const start = joins ? end : frame * PAGE;
            end = start + pages * PAGE;
            return start;
          });
          const iova = addressOf(tree, path, 0) - 0x123;
          const index = Math.min(from, list.length);
          const [table, next, made, pages] = expectTwins(
            (memory) => {
              placeForCalls(memory, tree, 'none');
              const doubles = new Float64Array(memory.buffer);
              doubles.set(starts, LIST / 8);
              doubles.set(
                list.map((element) => element.pages * PAGE),
                LIST / 8 + 64,
              );
            },
            (kernels) => {
              const found = kernels.mapRuns8(LIST, LIST + 512, index, list.length, iova, below * PAGE, 0x7c2, 0x400000);
              return [
                found,
                ...new Float64Array((kernels === COMPILED ? PAIR.compiled : PAIR.plain).buffer, STATE_OFFSET, 3),
              ];
            },
          );
          const expected = expectedRuns(tree, list, starts, path, { below, index });
          expect([next, made, pages]).toEqual([expected.next, expected.runs, expected.entries.length]);
          expect(table).toBe(pages === 0 ? 0 : (FIRST + walked(tree, path, LAST).table) * KIB);
          if (table !== 0)
            expect(entriesOf(walked(tree, path, LAST).table, path[2], pages ?? 0)).toEqual(expected.entries);
        },
      ),
      { numRuns: 500 },
    );
  });
});

describe('unmapCall8', () => {
  test('clears pages of one table that are leaves of one entry each, and does nothing else', () => {
    fc.assert(
      fc.property(trees, calls, severals, (drawn, made: Call[], several) => {
        const tree = layered(drawn);
        const kinds = new Map(tree.set.map(([table, index, kind]) => [`${table}.${index}`, kind]));
        const small = made.map(({ path, pages }) => ({ path, pages: 1 + (pages % 6) }));
        const tables = expectTwins(
          (memory) => placeForCalls(memory, tree, several),
          (kernels) =>
            small.map(({ path, pages }) => kernels.unmapCall8(addressOf(tree, path, 0) - 0x123, pages * PAGE)),
        );
        for (const [i, { path, pages }] of small.entries()) {
          const { table, depth } = walked(tree, path, LAST);
          const keys = Array.from({ length: pages }, (_, page) => `${table}.${path[2] + page}`);
          const single = keys.every((key) => kinds.has(key) && !(several !== 'none' && kinds.get(key) === 'marked'));
          expect(tables[i]).toBe(depth === LAST && single ? (FIRST + table) * KIB : 0);
          if (tables[i] === 0) continue;
          for (const key of keys) kinds.delete(key);
          expect(entriesOf(table, path[2], pages).every((entry) => entry === 0n)).toBe(true);
        }
      }),
      { numRuns: 400 },
    );
  });

  test.each([1, 2, 15, 16, 17, 64, 127, 128])(
    'clears %i entries and no other, but not with a hole at either end',
    (count) => {
      const tree: Tree = {
        wide: true,
        set: [
          [0, 0, 'table', 1],
          [1, 0, 'table', 2],
        ],
      };
      const first = ((FIRST + 2) * KIB) / 8;
      const index = 128 - count;
      const attempt = (hole: number | undefined): number => {
        const [table = -1] = expectTwins(
          (memory) => {
            placeForCalls(memory, tree, 'one');
            const entries = new BigUint64Array(memory.buffer);
            entries.fill(0x1003n, first, first + 128);
            if (hole !== undefined) entries[first + index + hole] = 0n;
          },
          (kernels) => [kernels.unmapCall8(index * PAGE, count * PAGE)],
        );
        return table;
      };
      expect([attempt(0), attempt(count - 1)]).toEqual([0, 0]);
      expect(attempt(undefined)).toBe((FIRST + 2) * KIB);
      expect(entriesOf(2, 0, 129).filter((entry) => entry !== 0n)).toHaveLength(index);
    },
  );
});

describe('tablesCall8', () => {
  const LIST = 4096;
  const ranges = fc.array(fc.record({ path: indices, tables: fc.integer({ min: 1, max: 4 }) }), {
    minLength: 1,
    maxLength: 6,
  });

  test('finds the tables behind whole entries of one table, all of them, and changes nothing', () => {
    fc.assert(
      fc.property(trees, ranges, (drawn, asked) => {
        const tree = layered(drawn);
        const span = 2 ** shiftAt(tree, LAST - 1);
        for (const { path, tables } of asked) {
          const iova = addressOf(tree, [path[0], path[1], 0], 0) - 0x123;
          const [entry] = expectTwins(
            (memory) => placeForCalls(memory, tree, 'none'),
            (kernels) => [kernels.tablesCall8(iova, tables * span, LIST)],
          );
          const { table, depth } = walked(tree, path, LAST - 1);
          const below = Array.from({ length: tables }, (_, i) => walked(tree, [path[0], path[1] + i, 0], LAST));
          const fits =
            depth === LAST - 1 &&
            path[1] + tables <= 2 ** indexBits(tree) &&
            below.every((each) => each.depth === LAST);
          expect(entry).toBe(fits ? (FIRST + table) * KIB + 8 * path[1] : 0);
          if (!fits) continue;
          const found = [...words(PAIR.compiled).subarray(LIST / 4, LIST / 4 + tables)];
          expect(found).toEqual(below.map((each) => (FIRST + each.table) * KIB));
        }
      }),
      { numRuns: 300 },
    );
  });

  test('leaves the tables of neighbouring entries one behind the other', () => {
    const tree: Tree = {
      wide: true,
      set: [
        [0, 0, 'table', 1],
        [1, 0, 'table', 4],
        [1, 1, 'table', 2],
        [1, 2, 'table', 3],
      ],
    };
    const span = 2 ** shiftAt(tree, LAST - 1);
    for (let tables = 1; tables <= 4; tables++) {
      const [entry] = expectTwins(
        (memory) => placeForCalls(memory, tree, 'none'),
        (kernels) => [kernels.tablesCall8(0, tables * span, LIST)],
      );
      expect(entry).toBe(tables < 4 ? (FIRST + 1) * KIB : 0);
      if (tables === 4) continue;
      const found = [...words(PAIR.compiled).subarray(LIST / 4, LIST / 4 + tables)];
      expect(found).toEqual([4, 2, 3].slice(0, tables).map((table) => (FIRST + table) * KIB));
    }
  });

  test('takes no number that is not whole, not of whole tables, or out of range', () => {
    const tree: Tree = {
      wide: true,
      set: [
        [0, 0, 'table', 1],
        [1, 0, 'table', 2],
        [1, 1, 'table', 3],
      ],
    };
    const span = 2 ** shiftAt(tree, LAST - 1);
    fc.assert(
      fc.property(fc.oneof(bad, fc.constantFrom(span / 2, span + PAGE)), fc.boolean(), (value, size) => {
        const [entry] = expectTwins(
          (memory) => placeForCalls(memory, tree, 'none'),
          (kernels) => [size ? kernels.tablesCall8(0, value, LIST) : kernels.tablesCall8(value, span, LIST)],
        );
        expect(entry).toBe(0);
      }),
    );
  });
});

describe('numbers of pages of more than 32 bits', () => {
  const full: Tree = {
    wide: true,
    set: [
      [0, 0, 'table', 1],
      [1, 0, 'table', 2],
      [1, 1, 'table', 3],
      ...Array.from({ length: 8 }, (_, i): Tree['set'][number] => [2, i, 'leaf', i]),
    ],
  };

  test('are not taken for their low 32 bits', () => {
    const attempt = (count: number) => {
      const [page, table] = [LAST, LAST - 1].map((depth) => count * 2 ** shiftAt(full, depth)) as [number, number];
      return expectTwins(
        (memory) => {
          placeForCalls(memory, full, 'none');
          new Float64Array(memory.buffer, WALK.calls, 2).fill(2 ** 53);
        },
        (kernels) => [
          kernels.tablesCall8(0, table, 4096),
          kernels.mapCall8(LAST, 8 * PAGE, 0, page, 1, 0),
          kernels.mapCall8(LAST - 1, 2 * 2 ** shiftAt(full, LAST - 1), 0, table, 1, 0),
          kernels.unmapCall8(0, page),
        ],
      );
    };
    const whole = attempt(2);
    expect(whole.every((answer) => answer !== 0)).toBe(true);
    for (const low of [0, 1, 2, 8]) expect(attempt(2 ** 32 + low)).toEqual([0, 0, 0, 0]);
  });
});

describe('translateCall8', () => {
  test('answers as translate8 does from the root, and NaN for what is not a whole number in range', () => {
    fc.assert(
      fc.property(trees, calls, severals, bad, (drawn, made, several, value) => {
        const tree = layered(drawn);
        const addresses = made.map(({ path }) => addressOf(tree, path, 0));
        const answers = expectTwins(
          (memory) => placeForCalls(memory, tree, several),
          (kernels) => [
            addresses.map((at) => kernels.translateCall8(at)),
            addresses.map((at) => kernels.translate8(ROOT, at, LAST)),
            [kernels.translateCall8(value)],
          ],
        );
        expect(answers[0]).toEqual(answers[1]);
        const isInput = Number.isInteger(value) && value >= 0 && value < INPUT_END;
        expect(Number.isNaN(answers[2]?.[0])).toBe(!isInput);
      }),
      { numRuns: 300 },
    );
  });
});
