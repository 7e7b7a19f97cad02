import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { readFirmwareTable, tablesOfAcpidump } from '../../src/machine/firmware/acpi.ts';
import { placements } from '../../src/machine/setup/placement.ts';
import { readMachine } from '../../src/machine/setup/read-machine.ts';
import { device, filesOf, SERVER } from './machines.ts';
import {
  dmar,
  drhd,
  fields,
  iort,
  iortNode,
  ivhd,
  ivmd,
  ivrs,
  mapping,
  resummed,
  rmrr,
  rootComplex,
  scope,
  smmu3,
  table,
} from './tables.ts';

function problems(signature: string, bytes: Uint8Array): string[] {
  return readFirmwareTable(signature, bytes).problems.map(({ kind, text }) => `${kind}: ${text}`);
}

describe('DMAR', () => {
  const sound = dmar(
    5,
    drhd(0xfed9_0000, false, scope(1, 0, [2, 0])),
    drhd(0xfed9_1000, true),
    rmrr(0x7a00_0000, 0x7aff_ffff, scope(1, 0, [2, 0])),
  );

  test('units, scopes, regions and flags are read', () => {
    const { units, regions, facts, problems: none } = readFirmwareTable('DMAR', sound);
    expect(none).toEqual([]);
    expect(units.map(({ base, scopes }) => [base, scopes])).toEqual([
      [0xfed9_0000n, [{ kind: 'path', segment: 0, bus: 0, path: [[2, 0]], below: false }]],
      [0xfed9_1000n, [{ kind: 'rest', segment: 0 }]],
    ]);
    expect(regions).toMatchObject([{ start: 0x7a00_0000n, last: 0x7aff_ffffn, name: 'RMRR' }]);
    expect(facts).toEqual({ addressBits: 39, interruptRemapping: true, x2apicOptOut: false, preBootProtection: true });
  });

  test.each([
    ['a wrong checksum', [...sound.slice(0, 9), (sound[9] ?? 0) ^ 1, ...sound.slice(10)], /^checksum/],
    ['a torn file', [...sound.slice(0, 70)], /^length: the header says/],
    [
      'a structure of no length',
      [...resummed(Uint8Array.of(...sound.slice(0, 50), 0, 0, ...sound.slice(52)))],
      /^length: the structure at 48/,
    ],
    ['a unit at 0', [...dmar(1, drhd(0, true))], /^contradiction: DRHD at 0x0/],
    [
      'two units at one place',
      [...dmar(1, drhd(0x1000, false, scope(1, 0, [2, 0])), drhd(0x1000, true))],
      /second unit/,
    ],
    [
      'a unit behind INCLUDE_PCI_ALL',
      [...dmar(1, drhd(0x1000, true), drhd(0x2000, false, scope(1, 0, [2, 0])))],
      /INCLUDE_PCI_ALL/,
    ],
    [
      'a region that ends before it begins',
      [...dmar(1, drhd(0x1000, true), rmrr(0x2000, 0xfff, scope(1, 0, [2, 0])))],
      /ends before it begins/,
    ],
    ['no unit', [...dmar(1)], /describes no unit/],
    ['another table', [...table('XXXX', [])], /do not begin with a header of DMAR/],
  ])('%s is a problem', (_, bytes, words) => {
    expect(problems('DMAR', Uint8Array.from(bytes)).join('\n')).toMatch(words);
  });

  test('devices are placed behind their units, the rest behind the last one', () => {
    const bridge = device('0000:00:1d.0', { id: '8086:a330', class: '060400', config: { port: 4, buses: [5, 6] } });
    const below = device('0000:05:00.0', { id: '8086:1533', class: '020000', config: { port: 0 } });
    const bytes = dmar(
      1,
      drhd(0xfed9_1000, false, scope(2, 0, [0x1d, 0])),
      drhd(0xfed9_2000, false, scope(1, 0, [0x1c, 0], [0, 0])),
      drhd(0xfed9_0000, true),
    );
    const places = placements(readMachine(filesOf(SERVER, bridge, below, { 'sys/firmware/acpi/tables/DMAR': bytes })));
    expect(places.map(({ devices }) => devices)).toEqual([
      ['0000:00:1d.0', '0000:05:00.0'],
      ['0000:01:00.0'],
      ['0000:00:00.0', '0000:00:02.0', '0000:00:1c.0'],
    ]);
  });
});

describe('IVRS', () => {
  const entry = (type: number, id: number): number[] => fields([1, type], [2, id], [1, 0]);

  test('blocks, ranges and regions are read; the highest type of a unit counts', () => {
    const old = [
      ...fields([1, 0x10], [1, 0], [2, 28], [2, 2], [2, 0x40], [8, 0xfd00_0000], [2, 0], [2, 0], [4, 0]),
      ...entry(2, 0x99),
    ];
    const {
      units,
      regions,
      facts,
      problems: none,
    } = readFirmwareTable(
      'IVRS',
      ivrs(2, old, ivhd(2, 0xfd00_0000, entry(3, 8), entry(4, 0xffff)), ivmd(0x10, 0x9000_0000, 0x1000)),
    );
    expect(none).toEqual([]);
    expect(units.map(({ scopes }) => scopes)).toEqual([[{ kind: 'range', segment: 0, first: 8, last: 0xffff }]]);
    expect(regions).toMatchObject([{ start: 0x9000_0000n, last: 0x9000_0fffn, scopes: [{ first: 0x10, last: 0x10 }] }]);
    expect(facts).toMatchObject({ preBootProtection: true });
  });

  test('a range without end, or without beginning, is a problem', () => {
    expect(problems('IVRS', ivrs(0, ivhd(2, 0xfd00_0000, entry(3, 8))))).toEqual([
      'contradiction: the range from 0x8 has no end',
    ]);
    expect(problems('IVRS', ivrs(0, ivhd(2, 0xfd00_0000, entry(4, 8)))).join()).toMatch(/begins nowhere/);
  });
});

