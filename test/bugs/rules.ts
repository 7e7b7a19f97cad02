/**
 * The rules that known bugs break, each as a check of the library or of one with a bug in it.
 * @module
 */
import { expect } from 'vitest';
import type { Domain } from '../../src/core/index.ts';
import { RW } from '../../src/testing/setup.ts';
import { regimeOf } from '../cross/regimes.ts';
import type { Rooms } from './planted.ts';

const K4 = 2 ** 12;
const K64 = 2 ** 16;
const M2 = 2 ** 21;
const G1 = 2 ** 30;
const G512 = 2 ** 39;
const OUTPUT = 0x4000_0000;
/** Arm's contiguous bit, of an 8-byte descriptor. */
const CONTIGUOUS = 1n << 52n;

function walkerOf({ hardware }: Rooms, domain: Domain): InstanceType<Rooms['hardware']['Walker']> {
  return new hardware.Walker(domain.memory, regimeOf(domain));
}

/** What a device finds at an input address: an output address, or why there is none. */
function seen(rooms: Rooms, domain: Domain, iova: number | bigint): number | string {
  const found = walkerOf(rooms, domain).translate(BigInt(iova));
  return found.ok ? found.pa : found.reason;
}

function freeAll(domain: Domain): void {
  const { memory } = domain;
  domain.free();
  expect(memory.liveTables).toBe(0);
}

/** The code with which a call is refused, and the argument. */
function refusalOf(call: () => unknown): unknown {
  try {
    return call();
  } catch (error) {
    const { code, argument } = error as { code?: string; argument?: string };
    return `${code} ${argument}`;
  }
}

/** A leaf ends a walk, also where its payload looks like the address of a table. */
export function checkLeafEndsWalk({ core, memory }: Rooms): void {
  const tables = new memory.TableMemory();
  const domain = new core.Domain({ granule: '4K', memory: tables });
  const inTables = tables.base - (tables.base % M2);
  domain.map(0, inTables, M2, RW);
  for (const iova of [0, 0x1234, M2 - 1]) expect(domain.translate(iova)).toBe(inTables + iova);
  expect(refusalOf(() => domain.map(K4, OUTPUT, K4, RW))).toBe('OVERLAP iova');
  freeAll(domain);
}

/** A split over two levels keeps what it does not unmap, and loses no table. */
export function checkSplitOverLevels(rooms: Rooms): void {
  const domain = new rooms.core.Domain({ granule: '4K', memory: new rooms.memory.TableMemory() });
  domain.map(0, OUTPUT, G1, RW);
  const hole = 3 * M2 + 5 * K4;
  domain.unmap(hole, K4);
  for (const iova of [0, hole - K4, hole + K4, 4 * M2, G1 - K4]) {
    expect([domain.translate(iova), seen(rooms, domain, iova)]).toEqual([OUTPUT + iova, OUTPUT + iova]);
  }
  expect([domain.translate(hole), typeof seen(rooms, domain, hole)]).toEqual([undefined, 'string']);
  freeAll(domain);
}

/** A block may take the place of a table only when the entry is zero, written so, and the TLB was told of all below it. */
export function checkBreakBeforeMake(rooms: Rooms): void {
  const tables = new rooms.memory.TableMemory();
  const told: unknown[] = [];
  let entry = 0;
  const flushWalk = (iova: number, size: number): void => void told.push([iova, size, tables.read64(entry)]);
  const driver = rooms.drivers.bareDriver({ flushWalk, addPages() {}, flushAll() {}, sync() {} });
  const domain = new rooms.core.Domain({ granule: '4K', memory: tables, driver });
  domain.map(0, OUTPUT, K4, RW);
  entry = walkerOf(rooms, domain).walk(0n).steps.at(-2)?.entryAddress ?? 0;
  domain.unmap(0, K4);
  told.length = 0;
  domain.map(0, OUTPUT, M2, RW);
  expect(told).toEqual([[0, M2, 0n]]);
  expect(seen(rooms, domain, K4)).toBe(OUTPUT + K4);
  freeAll(domain);
}

