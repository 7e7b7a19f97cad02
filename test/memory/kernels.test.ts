import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { STATE_OFFSET, WALK } from '../../src/memory/kernel-contract.ts';
import { COMPILED, doubles, expectTwins, PAIR, PLAIN, words } from './twins.ts';

const TABLE = 0x8000;
const LIST = 0x18000;
const LENGTHS = 0x1c000;
const TWO_32 = 0x100000000;

const word = fc.oneof(
  fc.integer({ min: 0, max: 0xffffffff }),
  fc.constantFrom(0, 1, 0x7fffffff, 0x80000000, 0xffffffff),
);
const count = fc.oneof(fc.nat({ max: 9 }), fc.nat({ max: 1024 }));
const slot = fc.nat({ max: 63 });

test('the compiled kernels are compiled', () => {
  expect(COMPILED.constructor).not.toBe(PLAIN.constructor);
});

describe('filling', () => {
  test('fill8: any value, any stride, carries and wraps, at any entry', () => {
    fc.assert(
      fc.property(slot, count, word, word, word, word, (at, n, lo, hi, strideLo, strideHi) => {
        expectTwins(
          () => {},
          (kernels) => kernels.fill8(TABLE + at * 8, n, lo, hi, strideLo, strideHi),
        );
      }),
    );
  });

  test('fill8 writes value + i × stride, and nothing beside it', () => {
    fc.assert(
      fc.property(slot, count, word, word, word, word, (at, n, lo, hi, strideLo, strideHi) => {
        words(PAIR.compiled).fill(0x5a5a5a5a);
        COMPILED.fill8(TABLE + at * 8, n, lo, hi, strideLo, strideHi);
        const entries = new BigUint64Array(PAIR.compiled.buffer);
        const first = TABLE / 8 + at;
        const value = (BigInt(hi) << 32n) | BigInt(lo);
        const stride = (BigInt(strideHi) << 32n) | BigInt(strideLo);
        for (const i of [0, 1, 2, n - 2, n - 1].filter((each) => each >= 0 && each < n)) {
          expect(entries[first + i]).toBe(BigInt.asUintN(64, value + BigInt(i) * stride));
        }
        expect([entries[first - 1], entries[first + n]]).toEqual([0x5a5a5a5a5a5a5a5an, 0x5a5a5a5a5a5a5a5an]);
      }),
    );
  });

  test('fill4: any value, any stride', () => {
    fc.assert(
      fc.property(slot, count, word, word, (at, n, value, stride) => {
        expectTwins(
          () => {},
          (kernels) => kernels.fill4(TABLE + at * 4, n, value, stride),
        );
      }),
    );
  });
});

describe('searching', () => {
  const sparse = fc.array(fc.tuple(fc.nat({ max: 127 }), fc.constantFrom(0, 1, 0x80000000, 0xffffffff)), {
    maxLength: 20,
  });

  test.each(['firstSet8', 'firstClear8', 'firstSet4', 'firstClear4'] as const)(
    '%s, in tables nearly empty and nearly full',
    (name) => {
      fc.assert(
        fc.property(sparse, fc.boolean(), fc.nat({ max: 64 }), fc.nat({ max: 64 }), (set, full, a, b) => {
          const [from, to] = [Math.min(a, b), Math.max(a, b)];
          const found = expectTwins(
            (memory) => {
              words(memory).fill(full ? 0x10 : 0, TABLE / 4, TABLE / 4 + 128);
              for (const [at, value] of set) words(memory)[TABLE / 4 + at] = value;
            },
            (kernels) => kernels[name](TABLE, from, to),
          );
          expect(found).toBeGreaterThanOrEqual(from);
          expect(found).toBeLessThanOrEqual(to);
        }),
        { numRuns: 300 },
      );
    },
  );
});

