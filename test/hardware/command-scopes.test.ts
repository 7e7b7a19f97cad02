import { describe, expect, test } from 'vitest';
import { AMD_COMMANDS } from '../../src/hardware/amd-vi/commands.ts';
import { ANY, type CommandDecoder, emptyScope, type Scope } from '../../src/hardware/command.ts';
import { RISCV_COMMANDS } from '../../src/hardware/riscv/commands.ts';
import { SMMU_V3_COMMANDS } from '../../src/hardware/smmu-v3/commands.ts';
import { VIRTIO_REQUESTS } from '../../src/hardware/virtio/requests.ts';
import { VTD_DESCRIPTORS, VTD_WIDE_DESCRIPTORS } from '../../src/hardware/vt-d/descriptors.ts';
import { fieldWith, placesOf, wordsOf } from './places.ts';

/** What a command covers, and what each of its bits changes in that. */
interface Row {
  /** The command, low and high quadword. */
  readonly is: readonly [low: bigint, high?: bigint];
  readonly covers: Partial<Scope>;
  /** Numbers of the scope by the bits that hold them; every other bit changes nothing, or is in `bits`. */
  readonly at?: string;
  /** What single bits change, by bit of the whole command. */
  readonly bits?: Readonly<Record<number, Partial<Scope>>>;
}

const FIRST = 1;
const SECOND = 2;
const BOTH = 3;
const EVERYTHING: Partial<Scope> = {
  domain: ANY,
  space: ANY,
  globals: true,
  stages: BOTH,
  first: 0,
  pages: Number.POSITIVE_INFINITY,
  walk: true,
  level: ANY,
  granule: 0,
  stream: ANY,
  streams: Number.POSITIVE_INFINITY,
  substream: ANY,
  directory: true,
  storeBytes: 0,
  storeAddress: 0,
  storeLow: 0,
  storeHigh: 0,
  signals: false,
};
const ILLEGAL: Partial<Scope> = { kind: 'illegal' };

/** `count` bits from `first`, bit n of them giving `value(n)`. */
function each(first: number, count: number, value: (n: number) => Partial<Scope>): Record<number, Partial<Scope>> {
  return Object.fromEntries(Array.from({ length: count }, (_, n) => [first + n, value(n)]));
}

const stageOne = (rest: Partial<Scope> = {}): Partial<Scope> => ({ kind: 'tlb', stages: FIRST, ...rest });
const pageOf = (rest: Partial<Scope>): Partial<Scope> => ({ kind: 'tlb', pages: 1, ...rest });
const granuleOnly = (granule: number): Partial<Scope> => ({ granule, pages: granule / 4096, kind: 'illegal' });

// IHI 0070 4.4.1: a command by address; without TG it covers one page of 4 KiB, and TG without NUM, SCALE or TTL is illegal
const BY_ADDRESS = { 64: { walk: false }, 74: granuleOnly(4096), 75: granuleOnly(16384) };
const EL2 = 0x10000;
const EL3 = 0x10001;
const NUM = each(12, 5, (n) => ({ pages: 2 ** n + 1 }));
const SCALE = each(20, 6, (n) => ({ pages: 2 ** Math.min(39, 2 ** n) }));