describe('IORT', () => {
  const unit = iortNode(4, smmu3(0x905_0000));

  test('requester ids of a root complex stand behind the SMMU that they are mapped to', () => {
    const { units, problems: none } = readFirmwareTable(
      'IORT',
      iort(unit, iortNode(2, rootComplex(1), mapping(0, 0x10000, 0, 48))),
    );
    expect(none).toEqual([]);
    expect(units).toMatchObject([
      { base: 0x905_0000n, scopes: [{ kind: 'range', segment: 1, first: 0, last: 0xffff }] },
    ]);
  });

  test('mappings to nowhere, overlaps and counts are problems', () => {
    const words = problems(
      'IORT',
      iort(unit, iortNode(2, rootComplex(0), mapping(0, 0x100, 0, 48), mapping(0x80, 0x100, 0, 7))),
    ).join('\n');
    expect(words).toMatch(/offset 7, where no node is/);
    expect(words).toMatch(/maps the ids from 0x80 twice/);
    const short = iort(unit);
    expect(problems('IORT', resummed(Uint8Array.of(...short.slice(0, 36), 3, ...short.slice(37)))).join()).toMatch(
      /says 3 nodes and has 1/,
    );
  });
});

describe('VIOT and RIMT', () => {
  test('a range of requester ids stands behind a virtio-iommu', () => {
    const unit = fields([1, 3], [1, 0], [2, 16], [2, 0], [2, 0xe8], [8, 0]);
    const range = fields([1, 1], [1, 0], [2, 24], [4, 0], [2, 0], [2, 0], [2, 0], [2, 0xffff], [2, 48], [2, 0], [4, 0]);
    const { units, problems: none } = readFirmwareTable(
      'VIOT',
      table('VIOT', [...fields([2, 2], [2, 48], [8, 0]), ...unit, ...range]),
    );
    expect(none).toEqual([]);
    expect(units).toMatchObject([{ name: 'virtio-iommu 0000:00:1d.0', scopes: [{ first: 0, last: 0xffff }] }]);
  });

  test('a root complex and a platform device stand behind a RISC-V IOMMU', () => {
    const unit = fields(
      [1, 0],
      [1, 1],
      [2, 40],
      [2, 0],
      [2, 0],
      [8, 0],
      [8, 0x301_0000],
      [4, 0],
      [4, 0],
      [2, 0],
      [2, 0],
      [4, 0],
    );
    const map = fields([4, 0], [4, 0x10000], [4, 0], [4, 48], [4, 0]);
    const root = [...fields([1, 1], [1, 1], [2, 40], [2, 0], [2, 1], [4, 0], [2, 0], [2, 2], [2, 20], [2, 1]), ...map];
    const { units, problems: none } = readFirmwareTable(
      'RIMT',
      table('RIMT', [...fields([4, 2], [4, 48], [4, 0]), ...unit, ...root]),
    );
    expect(none).toEqual([]);
    expect(units).toMatchObject([
      { base: 0x301_0000n, scopes: [{ kind: 'range', segment: 2, first: 0, last: 0xffff }] },
    ]);
  });
});

test('any bytes behind a header end in problems, never in an error', () => {
  fc.assert(
    fc.property(
      fc.constantFrom('DMAR', 'IVRS', 'IORT', 'VIOT', 'RIMT'),
      fc.uint8Array({ maxLength: 300 }),
      (signature, body) => {
        const { units } = readFirmwareTable(signature, table(signature, [...body]));
        expect(units.length).toBeLessThan(100);
      },
    ),
  );
});

test('a table is refused by its signature', () => {
  expect(() => readFirmwareTable('SSDT', new Uint8Array(40))).toThrow(/expected DMAR, IVRS, IORT, VIOT or RIMT/);
});

test('the text of acpidump gives the bytes of each table', () => {
  const bytes = dmar(1, drhd(0x1000, true));
  const rows = Array.from({ length: Math.ceil(bytes.length / 16) }, (_, i) => {
    const row = [...bytes.subarray(i * 16, i * 16 + 16)].map((byte) =>
      byte.toString(16).padStart(2, '0').toUpperCase(),
    );
    return `    ${(i * 16).toString(16).padStart(4, '0').toUpperCase()}: ${row.join(' ').padEnd(48)}  DMAR....`;
  });
  const text = `FACP @ 0x0000000000000000\n    0000: 46 41 43 50  FACP\n\nDMAR @ 0x0000000000000000\n${rows.join('\n')}\n`;
  expect([...(tablesOfAcpidump(text).get('DMAR') ?? [])]).toEqual([...bytes]);
});
