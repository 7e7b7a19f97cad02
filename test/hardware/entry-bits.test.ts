/**
 * Every bit of entries of every format: what it changes for the device. entry-bits.txt has what each bit does, read line by line
 * against DDI 0487 D8.3 (AArch64), G5.4 and G5.5 (AArch32), VT-d 9.7 and 9.8, AMD 48882 2.2.3, the RISC-V privileged
 * architecture 12.3 to 12.5 and, for Mali and DART, Linux's io-pgtable.
 */
import { expect, test } from 'vitest';
import { entryEffects, entryText } from './entry-bits.ts';
import { ROWS } from './entry-rows.ts';
import { sectionsOf } from './sections.ts';

const SECTIONS = sectionsOf('entry-bits.txt');

test('every regime has a section, and every section a regime', () => {
  expect(ROWS.map(({ name }) => name)).toEqual([...SECTIONS.keys()]);
});

test.each(ROWS)('$name', ({ name, descriptors, leaf, entries }) => {
  const lines = entries.flatMap(([depth, entry]) => [
    `depth ${depth} 0x${entry.toString(16)}: ${entryText(descriptors, depth, entry, leaf)}`,
    ...entryEffects(descriptors, depth, entry, leaf).map((line) => `  ${line}`),
  ]);
  expect(lines).toEqual(SECTIONS.get(name));
});