const SMMU_V3: readonly Row[] = [
  ...[0x01n, 0x02n, 0x07n, 0x41n, 0x44n, 0x45n].map((low): Row => ({ is: [low], covers: { kind: 'other' } })),
  // 4.3.1 to 4.3.4
  { is: [0x03n], covers: { kind: 'config', streams: 1 }, at: 'stream 63:32' },
  {
    is: [0x04n],
    covers: { kind: 'config', streams: 2 },
    at: 'stream 63:32',
    bits: { 32: { stream: 0 }, ...each(64, 5, (n) => ({ streams: 2 ** (2 ** n + 1) })) },
  },
  { is: [0x04n, 31n], covers: { kind: 'config' } },
  {
    is: [(0xffff_ffffn << 32n) | 0x04n, 3n],
    covers: { kind: 'config', stream: 0xffff_fff0, streams: 16 },
    bits: {
      68: { streams: 2 ** 20, stream: 0xfff0_0000 },
      66: { streams: 256, stream: 0xffff_ff00 },
      67: { streams: 4096, stream: 0xffff_f000 },
    },
  },
  {
    is: [0x05n],
    covers: { kind: 'config', streams: 1 },
    at: 'stream 63:32, substream 31:12',
    bits: { 64: { directory: false } },
  },
  { is: [0x06n], covers: { kind: 'config', streams: 1, directory: false }, at: 'stream 63:32' },
  // 4.4.2 to 4.4.5
  { is: [0x10n], covers: stageOne(), at: 'domain 47:32' },
  { is: [0x11n], covers: stageOne({ globals: false }), at: 'domain 47:32, space 63:48' },
  { is: [0x12n], covers: pageOf({ stages: FIRST }), at: 'domain 47:32, space 63:48 | first 63:12', bits: BY_ADDRESS },
  { is: [0x13n], covers: pageOf({ stages: FIRST }), at: 'domain 47:32 | first 63:12', bits: BY_ADDRESS },
  { is: [0x18n], covers: stageOne({ domain: EL3 }) },
  { is: [0x1an], covers: pageOf({ stages: FIRST, domain: EL3 }), at: '- | first 63:12', bits: BY_ADDRESS },
  { is: [0x20n], covers: stageOne({ domain: EL2 }) },
  { is: [0x21n], covers: stageOne({ domain: EL2, globals: false }), at: 'space 63:48' },
  { is: [0x22n], covers: pageOf({ stages: FIRST, domain: EL2 }), at: 'space 63:48 | first 63:12', bits: BY_ADDRESS },
  { is: [0x23n], covers: pageOf({ stages: FIRST, domain: EL2 }), at: '- | first 63:12', bits: BY_ADDRESS },
  { is: [0x28n], covers: { kind: 'tlb', stages: BOTH }, at: 'domain 47:32' },
  { is: [0x2an], covers: pageOf({ stages: SECOND }), at: 'domain 47:32 | first 63:12', bits: BY_ADDRESS },
  { is: [0x30n], covers: { kind: 'tlb' } },
  // a range of the 4 KiB granule, leaves at level 3; leaves at any level where TTL is 0
  {
    is: [0x2an, 0x700n],
    covers: pageOf({ stages: SECOND, granule: 4096, level: 3 }),
    at: 'domain 47:32 | first 63:12',
    bits: { 64: { walk: false }, 75: { granule: 65536, pages: 16 }, ...NUM, ...SCALE },
  },
  {
    is: [0x10_002an, 0x400n],
    covers: { kind: 'tlb', stages: SECOND, pages: 2, granule: 4096 },
    at: 'domain 47:32 | first 63:12',
    bits: {
      64: { walk: false },
      72: { level: 1 },
      73: { level: 2 },
      75: { granule: 65536, pages: 32 },
      ...each(12, 5, (n) => ({ pages: 2 * (2 ** n + 1) })),
      ...each(21, 5, (n) => ({ pages: 2 ** Math.min(39, 2 ** (n + 1) + 1) })),
    },
  },
  {
    is: [0x1_002an, 0x800n],
    covers: { kind: 'tlb', stages: SECOND, domain: 0, first: 0, pages: 17 * 4, granule: 16384 },
    at: 'domain 47:32 | first 63:12',
    bits: {
      64: { walk: false },
      72: { level: 1 },
      73: { level: 2 },
      74: { granule: 65536, pages: 17 * 16 },
      ...each(12, 4, (n) => ({ pages: (17 + 2 ** n) * 4 })),
      ...each(20, 6, (n) => ({ pages: 17 * 4 * 2 ** Math.min(39, 2 ** n) })),
    },
  },
  // 4.5.1
  {
    is: [0x40n],
    covers: { kind: 'device-tlb', streams: 1, pages: 1 },
    at: 'stream 63:32 | first 63:12',
    bits: { 11: { substream: 0 }, ...each(64, 6, (n) => ({ pages: 2 ** (2 ** n) })) },
  },
  {
    is: [0x840n],
    covers: { kind: 'device-tlb', streams: 1, pages: 1 },
    at: 'stream 63:32, substream 31:12 | first 63:12',
    bits: { 9: { substream: ANY }, ...each(64, 6, (n) => ({ pages: 2 ** (2 ** n) })) },
  },
  { is: [0x40n, 0xffff_f000n | 51n], covers: { kind: 'device-tlb', streams: 1, stream: 0, pages: 2 ** 51 } },
  { is: [0x40n, 0xffff_f000n | 52n], covers: { kind: 'device-tlb', streams: 1, stream: 0 } },
  { is: [0x40n, 0xffff_f000n | 5n], covers: { kind: 'device-tlb', streams: 1, stream: 0, first: 0xfffe0, pages: 32 } },
  // 4.7.3
  { is: [0x46n], covers: { kind: 'completion' }, bits: each(12, 2, () => ({ signals: true })) },
  {
    is: [0x1046n],
    covers: { kind: 'completion', signals: true },
    bits: { 13: ILLEGAL, ...each(66, 54, (n) => ({ storeBytes: 4, storeAddress: 2 ** (n + 2) })) },
  },
  {
    is: [0x1046n, 0x8000_0000n],
    covers: { kind: 'completion', signals: true, storeBytes: 4, storeAddress: 0x8000_0000 },
    at: 'storeLow 63:32',
    bits: {
      13: { ...ILLEGAL, storeBytes: 0, storeAddress: 0 },
      ...each(66, 54, (n) => ({ storeAddress: 0x8000_0000 + 2 ** (n + 2) })),
    },
  },
];