describe('bits of entries', () => {
  const some = fc.oneof(fc.constant(0n), fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }));
  /** Entries of which about half have a bit or two of interest set. */
  const entries = fc.array(
    fc.tuple(some, fc.constantFrom(0n, 1n << 6n, 1n << 63n, 0xe00n, 1n << 51n)).map(([entry, bits]) => entry | bits),
    { maxLength: 140, size: 'max' },
  );
  const put = (list: readonly bigint[]) => (memory: WebAssembly.Memory) =>
    void new BigUint64Array(memory.buffer).set(list, TABLE / 8);

  test.each([0xe00n, 1n << 63n, 1n << 52n])('firstWith8 finds the first entry with all bits of %i', (mask) => {
    fc.assert(
      fc.property(entries, fc.nat({ max: 140 }), (list, a) => {
        const from = Math.min(a, list.length);
        const found = expectTwins(put(list), (kernels) =>
          kernels.firstWith8(TABLE, from, list.length, ...wordsOf(mask)),
        );
        const expected = list.findIndex((entry, i) => i >= from && (entry & mask) === mask);
        expect(found).toBe(expected === -1 ? list.length : expected);
      }),
    );
  });

  /** AMD v1 and VT-d: a bit that is set. Arm: DBM is set and AP[2] is not. */
  const states = fc.constantFrom(
    { mask: 1n << 6n, value: 1n << 6n, flip: 1 << 6 },
    { mask: 1n << 9n, value: 1n << 9n, flip: 1 << 9 },
    { mask: (1n << 51n) | 0x80n, value: 1n << 51n, flip: 0x80 },
  );

  test('dirty8 gives a bit an entry, cleans what is dirty, and touches no other', () => {
    fc.assert(
      fc.property(entries, states, fc.boolean(), (list, { mask, value, flip }, keep) => {
        const dirty = expectTwins(
          (memory) => {
            put(list)(memory);
            words(memory).fill(0x5a5a5a5a, LIST / 4, LIST / 4 + 8);
          },
          (kernels) => kernels.dirty8(TABLE, list.length, LIST, ...wordsOf(mask), ...wordsOf(value), keep ? 0 : flip),
        );
        const isDirty = list.map((entry) => (entry & mask) === value);
        const bits = words(PAIR.compiled).subarray(LIST / 4, LIST / 4 + 8);
        const read = list.map((_, i) => (((bits[i >>> 5] ?? 0) >>> (i & 31)) & 1) === 1);
        expect([dirty, read]).toEqual([isDirty.filter((each) => each).length, isDirty]);
        const wanted = list.map((entry, i) => (isDirty[i] === true && !keep ? entry ^ BigInt(flip) : entry));
        const left = new BigUint64Array(PAIR.compiled.buffer).subarray(TABLE / 8, TABLE / 8 + list.length + 1);
        expect([...left]).toEqual([...wanted, 0n]);
        const last = Math.ceil(list.length / 32);
        expect([...bits.subarray(last)]).toEqual(Array.from({ length: 8 - last }, () => 0x5a5a5a5a));
      }),
      { numRuns: 300 },
    );
  });
});

/** A list of the widths that formats have: bits of the smallest page up to the output width. */
const allowed = fc.constantFrom(
  [12, 32],
  [12, 36],
  [12, 48],
  [14, 36],
  [14, 42],
  [14, 48],
  [16, 48],
  [16, 52],
) as fc.Arbitrary<[number, number]>;

const odd = fc.constantFrom(
  0.5,
  4096.5,
  4096 + 2 ** -40,
  5e-324,
  -1,
  -4096,
  -0.25,
  1,
  4095,
  2 ** 51,
  2 ** 52,
  2 ** 52 + 4096,
  2 ** 53,
  2 ** 63,
  2 ** 64,
  2 ** 80,
  1.7e308,
  Number.POSITIVE_INFINITY,
  Number.NEGATIVE_INFINITY,
  Number.NaN,
);

function place(memory: WebAssembly.Memory, addresses: readonly number[], lengths: readonly number[]): void {
  doubles(memory).set(addresses, LIST / 8);
  doubles(memory).set(lengths, LENGTHS / 8);
}

function wordsOf(value: bigint): readonly [lo: number, hi: number] {
  return [Number(value & 0xffffffffn), Number(value >> 32n)];
}

function half(value: number): readonly [lo: number, hi: number] {
  return [(value % TWO_32) | 0, Math.floor(value / TWO_32) | 0];
}

