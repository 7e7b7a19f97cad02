/**
 * Bad input under the semantics `safe`: every refusal names its argument, its values and an errno, and no byte changes.
 * @module
 */

import type { Address } from '../../address.ts';
import type { Domain } from '../../core/domain.ts';
import { PATHS } from '../../core/paths.ts';
import type { BareCallbacks } from '../../drivers/bare.ts';
import { bareDriver } from '../../drivers/bare.ts';
import { PROT } from '../../formats/protection.ts';
import { expect } from '../expect.ts';
import { group, type Rule, rule } from '../rule.ts';
import { expectNoLeak, iovaOf, makeDomain, pageSizesOf, RW, refusal, type Setup, withDomain } from '../setup.ts';
import { snapshot } from '../snapshot.ts';

type Row = readonly [name: string, code: string, argument: string, errno: number, call: (d: Domain) => unknown];

const EINVAL = -22;
const ERANGE = -34;
const EEXIST = -17;

function small(domain: Domain): number {
  return pageSizesOf(domain.geometry)[0] ?? 0;
}

/** A mapping lies at page 8, three pages long. */
const TAKEN = 8;

function iova(domain: Domain, page: number): bigint {
  return iovaOf(domain, page * small(domain));
}

function mapAt(address: (domain: Domain) => Address): (domain: Domain) => unknown {
  return (d) => d.map(address(d), 0, small(d), RW);
}

function mapTo(pa: (domain: Domain) => Address): (domain: Domain) => unknown {
  return (d) => d.map(iova(d, 1), pa(d), small(d), RW);
}

function mapSize(size: (domain: Domain) => Address): (domain: Domain) => unknown {
  return (d) => d.map(iova(d, 1), 0, size(d), RW);
}

function mapProt(prot: number): (domain: Domain) => unknown {
  return (d) => d.map(iova(d, 1), 0, small(d), prot);
}

function mapList(...list: readonly (readonly [page: number, bytes: number])[]): (domain: Domain) => unknown {
  return (d) => {
    const elements = list.map(([page, bytes]) => ({ address: page * small(d), length: bytes * small(d) }));
    return d.mapSg(iova(d, 1), elements, RW);
  };
}

/** A list of one page, followed by `rest` elements of no bytes, over the mapping; in the engine's memory where `placed`. */
function mapOver(rest: number, placed: boolean): (domain: Domain) => unknown {
  return (d) => {
    const addresses = new Float64Array(rest + 1).fill(90 * small(d));
    const lengths = new Float64Array(rest + 1);
    lengths[0] = small(d);
    if (!placed) return d.mapSg(iova(d, TAKEN), { addresses, lengths }, RW);
    const list = d.memory.list(rest + 1);
    list.addresses.set(addresses);
    list.lengths.set(lengths);
    return d.mapSg(iova(d, TAKEN), list, RW);
  };
}

const inputEnd = (d: Domain): bigint => d.geometry.iovaBase + (1n << BigInt(d.geometry.ias));
const outputEnd = (d: Domain): bigint => 1n << BigInt(d.geometry.oas);

const ADDRESSES: readonly Row[] = [
  ['an unaligned iova', 'UNALIGNED', 'iova', EINVAL, mapAt((d) => iova(d, 1) + 8n)],
  ['an unaligned pa', 'UNALIGNED', 'pa', EINVAL, mapTo(() => 512)],
  ['an unaligned size', 'UNALIGNED', 'size', EINVAL, mapSize((d) => small(d) + 1)],
  ['a size of zero', 'EMPTY', 'size', EINVAL, mapSize(() => 0)],
  ['an iova at the end of the range', 'OUT_OF_RANGE', 'iova', ERANGE, mapAt((d) => inputEnd(d) & ((1n << 64n) - 1n))],
  ['an iova of 2^64', 'OUT_OF_RANGE', 'iova', ERANGE, mapAt(() => 1n << 64n)],
  ['a negative bigint', 'OUT_OF_RANGE', 'iova', ERANGE, mapAt(() => -4096n)],
  ['a size past the input range', 'OUT_OF_RANGE', 'size', ERANGE, mapSize((d) => 1n << BigInt(d.geometry.ias))],
  ['a size that overflows', 'OUT_OF_RANGE', 'size', ERANGE, mapSize(() => (1n << 64n) - 65536n)],
  ['a size of 2^53', 'UNSAFE_NUMBER', 'size', EINVAL, mapSize(() => 2 ** 53)],
  ['a pa at the end of the range', 'OUT_OF_RANGE', 'pa', ERANGE, mapTo(outputEnd)],
  [
    'a run past the output range',
    'OUT_OF_RANGE',
    'pa',
    ERANGE,
    (d) => d.map(iova(d, 1), outputEnd(d) - BigInt(small(d)), 2 * small(d), RW),
  ],
  ['a number above the safe integers', 'UNSAFE_NUMBER', 'pa', EINVAL, mapTo(() => 2 ** 60)],
  ['NaN', 'NOT_A_NUMBER', 'pa', EINVAL, mapTo(() => Number.NaN)],
  ['infinity', 'NOT_A_NUMBER', 'size', EINVAL, mapSize(() => Number.POSITIVE_INFINITY)],
  ['a negative number', 'NOT_A_NUMBER', 'pa', EINVAL, mapTo(() => -65536)],
  ['a fraction', 'NOT_A_NUMBER', 'size', EINVAL, mapSize(() => 65536.5)],
  ['a text', 'NOT_A_NUMBER', 'pa', EINVAL, mapTo(() => '0x1000' as unknown as number)],
];