// VT-d 6.5.2.1 to 6.5.2.8
const VTD_PAGES = { ...each(64, 6, (n) => ({ pages: 2 ** (2 ** n) })), 70: { walk: false } };
const DRAINS = { 6: {}, 7: {} };
const VTD: readonly Row[] = [
  { is: [0x01n], covers: ILLEGAL },
  { is: [0x11n], covers: { kind: 'config' }, bits: { 5: { domain: 0, stream: 0, streams: 1 } } },
  { is: [0x21n], covers: { kind: 'config' }, at: 'domain 31:16', bits: { 4: { stream: 0, streams: 1 } } },
  {
    is: [0x31n],
    covers: { kind: 'config', streams: 1 },
    at: 'domain 31:16, stream 47:32',
    bits: { 48: { streams: 2 }, 49: { streams: 4 } },
  },
  ...(
    [
      [0n, 1, 0xff],
      [1n, 2, 0xfb],
      [2n, 4, 0xf9],
      [3n, 8, 0xf8],
    ] as const
  ).map(
    ([mask, streams, stream]): Row => ({
      is: [(mask << 48n) | (0xffn << 32n) | 0x31n],
      covers: { kind: 'config', domain: 0, stream, streams },
    }),
  ),
  { is: [0x02n], covers: ILLEGAL },
  { is: [0x12n], covers: { kind: 'tlb' }, bits: { 5: { domain: 0, stages: SECOND, pages: 1 } } },
  { is: [0x22n], covers: { kind: 'tlb' }, at: 'domain 31:16', bits: { 4: { stages: SECOND, pages: 1 } } },
  {
    is: [0x32n],
    covers: pageOf({ stages: SECOND }),
    at: 'domain 31:16 | first 63:12',
    bits: { ...DRAINS, ...VTD_PAGES },
  },
  { is: [0x32n, 0xffff_f000n | 4n], covers: pageOf({ stages: SECOND, domain: 0, first: 0xffff0, pages: 16 }) },
  {
    is: [0x03n],
    covers: { kind: 'device-tlb', streams: 1, pages: 1 },
    at: 'stream 47:32 | first 63:12',
    bits: { 64: { pages: 2 } },
  },
  { is: [0x03n, 0x1000_7001n], covers: { kind: 'device-tlb', stream: 0, streams: 1, first: 0x10000, pages: 16 } },
  { is: [0x04n], covers: { kind: 'other' } },
  { is: [0x05n], covers: { kind: 'completion' }, bits: { 4: { signals: true }, 5: { storeBytes: 4 } } },
  {
    is: [0x25n],
    covers: { kind: 'completion', storeBytes: 4 },
    at: 'storeLow 63:32',
    bits: { 4: { signals: true }, ...each(66, 62, (n) => ({ storeAddress: 2 ** (n + 2) })) },
  },
  { is: [0x06n], covers: ILLEGAL },
  { is: [0x16n], covers: ILLEGAL, bits: { 5: { kind: 'tlb', stages: FIRST, domain: 0, space: 0, pages: 1 } } },
  { is: [0x26n], covers: stageOne(), at: 'domain 31:16, space 51:32', bits: { 4: { pages: 1 } } },
  { is: [0x36n], covers: pageOf({ stages: FIRST }), at: 'domain 31:16, space 51:32 | first 63:12', bits: VTD_PAGES },
  {
    is: [0x07n],
    covers: { kind: 'config', directory: false },
    at: 'domain 31:16',
    bits: { 4: { substream: 0 }, 5: ILLEGAL },
  },
  {
    is: [0x17n],
    covers: { kind: 'config', directory: false },
    at: 'domain 31:16, substream 51:32',
    bits: { 5: { domain: ANY, substream: ANY } },
  },
  { is: [0x37n], covers: { kind: 'config', directory: false } },
  { is: [0x27n], covers: ILLEGAL },
  {
    is: [0x08n],
    covers: { kind: 'device-tlb', streams: 1, pages: 1 },
    at: 'stream 31:16, substream 51:32 | first 63:12',
    bits: { 64: { substream: ANY }, 75: { pages: 2 } },
  },
  { is: [0x09n], covers: { kind: 'other' } },
];

