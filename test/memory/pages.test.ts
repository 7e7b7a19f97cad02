import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Domain } from '../../src/core/index.ts';
import { TableMemory } from '../../src/memory/index.ts';
import { RW, refusal } from '../../src/testing/setup.ts';

const K1 = 1024;
const K4 = 4096;
const WASM_PAGE = 0x10000;

/** What the allocator holds to be taken, as the test sees it: offset to bytes. */
type Taken = Map<number, number>;

function overlaps(taken: Taken, offset: number, bytes: number): boolean {
  return [...taken].some(([at, size]) => offset < at + size && at < offset + bytes);
}

describe('tables', () => {
  test.each(['reuse', 'bump'] as const)(
    '%s: any order of allocating and freeing gives aligned, zeroed, disjoint tables',
    (mode) => {
      const step = fc.record({ free: fc.boolean(), order: fc.nat({ max: 6 }), which: fc.nat() });
      fc.assert(
        fc.property(fc.array(step, { maxLength: 60, size: 'max' }), (steps) => {
          const memory = new TableMemory({ mode });
          const taken: Taken = new Map();
          let highest = 0;
          for (const { free, order, which } of steps) {
            const victim = [...taken][which % Math.max(1, taken.size)];
            if (free && victim !== undefined) {
              memory.free(...victim);
              taken.delete(victim[0]);
              continue;
            }
            const bytes = K1 * 2 ** order;
            const offset = memory.allocate(bytes);
            expect((memory.base + offset) % bytes).toBe(0);
            expect(overlaps(taken, offset, bytes)).toBe(false);
            if (mode === 'bump') expect(offset).toBeGreaterThanOrEqual(highest);
            highest = offset + bytes;
            const table = memory.u32.subarray(offset / 4, (offset + bytes) / 4);
            expect(table.every((entry) => entry === 0)).toBe(true);
            table.fill(0xdeadbeef);
            taken.set(offset, bytes);
          }
          expect(memory.liveTables).toBe(taken.size);
          expect(memory.liveBytes).toBe([...taken.values()].reduce((sum, bytes) => sum + bytes, 0));
        }),
        { numRuns: 60 },
      );
    },
  );

  test('what was freed last is handed out first, where reuse is on', () => {
    const reuse = new TableMemory();
    const [a, b] = [reuse.allocate(K4), reuse.allocate(K4)];
    reuse.free(a, K4);
    reuse.free(b, K4);
    expect([reuse.allocate(K4), reuse.allocate(K4)]).toEqual([b, a]);
    const bump = new TableMemory({ mode: 'bump' });
    const first = bump.allocate(K4);
    bump.free(first, K4);
    expect(bump.allocate(K4)).toBe(first + K4);
  });

  test('states: live and queued can be read by a device, free and lists cannot', () => {
    const memory = new TableMemory();
    const offset = memory.allocate(K1);
    const at = memory.base + offset;
    const readable = (): boolean[] =>
      [memory.read32(at), memory.read64(at), memory.view(at, K1)].map((v) => v !== undefined);
    expect([memory.stateAt(at), readable()]).toEqual(['live', [true, true, true]]);
    memory.queue(offset, K1);
    expect([memory.stateAt(at), readable(), memory.liveTables]).toEqual(['queued', [true, true, true], 1]);
    memory.relink(offset, K1);
    expect(memory.stateAt(at)).toBe('live');
    memory.queue(offset, K1);
    memory.free(offset, K1);
    expect([memory.stateAt(at), readable(), memory.liveTables]).toEqual(['free', [false, false, false], 0]);
    const list = memory.list(3);
    const inList = memory.base + list.offset;
    expect([memory.stateAt(inList), memory.read32(inList)]).toEqual(['list', undefined]);
    expect([memory.read32(memory.base - 4), memory.read64(memory.base + 2 ** 32), memory.read32(0)]).toEqual([
      undefined,
      undefined,
      undefined,
    ]);
  });

  test('a device reads only what is aligned', () => {
    const memory = new TableMemory();
    const at = memory.base + memory.allocate(K4);
    expect([memory.read32(at + 2), memory.read64(at + 4), memory.view(at + 1, 8)]).toEqual([
      undefined,
      undefined,
      undefined,
    ]);
  });

  test('a device writes queues and completion slots that are live, and is refused elsewhere', () => {
    const memory = new TableMemory();
    const offset = memory.allocate(K4);
    const at = memory.base + offset;
    expect([memory.write32(at + 4, -1), memory.write64(at + 8, 0x1234_5678_9abc_def0n)]).toEqual([true, true]);
    expect([memory.read64(at), memory.read64(at + 8)]).toEqual([0xffff_ffff_0000_0000n, 0x1234_5678_9abc_def0n]);
    expect([memory.write32(at + 2, 1), memory.write64(at + 4, 1n), memory.write32(0, 1)]).toEqual([
      false,
      false,
      false,
    ]);
    memory.free(offset, K4);
    expect([memory.write32(at, 7), memory.write64(at, 7n)]).toEqual([false, false]);
    expect(memory.u32[(offset + 4) >>> 2]).toBe(0xffff_ffff);
  });

  test('freeing twice is refused by name', () => {
    const memory = new TableMemory();
    const offset = memory.allocate(K4);
    memory.free(offset, K4);
    expect(refusal(() => memory.free(offset, K4)).code).toBe('BAD_FREE');
    const list = memory.list(10);
    memory.freeList(list);
    expect(refusal(() => memory.freeList(list)).code).toBe('BAD_FREE');
    expect([memory.liveTables, memory.liveBytes]).toEqual([0, 0]);
  });

  test('failAfter lets so many allocations through, then none, and takes nothing for those', () => {
    const memory = new TableMemory();
    memory.failAfter(2);
    const got = [1, 2, 3, 4].map(() => memory.allocate(K4));
    expect(got.map((offset) => offset >= 0)).toEqual([true, true, false, false]);
    expect(memory.liveTables).toBe(2);
    memory.failAfter(-1);
    expect(memory.allocate(K4)).toBe((got[1] ?? 0) + K4);
  });

  test.each([0, 512, 3000, 5 * K1, -K4, Number.NaN])('%d bytes are no table', (bytes) => {
    expect(refusal(() => new TableMemory().allocate(bytes)).code).toBe('BAD_OPTION');
  });

  test('a table above the limit asked for is not made, a recycled one neither', () => {
    const memory = new TableMemory();
    const offset = memory.allocate(K4);
    memory.free(offset, K4);
    expect(memory.allocate(K4, memory.base + offset + K4 - 1)).toBe(-1);
    expect(memory.allocate(K4, memory.base + offset + K4)).toBe(offset);
  });
});

