// Calls that are one kernel call each, against the same calls made the general way: a driver that may fail is not served at once.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Domain, type DomainOptions, type UnmapOptions } from '../../src/core/index.ts';
import { amdVi, armSmmu, armSmmuV3, type DriverFactory, intelVtd, riscvIommu } from '../../src/drivers/index.ts';
import { IommuError } from '../../src/index.ts';
import { TableMemory } from '../../src/memory/index.ts';

const PAGE = 4096;
const BLOCK = 2 ** 21;
const START = 2 ** 30;
/** First word of the tables: what kernels know, and copied lists, lie before them. */
const FIRST_TABLE = 0x50000 / 4;

const served: DriverFactory = armSmmu();

/** A driver that says nothing of failing. */
function general(served: DriverFactory): DriverFactory {
  return (context) => {
    const driver = served(context);
    return {
      name: driver.name,
      ...(driver.power === undefined ? {} : { power: driver.power }),
      tlb: driver.tlb,
      hooks: driver.hooks,
      attach: (registers) => driver.attach(registers),
      sync: () => driver.sync(),
      detach: () => driver.detach(),
      release: () => driver.release?.(),
    };
  };
}

const offset = fc.oneof(
  { weight: 12, arbitrary: fc.nat({ max: 1040 }).map((page) => START + page * PAGE) },
  { weight: 6, arbitrary: fc.nat({ max: 6 }).map((block) => START + block * BLOCK) },
  {
    weight: 1,
    arbitrary: fc.constantFrom(-PAGE, -0, 0.5, 5e-324, 2049, 2 ** 48, 2 ** 53, 2 ** 60, Number.NaN, Infinity),
  },
);
const size = fc.oneof(
  { weight: 8, arbitrary: fc.constantFrom(PAGE, 2 * PAGE, 16 * PAGE, 17 * PAGE, 511 * PAGE) },
  { weight: 6, arbitrary: fc.constantFrom(BLOCK, 2 * BLOCK, 4 * BLOCK, BLOCK + PAGE) },
  { weight: 1, arbitrary: fc.constantFrom(0, -PAGE, 2048, PAGE + 0.5, 2 ** 30, Number.NaN) },
);
const prot = fc.constantFrom(1, 2, 3, 3, 3, 0, 64);
const options = fc.constantFrom<UnmapOptions>(
  {},
  {},
  { holes: 'skip' },
  { invalidation: 'later' },
  { partialBlocks: 'refuse' },
);

/** Elements of a list: how far behind the end of the one before, and bytes. Many follow one another without a gap. */
const elements = fc.array(
  fc.record({
    gap: fc.oneof(
      { weight: 6, arbitrary: fc.constantFrom(0, 0, 0, PAGE, BLOCK) },
      { weight: 6, arbitrary: fc.nat({ max: 64 }).map((pages) => pages * PAGE) },
      { weight: 1, arbitrary: fc.constantFrom(1, 0.5, -PAGE, 2 ** 50, Number.NaN) },
    ),
    bytes: fc.oneof(
      { weight: 20, arbitrary: fc.constantFrom(PAGE, PAGE, PAGE, PAGE, 2 * PAGE, 0) },
      { weight: 3, arbitrary: fc.constantFrom(16 * PAGE, 300 * PAGE, 511 * PAGE, BLOCK, BLOCK + PAGE) },
      { weight: 1, arbitrary: fc.constantFrom(2048, -PAGE, 0.5) },
    ),
  }),
  { maxLength: 40 },
);

/** Lists of single pages that fill tables from end to end, or in part; of those that touch, some could be blocks. */
const pages = fc
  .record({
    count: fc.constantFrom(2, 40, 511, 512, 513, 1024, 1600),
    gap: fc.constantFrom(PAGE, 3 * PAGE, 0),
  })
  .map(({ count, gap }) => Array.from({ length: count }, () => ({ gap, bytes: PAGE })));

