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

test.each([2, 6, 63])('AMD-Vi refuses a valid device table entry with reserved bit %d', (bit) => {
  const reader = memory();
  reader.write64(ROOT, BigInt(TABLE) | 3n | (3n << 9n) | (3n << 61n));
  const unit = (bits: PagesReader) => new AmdVi(bits, new Map([['DEV_TAB_BASE', BigInt(ROOT)]]));
  expect(unit(reader).context(0).action).toBe('translate');
  expect(unit(flipped(reader, ROOT, bit)).context(0)).toMatchObject({ action: 'fault', reason: 'stream-invalid' });
});
