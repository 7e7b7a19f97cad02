import { expect, test } from 'vitest';
import { folderTree } from '../../src/cli/record/tree.ts';
import { machineFacts } from '../../src/record/machine.ts';
import { HARDWARE, makeFolder, removeFolder } from './tracefs.ts';

function kindOf(changes: Readonly<Record<string, string>>): string {
  const folder = makeFolder(changes);
  try {
    return machineFacts(folderTree(folder)).machine;
  } finally {
    removeFolder(folder);
  }
}

test('hardware, KVM and emulation are told apart where they can be, and not guessed where not', () => {
  const clock = 'sys/devices/system/clocksource/clocksource0/available_clocksource';
  expect(kindOf(HARDWARE)).toBe('hardware');
  expect(kindOf({})).toBe('unknown');
  expect(kindOf({ 'proc/cpuinfo': 'model name : QEMU TCG CPU version 2.5+\nflags : fpu hypervisor\n' })).toBe(
    'emulated',
  );
  expect(kindOf({ 'proc/cpuinfo': 'flags : fpu hypervisor\n', [clock]: 'kvm-clock tsc\n' })).toBe('kvm');
  expect(kindOf({ 'proc/cpuinfo': 'flags : fpu hypervisor\n', [clock]: 'tsc\n' })).toBe('unknown');
  expect(kindOf({ 'proc/device-tree/compatible': 'linux,dummy-virt\0' })).toBe('unknown');
  expect(
    kindOf({ 'sys/class/dmi/id/sys_vendor': 'QEMU\n', 'sys/class/ptp/ptp0/clock_name': 'KVM virtual PTP\n' }),
  ).toBe('kvm');
  expect(kindOf({ 'proc/device-tree/compatible': 'acme,board\0acme,soc\0' })).toBe('hardware');
});

test('IOMMUs are named by what their drivers register', () => {
  const kinds = (...units: string[]): readonly string[] => {
    const folder = makeFolder(Object.fromEntries(units.map((unit) => [`sys/class/iommu/${unit}/x`, ''])));
    try {
      return machineFacts(folderTree(folder)).iommu.kinds;
    } finally {
      removeFolder(folder);
    }
  };
  expect(kinds('dmar0', 'dmar1')).toEqual(['intel-vtd']);
  expect(kinds('ivhd0')).toEqual(['amd-vi']);
  expect(kinds('smmu.0x12c00000', 'smmu3.0x2b400000')).toEqual(['arm-smmu', 'arm-smmu-v3']);
  expect(kinds('something')).toEqual(['unknown']);
});