/** The counted entries of a table are those that a partial unmap leaves. */
export function checkCountsAfterPartialUnmap(rooms: Rooms): void {
  for (const coherent of [true, false]) {
    const domain = new rooms.core.Domain({ granule: '4K', coherent, memory: new rooms.memory.TableMemory() });
    domain.map(0, OUTPUT + K4, M2, RW);
    domain.unmap(4 * K4, 3 * K4);
    expect(refusalOf(() => domain.unmap(0, M2))).toBe('NOT_MAPPED iova');
    domain.map(4 * K4, OUTPUT, 3 * K4, RW);
    expect(domain.unmap(0, M2).bytes).toBe(M2);
    domain.map(0, OUTPUT, M2, RW);
    expect(seen(rooms, domain, 5 * K4)).toBe(OUTPUT + 5 * K4);
    freeAll(domain);
  }
}

/** An unmap of the last page ends there, and does not go on at address 0. */
export function checkUnmapAtTop({ core, memory }: Rooms): void {
  const options = { granule: '4K', semantics: 'linux-6.1' } as const;
  const domain = new core.Domain({ ...options, memory: new memory.TableMemory() });
  const top = 2 ** 48 - K4;
  for (const iova of [0, top]) domain.map(iova, OUTPUT, K4, RW);
  expect(domain.unmap(top, K4).bytes).toBe(K4);
  expect([domain.translate(top), domain.translate(0)]).toEqual([undefined, OUTPUT]);
  freeAll(domain);
}

/** 512 GiB are mapped by blocks of levels that have them, as a device agrees. */
export function checkBlockLevels(rooms: Rooms): void {
  const domain = new rooms.core.Domain({ granule: '4K', memory: new rooms.memory.TableMemory() });
  domain.map(0, 0, G512, RW);
  expect(seen(rooms, domain, 5 * G1 + 123)).toBe(5 * G1 + 123);
  freeAll(domain);
}

/** With a 4 KiB granule and 48 bits, level 0 has no blocks (Arm DDI 0487, D8.3.1). */
export function checkReaderBlockLevels({ hardware }: Rooms): void {
  const block = BigInt(OUTPUT) | 0x401n | (3n << 8n) | (1n << 6n);
  const reader = {
    read32: (at: number) => Number(BigInt.asUintN(32, at % 8 === 0 ? block : block >> 32n)),
    read64: () => block,
  };
  const regime = hardware.aarch64Stage1({ ttbr0: { ttb: 0, tsz: 16, granule: 4096 }, oas: 48, mair: 0xffn });
  const found = new hardware.Walker(reader, regime).translate(0x1000n);
  expect(found.ok ? found.pa : found.reason).toBe('block-not-allowed');
}

/** The contiguous bit stands only in groups whose input and output address are aligned (D8.6.1). */
export function checkContiguousAlignment(rooms: Rooms): void {
  const format = rooms.formats.FORMATS.find(({ id }) => id === 'arm-64-lpae-s1');
  const quirks = rooms.formats.QUIRK.ARM_CONTIGUOUS;
  if (format === undefined) throw new Error('no format');
  const request = format.request(K4, 48, 48, quirks);
  const domain = new rooms.core.Domain({ format, request, memory: new rooms.memory.TableMemory() });
  domain.map(K64, OUTPUT + K4, K64, RW);
  domain.map(2 * K64, OUTPUT + K64, K64, RW);
  const hint = (iova: number): boolean => {
    const step = walkerOf(rooms, domain).walk(BigInt(iova)).steps.at(-1);
    return ((domain.memory.read64(step?.entryAddress ?? 0) ?? 0n) & CONTIGUOUS) !== 0n;
  };
  expect([hint(K64), hint(2 * K64 - K4), hint(2 * K64), hint(3 * K64 - K4)]).toEqual([false, false, true, true]);
  freeAll(domain);
}

/** Each granule has its own widths, and its own codes in either half. */
export function checkGranuleCodes(rooms: Rooms): void {
  const { ARM_LPA2, ARM_TTBR1 } = rooms.formats.QUIRK;
  const format = rooms.formats.FORMATS.find(({ id }) => id === 'arm-64-lpae-s1');
  if (format === undefined) throw new Error('no format');
  for (const granule of [4096, 16384, 65536]) {
    for (const quirks of granule === 65536 ? [0, ARM_TTBR1] : [ARM_LPA2, ARM_TTBR1]) {
      const wide = granule === 65536 || quirks === ARM_LPA2;
      const request = format.request(granule, 48, wide ? 52 : 48, quirks);
      const domain = new rooms.core.Domain({ format, request, memory: new rooms.memory.TableMemory() });
      const pa = 2 ** (wide ? 51 : 47) + granule;
      const iova = quirks === ARM_TTBR1 ? (1n << 64n) - BigInt(granule) : BigInt(granule);
      domain.map(iova, pa, granule, RW);
      expect(seen(rooms, domain, iova), `${granule} ${quirks}`).toBe(pa);
      freeAll(domain);
    }
  }
}