describe('growth', () => {
  test('views are read anew, what was written stays, and nobody keeps a detached one', () => {
    const memory = new TableMemory();
    const list = memory.list(4);
    list.addresses.set([1, 2, 3, 4]);
    list.lengths.set([5, 6, 7, 8]);
    const [before, addresses] = [memory.u32, list.addresses];
    const first = memory.allocate(K4);
    memory.u32[first / 4] = 0x1234;
    const size = memory.byteLength;
    while (memory.byteLength === size) memory.allocate(WASM_PAGE);
    expect([before.length, addresses.length]).toEqual([0, 0]);
    expect(memory.u32[first / 4]).toBe(0x1234);
    expect(memory.read32(memory.base + first)).toBe(0x1234);
    expect([...list.addresses, ...list.lengths]).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
    expect(memory.f64.buffer).toBe(memory.wasm.buffer);
  });

  test.each([false, true])('kernels follow it (plain: %s)', (plainKernels) => {
    const memory = new TableMemory({ plainKernels });
    memory.kernels.fill4(memory.allocate(K4), 4, 1, 1);
    const size = memory.byteLength;
    let last = 0;
    while (memory.byteLength === size) last = memory.allocate(WASM_PAGE);
    memory.kernels.fill8(last, 2, 7, 9, 1, 0);
    expect([...memory.u32.subarray(last / 4, last / 4 + 4)]).toEqual([7, 9, 8, 9]);
    expect(memory.kernels.firstSet8(last, 0, 8)).toBe(0);
  });

  test('the limit is kept, and reached: a list to the last byte is mapped', () => {
    for (const plainKernels of [false, true]) {
      const memory = new TableMemory({ limit: 2 ** 20, plainKernels });
      const domain = new Domain({ memory, path: 'one-walk' });
      const lists = [];
      for (let left = true; left; ) {
        try {
          lists.push(memory.list(64));
        } catch {
          left = false;
        }
      }
      const list = lists.at(-1);
      expect((list?.lengthsOffset ?? 0) + (list?.bytes ?? 0)).toBe(2 ** 20);
      expect(memory.byteLength).toBe(2 ** 20);
      expect(refusal(() => memory.list(64)).code).toBe('MEMORY_LIMIT');
      for (let i = 0; i < 4; i++) memory.freeList(lists.shift() as NonNullable<typeof list>);
      if (list === undefined) throw new Error('no list');
      list.addresses.set(Array.from({ length: 64 }, (_, i) => i * 0x10000));
      list.lengths.fill(K4);
      list.lengths[63] = 4 * K4;
      const error = refusal(() => domain.mapSg(0, list, RW));
      expect(error.code).toBe('NO_MEMORY');
      expect(domain.leaves()).toEqual([]);
    }
  });

  test.each([
    [{ base: 4096 }, 'base'],
    [{ base: -65536 }, 'base'],
    [{ base: 2 ** 53 }, 'base'],
    [{ base: Number.NaN }, 'base'],
    [{ limit: 0 }, 'limit'],
    [{ limit: Number.NaN }, 'limit'],
  ])('%o is refused by name', (options, argument) => {
    const error = refusal(() => new TableMemory(options));
    expect([error.code, error.argument]).toEqual(['BAD_OPTION', argument]);
  });

  test.each([-1, 0.5, Number.NaN, 2 ** 40])('a list of %d elements is refused by name', (count) => {
    expect(['BAD_OPTION', 'MEMORY_LIMIT']).toContain(refusal(() => new TableMemory().list(count)).code);
  });
});
