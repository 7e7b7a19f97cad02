import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { doctorAnswer } from '../../src/answers/doctor.ts';
import { type MemoryFile, MemoryFiles } from '../../src/machine/files/files.ts';
import { readMachine } from '../../src/machine/setup/read-machine.ts';
import * as machines from './machines.ts';

function judge(...made: readonly machines.Made[]) {
  return doctorAnswer({ machine: readMachine(machines.filesOf(...made)) });
}

/** A recorded guest: the files that `iommu record` writes, and its log. */
function guest(name: string) {
  const folder = new URL(`../captures/${name}/`, import.meta.url);
  const files = new Map<string, MemoryFile>();
  for (const file of readdirSync(folder)) {
    if (/^(?:cmdline|dmesg|iomem|iommu_groups|pci|version)\.txt$/.test(file)) {
      files.set(file, { bytes: readFileSync(new URL(file, folder)) });
    }
  }
  return readMachine(new MemoryFiles(name, files));
}

describe('made machines', () => {
  test.each([
    [
      'a server',
      machines.SERVER,
      'protected',
      /^Protected: Intel VT-d \(dmar0\) translates all 2 devices in 4 groups, strict, since 2\.25 s/,
    ],
    ['a laptop with Thunderbolt', machines.LAPTOP, 'protected', /some lazily/],
    ['a desktop with VFIO', machines.VFIO_DESKTOP, 'protected', /translates all 4 devices/],
    [
      'an arm64 board',
      machines.ARM_BOARD,
      'protected',
      /Arm SMMUv3 \(smmu3\.0x0000000009050000\) translates all 2 devices/,
    ],
    ['a RISC-V machine', machines.RISCV, 'unprotected', /^Not protected: .*translates nothing.*nvme.*identity/],
    ['a nested guest', machines.NESTED_GUEST, 'protected', /Interrupts are remapped/],
    ["Xen's control domain", machines.XEN, 'unknown', /Xen owns the IOMMU/],
    ['broken firmware', machines.BROKEN_FIRMWARE, 'partly', /^Partly protected: .*But: /],
  ] as const)('%s', (_, made, protection, words) => {
    const answer = judge(made);
    expect(answer.data.protection).toBe(protection);
    expect(answer.verdict).toMatch(words);
  });

  test('a server has nothing graver than information', () => {
    const { data, outcome } = judge(machines.SERVER);
    expect(data.findings.filter(({ severity }) => severity !== 'information')).toEqual([]);
    expect(data.unread).toEqual([]);
    expect([outcome, data.complete]).toEqual(['fine', true]);
  });
});

describe('what could not be read', () => {
  test('without the types of its groups, nobody is called protected', () => {
    const types = Object.fromEntries([0, 1, 2, 3].map((id) => [`sys/kernel/iommu_groups/${id}/type`, null]));
    expect(judge(machines.SERVER, types).data.protection).toBe('unknown');
  });

  test('without the options, nobody is called protected', () => {
    const { data, verdict } = judge(machines.SERVER, { 'proc/cmdline': null });
    expect([data.protection, /options/.test(verdict)]).toEqual(['unknown', true]);
  });

  test('without groups and a whole log, nothing is claimed', () => {
    const gone = Object.fromEntries(
      Object.keys(machines.SERVER)
        .filter((path) => path.includes('iommu_group'))
        .map((path) => [path, null]),
    );
    const { data, verdict } = judge(machines.SERVER, gone, { dmesg: '[    9.000000] usb 1-1: new device\n' });
    expect(data.protection).toBe('unknown');
    expect(data.groups).toBeNull();
    expect(verdict).toMatch(/^Not known/);
  });

  test('"IOMMU enabled" and the policy lines prove nothing', () => {
    const lines = machines.log('DMAR: IOMMU enabled', 'iommu: Default domain type: Translated');
    const { data } = doctorAnswer({
      machine: readMachine(machines.filesOf({ 'dmesg.txt': lines, 'cmdline.txt': 'intel_iommu=on' })),
    });
    expect(data.protection).toBe('unknown');
  });

  test('a missing file is listed with what it would have told', () => {
    const { data } = judge(machines.SERVER, { 'proc/interrupts': null, dmesg: null });
    expect(data.unread.map(({ path }) => path)).toEqual(['dmesg', '/proc/interrupts']);
    expect(data.unread[1]?.tells).toMatch(/remapped/);
    expect(data.complete).toBe(false);
  });
});

test("Xen's own log is quoted where it was saved", () => {
  const said = {
    'xl-dmesg.txt':
      '(XEN) Intel VT-d iommu 0 supported page sizes: 4kB\n(XEN) I/O virtualisation enabled\n(XEN)  - Dom0 mode: Relaxed\n',
  };
  const { data, verdict } = judge(machines.XEN, said);
  expect([data.protection, /Its log says: I\/O virtualisation enabled/.test(verdict)]).toEqual(['unknown', true]);
  expect(data.findings.find(({ rule }) => rule === 'xen-owns-it')).toMatchObject({ path: 'xl-dmesg.txt:2' });
});

test('a user who is not root is told what the 64 bytes leave open', () => {
  const path = 'sys/bus/pci/devices/0000:00:1c.0/config';
  const short = (machines.SERVER[path] as Uint8Array).subarray(0, 64);
  const { data } = judge(machines.SERVER, { [path]: short });
  expect(data.unread).toMatchObject([
    { path, why: expect.stringMatching(/others 64 bytes/), tells: expect.stringMatching(/ACS/) },
  ]);
});

describe('recorded guests', () => {
  test.each([
    ['x86-vtd-612-vfio', 'protected', 'Intel VT-d'],
    ['x86-amdvi-612-vfio', 'protected', 'AMD-Vi'],
    ['riscv64-72-mod', 'unprotected', 'RISC-V IOMMU'],
    ['x86-vtdfl-73-blk', 'protected', 'Intel VT-d'],
  ] as const)('%s', (name, protection, by) => {
    const { data } = doctorAnswer({ machine: guest(name) });
    expect([data.protection, data.by]).toEqual([protection, by]);
    expect(data.machine.guest).toBe(true);
  });

  test('a device that joined a group after the list was written is not called ungrouped', () => {
    const machine = guest('arm64-smmuv3-612-vfio');
    expect(machine.devices.get('0000:00:06.0')?.group).toBe(3);
    expect(doctorAnswer({ machine }).data.protection).toBe('unknown');
  });
});