// AMD 48882 2.4.1 to 2.4.8
const code = (opcode: bigint, rest = 0n): bigint => (opcode << 60n) | rest;
const SIZED = { 64: { pages: 2 } };
const AMD: readonly Row[] = [
  { is: [code(1n)], covers: { kind: 'completion' }, bits: { 0: { storeBytes: 8 }, 1: { signals: true } } },
  {
    is: [code(1n, 1n)],
    covers: { kind: 'completion', storeBytes: 8 },
    at: '- | storeLow 31:0, storeHigh 63:32',
    bits: { 1: { signals: true }, ...each(3, 49, (n) => ({ storeAddress: 2 ** (n + 3) })) },
  },
  { is: [code(2n)], covers: { kind: 'config', streams: 1 }, at: 'stream 15:0' },
  {
    is: [code(3n)],
    covers: pageOf({ stages: SECOND, walk: false }),
    at: 'domain 47:32 | first 63:12',
    bits: { ...SIZED, 65: { walk: true }, 66: { stages: FIRST, space: 0 } },
  },
  {
    is: [code(3n), 4n],
    covers: pageOf({ stages: FIRST, walk: false }),
    at: 'space 19:0, domain 47:32 | first 63:12',
    bits: { ...SIZED, 65: { walk: true } },
  },
  {
    is: [code(4n)],
    covers: { kind: 'device-tlb', streams: 1, pages: 1 },
    at: 'stream 15:0 | first 63:12',
    bits: { ...SIZED, 66: { substream: 0 } },
  },
  {
    is: [code(4n), 4n],
    covers: { kind: 'device-tlb', streams: 1, pages: 1, substream: 0 },
    at: 'stream 15:0 | first 63:12',
    bits: {
      ...SIZED,
      ...each(16, 8, (n) => ({ substream: 2 ** n })),
      ...each(48, 12, (n) => ({ substream: 2 ** (n + 8) })),
    },
  },
  ...[5n, 6n, 7n].map((opcode): Row => ({ is: [code(opcode)], covers: { kind: 'other' } })),
  { is: [code(8n)], covers: { kind: 'tlb' } },
];

