import { describe, expect, test } from 'vitest';
import { addressUse, Trend } from '../../src/dma/address-use.ts';
import { IovaAllocator } from '../../src/dma/index.ts';

describe('the use of an address space', () => {
  test('an empty space is one range, and its largest fit is aligned', () => {
    const use = addressUse(new IovaAllocator({ granule: 4096 }));
    expect(use).toMatchObject({ space: 0xfffff, taken: 0, free: 0xfffff, largestRange: 0xfffff, fragmentation: 0 });
    expect(use.largestFit).toBe(0x80000);
  });

  test('a reservation in the middle halves the largest range', () => {
    const iova = new IovaAllocator({ granule: 4096 });
    iova.reserve(0x80000, 0x80000);
    const use = addressUse(iova);
    expect(use).toMatchObject({ taken: 1, free: 0xffffe, largestRange: 0x7ffff, largestFit: 0x40000 });
    expect(use.fragmentation).toBeCloseTo(0.5, 3);
  });

  test('ranges in caches are taken and told apart; a full space has no fit', () => {
    const iova = new IovaAllocator({ granule: 4096, startPfn: 0xffff0 });
    const pfns = Array.from({ length: 16 }, () => iova.allocFast(0, 1, 0xfffff, false));
    expect(addressUse(iova)).toMatchObject({
      space: 16,
      taken: 16,
      cached: 0,
      free: 0,
      largestFit: 0,
      fragmentation: 0,
    });
    for (const pfn of pfns) iova.freeFast(0, pfn, 1);
    expect(addressUse(iova)).toMatchObject({ taken: 16, cached: 16, free: 0 });
  });
});

test('places are those of a size at its alignment, so that one page in the middle takes a larger one away', () => {
  const iova = new IovaAllocator({ granule: 4096, startPfn: 0x100 });
  expect(addressUse(iova, 0x4ff, 0x100).places).toBe(4);
  expect(addressUse(iova, 0x4ff, 0x81).places).toBe(4);
  iova.reserve(0x280, 0x280);
  expect(addressUse(iova, 0x4ff, 0x100).places).toBe(3);
  expect(addressUse(iova, 0x4ff, 0x80).places).toBe(7);
  expect(addressUse(iova, 0x4ff, 1).places).toBe(0x3ff);
});

test('a line through what is left says when nothing is, and follows what happens now', () => {
  const trend = new Trend();
  for (let second = 0; second < 10; second++) trend.add(second * 1e9, 1000 - 50 * second);
  expect(trend.perSecond).toBeCloseTo(-50, 6);
  expect(trend.secondsUntilNone(1000)).toBeCloseTo(20, 6);
  const flat = new Trend();
  flat.add(0, 5);
  flat.add(1e9, 5);
  expect(flat.secondsUntilNone(1)).toBe(Number.POSITIVE_INFINITY);
  const late = new Trend();
  for (let second = 0; second < 1000; second++) late.add(second * 1e9, 1e6);
  for (let second = 0; second < 2000; second++) late.add((1000 + second) * 1e9, 1e6 - 100 * second);
  expect(late.perSecond).toBeCloseTo(-100, 0);
});
