import { describe, expect, test } from 'vitest';
import { Domain } from '../../src/core/index.ts';
import { cutList } from '../../src/memory/checked-list.ts';
import { type ListArrays, TableMemory } from '../../src/memory/index.ts';
import { STAGED_ELEMENTS } from '../../src/memory/table-memory.ts';
import { RW, refusal } from '../../src/testing/setup.ts';
import { snapshot } from '../../src/testing/snapshot.ts';

const PAGE = 4096;
const COUNT = 2 * STAGED_ELEMENTS + 1000;

/** Pages apart from each other, but for one run of neighbours. */
function listWithRun(run: { from: number; to: number }): { addresses: number[]; lengths: number[] } {
  const addresses: number[] = [];
  let next = 0x100000000;
  for (let i = 0; i < COUNT; i++) {
    if (i === run.from) next = 0x200000000;
    addresses.push(next);
    next += i >= run.from && i < run.to ? PAGE : 2 * PAGE;
  }
  return { addresses, lengths: addresses.map(() => PAGE) };
}

function tables(path: 'one-walk' | 'per-page', list: ListArrays): ReturnType<typeof snapshot> {
  const domain = new Domain({ granule: PAGE, path });
  domain.mapSg(0, list, RW);
  return snapshot(domain);
}

describe('a list longer than the room for copies', () => {
  const runs = {
    'across the end of the first piece': { from: STAGED_ELEMENTS - 700, to: STAGED_ELEMENTS + 900 },
    'that begins a piece': { from: STAGED_ELEMENTS, to: STAGED_ELEMENTS + 600 },
    'of more elements than a piece has': { from: 100, to: STAGED_ELEMENTS + 1100 },
  };

  test.each(Object.entries(runs))('with a contiguous run %s leaves the bytes of page after page', (_, run) => {
    const list = listWithRun(run);
    const typed = { addresses: Float64Array.from(list.addresses), lengths: Float64Array.from(list.lengths) };
    const expected = tables('per-page', list);
    expect(tables('one-walk', list)).toEqual(expected);
    expect(tables('one-walk', typed)).toEqual(expected);
  });

  test('with elements of no bytes where it would be cut leaves the bytes of page after page', () => {
    const list = listWithRun(runs['across the end of the first piece']);
    for (const i of [STAGED_ELEMENTS - 1, STAGED_ELEMENTS, STAGED_ELEMENTS + 1]) {
      list.addresses.splice(i, 0, 0x7000);
      list.lengths.splice(i, 0, 0);
    }
    expect(tables('one-walk', list)).toEqual(tables('per-page', list));
  });

  test('is one call and one walk', () => {
    const domain = new Domain({ granule: PAGE, path: 'one-walk' });
    domain.mapSg(0, listWithRun({ from: COUNT, to: COUNT }), RW);
    const { driverCalls, tableCalls, walks, wmb } = domain.meter;
    expect({ driverCalls, tableCalls, walks, wmb }).toEqual({ driverCalls: 1, tableCalls: 1, walks: 1, wmb: 1 });
  });

  test('is refused for an element of its last piece, and leaves no table', () => {
    const memory = new TableMemory();
    const domain = new Domain({ granule: PAGE, path: 'one-walk', memory });
    const list = listWithRun({ from: COUNT, to: COUNT });
    list.addresses[COUNT - 1] = 0x300000800;
    const before = memory.liveTables;
    expect(refusal(() => domain.mapSg(0, list, RW))).toMatchObject({
      code: 'UNALIGNED',
      argument: `list[${COUNT - 1}].address`,
    });
    expect(memory.liveTables).toBe(before);
  });

  test('is cut at ends of runs, each piece within the room', () => {
    const list = listWithRun(runs['across the end of the first piece']);
    const pieces = cutList(list) ?? [];
    expect(pieces.map(({ first, count }) => [first, count])).toEqual([
      [0, STAGED_ELEMENTS - 700],
      [STAGED_ELEMENTS - 700, STAGED_ELEMENTS],
      [2 * STAGED_ELEMENTS - 700, 1700],
    ]);
  });
});
