import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Domain, type DomainOptions } from '../../src/core/index.ts';
import { bareDriver } from '../../src/drivers/index.ts';
import { Walker } from '../../src/hardware/index.ts';
import { RW, refusal } from '../../src/testing/setup.ts';
import { snapshot } from '../../src/testing/snapshot.ts';
import { firstDifference } from './checks.ts';
import { regimeOf } from './regimes.ts';

const PAGE = 4096;
const IOVA = 2 ** 30;
const TRACKING = ['vtd-ss', 'amd-v1'] as const;

/** What the TLB was told, and how often it was synchronised. */
function heard(options: DomainOptions): { domain: Domain; events: (readonly [string, ...number[]])[] } {
  const events: (readonly [string, ...number[]])[] = [];
  const driver = bareDriver({
    flushWalk: (iova, size) => events.push(['walk', iova, size]),
    addPages: (iova, granule, count) => events.push(['pages', iova, granule, count]),
    flushAll: () => events.push(['all']),
    sync: () => events.push(['sync']),
    syncGather: ({ start, end }) => events.push(['gather', Number(start), Number(end)]),
  });
  return { domain: new Domain({ ...options, driver }), events };
}

function written(options: DomainOptions, pages: readonly number[]): ReturnType<typeof heard> {
  const made = heard({ pageSizes: PAGE, ...options });
  made.domain.map(IOVA, 0, 1100 * PAGE, RW);
  for (const page of pages) made.domain.setDirty(IOVA + page * PAGE);
  made.events.length = 0;
  return made;
}

describe.each(TRACKING)('%s', (format) => {
  test('a read clears once: the next one finds nothing, and only the first invalidates', () => {
    const { domain, events } = written({ format }, [3, 700, 702]);
    const first = domain.readDirty(IOVA, 1100 * PAGE);
    expect(first).toMatchObject({ pages: 1100, page: PAGE, leaves: 3, bytes: 3 * PAGE, errno: 0 });
    expect([first.bitmap.length, first.bitmap[0], first.bitmap[87]]).toEqual([138, 8, 0b0101_0000]);
    expect(events).toEqual([['pages', IOVA + 3 * PAGE, PAGE, 1], ['pages', IOVA + 700 * PAGE, PAGE, 3], ['sync']]);
    expect(domain.readDirty(IOVA, 1100 * PAGE)).toMatchObject({ leaves: 0, bytes: 0 });
    expect(events).toHaveLength(3);
  });

  test('a look leaves every byte and tells the TLB nothing', () => {
    const { domain, events } = written({ format }, [1]);
    const before = snapshot(domain);
    expect(domain.readDirty(IOVA, 8 * PAGE, { clear: false })).toMatchObject({ leaves: 1 });
    expect([snapshot(domain), events]).toEqual([before, []]);
  });

  test('bits are added to a bitmap of the caller, whose other bits stay', () => {
    const { domain } = written({ format }, [8, 9]);
    const bitmap = new Uint8Array(4).fill(0x80);
    const read = domain.readDirty(IOVA, 24 * PAGE, { bitmap });
    expect(read.bitmap).toBe(bitmap);
    expect([...bitmap]).toEqual([0x80, 0x83, 0x80, 0x80]);
  });

  test('a device reads the flag D of an entry where a read finds its page dirty, and of none after it', () => {
    fc.assert(
      fc.property(fc.uniqueArray(fc.nat({ max: 1099 }), { maxLength: 30 }), fc.boolean(), (pages, large) => {
        const { domain } = written(large ? { format, pageSizes: 2 ** 22 - PAGE } : { format }, pages);
        const walker = new Walker(domain.memory, regimeOf(domain));
        const flags = (): number[] =>
          Array.from({ length: 1100 }, (_, page) => {
            const { fields } = walker.walk(IOVA + page * PAGE).steps.at(-1) ?? {};
            return Number(fields?.['D']);
          });
        const before = flags();
        const { bitmap, leaves } = domain.readDirty(IOVA, 1100 * PAGE);
        const bits = before.map((_, page) => ((bitmap[page >>> 3] ?? 0) >>> (page & 7)) & 1);
        for (const page of pages) expect([before[page], bits[page]]).toEqual([1, 1]);
        const missed = before.filter((flag, page) => flag === 1 && bits[page] !== 1);
        expect(missed).toEqual([]);
        if (!large) expect([bits, leaves]).toEqual([before, pages.length]);
        expect(new Set(flags())).toEqual(new Set([0]));
      }),
      { numRuns: 15 },
    );
  });

  test('under linux-7.3 the gather is synchronised, and errors are errnos', () => {
    const { domain, events } = written({ format, semantics: 'linux-7.3' }, [2, 5]);
    expect(domain.readDirty(IOVA, 8 * PAGE)).toMatchObject({ leaves: 2, errno: 0 });
    expect(events).toEqual([['gather', IOVA + 2 * PAGE, IOVA + 6 * PAGE - 1]]);
    expect(domain.readDirty(IOVA, 0)).toMatchObject({ errno: -22, leaves: 0 });
    expect(domain.readDirty(2 ** 51, PAGE)).toMatchObject({ errno: -34 });
  });

  test('a bitmap that is too short, or a page that no bit can stand for, is refused before anything is read', () => {
    const { domain } = written({ format }, [0]);
    const before = snapshot(domain);
    const bad = [
      { bitmap: new Uint8Array(1) },
      { bitmap: [] as never },
      { page: 2048 },
      { page: 3 * PAGE },
      { page: '4K' as never },
      { clear: 1 as never },
      7 as never,
    ];
    for (const options of bad) expect(refusal(() => domain.readDirty(IOVA, 9 * PAGE, options)).code).toBe('BAD_OPTION');
    expect(refusal(() => domain.readDirty(IOVA + PAGE, 2 * PAGE, { page: 2 * PAGE }))).toMatchObject({
      code: 'UNALIGNED',
      argument: 'iova',
    });
    expect(refusal(() => domain.readDirty(IOVA, PAGE, { page: 2 * PAGE }))).toMatchObject({ argument: 'size' });
    expect(refusal(() => domain.readDirty(IOVA, 0)).code).toBe('EMPTY');
    expect(refusal(() => domain.readDirty(0, 2 ** 46)).code).toBe('OUT_OF_RANGE');
    expect(snapshot(domain)).toEqual(before);
  });
});