const call = fc.oneof(
  fc.record({
    op: fc.constant('elements' as const),
    iova: offset,
    pa: offset,
    elements: pages,
    own: fc.boolean(),
    prot,
  }),
  fc.record({ op: fc.constant('elements' as const), iova: offset, pa: offset, elements, own: fc.boolean(), prot }),
  fc.record({ op: fc.constant('map' as const), iova: offset, pa: offset, size, prot }),
  fc.record({ op: fc.constant('list' as const), iova: offset, pa: offset, size, prot }),
  fc.record({ op: fc.constant('unmap' as const), iova: offset, size, options }),
  fc.record({ op: fc.constant('translate' as const), iova: offset, inside: fc.nat({ max: PAGE - 1 }) }),
);
type Call = typeof call extends fc.Arbitrary<infer T> ? T : never;

/** Maps a list of several elements, from arrays of the caller or from the engine's memory. */
function mappedElements(domain: Domain, { iova, pa, elements, own, prot }: Extract<Call, { op: 'elements' }>): unknown {
  const addresses: number[] = [];
  let end = pa;
  for (const { gap, bytes } of elements) {
    addresses.push(end + gap);
    end += gap + bytes;
  }
  const lengths = elements.map(({ bytes }) => bytes);
  if (own) return domain.mapSg(iova, { addresses, lengths }, prot);
  const list = domain.memory.list(elements.length);
  list.addresses.set(addresses);
  list.lengths.set(lengths);
  try {
    return domain.mapSg(iova, list, prot);
  } finally {
    domain.memory.freeList(list);
  }
}

function made(domain: Domain, each: Call): unknown {
  switch (each.op) {
    case 'map':
      return domain.map(each.iova, each.pa, each.size, each.prot);
    case 'list':
      return domain.mapSg(each.iova, [{ address: each.pa, length: each.size }], each.prot);
    case 'elements':
      return mappedElements(domain, each);
    case 'unmap':
      return domain.unmap(each.iova, each.size, each.options);
    default:
      return domain.translate(each.iova + each.inside);
  }
}

/** What a call answers or refuses, and what was counted until then. */
function outcome(domain: Domain, each: Call): unknown {
  let answer: unknown;
  try {
    answer = made(domain, each);
  } catch (error) {
    if (!(error instanceof IommuError)) throw error;
    answer = error.message;
  }
  return [answer, domain.meter.snapshot(), domain.meter.commands?.snapshot(), domain.memory.liveTables];
}

function domainWith(driver: DriverFactory, options: DomainOptions, plainKernels: boolean): Domain {
  return new Domain({ ...options, driver, memory: new TableMemory({ plainKernels }) });
}

const FORMATS = ['arm-64-lpae-s1', 'arm-64-lpae-s2', 'arm-32-lpae-s1'] as const;
const PATHS = ['map-pages', 'one-walk', 'per-page', 'map-sg'] as const;

/** Drivers without a device, whose commands are done at once, each with a format that it takes. */
const drivers: readonly [name: string, driver: DriverFactory, format: string][] = [
  ...FORMATS.map((format): (typeof drivers)[number] => [`arm-smmu ${format}`, served, format]),
  ['arm-smmu-v3 of Linux 6.1', armSmmuV3({ kernel: '6.1' }), 'arm-64-lpae-s1'],
  ['arm-smmu-v3 of Linux 7.3', armSmmuV3({ kernel: '7.3', rangeInvalidation: false, ats: true }), 'arm-64-lpae-s2'],
  ['intel-vtd', intelVtd({ ats: true }), 'vtd-ss'],
  ['amd-vi', amdVi(), 'amd-v1'],
  ['amd-vi of Linux 7.3', amdVi({ kernel: '7.3' }), 'x86-64'],
  ['riscv-iommu', riscvIommu(), 'riscv-sv48'],
];

const setups = drivers.flatMap(([name, driver, format]) =>
  PATHS.map((path) => ({ name, driver, path, options: { format, path, granule: PAGE } })),
);

