import { describe, expect, test } from 'vitest';
import { Domain } from '../../src/core/index.ts';
import { TableMemory } from '../../src/memory/index.ts';
import { Meter } from '../../src/meter/index.ts';
import { RW, refusal } from '../../src/testing/setup.ts';

const K1 = 1024;
const K4 = 4096;
const WASM_PAGE = 0x10000;
const G1 = 2 ** 30;
/** Milliseconds that a slow machine may take. */
const LONG = 300_000;

/** Takes memory in pieces that are never touched, largest first, until `left` bytes below 4 GiB are free. */
function fill(memory: TableMemory, left: number): { offset: number; bytes: number }[] {
  const pieces: { offset: number; bytes: number }[] = [];
  for (let bytes = 2 ** 31; bytes >= Math.max(left, WASM_PAGE); bytes /= 2) {
    const offset = memory.allocate(bytes, undefined, false);
    if (offset !== -1) pieces.push({ offset, bytes });
  }
  return pieces;
}

function refused(memory: TableMemory, pages: number): void {
  const domain = new Domain({ memory, path: 'one-walk', pageSizes: K4 });
  const [live, tables] = [memory.liveBytes, memory.liveTables];
  expect(refusal(() => domain.map(2 ** 31, 2 ** 31, pages * K4 * 512, RW)).code).toBe('NO_MEMORY');
  expect([memory.liveBytes, memory.liveTables]).toEqual([live, tables]);
  expect(domain.translate(2 ** 31)).toBeUndefined();
  domain.free();
}

describe('memory to the last byte', () => {
  test('where fresh memory is used up, what lists gave back serves tables, zeroed', () => {
    const memory = new TableMemory({ limit: 2 ** 21 });
    const list = memory.list(2 ** 16);
    list.addresses.fill(-1);
    list.lengths.fill(-1);
    memory.freeList(list);
    const offsets = new Set<number>();
    for (let offset = memory.allocate(K4); offset !== -1; offset = memory.allocate(K4)) {
      expect((memory.base + offset) % K4).toBe(0);
      expect(memory.u32.subarray(offset / 4, (offset + K4) / 4).every((entry) => entry === 0)).toBe(true);
      offsets.add(offset);
    }
    expect(offsets.size * K4).toBe(memory.liveBytes);
    // All of it but the 320 KiB below the first table, and the gap before a list of 1 MiB, which is aligned to its size.
    expect(memory.liveBytes).toBeGreaterThanOrEqual(2 ** 20);
    for (const offset of offsets) memory.free(offset, K4);
    expect(memory.liveBytes).toBe(0);
  });

  test('bump: what lists gave back never serves tables', () => {
    const memory = new TableMemory({ limit: 2 ** 20, mode: 'bump' });
    const list = memory.list(2 ** 14);
    memory.freeList(list);
    let highest = 0;
    for (let offset = memory.allocate(K4); offset !== -1; offset = memory.allocate(K4)) {
      expect(offset).toBeGreaterThan(highest);
      highest = offset;
    }
  });

  test('a freed table below a limit is found though one above was freed later', () => {
    const memory = new TableMemory({ base: 2 ** 32 - WASM_PAGE, limit: 2 ** 20 });
    const all: number[] = [];
    for (let offset = memory.allocate(K4); offset !== -1; offset = memory.allocate(K4)) all.push(offset);
    for (const offset of all) memory.free(offset, K4);
    const below = memory.allocate(K4, 2 ** 32);
    expect(memory.base + below + K4).toBeLessThanOrEqual(2 ** 32);
    const small = memory.allocate(K1, 2 ** 32);
    expect(memory.base + small + K1).toBeLessThanOrEqual(2 ** 32);
  });

  test('a limit that is not whole 64 KiB pages is used up to the last whole one', () => {
    const memory = new TableMemory({ limit: 2 ** 20 + 5000 });
    while (memory.allocate(K4) !== -1);
    expect(memory.byteLength).toBe(2 ** 20);
    expect(memory.base + 2 ** 20 - 0x8000_0000).toBe(memory.liveBytes);
  });
});

