import { describe, expect, test } from 'vitest';
import { compareEvents, compareValue } from '../../src/conform/compare.ts';
import { perform } from '../../src/conform/operations.ts';
import type { Gathered, Subject } from '../../src/conform/subject.ts';
import { IommuError } from '../../src/errors.ts';

const GATHER: Gathered = { start: 0x1000n, end: 0x1fffn, pages: [0x80001000n], leaf: 1, table: 2 };

/** A subject that notes its calls and answers them all alike. */
function noting(): { readonly calls: unknown[][]; readonly subject: Subject } {
  const calls: unknown[][] = [];
  const note = (name: string, answer: unknown) => {
    return (...args: unknown[]): never => {
      calls.push([name, ...args]);
      return answer as never;
    };
  };
  const unmapped = { bytes: 0x1000n, gather: GATHER, sync: true };
  return {
    calls,
    subject: {
      entryBits: 64,
      granted: () => ({}),
      registers: () => ({}),
      entries: () => undefined,
      takeEvents: () => [],
      tables: () => ({ allocated: 0, freed: 0 }),
      cleans: () => ({ calls: 0, bytes: 0 }),
      translate: () => 0n,
      failAfter: note('failAfter', undefined),
      map: note('map', -12),
      unmap: note('unmap', 0x2000n),
      mapSg: note('mapSg', { errno: -22, bytes: 0n }),
      mapRange: note('mapRange', { errno: 0, bytes: 0x3000n }),
      unmapRange: note('unmapRange', unmapped),
      beginGather: note('beginGather', undefined),
      endGather: note('endGather', unmapped),
      setDirty: note('setDirty', -2),
      readDirty: note('readDirty', { errno: 0, dirty: [[0x1000n, 0x1000n]], gather: { start: 0n, end: 5n } }),
      hardwareWrite: note('hardwareWrite', true),
      walk: note('walk', { errno: -22, entries: [1n, 0n, 0n, 0n] }),
      unmapPages: note('unmapPages', 0x1000n),
    },
  };
}

describe('an operation of a vector is one call with its arguments, and its answers stand under the keys of the schema', () => {
  const gather = { start: 0x1000n, end: 0x1fffn, pages: [0x80001000n], leaf: 1, table: 2 };
  const at = { iova: '0x1000', paddr: '0x2000', len: '0x3000', size: '0x3000', prot: 3 };
  test.each([
    [{ op: 'map_range', ...at }, ['mapRange', 0x1000n, 0x2000n, 0x3000n, 3], { ret: 0, mapped: 0x3000n }],
    [
      { op: 'unmap_range', ...at, queued: true },
      ['unmapRange', 0x1000n, 0x3000n, true],
      { ret: 0x1000n, gather, sync: true },
    ],
    [{ op: 'gather_begin', queued: false }, ['beginGather', false], {}],
    [{ op: 'gather_end' }, ['endGather'], { gather, sync: true }],
    [{ op: 'set_dirty', ...at }, ['setDirty', 0x1000n], { ret: -2 }],
    [
      { op: 'read_dirty', ...at, flags: 1, bitmap: true },
      ['readDirty', 0x1000n, 0x3000n, 1, true, true],
      { ret: 0, dirty: [[0x1000n, 0x1000n]], gather: { start: 0n, end: 5n } },
    ],
    [{ op: 'hw_write', ...at }, ['hardwareWrite', 0x1000n], { hit: true }],
    [{ op: 'pgtable_walk', ...at }, ['walk', 0x1000n], { ret: -22, ptes: [1n, 0n, 0n, 0n] }],
    [
      { op: 'unmap', ...at, pgsize: '0x1000', pgcount: 2, no_gather: true },
      ['unmapPages', 0x1000n, 0x1000n, 2, 'none'],
      { ret: 0x1000n },
    ],
    [
      { op: 'unmap', ...at, pgsize: '0x1000', pgcount: 2, queued: true },
      ['unmapPages', 0x1000n, 0x1000n, 2, 'queued'],
      { ret: 0x1000n },
    ],
    [{ op: 'iommu_map', ...at }, ['map', 0x1000n, 0x2000n, 0x3000n, 3], { ret: -12 }],
    [{ op: 'iommu_unmap', ...at }, ['unmap', 0x1000n, 0x3000n], { ret: 0x2000n }],
    [
      { op: 'iommu_map_sg', ...at, sg: [['0x5000', '0x1000']] as const },
      ['mapSg', 0x1000n, [[0x5000n, 0x1000n]], 3],
      { ret: -22 },
    ],
    [{ op: 'failalloc', after: 2 }, ['failAfter', 2], {}],
  ])('%o', (op, call, answers) => {
    const { calls, subject } = noting();
    expect(perform(subject, op)).toEqual(answers);
    expect(calls).toEqual([call]);
  });

  test('one that the engine of a format lacks is refused by name', () => {
    const { subject } = noting();
    expect(() => perform(subject, { op: 'map', ...at, pgsize: '0x1000', pgcount: 1 })).toThrow(IommuError);
    expect(() => perform(subject, { op: 'map', ...at, pgsize: '0x1000', pgcount: 1 })).toThrow(
      /expected an operation .*, got 'map'/,
    );
  });
});

describe('a difference names its field', () => {
  test('of a gather, of a list, of a missing key', () => {
    const recorded = { start: '0x1000', end: '0x1FFF', pages: ['0x80001000'] };
    const same = { start: 0x1000n, end: 0x1fffn, pages: [0x80001000n] };
    expect(compareValue('gather', recorded, same)).toBeUndefined();
    expect(compareValue('gather', recorded, { ...same, pages: [0x80002000n] })).toEqual({
      field: 'gather.pages[0]',
      expected: '0x80001000',
      got: '0x80002000',
    });
    expect(compareValue('gather', recorded, { ...same, leaf: 1 })).toMatchObject({ field: 'gather.leaf', got: '1' });
    expect(compareValue('sync', true, false)).toEqual({ field: 'sync', expected: 'true', got: 'false' });
    expect(compareValue('ret', -22, -34)).toEqual({ field: 'ret', expected: '-22', got: '-34' });
  });

  test('of events: runs of pages are compared page by page, tables of a sync in order', () => {
    expect(
      compareEvents(
        'tlb',
        [['A', '0x0', '0x1000', 2]],
        [
          ['A', '0x0', '0x1000', 1],
          ['A', '0x1000', '0x1000', 1],
        ],
      ),
    ).toBeUndefined();
    const sync = ['S', '0x0', '0xfff', ['0x80001000', '0x80002000'], 1, 0] as const;
    expect(compareEvents('ev', [sync], [['S', '0x0', '0xfff', ['0x80002000', '0x80001000'], 1, 0]])).toMatchObject({
      field: 'ev[0]',
    });
    expect(compareEvents('ev', [sync], [])).toMatchObject({ field: 'ev[0]', got: 'nothing' });
  });
});