test('what is cleared is cleaned out of the cache where walks are not coherent', () => {
  const { domain } = written({ format: 'vtd-ss', coherent: false }, [10, 12]);
  const before = domain.meter.snapshot();
  domain.readDirty(IOVA, 16 * PAGE);
  expect(domain.meter.since(before)).toMatchObject({ cleanCalls: 1, cleanBytes: 24 });
});

test('a format that does not tell, or a kernel without the call, is refused by name', () => {
  const plain = refusal(() => new Domain({ format: 'x86-64' }).readDirty(0, PAGE));
  expect(plain).toMatchObject({ code: 'UNSUPPORTED', argument: 'format' });
  expect(plain.message).toContain('vtd-ss, amd-v1');
  expect(plain.message).toContain('got x86-64');
  const linux = new Domain({ format: 'riscv-sv39', semantics: 'linux-7.3' });
  expect(linux.readDirty(0, PAGE)).toMatchObject({ errno: -95, leaves: 0 });
});

test('a root that grows: what lies above it is not dirty', () => {
  const domain = new Domain({ format: 'amd-v1' });
  domain.map(0, 0, PAGE, RW);
  domain.setDirty(0);
  expect(domain.readDirty(0, 2 ** 43, { page: 2 ** 30 })).toMatchObject({ leaves: 1, pages: 8192 });
  expect(domain.readDirty(2 ** 50, 2 ** 21)).toMatchObject({ leaves: 0 });
});

test('a freed domain is not read', () => {
  const domain = new Domain({ format: 'vtd-ss' });
  domain.free();
  expect(refusal(() => domain.readDirty(0, PAGE)).code).toBe('FREED');
});

test('a leaf of several entries is read as one where hardware marked one of them', () => {
  const domain = new Domain({ format: 'amd-v1', driver: bareDriver() });
  domain.map(0, 0x40000, 0x4000, RW);
  expect(domain.leaves()).toHaveLength(1);
  for (const page of [0, 3]) domain.setDirty(page * PAGE);
  expect(firstDifference(domain, regimeOf(domain), domain.leaves())).toBeUndefined();
});