describe('checking lists', () => {
  const pages = fc.array(fc.tuple(fc.nat({ max: 2 ** 20 }), fc.nat({ max: 5 })), { maxLength: 20 });

  test('whole pages pass; sum and greatest end are left behind', () => {
    fc.assert(
      fc.property(allowed, pages, ([shift], list) => {
        const addresses = list.map(([page]) => page * 2 ** shift);
        const lengths = list.map(([, n]) => n * 2 ** shift);
        const well = expectTwins(
          (memory) => place(memory, addresses, lengths),
          (kernels) => kernels.checkList(LIST, LENGTHS, list.length, ...half(2 ** 48 - 2 ** shift)),
        );
        const ends = addresses.map((address, i) => address + (lengths[i] ?? 0));
        expect([well, doubles(PAIR.compiled)[STATE_OFFSET / 8], doubles(PAIR.compiled)[STATE_OFFSET / 8 + 1]]).toEqual([
          1,
          lengths.reduce((sum, length) => sum + length, 0),
          Math.max(0, ...ends),
        ]);
      }),
    );
  });

  test('one fraction, negative, huge or misaligned number among them is found, wherever it stands', () => {
    fc.assert(
      fc.property(allowed, pages, odd, fc.nat(), fc.boolean(), ([shift, bits], list, value, where, asLength) => {
        const addresses = [...list.map(([page]) => (page % 1024) * 2 ** shift), 0];
        const lengths = [...list.map(([, n]) => n * 2 ** shift), 2 ** shift];
        const at = where % addresses.length;
        if (asLength) lengths[at] = value;
        else addresses[at] = value;
        const fits = value === 2 ** 51 && bits === 52;
        for (const memory of [PAIR.compiled, PAIR.plain]) place(memory, addresses, lengths);
        for (const kernels of [COMPILED, PLAIN]) {
          const well = kernels.checkList(LIST, LENGTHS, addresses.length, ...half(2 ** bits - 2 ** shift));
          expect(well).toBe(fits ? 1 : 0);
        }
      }),
      { numRuns: 500 },
    );
  });
});

describe('gathering lists', () => {
  const element = fc.tuple(fc.nat({ max: 2 ** 18 }), fc.oneof(fc.constant(1), fc.nat({ max: 4 })));
  const elements = fc
    .array(element, { minLength: 1, maxLength: 40, size: 'max' })
    .filter((list) => list.some(([, n]) => n > 0));
  /** Formats: page, shift of the address field, its mask, and attribute bits outside it. */
  const shapes = fc.constantFrom(
    { shift: 12, field: 0, lo: 0xfffff000, hi: 0xffff, bits: [0x747, 0x600000] },
    { shift: 14, field: 0, lo: 0xfffff000, hi: 0xffff, bits: [0xfff, 0xffff0000] },
    { shift: 16, field: 0, lo: 0xfffff000, hi: 0xffff, bits: [0x1, 0] },
    { shift: 12, field: 0, lo: 0xfffff000, hi: 0xf, bits: [3, 0xfff00] },
    { shift: 14, field: 4, lo: 0xfffffc00, hi: 0x3f, bits: [3, 0xfff00] },
  );
  const bases = fc.constantFrom(0, 2 ** 31, 2 ** 32 - 2 ** 16, 2 ** 35, 2 ** 41);

  /** Where `page` pages into the list lies: element, and bytes into it. */
  function position(lengths: readonly number[], size: number, page: number): readonly [index: number, offset: number] {
    let left = page * size;
    for (const [i, length] of lengths.entries()) {
      if (left < length) return [i, left];
      left -= length;
    }
    return [lengths.length, 0];
  }

  test('gather8, from any page of a list on, in parts, equals its twin and the address field of each page', () => {
    fc.assert(
      fc.property(elements, shapes, bases, fc.nat(), fc.nat(), slot, (list, shape, base, a, b, at) => {
        const size = 2 ** shape.shift;
        const fits = base < 2 ** 36 || shape.hi === 0xffff ? base : 0;
        const start = shape.hi === 0xf && fits > 2 ** 32 ? 2 ** 32 : fits;
        const addresses = list.map(([page]) => start + page * size);
        const lengths = list.map(([, n]) => n * size);
        const total = lengths.reduce((sum, length) => sum + length, 0) / size;
        const first = a % total;
        const n = 1 + (b % (total - first));
        const [index, offset] = position(lengths, size, first);
        const [lo = 0, hi = 0] = shape.bits;
        expectTwins(
          (memory) => place(memory, addresses, lengths),
          (kernels) =>
            kernels.gather8(
              LIST,
              LENGTHS,
              index,
              offset,
              TABLE + at * 8,
              n,
              shape.shift,
              shape.field,
              shape.lo,
              shape.hi,
              lo,
              hi,
            ),
        );
        const entries = words(PAIR.compiled);
        for (let i = 0; i < n; i++) {
          const [element, into] = position(lengths, size, first + i);
          const field = ((addresses[element] ?? 0) + into) / 2 ** shape.field;
          const word = TABLE / 4 + 2 * (at + i);
          expect(entries[word]).toBe(((field & shape.lo) | lo) >>> 0);
          expect(entries[word + 1]).toBe(((Math.floor(field / TWO_32) & shape.hi) | hi) >>> 0);
        }
        expect([entries[TABLE / 4 + 2 * (at + n)], entries[TABLE / 4 + 2 * at - 1]]).toEqual([0, 0]);
      }),
      { numRuns: 300 },
    );
  });

  test('gather4, from any page of a list on, equals its twin', () => {
    fc.assert(
      fc.property(elements, fc.nat(), fc.nat(), slot, (list, a, b, at) => {
        const addresses = list.map(([page]) => 0xf0000000 - page * 4096);
        const lengths = list.map(([, n]) => n * 4096);
        const total = lengths.reduce((sum, length) => sum + length, 0) / 4096;
        const first = a % total;
        const n = 1 + (b % (total - first));
        const [index, offset] = position(lengths, 4096, first);
        expectTwins(
          (memory) => place(memory, addresses, lengths),
          (kernels) => kernels.gather4(LIST, LENGTHS, index, offset, TABLE + at * 4, n, 12, -4096, 0xc7e),
        );
      }),
      { numRuns: 300 },
    );
  });
});

