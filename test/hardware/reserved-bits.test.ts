import { describe, expect, test } from 'vitest';
import { AmdVi } from '../../src/hardware/amd-vi/amd-vi.ts';
import { VtdUnit } from '../../src/hardware/vt-d/vtd.ts';
import { PagesReader } from './memory.ts';

const PAGE = 4096;
const [ROOT, CONTEXT, DIRECTORY, PASID, TABLE] = [0x1000, 0x2000, 0x3000, 0x4000, 0x5000];
/** SAGAW: three levels only; MGAW 39 bits. */
const THREE_LEVELS = 0x200n | (38n << 16n);

function memory(): PagesReader {
  const reader = new PagesReader();
  for (const at of [ROOT, CONTEXT, DIRECTORY, PASID, TABLE]) reader.clear(at, PAGE);
  reader.write64(ROOT, BigInt(CONTEXT) | 1n);
  return reader;
}

function flipped(reader: PagesReader, entry: number, bit: number): PagesReader {
  const at = entry + 8 * Math.floor(bit / 64);
  reader.write64(at, (reader.read64(at) ?? 0n) ^ (1n << BigInt(bit % 64)));
  return reader;
}

describe('VT-d refuses a present entry with a reserved bit', () => {
  function legacy(entry: number, bit: number, extra: readonly [string, bigint][] = []): string | undefined {
    const reader = memory();
    reader.write64(CONTEXT, BigInt(TABLE) | 1n);
    reader.write64(CONTEXT + 8, 1n | (5n << 8n));
    const { result } = new VtdUnit(
      flipped(reader, entry, bit),
      new Map([['RTADDR', BigInt(ROOT)], ...extra]),
    ).translate(0, 0);
    return result.ok ? undefined : result.syndrome.slice(0, 17);
  }

  test.each([
    ['root entry, bit 1', ROOT, 1, 'fault reason 0x0a'],
    ['root entry, bit 63', ROOT, 63, 'fault reason 0x0a'],
    ['context entry, bit 4', CONTEXT, 4, 'fault reason 0x0b'],
    ['context entry, bit 71', CONTEXT, 71, 'fault reason 0x0b'],
    ['context entry, bit 127', CONTEXT, 127, 'fault reason 0x0b'],
    ["context entry, bit 67, the software's", CONTEXT, 67, 'fault reason 0x06'],
  ])('%s', (_, entry, bit, reason) => {
    expect(legacy(entry, bit)).toBe(reason);
  });

  test('a translation type that ECAP does not offer', () => {
    expect(legacy(CONTEXT, 2, [['ECAP', 0n]])).toBe('fault reason 0x03');
    expect(legacy(CONTEXT, 2, [['ECAP', 4n]])).toBe('fault reason 0x06');
    expect(legacy(CONTEXT, 2)).toBe('fault reason 0x06');
  });

  test('a number of levels that CAP.SAGAW does not offer', () => {
    expect(legacy(CONTEXT, 67, [['CAP', THREE_LEVELS]])).toBe('fault reason 0x06');
    expect(legacy(CONTEXT, 65, [['CAP', THREE_LEVELS]])).toBe('fault reason 0x03');
    expect(legacy(CONTEXT, 65)).toBe('fault reason 0x06');
  });

  test.each([
    ['root entry, bit 1', ROOT, 1, 'fault reason 0x3a'],
    ['context entry, bit 5', CONTEXT, 5, 'fault reason 0x42'],
    ['context entry, bit 255', CONTEXT, 255, 'fault reason 0x42'],
    ['PASID directory entry, bit 2', DIRECTORY, 2, 'fault reason 0x52'],
    ['PASID table entry, bit 10', PASID, 10, 'fault reason 0x5a'],
    ['PASID table entry, bit 86', PASID, 86, 'fault reason 0x5a'],
    ['PASID table entry, bit 136', PASID, 136, 'fault reason 0x5a'],
    ['PASID table entry, bit 192', PASID, 192, 'fault reason 0x5a'],
    ['PASID table entry, bit 511', PASID, 511, 'fault reason 0x5a'],
    ['PASID table entry, bit 52 of SSPTPTR', PASID, 52, 'fault reason 0x5a'],
    ['PASID table entry, bit 180 of FSPTPTR, which a second stage ignores', PASID, 180, 'fault reason 0x79'],
    ['PASID table entry, bit 89 (CD), which is defined', PASID, 89, 'fault reason 0x79'],
  ])('scalable mode: %s', (_, entry, bit, reason) => {
    const reader = memory();
    reader.write64(CONTEXT, BigInt(DIRECTORY) | 1n);
    reader.write64(DIRECTORY, BigInt(PASID) | 1n);
    reader.write64(PASID, BigInt(TABLE) | 0x85n);
    const unit = new VtdUnit(flipped(reader, entry, bit), new Map([['RTADDR', BigInt(ROOT) | 0x400n]]));
    const { result } = unit.translate(0, 0);
    expect(result.ok ? '' : result.syndrome.slice(0, 17)).toBe(reason);
  });

  test('scalable mode: RID_PASID is ignored where ECAP.RPS is clear', () => {
    const reader = memory();
    reader.write64(CONTEXT, BigInt(DIRECTORY) | 1n);
    reader.write64(CONTEXT + 8, 3n);
    reader.write64(DIRECTORY, BigInt(PASID) | 1n);
    reader.write64(PASID, BigInt(TABLE) | 0x85n);
    const action = (ecap: bigint) =>
      new VtdUnit(
        reader,
        new Map([
          ['RTADDR', BigInt(ROOT) | 0x400n],
          ['ECAP', ecap],
        ]),
      ).context(0).action;
    expect(action(1n << 46n)).toBe('translate');
    expect(action((1n << 46n) | (1n << 49n))).toBe('fault');
  });

  test('scalable mode: first-stage tables of five levels are taken only where CAP.FS5LP offers them', () => {
    const reader = memory();
    reader.write64(CONTEXT, BigInt(DIRECTORY) | 1n);
    reader.write64(DIRECTORY, BigInt(PASID) | 1n);
    reader.write64(PASID, (1n << 6n) | 1n);
    const code = (fspm: bigint, cap: bigint) => {
      reader.write64(PASID + 16, BigInt(TABLE) | (fspm << 2n));
      const named = new Map([
        ['RTADDR', BigInt(ROOT) | 0x400n],
        ['CAP', cap],
      ]);
      return new VtdUnit(reader, named).translate(0, 0).code;
    };
    expect(code(1n, 0n)).toBe(0x5b);
    expect(code(1n, 1n << 60n)).toBeUndefined();
    expect(code(0n, 0n)).toBeUndefined();
  });

  test.each([
    ['first stage', 1n, 47n],
    ['second stage', 2n, 46n],
    ['nested', 3n, 26n],
    ['pass-through', 4n, 6n],
  ])('scalable mode: %s translation is taken only where ECAP offers it', (_, pgtt, bit) => {
    const reader = memory();
    reader.write64(CONTEXT, BigInt(DIRECTORY) | 1n);
    reader.write64(DIRECTORY, BigInt(PASID) | 1n);
    reader.write64(PASID, BigInt(TABLE) | (pgtt << 6n) | 5n);
    reader.write64(PASID + 16, BigInt(TABLE));
    const action = (ecap: bigint) =>
      new VtdUnit(
        reader,
        new Map([
          ['RTADDR', BigInt(ROOT) | 0x400n],
          ['ECAP', ecap],
        ]),
      ).context(0).action;
    expect(action(~0n)).not.toBe('fault');
    expect(action(BigInt.asUintN(64, ~(1n << bit)))).toBe('fault');
  });
});

