import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { MachineNames } from '../../src/answers/index.ts';
import { CAPTURES, line, replayTexts } from './helpers.ts';

function text(name: string): string {
  return readFileSync(`${CAPTURES}${name}`, 'utf8');
}

describe('names of PCI functions', () => {
  test('from lines of address, ids, class and driver', () => {
    const machine = new MachineNames({ pci: text('x86-vtd-612-blk/pci.txt') });
    expect(machine.short('0000:00:01.0')).toBe('0000:00:01.0 (nvme)');
    expect(machine.about('0000:00:1f.2')).toBe('SATA controller');
    expect(machine.about('0000:00:1e.0')).toBe('');
    expect(machine.short('0000:00:1e.0')).toBe('0000:00:1e.0');
  });

  test.each([
    ['00:02.0 Ethernet controller [0200]: Red Hat, Inc. Virtio network device [1af4:1000]', 'Ethernet controller'],
    ['0000:00:02.0 Ethernet controller: Red Hat, Inc. Virtio network device', 'Ethernet controller'],
    ['00:02.0 "Ethernet controller"', ''],
  ])('from lspci: %s', (first, about) => {
    expect(new MachineNames({ pci: first }).about('0000:00:02.0')).toBe(about);
    const driver = `${first}\n\tSubsystem: x\n\tKernel driver in use: virtio-pci\n`;
    expect(new MachineNames({ pci: driver }).short('0000:00:02.0')).toBe('0000:00:02.0 (virtio-pci)');
  });

  test('survive hostile text', () => {
    const odd = `${'00:00.0 '.repeat(50_000)}\n__proto__\n\tKernel driver in use: x\n${'\n'.repeat(10_000)}`;
    expect(new MachineNames({ pci: odd, groups: odd, iomem: odd }).about('__proto__')).toBe('');
  });
});

describe('groups and reserved regions', () => {
  const machine = new MachineNames({ groups: text('x86-vtd-612-blk/iommu_groups.txt') });

  test('from lines of the captures and from loops over sysfs', () => {
    expect(machine.groupOf('0000:00:1f.3')).toBe(4);
    const loop = new MachineNames({
      groups: 'IOMMU Group 7:\nIOMMU Group 12 01:00.0 VGA compatible controller [0300]\n',
    });
    expect(loop.groupOf('0000:01:00.0')).toBe(12);
  });

  test('say what an address is used for', () => {
    expect(machine.useOf(0xfee00000)).toBe('MSI doorbell');
    expect(machine.useOf(0x1000)).toBe('reserved region (direct-relaxable)');
    expect(machine.useOf(0x2000000)).toBeUndefined();
    expect(new MachineNames().useOf(0x8000000)).toBe('probably the MSI doorbell');
  });
});

test('memory is named by its innermost region', () => {
  const machine = new MachineNames({ iomem: text('arm64-smmuv3-612-blk-strict/iomem.txt') });
  expect(machine.memoryAt(0x40200000)).toBe('Kernel code');
  expect(machine.memoryAt(0x40000000)).toBe('System RAM');
  expect(machine.memoryAt(0x10000000)).toBe('0000:00:02.0');
  expect(machine.memoryAt(0x1)).toBeUndefined();
});

test('a replay names the memory that is still mapped', () => {
  const iomem = '80000000-8fffffff : System RAM\n  80000000-80000fff : 0000:00:03.0\n';
  const machine = new MachineNames({ iomem });
  const { data } = replayTexts([line('map', 1, 0x5000, 0x1000), line('map', 2, 0x9000, 0x1000)], { machine });
  expect(data.stillMapped.map(({ use }) => use)).toEqual(['0000:00:03.0', '0000:00:03.0']);
});
