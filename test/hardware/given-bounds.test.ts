/** Bounds of a geometry that a user gives: DDI 0487 D8.1, D8.2.9 and G5.7, VT-d 11.4.2, AMD 48882 2.2.3, RISC-V IOMMU 2.3. */
import { describe, expect, test } from 'vitest';
import { IommuError } from '../../src/errors.ts';
import { type GivenGeometry, givenTables } from '../../src/hardware/given.ts';

/** `taken`, or the code and argument of the refusal. */
function outcome(geometry: Partial<GivenGeometry> & { readonly format: string }): string {
  try {
    givenTables({ roots: [0x100_0000], ...geometry });
    return 'taken';
  } catch (error) {
    if (error instanceof IommuError) return `${error.code} ${error.argument}`;
    throw error;
  }
}

/** Format, granule, quirks, least and most input bits, least and most output bits. */
type Row = readonly [
  format: string,
  granule: number,
  quirks: readonly string[],
  ...bounds: [number, number, number, number],
];

const ROWS: readonly Row[] = [
  ['arm-64-lpae-s1', 4096, [], 16, 48, 32, 48],
  ['arm-64-lpae-s1', 16384, [], 16, 48, 32, 48],
  ['arm-64-lpae-s1', 65536, [], 17, 52, 32, 52],
  ['arm-64-lpae-s1', 4096, ['arm-lpa2'], 16, 52, 32, 52],
  ['arm-64-lpae-s1', 65536, ['arm-lpa2'], 17, 52, 32, 52],
  ['arm-32-lpae-s1', 4096, [], 25, 32, 20, 40],
  ['arm-32-lpae-s2', 4096, [], 25, 40, 20, 40],
  ['arm-v7s', 4096, [], 20, 32, 20, 40],
  ['arm-v7s', 4096, ['arm-mtk-ext'], 20, 34, 20, 40],
  ['arm-mali-lpae', 4096, [], 20, 48, 20, 40],
  ['apple-dart', 16384, [], 14, 42, 20, 42],
  ['apple-dart2', 4096, [], 14, 42, 20, 42],
  ['vtd-ss', 4096, [], 30, 57, 20, 52],
  ['vtd-fs', 4096, [], 30, 57, 20, 52],
  ['x86-64', 4096, [], 30, 57, 20, 52],
  ['amd-v1', 4096, [], 20, 64, 20, 52],
  ['riscv-sv39', 4096, [], 39, 39, 20, 56],
  ['riscv-sv48', 4096, [], 48, 48, 20, 56],
  ['riscv-sv57', 4096, [], 57, 57, 20, 56],
];

test.each(ROWS)(
  '%s, granule %d, %o: input bits %d to %d, output bits %d to %d',
  (format, granule, quirks, ...bounds) => {
    const [leastIn, mostIn, leastOut, mostOut] = bounds;
    const given = { format, granule, quirks };
    for (const ias of [leastIn, mostIn]) expect([ias, outcome({ ...given, ias })]).toEqual([ias, 'taken']);
    for (const ias of [leastIn - 1, mostIn + 1, leastIn + 0.5]) {
      expect([ias, outcome({ ...given, ias })]).toEqual([ias, 'BAD_GEOMETRY ias']);
    }
    for (const oas of [leastOut, mostOut])
      expect([oas, outcome({ ...given, ias: mostIn, oas })]).toEqual([oas, 'taken']);
    for (const oas of [leastOut - 1, mostOut + 1]) {
      expect([oas, outcome({ ...given, ias: mostIn, oas })]).toEqual([oas, 'BAD_GEOMETRY oas']);
    }
  },
);

describe('what else is refused', () => {
  test.each([
    ['arm-128', {}, 'UNKNOWN_FORMAT format'],
    ['arm-64-lpae-s1', { granule: 8192 }, 'BAD_GEOMETRY granule'],
    ['arm-v7s', { granule: 16384 }, 'BAD_GEOMETRY granule'],
    ['vtd-ss', { granule: 16384 }, 'BAD_GEOMETRY granule'],
    ['vtd-ss', { roots: [] }, 'BAD_GEOMETRY root'],
    ['vtd-ss', { quirks: ['no-such'] }, 'BAD_QUIRK quirk'],
    ['vtd-ss', { quirks: ['full-va', 'no-warn'] }, 'taken'],
  ])('%s %o: %s', (format, more, expected) => {
    expect(outcome({ format, ...more })).toBe(expected);
  });

  /** Format, input bits, and the alignment of a root: its table, 64 bytes at least for Arm, else a page. */
  test.each([
    ['arm-64-lpae-s1', 48, 4096],
    ['arm-64-lpae-s1', 41, 64],
    ['arm-64-lpae-s1', 45, 512],
    ['arm-64-lpae-s2', 40, 8192],
    ['arm-v7s', 32, 16384],
    ['vtd-ss', 48, 4096],
    ['riscv-sv39', 39, 4096],
    ['amd-v1', 48, 4096],
  ] as const)('a root of %s with %d bits is a multiple of %d', (format, ias, alignment) => {
    const at = (root: number) => outcome({ format, ias, roots: [root] });
    expect([at(0), at(alignment), at(alignment / 2), at(alignment + 8), at(-alignment)]).toEqual([
      'taken',
      'taken',
      ...Array(3).fill('BAD_GEOMETRY root'),
    ]);
    expect([at(2 ** 52 - alignment), at(2 ** 52)]).toEqual(['taken', 'BAD_GEOMETRY root']);
  });
});