// RISC-V IOMMU 4.1.1 to 4.1.4
const HOST = 0x10000;
const RISCV: readonly Row[] = [
  {
    is: [0x001n],
    covers: stageOne({ domain: HOST }),
    bits: { 10: { pages: 1, walk: false }, 32: { space: 0, globals: false }, 33: { domain: 0 } },
  },
  {
    is: [0x001n | (1n << 33n)],
    covers: stageOne(),
    at: 'domain 59:44',
    bits: { 10: { pages: 1, walk: false }, 32: { space: 0, globals: false } },
  },
  {
    is: [0x401n | (1n << 32n)],
    covers: pageOf({ stages: FIRST, domain: HOST, globals: false, walk: false }),
    at: 'space 31:12 | first 61:10',
    bits: { 33: { domain: 0 }, 34: { walk: true }, 73: { pages: 2 } },
  },
  { is: [0x081n], covers: { kind: 'tlb', stages: SECOND }, bits: { 32: ILLEGAL, 33: { domain: 0 } } },
  {
    is: [0x081n | (1n << 33n)],
    covers: { kind: 'tlb', stages: SECOND },
    at: 'domain 59:44',
    bits: { 10: { pages: 1, walk: false }, 32: ILLEGAL },
  },
  {
    is: [0x481n | (1n << 33n)],
    covers: pageOf({ stages: SECOND, walk: false }),
    at: 'domain 59:44 | first 61:10',
    bits: { 32: ILLEGAL, 34: { walk: true }, 73: { pages: 2 } },
  },
  { is: [0x002n], covers: { kind: 'completion' }, bits: { 10: { storeBytes: 4 }, 11: { signals: true } } },
  {
    is: [0x402n],
    covers: { kind: 'completion', storeBytes: 4 },
    at: 'storeLow 63:32',
    bits: { 11: { signals: true }, ...each(64, 62, (n) => ({ storeAddress: 2 ** (n + 2) })) },
  },
  { is: [0x003n], covers: { kind: 'config' }, bits: { 33: { stream: 0, streams: 1 } } },
  { is: [0x003n | (1n << 33n)], covers: { kind: 'config', streams: 1 }, at: 'stream 63:40' },
  {
    is: [0x083n],
    covers: { ...ILLEGAL, directory: false },
    at: 'substream 31:12',
    bits: { 33: { kind: 'config', stream: 0, streams: 1 } },
  },
  {
    is: [0x083n | (1n << 33n)],
    covers: { kind: 'config', streams: 1, directory: false },
    at: 'substream 31:12, stream 63:40',
  },
  {
    is: [0x004n],
    covers: { kind: 'device-tlb', streams: 1, pages: 1 },
    at: 'stream 55:40 | first 63:12',
    bits: { 32: { substream: 0 }, 75: { pages: 2 } },
  },
  {
    is: [0x004n | (3n << 32n)],
    covers: { kind: 'device-tlb', streams: 1, pages: 1 },
    at: 'substream 31:12, stream 63:40 | first 63:12',
    bits: { 75: { pages: 2 } },
  },
  { is: [0x084n], covers: { kind: 'other' } },
];

/** The bits of a command that name its type. */
const NAMING = { smmu: 0xffn, vtd: 0xe0fn, amd: 0xfn << 60n, riscv: 0x3ffn } as const;

/** What a row says of the command with one more bit set. */
function expected({ covers, at = '', bits = {} }: Row, bit: number | undefined): Partial<Scope> {
  const numbers = placesOf(at).map((place) => [place.name, bit === undefined ? 0 : Number(fieldWith(place, bit))]);
  return { ...EVERYTHING, ...covers, ...Object.fromEntries(numbers), ...(bit === undefined ? {} : bits[bit]) };
}

/** Of an illegal command, nothing else counts. */
function compared(scope: Partial<Scope>): Partial<Scope> {
  return scope.kind === 'illegal' ? ILLEGAL : scope;
}

const UNITS: readonly (readonly [string, CommandDecoder, readonly Row[], bigint])[] = [
  ['SMMUv3', SMMU_V3_COMMANDS, SMMU_V3, NAMING.smmu],
  ['VT-d', VTD_DESCRIPTORS, VTD, NAMING.vtd],
  ['AMD-Vi', AMD_COMMANDS, AMD, NAMING.amd],
  ['RISC-V', RISCV_COMMANDS, RISCV, NAMING.riscv],
];

