import { describe, expect, test } from 'vitest';
import { addressUse, Growth } from '../../src/dma/address-use.ts';
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

test('a line through live frames says when the rest is used up', () => {
  const growth = new Growth();
  for (let second = 0; second < 10; second++) growth.add(second * 1e9, 100 + 50 * second);
  expect(growth.framesPerSecond).toBeCloseTo(50, 6);
  expect(growth.secondsUntil(1000)).toBeCloseTo(20, 6);
  const flat = new Growth();
  flat.add(0, 5);
  flat.add(1e9, 5);
  expect(flat.secondsUntil(1)).toBe(Number.POSITIVE_INFINITY);
});
