import { expect, test } from 'vitest';
import { Sets } from '../../src/device/sets.ts';

test('a cache without limit keeps every entry, whatever its ways', () => {
  const sets = new Sets('tlb', { entries: Number.POSITIVE_INFINITY, ways: 4 }, () => {});
  const slots = Array.from({ length: 1000 }, (_, i) => sets.place(i));
  expect([new Set(slots).size, sets.used, sets.evictions]).toEqual([1000, 1000, 0]);
  const found: number[] = [];
  sets.each((slot) => found.push(slot));
  expect(found.sort((a, b) => a - b)).toEqual([...slots].sort((a, b) => a - b));
});