/** DS moves bits 51:48 of the output address with 16 KiB, and nothing with 64 KiB (D8.3.1). */
export function checkReaderGranules({ hardware }: Rooms): void {
  const wide = (granule: 4096 | 16384 | 65536, ds: boolean, leaf: bigint): number | string => {
    const region = { ttb: 0x10000, tsz: 64 - Math.log2(granule) - Math.log2(granule / 8), granule };
    const regime = hardware.aarch64Stage1({ ttbr0: region, oas: 52, mair: 0xffn, ds });
    const reader = {
      read32: (at: number) => Number(at % 8 === 0 ? leaf & 0xffff_ffffn : leaf >> 32n),
      read64: () => leaf,
    };
    const found = new hardware.Walker(reader, regime).translate(0n);
    return found.ok ? found.pa : found.reason;
  };
  expect(wide(16384, true, (1n << 49n) | 0x4000n | 0x743n)).toBe(2 ** 49 + 2 ** 51 + 2 ** 50 + 0x4000);
  expect(wide(65536, true, (1n << 46n) | 0x743n)).toBe(2 ** 46);
}

/** Freeing a domain frees its tables at every level. */
export function checkTablesFreed(rooms: Rooms): void {
  const domain = new rooms.core.Domain({ granule: '4K', memory: new rooms.memory.TableMemory() });
  for (const iova of [0, G1, G512]) domain.map(iova, OUTPUT, K4, RW);
  expect(domain.memory.liveTables).toBe(9);
  freeAll(domain);
}

/** An input address above the range is refused by every call. */
export function checkInputLimit(rooms: Rooms): void {
  const domain = new rooms.core.Domain({ granule: '4K', memory: new rooms.memory.TableMemory() });
  domain.map(0, OUTPUT, K4, RW);
  for (const iova of [2 ** 48, 2 ** 52, 2n ** 48n, 2n ** 64n - 4096n]) {
    expect(refusalOf(() => domain.map(iova, OUTPUT, K4, RW))).toBe('OUT_OF_RANGE iova');
    expect(refusalOf(() => domain.unmap(iova, K4))).toBe('OUT_OF_RANGE iova');
    expect(refusalOf(() => domain.translate(iova))).toBe('OUT_OF_RANGE iova');
  }
  freeAll(domain);
}

/** The low half of an address is zero at 4 GiB: what aligns it stands in the high half. */
export function checkSizesAbove4GiB(rooms: Rooms): void {
  const domain = new rooms.core.Domain({ format: 'amd-v1', memory: new rooms.memory.TableMemory() });
  const [iova, pa] = [2 ** 32, 2 ** 40 + 2 ** 33];
  domain.map(iova, pa, 2 ** 36, RW);
  for (const offset of [0, K4, 2 ** 32, 2 ** 36 - K4]) expect(seen(rooms, domain, iova + offset)).toBe(pa + offset);
  domain.map(0xffff_f000, 2 ** 40 - K4, K4, RW);
  expect([seen(rooms, domain, 0xffff_f000), seen(rooms, domain, 2 ** 32)]).toEqual([2 ** 40 - K4, pa]);
  freeAll(domain);
}

/** The sum of an address and a size is refused where it leaves its range, also beyond 64 bits. */
export function checkOverflow({ core, memory }: Rooms): void {
  const options = { format: 'x86-64', semantics: 'linux-7.3' } as const;
  const domain = new core.Domain({ ...options, memory: new memory.TableMemory() });
  const top = 2n ** 64n - BigInt(K4);
  expect(domain.map(top, OUTPUT, 2 * K4, RW)).toMatchObject({ errno: -75, bytes: 0 });
  freeAll(domain);
  const safe = new core.Domain({ granule: '4K', memory: new memory.TableMemory() });
  expect(refusalOf(() => safe.map(0, 2 ** 48 - K4, 2 * K4, RW))).toBe('OUT_OF_RANGE pa');
  expect(refusalOf(() => safe.map(2 ** 48 - K4, 0, 2 * K4, RW))).toBe('OUT_OF_RANGE size');
  freeAll(safe);
}