describe.each(setups)('$name by $path', ({ driver, options }) => {
  test.each(['indirect', 'direct'] as const)(
    'calls at once do what calls do, with %s dispatch',
    (dispatch) => {
      fc.assert(
        fc.property(fc.array(call, { maxLength: 40 }), fc.boolean(), (calls, plain) => {
          const [fast, slow] = [driver, general(driver)].map((each) =>
            domainWith(each, { ...options, dispatch }, plain),
          );
          if (fast === undefined || slow === undefined) throw new Error('two domains');
          for (const each of calls) expect(outcome(fast, each)).toEqual(outcome(slow, each));
          expect(fast.memory.u32.findIndex((word, i) => i >= FIRST_TABLE && word !== slow.memory.u32[i])).toBe(-1);
          for (const domain of [fast, slow]) {
            domain.free();
            expect(domain.memory.liveTables).toBe(0);
          }
        }),
        { numRuns: 25 },
      );
    },
    120_000,
  );
});

test('a block that was mapped at once is split with tables that were set aside before', () => {
  const memory = new TableMemory();
  const domain = new Domain({ granule: PAGE, path: 'one-walk', driver: served, memory });
  domain.map(START + 8 * BLOCK, 0, PAGE, 3);
  domain.map(START, START, BLOCK, 3);
  memory.failAfter(0);
  expect(() => domain.unmap(START + PAGE, PAGE)).toThrow(/NO_MEMORY/);
  expect(domain.leafSize(START)).toBe(BLOCK);
  memory.failAfter(-1);
  expect(domain.unmap(START + PAGE, PAGE)).toEqual({ bytes: PAGE, splits: 1 });
  domain.free();
});

describe('a list of single pages whose tables are all new', () => {
  const pagesOf = (count: number): Extract<Call, { op: 'elements' }> => {
    const list = Array.from({ length: count }, () => ({ gap: PAGE, bytes: PAGE }));
    return { op: 'elements', iova: START + 12 * PAGE, pa: START, elements: list, own: true, prot: 3 };
  };
  const twoDomains = (): Domain[] =>
    [served, general(served)].map((driver) => domainWith(driver, { granule: PAGE, path: 'one-walk' }, false));

  test('tables that are filled in part are zeroed, those filled from end to end are not', () => {
    const zeroed = [served, general(served)].map((driver) => {
      const first = domainWith(driver, { granule: PAGE, path: 'one-walk' }, false);
      made(first, pagesOf(1200));
      first.free();
      const second = new Domain({ granule: PAGE, path: 'one-walk', memory: first.memory, driver });
      const before = second.meter.zeroedBytes;
      made(second, pagesOf(1200));
      expect(second.leaves()).toHaveLength(1200);
      return (second.meter.zeroedBytes - before) / PAGE;
    });
    // Two tables above the last level, and those of the first 500 and the last 188 pages
    expect(zeroed).toEqual([4, 4]);
  });

  test.each(['address', 'length'] as const)('one %s that is not right is refused, and no table is taken', (what) => {
    const bad = Array.from({ length: 1600 }, (_, i) => {
      const wrong = i === 1300;
      return { gap: wrong && what === 'address' ? 1 : PAGE, bytes: wrong && what === 'length' ? PAGE / 2 : PAGE };
    });
    const call = { ...pagesOf(1600), elements: bad, own: false };
    for (const before of [[], [pagesOf(1200)]]) {
      const [fast, slow] = twoDomains().map((domain) => {
        for (const each of before) made(domain, each);
        for (const { iova, size } of domain.leaves()) domain.unmap(iova, size);
        const refused = outcome(domain, call);
        const next = outcome(domain, pagesOf(1300));
        return [refused, next, domain.leaves(), domain.registers];
      });
      expect(fast?.[0]).toEqual(expect.arrayContaining([expect.stringMatching(/UNALIGNED/)]));
      expect(fast).toEqual(slow);
    }
  });

  test.each([0, 1, 2, 3, 4, 5, 6])('where only %i tables find memory, it is refused and nothing is left', (count) => {
    const [fast, slow] = twoDomains().map((domain) => {
      domain.memory.failAfter(count);
      const answer = outcome(domain, pagesOf(1200));
      domain.memory.failAfter(-1);
      return [answer, domain.leaves().length, outcome(domain, pagesOf(1300)), domain.memory.u32.slice(FIRST_TABLE)];
    });
    expect(fast).toEqual(slow);
    expect(fast?.[1]).toBe(count < 5 ? 0 : 1200);
  });
});
