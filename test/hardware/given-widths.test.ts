/** What is taken of a format where only its root is given: granule, input and output width, and where its input range ends. */
import { expect, test } from 'vitest';
import { GIVEN_FORMATS, givenTables } from '../../src/hardware/given.ts';
import { Walker } from '../../src/hardware/index.ts';
import { PagesReader } from './memory.ts';

/** Format, granule, input bits, output bits: those of Linux's default domains. */
const WIDTHS: readonly (readonly [format: string, granule: number, ias: number, oas: number])[] = [
  ['arm-64-lpae-s1', 4096, 48, 48],
  ['arm-64-lpae-s2', 4096, 48, 48],
  ['arm-32-lpae-s1', 4096, 32, 40],
  ['arm-32-lpae-s2', 4096, 40, 40],
  ['arm-v7s', 4096, 32, 32],
  ['arm-mali-lpae', 4096, 48, 40],
  ['apple-dart', 16384, 32, 36],
  ['apple-dart2', 16384, 36, 42],
  ['vtd-ss', 4096, 48, 52],
  ['vtd-fs', 4096, 48, 52],
  ['x86-64', 4096, 48, 52],
  ['amd-v1', 4096, 39, 52],
  ['riscv-sv39', 4096, 39, 56],
  ['riscv-sv48', 4096, 48, 56],
  ['riscv-sv57', 4096, 57, 56],
];

test('every format that can be given has widths', () => {
  expect(WIDTHS.map(([format]) => format).toSorted()).toEqual([...GIVEN_FORMATS].toSorted());
});

test.each(WIDTHS)('%s: granule %d, %d bits in, %d bits out', (format, granule, ias, oas) => {
  const root = 0x100000;
  const tables = givenTables({ format, roots: [root] });
  expect(tables.geometry).toEqual({ format, granule, ias, oas });
  const memory = new PagesReader();
  memory.clear(root, 0x40000);
  const walker = new Walker(memory, tables.regime);
  const signed = format.startsWith('riscv') || format === 'vtd-fs' || format === 'x86-64';
  const end = 1n << BigInt(signed ? ias - 1 : ias);
  const reasonAt = (iova: bigint): string => {
    const found = walker.translate(iova);
    return found.ok ? 'mapped' : found.reason;
  };
  expect([reasonAt(0n), reasonAt(end - 1n)]).toEqual(['never-mapped', 'never-mapped']);
  expect(reasonAt(end)).not.toBe('never-mapped');
});