describe('4 GiB of tables', () => {
  const FORMATS = ['arm-64-lpae-s1', 'vtd-ss', 'amd-v1', 'riscv-sv48', 'x86-64'];

  test.each([false, true])('tables above 2 GiB are as those below, plain kernels: %s', (plainKernels) => {
    const high = new TableMemory({ plainKernels });
    fill(high, 2 ** 24);
    for (const format of FORMATS) {
      for (const path of ['one-walk', 'per-page'] as const) {
        const domain = new Domain({ format, memory: high, path, pageSizes: K4 });
        const addresses = Float64Array.from({ length: 700 }, (_, i) => (2 * i + 1) * K4);
        domain.mapSg(G1, { addresses, lengths: new Float64Array(700).fill(K4) }, RW);
        domain.map(2 * G1, G1, 2 ** 22, RW);
        expect(domain.translateRange(G1, 700)).toEqual(addresses);
        expect(domain.translate(2 * G1 + 2 ** 22 - 1)).toBe(G1 + 2 ** 22 - 1);
        expect(domain.leaves().length).toBe(700 + 1024);
        expect(domain.unmap(G1, 700 * K4).bytes).toBe(700 * K4);
        domain.free();
      }
    }
  });

  test('all in use: a call is refused with NO_MEMORY and changes nothing; what is freed serves again, to the last page', () => {
    const memory = new TableMemory();
    const pieces = fill(memory, 0);
    const room = pieces.pop();
    if (room === undefined) throw new Error('no piece');
    memory.free(room.offset, room.bytes);
    expect(memory.byteLength).toBe(2 ** 32);
    refused(memory, room.bytes / K4);
    const domain = new Domain({ memory, path: 'one-walk' });
    let mapped = 0;
    const next = (): void => {
      domain.map(mapped * 2 ** 21, G1 + mapped * K4, K4, RW);
      mapped++;
    };
    expect(refusal(() => Array.from({ length: room.bytes / K4 + 1 }, next)).code).toBe('NO_MEMORY');
    expect(mapped).toBeGreaterThan(room.bytes / K4 - 4);
    for (let i = 0; i < mapped; i++) expect(domain.translate(i * 2 ** 21)).toBe(G1 + i * K4);
    domain.free();
    expect(memory.liveBytes).toBe(pieces.reduce((sum, { bytes }) => sum + bytes, 0));
  });
});

describe('growth', () => {
  test('from 64 pages to 2^18 a page costs one entry written, and tables 1/512 of a page', () => {
    for (const pages of [64, 2 ** 12, 2 ** 18]) {
      const meter = new Meter();
      const domain = new Domain({ path: 'one-walk', pageSizes: K4, meter });
      domain.map(G1, G1, pages * K4, RW);
      const tables = Math.ceil(pages / 512) + 2;
      expect(meter.tablesAllocated).toBeLessThanOrEqual(tables + 1);
      expect(meter.entryWrites).toBe(pages + tables);
      expect(meter.walks).toBe(1);
      domain.free();
    }
  });

  test('10,000 domains in one memory have tables of their own, and give all of them back', { timeout: LONG }, () => {
    const memory = new TableMemory();
    const domains = Array.from({ length: 10_000 }, () => new Domain({ memory }));
    for (const [i, domain] of domains.entries()) domain.map(G1, i * K4, K4, RW);
    for (const [i, domain] of domains.entries()) expect(domain.translate(G1)).toBe(i * K4);
    expect(memory.liveTables).toBe(40_000);
    for (const domain of domains) domain.free();
    expect([memory.liveTables, memory.liveBytes]).toEqual([0, 0]);
  });

  test('1,000 memories in one process', { timeout: LONG }, () => {
    const domains = Array.from({ length: 1000 }, () => new Domain());
    for (const [i, domain] of domains.entries()) domain.map(G1, i * K4, K4, RW);
    for (const [i, domain] of domains.entries()) expect(domain.translate(G1)).toBe(i * K4);
  });

  test('made, mapped and freed 10,000 times, a memory does not grow', { timeout: LONG }, () => {
    const memory = new TableMemory();
    let bytes = 0;
    for (let i = 0; i < 10_000; i++) {
      const domain = new Domain({ memory, path: i % 2 === 0 ? 'one-walk' : 'map-pages' });
      domain.map(G1, G1, (1 + (i % 16)) * K4, RW);
      domain.free();
      if (i === 16) bytes = memory.byteLength;
    }
    expect([memory.byteLength, memory.liveTables]).toEqual([bytes, 0]);
  });
});