describe('lists of single pages', () => {
  const page = fc.constantFrom(4096, 16384, 65536);
  const numbers = fc.array(fc.nat({ max: 2 ** 20 }), { minLength: 1, maxLength: 40, size: 'max' });
  const odd = fc.constantFrom(0.5, 4096.5, -4096, Number.NaN, 1, 2 ** 52, Number.POSITIVE_INFINITY);

  describe('smallPages', () => {
    const PAGE = 4096;
    /** Elements that often go on where the one before ended, and often begin at a multiple of some pages. */
    const runs = fc.array(
      fc.tuple(fc.nat({ max: 7 }), fc.nat({ max: 40 }), fc.oneof(fc.constant(1), fc.nat({ max: 40 }))),
      { minLength: 1, maxLength: 60, size: 'max' },
    );
    const nexts = fc.constantFrom(2, 4, 16);

    function listed(drawn: readonly (readonly [number, number, number])[], single: boolean) {
      let end = 0;
      const elements = drawn.map(([kind, place, length]) => {
        const start = kind < 4 ? end : (kind < 6 ? 16 * place : place) * PAGE;
        const bytes = (single ? 1 : length) * PAGE;
        end = start + bytes;
        return [start, bytes] as const;
      });
      return { addresses: elements.map(([at]) => at), lengths: elements.map(([, bytes]) => bytes) };
    }

    /** Where each page of a list lies, one after the other: address, and element. */
    function pagesOf({ addresses, lengths }: ReturnType<typeof listed>) {
      return addresses.flatMap((at, i) =>
        Array.from({ length: (lengths[i] ?? 0) / PAGE }, (_, k) => ({ pa: at + k * PAGE, element: i, into: k * PAGE })),
      );
    }

    test('no larger page begins before the page where it stops, and one may begin there', () => {
      fc.assert(
        fc.property(runs, nexts, fc.boolean(), fc.nat(), fc.nat(), fc.nat(), (drawn, next, single, a, b, c) => {
          const list = listed(drawn, single);
          const pages = pagesOf(list);
          if (pages.length === 0) return;
          const first = a % pages.length;
          const left = pages.length - first;
          const count = 1 + (b % left);
          const phase = c % next;
          const { element, into } = pages[first] ?? { element: 0, into: 0 };
          const found = expectTwins(
            (memory) => place(memory, list.addresses, list.lengths),
            (kernels) => kernels.smallPages(LIST, LENGTHS, element, into, count, left, 12, next, phase, single ? 1 : 0),
          );
          const fits = (k: number): boolean =>
            (phase + k) % next === 0 &&
            (pages[first + k]?.pa ?? 1) % (next * PAGE) === 0 &&
            Array.from({ length: next }, (_, i) => i).every(
              (i) => pages[first + k + i]?.pa === (pages[first + k]?.pa ?? 0) + i * PAGE,
            );
          for (let k = 1; k < found; k++) expect(fits(k), `a larger page at ${k} of ${found}`).toBe(false);
          expect(found).toBeGreaterThan(0);
          expect(found).toBeLessThanOrEqual(count);
          if (found === count) return;
          expect([(phase + found) % next, (pages[first + found]?.pa ?? 1) % (next * PAGE)]).toEqual([0, 0]);
        }),
        { numRuns: 1000 },
      );
    });

    test.each([2, 4, 16])(
      'a larger page of %d that ends with the list may begin, one that ends behind it may not',
      (next) => {
        for (const single of [false, true]) {
          const before = [0x5000, 0x9000, 0x3000].map((at) => [at, PAGE] as const);
          const pages = Array.from({ length: next }, (_, k) => [0x100000 + k * PAGE, PAGE] as const);
          const list = [...before, ...(single ? pages : [[0x100000, next * PAGE] as const])];
          const phase = (2 * next - before.length) % next;
          const stops = (left: number): number =>
            expectTwins(
              (memory) =>
                place(
                  memory,
                  list.map(([at]) => at),
                  list.map(([, bytes]) => bytes),
                ),
              (kernels) => kernels.smallPages(LIST, LENGTHS, 0, 0, left, left, 12, next, phase, single ? 1 : 0),
            );
          const whole = before.length + next;
          expect([stops(whole), stops(whole - 1)]).toEqual([before.length, whole - 1]);
        }
      },
    );
  });

  test('checkPages passes whole pages, and finds one odd address or length wherever it stands', () => {
    fc.assert(
      fc.property(
        page,
        numbers,
        odd,
        fc.nat(),
        fc.constantFrom('none', 'address', 'length'),
        (size, list, value, where, kind) => {
          const addresses = list.map((n) => n * size);
          const lengths: number[] = list.map(() => size);
          if (kind === 'address') addresses[where % list.length] = value;
          if (kind === 'length') lengths[where % list.length] = value;
          const well = expectTwins(
            (memory) => place(memory, addresses, lengths),
            (kernels) => kernels.checkPages(LIST, LENGTHS, list.length, size, ...half(2 ** 48 - size)),
          );
          expect(well).toBe(kind === 'none' ? 1 : 0);
        },
      ),
      { numRuns: 500 },
    );
  });

  test('gatherPages8 equals gather8 on the same list, from any element on', () => {
    fc.assert(
      fc.property(numbers, fc.nat(), fc.constantFrom(0, 4), (list, start, shift) => {
        const first = start % list.length;
        const count = list.length - first;
        const addresses = list.map((n) => n * 65536);
        const lengths = list.map(() => 65536);
        const [lo, hi] = shift === 0 ? [0xfffff000, 0xffff] : [0xfffffc00, 0x3f];
        const fields: [number, number, number, number, number] = [shift, lo, hi, 3, 0];
        const outcomes = [COMPILED, PLAIN].flatMap((kernels, i) => {
          const memory = i === 0 ? PAIR.compiled : PAIR.plain;
          place(memory, addresses, lengths);
          const dest = LENGTHS + 8 * 1024;
          const words = (): number[] => [...new Uint32Array(memory.buffer, dest, 2 * count)];
          kernels.gatherPages8(LIST, first, dest, count, ...fields);
          const single = words();
          kernels.gather8(LIST, LENGTHS, first, 0, dest, count, 16, ...fields);
          return [single, words()];
        });
        for (const outcome of outcomes) expect(outcome).toEqual(outcomes[0]);
      }),
    );
  });

  test('takePages8 gathers as gatherPages8 does, and finds one odd address or length wherever it stands', () => {
    const size = 65536;
    const end = 2 ** 44;
    const wrong = fc.oneof(odd, fc.constantFrom(end, end + size, size / 2, 2 ** 52 + size, 2 ** 60));
    const kinds = fc.constantFrom('none', 'address', 'length');
    fc.assert(
      fc.property(numbers, wrong, fc.nat(), kinds, fc.constantFrom(0, 4), (list, value, where, kind, shift) => {
        const addresses = list.map((n) => (n * size) % end);
        const lengths: number[] = list.map(() => size);
        if (kind === 'address') addresses[where % list.length] = value;
        if (kind === 'length') lengths[where % list.length] = value;
        const field: [number, number] = shift === 0 ? [0xfffff000, 0xffff] : [0xfffffc00, 0x3f];
        const dest = LENGTHS + 8 * 1024;
        const [taken, gathered] = [true, false].map((takes) =>
          expectTwins(
            (memory) => {
              place(memory, addresses, lengths);
              words(memory).set([...field, shift], WALK.tree / 4 + 6);
              new Float64Array(memory.buffer, WALK.calls, 3).set([2 ** 48, end, 2 ** 52 * size]);
            },
            (kernels) => {
              const well = takes ? kernels.takePages8(LIST, LENGTHS, dest, list.length, 3, 1 << 22) : 1;
              if (!takes) kernels.gatherPages8(LIST, 0, dest, list.length, shift, ...field, 3, 1 << 22);
              // Where one is wrong the entries mean nothing
              if (kind !== 'none') kernels.clear(dest, 8 * list.length);
              const { buffer } = kernels === COMPILED ? PAIR.compiled : PAIR.plain;
              return [well, ...new Uint32Array(buffer, dest, 2 * list.length + 2)];
            },
          ),
        );
        expect(taken?.[0]).toBe(kind === 'none' ? 1 : 0);
        expect(taken?.slice(1)).toEqual(gathered?.slice(1));
      }),
      { numRuns: 1000 },
    );
  });
});