/** Where all 64 bits are translated, there is no such address or size. */
const NEEDS_AN_END = new Set([
  'an iova at the end of the range',
  'a size that overflows',
  'a size past the input range',
  'an unmap past the range',
]);

const PROTECTIONS: readonly Row[] = [
  ['no access', 'BAD_PROTECTION', 'prot', EINVAL, mapProt(0)],
  ['neither read nor write', 'BAD_PROTECTION', 'prot', EINVAL, mapProt(PROT.CACHE | PROT.NOEXEC)],
  ['an unknown flag', 'BAD_PROTECTION', 'prot', EINVAL, mapProt(RW | 64)],
  ['a fraction of a flag', 'BAD_PROTECTION', 'prot', EINVAL, mapProt(1.5)],
  ['a negative protection', 'BAD_PROTECTION', 'prot', EINVAL, mapProt(-1)],
  ['a protection of NaN', 'BAD_PROTECTION', 'prot', EINVAL, mapProt(Number.NaN)],
];

const STATES: readonly Row[] = [
  ['an overlap at its head', 'OVERLAP', 'iova', EEXIST, (d) => d.map(iova(d, TAKEN), 0, small(d), RW)],
  ['an overlap at its tail', 'OVERLAP', 'iova', EEXIST, (d) => d.map(iova(d, 1), 0, TAKEN * small(d), RW)],
  ['a list that overlaps', 'OVERLAP', 'iova', EEXIST, mapList([3, TAKEN], [90, 1])],
  ['a list of one page over a mapping', 'OVERLAP', 'iova', EEXIST, mapOver(0, false)],
  ['a list of one page and of nothing over a mapping', 'OVERLAP', 'iova', EEXIST, mapOver(8, false)],
  ['a list of one page in the engine’s memory over a mapping', 'OVERLAP', 'iova', EEXIST, mapOver(0, true)],
  ['a hole', 'NOT_MAPPED', 'iova', EINVAL, (d) => d.unmap(iova(d, TAKEN), 4 * small(d))],
  ['nothing mapped', 'NOT_MAPPED', 'iova', EINVAL, (d) => d.unmap(iova(d, 1), small(d))],
  ['an unmap of zero', 'EMPTY', 'size', EINVAL, (d) => d.unmap(iova(d, TAKEN), 0)],
  ['an unaligned unmap', 'UNALIGNED', 'size', EINVAL, (d) => d.unmap(iova(d, TAKEN), small(d) / 2)],
  [
    'an unmap past the range',
    'OUT_OF_RANGE',
    'size',
    ERANGE,
    (d) => d.unmap(iova(d, TAKEN), 1n << BigInt(d.geometry.ias)),
  ],
  ['a translation past the range', 'OUT_OF_RANGE', 'iova', ERANGE, (d) => d.translate(1n << 64n)],
  ['a translation of a fraction', 'NOT_A_NUMBER', 'iova', EINVAL, (d) => d.translate(0.5)],
];

const LISTS: readonly Row[] = [
  ['an empty list', 'EMPTY', 'list', EINVAL, mapList()],
  ['a list of nothing', 'EMPTY', 'list', EINVAL, mapList([3, 0], [5, 0])],
  ['an unaligned element', 'UNALIGNED', 'list[1].address', EINVAL, mapList([3, 1], [5.5, 1])],
  ['an unaligned length', 'UNALIGNED', 'list[0].length', EINVAL, mapList([3, 1.5], [7, 1])],
  ['a length that is none', 'NOT_A_NUMBER', 'list[1].length', EINVAL, mapList([3, 1], [5, Number.NaN])],
  [
    'an element past the output range',
    'OUT_OF_RANGE',
    'list[1].address',
    ERANGE,
    (d) =>
      d.mapSg(
        iova(d, 1),
        [
          { address: 0, length: small(d) },
          { address: outputEnd(d), length: small(d) },
        ],
        RW,
      ),
  ],
  [
    'arrays of different length',
    'BAD_OPTION',
    'list',
    EINVAL,
    (d) => d.mapSg(iova(d, 1), { addresses: [0, 65536], lengths: [65536] }, RW),
  ],
  [
    'an unsafe element',
    'UNSAFE_NUMBER',
    'list[0].address',
    EINVAL,
    (d) => d.mapSg(iova(d, 1), { addresses: [2 ** 55], lengths: [65536] }, RW),
  ],
  [
    'a bigint that a double rounds',
    'UNSAFE_NUMBER',
    'list[0].address',
    EINVAL,
    (d) => d.mapSg(iova(d, 1), [{ address: (1n << 60n) + 1n, length: 65536 }], RW),
  ],
];

