/**
 * Every bit of entries of every format: what it changes for the device. entry-bits.txt has what each bit does, as the code has it:
 * it shows every change of that, to be read against DDI 0487 D8.3 (AArch64), G5.4 and G5.5 (AArch32), VT-d 9.7 and 9.8, AMD 48882 2.2.3, the RISC-V privileged
 * architecture 12.3 to 12.5 and, for Mali and DART, Linux's io-pgtable.
 */
import { expect, test } from 'vitest';
import { type Section, sectionsOf } from '../support/sections.ts';
import { entryEffects, entryText } from './entry-bits.ts';
import { type EntryRows, ROWS } from './entry-rows.ts';

function sectionOf({ name, descriptors, leaf, entries }: EntryRows): Section {
  const lines = entries.flatMap(([depth, entry]) => [
    `depth ${depth} 0x${entry.toString(16)}: ${entryText(descriptors, depth, entry, leaf)}`,
    ...entryEffects(descriptors, depth, entry, leaf).map((line) => `  ${line}`),
  ]);
  return { name, lines };
}

const WRITTEN = process.env['WRITE_SECTIONS'] === '1' ? ROWS.map(sectionOf) : [];
const SECTIONS = sectionsOf(new URL('entry-bits.txt', import.meta.url), WRITTEN);

test('every regime has a section, and every section a regime', () => {
  expect(ROWS.map(({ name }) => name)).toEqual(SECTIONS.map(({ name }) => name));
});

test.each(ROWS)('$name', (row) => {
  expect(sectionOf(row)).toEqual(SECTIONS.find(({ name }) => name === row.name));
});