describe('VT-d second-stage entries (9.8)', () => {
  const LEAF = BigInt(0x8000) | 3n;
  const reason = (entry: 'table' | 'leaf', bit: bigint, ecap?: bigint): string => {
    const reader = memory();
    reader.write64(CONTEXT, BigInt(TABLE) | 1n);
    reader.write64(CONTEXT + 8, 1n | (5n << 8n));
    for (const page of [0x6000, 0x7000]) reader.clear(page, PAGE);
    reader.write64(TABLE, 0x6000n | 3n | (entry === 'table' ? bit : 0n));
    reader.write64(0x6000, 0x7000n | 3n);
    reader.write64(0x7000, LEAF | (entry === 'leaf' ? bit : 0n));
    const named = new Map([['RTADDR', BigInt(ROOT)]]);
    if (ecap !== undefined) named.set('ECAP', ecap);
    const { result } = new VtdUnit(reader, named).translate(0, 0);
    return result.ok ? 'ok' : result.syndrome.slice(0, 17);
  };
  const [SNP, TM] = [1n << 11n, 1n << 62n];
  const [SC, DT] = [1n << 7n, 1n << 2n];

  test.each([
    ['SNP of a leaf', 'leaf', SNP, undefined, 'ok'],
    ['SNP of a leaf with ECAP.SC', 'leaf', SNP, SC, 'ok'],
    ['SNP of a leaf without it', 'leaf', SNP, DT, 'fault reason 0x0c'],
    ['TM of a leaf', 'leaf', TM, undefined, 'ok'],
    ['TM of a leaf with ECAP.DT', 'leaf', TM, DT, 'ok'],
    ['TM of a leaf without it', 'leaf', TM, SC, 'fault reason 0x0c'],
    ['bit 11 of an entry that leads to a table', 'table', SNP, SC | DT, 'fault reason 0x0c'],
    ['bit 62 of an entry that leads to a table', 'table', TM, SC | DT, 'fault reason 0x0c'],
    ['bit 10 of an entry that leads to a table', 'table', 1n << 10n, 0n, 'ok'],
  ] as const)('%s', (_, entry, bit, ecap, expected) => {
    expect(reason(entry, bit, ecap)).toBe(expected);
  });
});

test.each([2, 6, 63, 180, 181, 192, 206, 241, 245])(
  'AMD-Vi refuses a valid device table entry with reserved bit %d',
  (bit) => {
    const reader = memory();
    reader.write64(ROOT, BigInt(TABLE) | 3n | (3n << 9n) | (3n << 61n));
    const unit = (bits: PagesReader) => new AmdVi(bits, new Map([['DEV_TAB_BASE', BigInt(ROOT)]]));
    expect(unit(reader).context(0).action).toBe('translate');
    expect(unit(flipped(reader, ROOT, bit)).context(0)).toMatchObject({ action: 'fault', reason: 'stream-invalid' });
  },
);
