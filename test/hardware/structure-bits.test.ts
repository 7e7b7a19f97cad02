/**
 * Every bit of the structures that a unit finds its tables by, and of the registers behind them. structure-bits.txt has what each
 * bit changes in a working system, as the code has it: it shows every change of that, to be read against IHI 0070 5.2 to 5.5 and 6.3, VT-d 9.1 to 9.6 and 11.4, AMD 48882
 * 2.2.2 and 3.4, and RISC-V IOMMU 1.0 3.1, 3.2 and 6.
 */
import { expect, test } from 'vitest';
import { type Section, sectionsOf } from '../support/sections.ts';
import { partsText } from './bit-effects.ts';
import { observed, structureEffects } from './structure-bits.ts';
import { STRUCTURES, type StructureRows } from './structure-rows.ts';

function sectionOf({ name, setup, targets }: StructureRows): Section {
  const lines = targets.flatMap((target) => [
    target.what,
    ...structureEffects(setup, target).map((line) => `  ${line}`),
  ]);
  return { name, lines: [partsText(observed(setup)), ...lines] };
}

const WRITTEN = process.env['WRITE_SECTIONS'] === '1' ? STRUCTURES.map(sectionOf) : [];
const SECTIONS = sectionsOf(new URL('structure-bits.txt', import.meta.url), WRITTEN);

test('every set-up has a section, and every section a set-up', () => {
  expect(STRUCTURES.map(({ name }) => name)).toEqual(SECTIONS.map(({ name }) => name));
});

test.each(STRUCTURES)(
  '$name',
  (row) => {
    expect(sectionOf(row)).toEqual(SECTIONS.find(({ name }) => name === row.name));
  },
  120_000,
);