function refuses(setup: Setup, [name, code, argument, errno, call]: Row): void {
  for (const path of PATHS) {
    withDomain(setup, { path }, (domain) => {
      domain.map(iova(domain, TAKEN), 0, 3 * small(domain), RW);
      const before = snapshot(domain);
      const error = refusal(() => call(domain));
      expect({ code: error.code, argument: error.argument, errno: error.errno }, name).toEqual({
        code,
        argument,
        errno,
      });
      expect(error.message).toMatch(new RegExp(`\\(${code}, -${error.errnoName}\\)$`));
      if (!['NOT_A_NUMBER', 'BAD_PROTECTION', 'BAD_OPTION', 'EMPTY'].includes(code)) {
        expect(error.message).toMatch(/0x[0-9a-f]+/);
        expect(Object.keys(error.fields).length).toBeGreaterThan(0);
      }
      expect(snapshot(domain)).toEqual(before);
    });
  }
}

/** A driver whose every invalidation calls back into the domain. */
function callsBack(intrude: () => void): BareCallbacks {
  return { flushWalk: intrude, addPages: intrude, flushAll() {}, sync: intrude };
}

function refusesSecondWriter(setup: Setup): void {
  const refused: string[] = [];
  const second = (): void => {
    for (const write of [
      () => domain.map(iova(domain, 40), 0, small(domain), RW),
      () => domain.unmap(iova(domain, TAKEN), small(domain)),
      () => domain.mapSg(iova(domain, 40), [{ address: 0, length: small(domain) }], RW),
      () => domain.free(),
    ]) {
      refused.push(refusal(write).code);
    }
    expect(domain.translate(iova(domain, TAKEN + 2))).toBe(2 * small(domain));
  };
  const domain = makeDomain(setup, { driver: bareDriver(callsBack(second)) });
  domain.map(iova(domain, TAKEN), 0, 3 * small(domain), RW);
  expect(domain.unmap(iova(domain, TAKEN), small(domain)).bytes).toBe(small(domain));
  expect(new Set(refused)).toEqual(new Set(['SECOND_WRITER']));
  expect(refused.length).toBeGreaterThanOrEqual(8);
  expectNoLeak(domain);
}

function survivesThrowingCallback(setup: Setup): void {
  const sizes = pageSizesOf(setup.format.configure(setup.configuration.request));
  const large = sizes.at(-1) ?? 0;
  const armed = { on: false };
  const intrude = (): void => {
    if (armed.on) domain.map(0, 0, large, RW);
  };
  const domain = makeDomain(setup, { driver: bareDriver(callsBack(intrude)) });
  const [page = 0] = sizes;
  domain.map(iova(domain, 0), 0, page, RW);
  domain.unmap(iova(domain, 0), page);
  const before = snapshot(domain);
  armed.on = true;
  if (sizes.length > 1) {
    expect(refusal(() => domain.map(iova(domain, 0), 0, large, RW)).code).toBe('SECOND_WRITER');
    expect(snapshot(domain)).toEqual(before);
  }
  armed.on = false;
  expect(domain.map(iova(domain, 0), 0, large, RW).bytes).toBe(large);
  expectNoLeak(domain);
}

function refusesAfterFree(setup: Setup): void {
  const domain = makeDomain(setup);
  expectNoLeak(domain);
  for (const use of [
    () => domain.map(0, 0, 65536, RW),
    () => domain.mapSg(0, [], RW),
    () => domain.unmap(0, 65536),
    () => domain.translate(0),
    () => domain.leaves(),
    () => domain.flushAll(),
    () => domain.free(),
  ]) {
    expect(refusal(use)).toMatchObject({ code: 'FREED', argument: 'domain', errnoName: 'ENODEV' });
  }
  expect(domain.memory.liveTables).toBe(0);
}

/** Rules about bad input. */
export function refusalRules(setup: Setup): Rule[] {
  const whole = setup.configuration.request.ias === 64;
  const rows = [...ADDRESSES, ...PROTECTIONS, ...LISTS, ...STATES].filter(
    ([name]) => !(whole && NEEDS_AN_END.has(name)),
  );
  return group('refusals', [
    ...rows.map((row) => rule(`${row[0]}: ${row[1]}`, () => refuses(setup, row))),
    rule('a second writer, from within a callback', () => refusesSecondWriter(setup)),
    rule('a map whose callback throws is rolled back', () => survivesThrowingCallback(setup)),
    rule('every use after free', () => refusesAfterFree(setup)),
  ]);
}
