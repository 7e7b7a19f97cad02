import { describe, expect, test } from 'vitest';
import { alignDown, alignUp, checkAddress, formatSize, hex, isPow2, parseAddress, parseSize } from '../src/address.ts';

describe('address text', () => {
  test('sizes read in every common form', () => {
    expect(['4096', '0x1000', '4K', '4k', '4KiB', '2M', '1G'].map(parseSize)).toEqual([
      4096, 4096, 4096, 4096, 4096, 0x200000, 0x40000000,
    ]);
  });

  test('a text that is no size is refused by name', () => {
    for (const text of ['', 'K', '-4K', '4Q', '0x', '1.5M', '99999999999E']) {
      expect(() => parseSize(text)).toThrow(/size: expected a size .*, got '/);
    }
  });

  test('sizes are written in the largest whole unit', () => {
    expect([0, 1, 4096, 0x200000, 0x201000, 2 ** 42].map(formatSize)).toEqual(['0', '1', '4K', '2M', '2052K', '4T']);
  });

  test('addresses read and write as 64-bit hex', () => {
    expect(parseAddress('0xffff_ffff_ffff_f000')).toBe(0xfffffffffffff000n);
    expect(hex(-1n)).toBe('0xffffffffffffffff');
    expect(hex(0x1000, 8)).toBe('0x00001000');
    expect(() => parseAddress('0x10000000000000000')).toThrow(/expected a 64-bit address/);
  });
});

describe('address arithmetic', () => {
  test('alignment is exact above 2^32', () => {
    expect(alignDown(2 ** 47 + 4097, 4096)).toBe(2 ** 47 + 4096);
    expect(alignUp(2 ** 47 + 1, 2 ** 21)).toBe(2 ** 47 + 2 ** 21);
    expect([0, 1, 3, 2 ** 52, 2 ** 52 + 1].map(isPow2)).toEqual([false, true, false, true, false]);
  });

  test('numbers that may have been rounded are refused', () => {
    expect(() => checkAddress('iova', 2 ** 53)).toThrow(/UNSAFE_NUMBER/);
    expect(() => checkAddress('iova', -1)).toThrow(/NOT_A_NUMBER/);
    expect(() => checkAddress('iova', 1.5)).toThrow(/NOT_A_NUMBER/);
    expect(() => checkAddress('iova', 1n << 64n)).toThrow(/OUT_OF_RANGE/);
    expect(() => checkAddress('iova', (1n << 64n) - 1n)).not.toThrow();
  });
});