describe.each(UNITS)('what a command of %s covers', (_, decoder, rows, naming) => {
  const listed = rows.map((row) => ({ ...row, value: row.is[0] | ((row.is[1] ?? 0n) << 64n) }));

  test.each(listed)('$value', ({ value, ...row }) => {
    const { scope } = decoder.decode(wordsOf(value, 4));
    expect(compared(scope)).toEqual(compared(expected(row, undefined)));
  });

  test.each(listed.filter(({ at, bits }) => at !== undefined || bits !== undefined))(
    '$value, bit by bit',
    ({ value, ...row }) => {
      for (let bit = 0; bit < 128; bit++) {
        if ((((value | naming) >> BigInt(bit)) & 1n) === 1n) continue;
        const { scope, reserved } = decoder.decode(wordsOf(value | (1n << BigInt(bit)), 4));
        const refused = reserved && decoder.table.reservedMustBeZero;
        const wanted = refused ? ILLEGAL : expected(row, bit);
        expect({ bit, ...compared(scope) }).toEqual({ bit, ...compared(wanted) });
      }
    },
  );
});

test('a command of an unknown type covers nothing and is illegal; a scope is cleared before it is filled', () => {
  const scope = emptyScope();
  expect(scope).toEqual({ ...EVERYTHING, kind: 'other' });
  VTD_WIDE_DESCRIPTORS.scope(wordsOf(0x25n | (7n << 32n) | (0x1000n << 64n), 8), scope);
  expect(scope).toEqual({ ...EVERYTHING, kind: 'completion', storeBytes: 4, storeAddress: 0x1000, storeLow: 7 });
  VTD_WIDE_DESCRIPTORS.scope(wordsOf(0xdn, 8), scope);
  expect(scope).toEqual({ ...EVERYTHING, kind: 'illegal' });
});

// VIRTIO 1.2, 5.13.6.6: ends are inclusive
test('a virtio unmapping covers from its start to its end; an attachment and a detachment one endpoint', () => {
  const unmap = VIRTIO_REQUESTS.decode(Uint32Array.of(4, 9, 0x5000, 1, 0x8fff, 0x8000_0001, 0, 0, 0));
  expect(unmap.scope).toEqual({
    ...EVERYTHING,
    kind: 'tlb',
    domain: 9,
    first: 0x10_0005,
    pages: 0x8_0000_0010_0008 - 0x10_0005 + 1,
  });
  for (const type of [1, 2]) {
    const { scope } = VIRTIO_REQUESTS.decode(Uint32Array.of(type, 9, 0x8000_0007, 0, 0, 0, 0, 0, 0));
    expect(scope).toEqual({ ...EVERYTHING, kind: 'config', stream: 0x8000_0007, streams: 1 });
  }
  for (const type of [3, 5]) {
    expect(VIRTIO_REQUESTS.decode(Uint32Array.of(type, 9, 7, 0, 0, 0, 0, 0, 0)).scope).toEqual({
      ...EVERYTHING,
      kind: 'other',
    });
  }
});

describe('a range by the lowest 0 bit of its address', () => {
  const page = (lowOnes: number) => ((1n << BigInt(lowOnes)) - 1n) << 12n;
  // AMD 48882 2.4.3: k one bits from bit 12 make 2^(k + 1) pages; all of bits 62:12 every address
  test.each([0, 1, 2, 9, 31, 32, 50])('%d one bits', (ones) => {
    const high = (1n << 63n) | page(ones) | 1n;
    const { scope } = AMD_COMMANDS.decode(wordsOf(code(3n) | (high << 64n), 4));
    expect([scope.first, scope.pages]).toEqual([2 ** 51, 2 ** (ones + 1)]);
  });

  test('51 one bits are every address', () => {
    const { scope } = AMD_COMMANDS.decode(wordsOf(code(3n) | ((page(51) | 1n) << 64n), 4));
    expect([scope.first, scope.pages]).toEqual([0, Number.POSITIVE_INFINITY]);
  });
});
