import { readdirSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { parseGroups } from '../../src/machine/groups.ts';
import { parseIomem } from '../../src/machine/iomem.ts';
import { MachineNames } from '../../src/machine/names.ts';
import { parsePciList } from '../../src/machine/pci.ts';
import { canonicalPci, formatPci, parsePci } from '../../src/pci.ts';

const CAPTURES = new URL('../captures/', import.meta.url);
const read = (capture: string, file: string): string => readFileSync(new URL(`${capture}/${file}`, CAPTURES), 'utf8');

test('a PCI address reads back from its requester id, with or without its segment', () => {
  expect(formatPci(0x10)).toBe('0000:00:02.0');
  expect(formatPci(0xff_fd, 0x1_0000)).toBe('10000:ff:1f.5');
  expect(parsePci('0000:00:1f.2')).toEqual({ segment: 0, requesterId: 0xfa });
  expect(canonicalPci('3b:00.0')).toBe('0000:3b:00.0');
  for (const text of ['', '0x10', '00:20.0', '00:02.8', '1:00:02.0', '00:02', '00:02.0 x']) {
    expect(parsePci(text)).toBeUndefined();
  }
});

test.each([
  ['00:1f.2 SATA controller: Intel Corporation 82801IR [AHCI mode] (rev 02)', 'SATA controller', undefined],
  ['00:1f.2 SATA controller [0106]: Intel Corporation 82801IR [8086:2922] (rev 02)', 'SATA controller', 0x010600],
  ['00:1f.2 0106: 8086:2922 (rev 02)', 'SATA controller', 0x010600],
  ['0000:00:1f.2 0x8086:0x2922 class 0x010601 driver ahci', 'SATA controller', 0x010601],
])('%s is read', (line, words, code) => {
  const device = parsePciList(`${line}\n\tKernel driver in use: ahci\n`).get('0000:00:1f.2');
  expect(device).toMatchObject({ class: words, classCode: code, driver: 'ahci' });
});

test('groups are read as recorded and as shell loops print them', () => {
  const recorded =
    'group 4 type DMA devices 0000:00:1f.0 0000:00:1f.2  reserved: 0x00000000fee00000 0x00000000feefffff msi;';
  expect(parseGroups(recorded).get(4)).toEqual({
    id: 4,
    type: 'DMA',
    devices: ['0000:00:1f.0', '0000:00:1f.2'],
    reserved: [{ start: 0xfee00000n, last: 0xfeefffffn, type: 'msi' }],
  });
  const loop = 'IOMMU Group 4 00:1f.0 ISA bridge [0601]: Intel\nIOMMU Group 4 00:1f.2 SATA controller\n';
  expect(parseGroups(loop).get(4)?.devices).toEqual(['0000:00:1f.0', '0000:00:1f.2']);
  expect(parseGroups('IOMMU Group 12:\n\t00:1f.0 ISA bridge\n\t00:1f.2 SATA\n').get(12)?.devices).toHaveLength(2);
});

test('the memory map gives the innermost region, knows RAM, and says when addresses are hidden', () => {
  const map = parseIomem(read('arm64-smmuv3-612-blk-strict', 'iomem.txt'));
  expect(map.at(0x0905_0010)?.name).toBe('9050000.smmuv3');
  expect(map.isRam(0x0905_0010)).toBe(false);
  expect(parseIomem('00000000-00000000 : System RAM\n')).toMatchObject({ hidden: true });
  expect(parseIomem('00000000-00000000 : System RAM\n').isRam(0)).toBeUndefined();
});

test('every capture names each of its PCI functions, and a group for each translated one', () => {
  for (const capture of readdirSync(CAPTURES).filter((name) => /^(arm64|x86|riscv64)/.test(name))) {
    const pci = read(capture, 'pci.txt');
    const names = new MachineNames({ pci, groups: read(capture, 'iommu_groups.txt') });
    expect([...names.pci.keys()]).toEqual(
      pci
        .trim()
        .split('\n')
        .map((line) => line.split(' ')[0]),
    );
    const grouped = [...names.groups.values()].flatMap(({ devices }) => devices);
    expect(grouped.every((device) => names.groupOf(device) !== undefined)).toBe(true);
  }
});

test('a StreamID is a PCI function only where the machine lists it; a source-id always is', () => {
  const names = new MachineNames({ pci: '0000:00:01.0 0x1b36:0x0010 class 0x010802 driver nvme\n' });
  expect(names.device('arm-smmu-v3', 8)).toBe('0000:00:01.0 (nvme)');
  expect(names.device('arm-smmu-v3', 9)).toBe('StreamID 0x9');
  expect(names.device('intel-vtd', 0x10)).toBe('0000:00:02.0');
  expect(names.isAssumed('arm-smmu-v3')).toBe(true);
  expect(new MachineNames().device('riscv-iommu', 8)).toBe('device_id 0x8');
});
