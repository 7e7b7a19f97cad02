/**
 * The memory that is made of debugfs texts, word by word, with registers and notes. debugfs-words.txt has it as the
 * code makes it, and shows every change, to be read against what
 * intel-iommu-debugfs.c and amd/debugfs.c of Linux print, VT-d 9.1 to 9.8 and AMD 48882 2.2.2.
 */
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { openDump } from '../../src/dump/open.ts';
import { memorySource } from '../../src/dump/source.ts';
import type { Dump } from '../../src/dump/types.ts';
import { InputError } from '../../src/errors.ts';
import { type Section, sectionsOf } from '../support/sections.ts';

const file = (name: string): string => readFileSync(new URL(`fixtures/debugfs-${name}.txt`, import.meta.url), 'utf8');
const SECOND = file('vfio-second-stage');
const FIRST = file('first-stage');
const SCALABLE = file('dmar-scalable');
const OLD = file('dmar-legacy-old');
const AMD = `DeviceId             QWORD[3]         QWORD[2]         QWORD[1]         QWORD[0] iommu
0000:01:00.0 0000000000000000 0000000000000000 0000000000000038 6000000111c4b603 iommu0
0000:02:01.3 8000000000000001 0000000000000002 0000000000000003 6000000000000003 iommu0
Offset:0x00 Value:0x000000011a8001ff
Offset:0x18 Value:0x0003000000003f4f
`;

const first = (device: string, root = '0x10ceda000'): string =>
  FIRST.replace('0000:22:00.0 with pasid 0', device).replace('0x10ceda000', root);
const second = (device: string): string => SECOND.replaceAll('0000:b6:00.0', device);
const ROWS = SCALABLE.split('\n').slice(2);

const TEXTS: readonly (readonly [string, string])[] = [
  ['tables of a second stage', SECOND],
  ['tables of a first stage', FIRST],
  ['both stages', SECOND + FIRST],
  ['a device in the upper half of its bus', first('0000:22:1f.7 with pasid 0')],
  [
    'PASIDs in one table and in several',
    first('0000:22:00.0 with pasid 1') +
      first('0000:22:00.0 with pasid 3f', '0x10ceda000') +
      first('0000:22:00.0 with pasid 40'),
  ],
  ['the largest PASID', first('0000:22:00.0 with pasid fffff')],
  ['two segments, one device', second('0001:b6:00.0') + FIRST.replace('0000:22', '0000:b6')],
  [
    'five levels',
    FIRST.replace('0x0000000000000000\t0x8000000107eeb027', '0x0000000107eeb027\t0x8000000107eeb027').replace(
      '0x0000000000000000      0x8',
      '0x0000000107eec027      0x8',
    ),
  ],
  ['contexts of scalable mode', SCALABLE],
  ['contexts, and tables that they lead to', SCALABLE + first('0000:b6:00.0 with pasid 0', '0x129c21000')],
  ['contexts, and tables elsewhere', SCALABLE + first('0000:b6:00.0 with pasid 0')],
  [
    'contexts of two units',
    SCALABLE +
      SCALABLE.replace('dmar2', 'dmar3').replaceAll('b4:', 'c4:').replaceAll('b5:', 'c5:').replaceAll('b6:', 'c6:'),
  ],
  ['contexts of all units', SCALABLE.replace('dmar2', 'dmar0')],
  ['a requester twice', SCALABLE + SCALABLE.replace('dmar2', 'dmar3').replace('0886e20401', '0886e21401')],
  [
    'the upper half of a bus',
    SCALABLE.replace('b5:00.0 0x0000000000000000:0x0000000886e25001', 'b5:10.0 0x0000000886e26001:0x0000000886e25001'),
  ],
  ['a PASID of a row', `${SCALABLE}${(ROWS[3] ?? '').replace('   0       ', '   65      ')}\n`],
  ['old contexts of legacy mode', OLD],
  ['legacy contexts, and tables of a device', OLD + second('0000:00:14.0')],
  ['legacy contexts, and tables of another device', OLD + second('0000:00:15.1')],
  ['legacy contexts, and a first stage', OLD + first('0000:00:14.0 with pasid 0')],
  ['legacy and scalable contexts', OLD + SCALABLE],
  ['AMD: device table and registers', AMD],
  ['AMD: without registers', AMD.split('\n').slice(0, 3).join('\n')],
  ['AMD: device table base alone', AMD.replace(/Offset:0x18.*\n/, '')],
  ['AMD: a segment', AMD.replace('0000:02', '0001:01').replace(':01.3', ':00.0')],
];

const hex = (value: number | bigint): string => `0x${BigInt(value).toString(16)}`;

/** Words that are not zero, and how much is known. */
function linesOf(dump: Dump): string[] {
  const lines = dump.notes.map(({ code, count }) => `note ${code} ${count}`);
  for (const [name, value] of dump.registers?.named ?? []) lines.push(`${name} = ${hex(value)}`);
  lines.push(`someDevices ${String(dump.someDevices)}`);
  for (const { start, bytes } of dump.extents) {
    lines.push(`${hex(start)}+${hex(bytes)} known`);
    for (let at = start; at < start + bytes; at += 8) {
      const word = dump.reader.read64(at);
      if (word !== undefined && word !== 0n) lines.push(`  ${hex(at)}: ${hex(word)}`);
    }
  }
  return lines;
}

async function sectionOf([name, text]: readonly [string, string]): Promise<Section> {
  try {
    return { name, lines: linesOf(await openDump(memorySource(new TextEncoder().encode(text)))) };
  } catch (error) {
    if (error instanceof InputError) return { name, lines: [`refused: ${error.code} ${error.message}`] };
    throw error;
  }
}

test('what is made of each text', async () => {
  const found = await Promise.all(TEXTS.map(sectionOf));
  expect(found).toEqual(sectionsOf(new URL('debugfs-words.txt', import.meta.url), found));
});
