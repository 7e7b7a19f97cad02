import { describe, expect, test } from 'vitest';
import { findingsOfMachine, MACHINE_RULES } from '../../src/machine/rules/registry.ts';
import { readMachine } from '../../src/machine/setup/read-machine.ts';
import * as machines from './machines.ts';
import { device, dmarUnit, filesOf, group, type Made } from './machines.ts';
import { dmar, drhd, rmrr, scope } from './tables.ts';

const { SERVER, LAPTOP, VFIO_DESKTOP, ARM_BOARD } = machines;

/** A machine that breaks the rule, and one that keeps it and differs only where the rule looks. */
interface Pair {
  readonly breaks: readonly Made[];
  readonly keeps: readonly Made[];
}

const options = (text: string): Made => ({ 'proc/cmdline': `${text}\n` });
const says = (...lines: readonly string[]): Made => ({ dmesg: machines.log(...lines) });
const tables = (bytes: Uint8Array): Made => ({ 'sys/firmware/acpi/tables/DMAR': bytes });
const setting = (path: string, value: string): Made => ({ [`sys/module/${path}`]: `${value}\n` });

/** The server without groups and units: nothing translates. */
const OFF: Made = {
  ...Object.fromEntries(Object.entries(SERVER).filter(([path]) => !/iommu/.test(path))),
  'iommu_groups.txt': '',
  'proc/cmdline': 'root=/dev/sda1\n',
  dmesg: machines.log('PCI: Using host bridge windows'),
};
const NO_TABLE: Made = { 'sys/firmware/acpi/tables/DMAR': null };
const ALL = drhd(0xfed9_0000, true);
const PLAIN: Made = { 'proc/interrupts': '  24:  0  PCI-MSI-0000:01:00.0    0-edge      nvme0q0\n' };
const GIVEN: Made = device('0000:01:00.0', {
  id: '144d:a808',
  class: '010802',
  driver: 'vfio-pci',
  group: 2,
  config: { port: 0 },
});
const fault = (line: string): Made => says('DMAR: Intel(R) Virtualization Technology for Directed I/O', line);
const type = (id: number, value: string): Made => ({ [`sys/kernel/iommu_groups/${id}/type`]: `${value}\n` });
const outside = (changes: Partial<machines.MadeDevice>): Made =>
  device('0000:02:00.0', {
    id: '8086:15d9',
    class: '0c0330',
    group: 4,
    removable: 'removable',
    config: { port: 0 },
    ...changes,
  });
const domain = (file: string, value: string): Made => ({
  [`sys/bus/thunderbolt/devices/domain0/${file}`]: `${value}\n`,
});

const PAIRS: Readonly<Record<string, Pair>> = {
  'asked-not-used': { breaks: [OFF, options('intel_iommu=on')], keeps: [SERVER] },
  'firmware-switch-off': { breaks: [OFF, NO_TABLE, options('intel_iommu=on')], keeps: [OFF, NO_TABLE] },
  'found-not-used': { breaks: [OFF], keeps: [SERVER, options('root=/dev/sda1')] },
  'switched-off': {
    breaks: [OFF, options('intel_iommu=on intel_iommu=off')],
    keeps: [OFF, options('intel_iommu=off intel_iommu=on')],
  },
  'option-without-effect': {
    breaks: [SERVER, options('intel_iommu=pt')],
    keeps: [SERVER, options('intel_iommu=on,sm_on iommu=pt')],
  },
  'options-contradict': {
    breaks: [SERVER, options('iommu.strict=0 iommu.strict=1')],
    keeps: [SERVER, options('iommu.strict=1')],
  },
  'graphics-not-translated': {
    breaks: [SERVER, options('intel_iommu=on,igfx_off')],
    keeps: [SERVER, options('intel_iommu=on,intgpu_off')],
  },
  'bounce-instead': {
    breaks: [OFF, says('PCI-DMA: Using software bounce buffering for IO (SWIOTLB)')],
    keeps: [OFF, says('software IO TLB: mapped [mem 0x70000000-0x74000000] (64MB)')],
  },
  'guest-without-unit': {
    breaks: [OFF, NO_TABLE, says('Hypervisor detected: KVM'), { 'proc/cpuinfo': null }],
    keeps: [OFF, NO_TABLE],
  },
  'xen-owns-it': { breaks: [machines.XEN], keeps: [OFF] },
  'untrusted-identity': { breaks: [LAPTOP, type(4, 'identity')], keeps: [LAPTOP, type(2, 'identity')] },
  'untrusted-without-iommu': { breaks: [OFF, outside({})], keeps: [LAPTOP] },
  'untrusted-lazy': { breaks: [LAPTOP, type(4, 'DMA-FQ')], keeps: [LAPTOP] },
  'lazy-with-external-ports': { breaks: [LAPTOP], keeps: [SERVER, type(0, 'DMA-FQ')] },
  'thunderbolt-exposed': {
    breaks: [LAPTOP, domain('iommu_dma_protection', '0'), domain('security', 'none')],
    keeps: [LAPTOP, domain('security', 'none')],
  },
  'thunderbolt-by-approval': {
    breaks: [LAPTOP, domain('iommu_dma_protection', '0')],
    keeps: [LAPTOP, domain('iommu_dma_protection', '0'), domain('security', 'nopcie')],
  },
  'no-preboot-protection': { breaks: [LAPTOP, tables(dmar(1, ALL))], keeps: [LAPTOP] },
  'ats-on-removable': { breaks: [LAPTOP, outside({ config: { port: 0, ats: 0x8000 } })], keeps: [LAPTOP] },
  'untrusted-driver-refused': {
    breaks: [
      LAPTOP,
      fault(
        'pci 0000:02:00.0: Device is not trusted, but driver is overriding group 4 to identity, refusing to probe.',
      ),
    ],
    keeps: [LAPTOP],
  },
  'bypass-allowed': {
    breaks: [ARM_BOARD, options('arm-smmu.disable_bypass=0')],
    keeps: [ARM_BOARD, options('arm-smmu.disable_bypass=1')],
  },
  'bypass-forced': {
    breaks: [
      ARM_BOARD,
      says(
        'apple-dart 231304000.iommu: DART [pagesize 4000, 16 streams, bypass support: 1, bypass forced: 1, AS 32 -> 36] initialized',
      ),
    ],
    keeps: [
      ARM_BOARD,
      says(
        'apple-dart 231304000.iommu: DART [pagesize 4000, 16 streams, bypass support: 1, bypass forced: 0, AS 32 -> 36] initialized',
      ),
    ],
  },
  'width-too-small': {
    breaks: [
      SERVER,
      dmarUnit('dmar0', 'fed90000', 'd2008c40660262'),
      { 'proc/iomem': '10000000000-1ffffffffff : System RAM\n' },
    ],
    keeps: [
      SERVER,
      dmarUnit('dmar0', 'fed90000', 'd2008c406f0462'),
      { 'proc/iomem': '10000000000-1ffffffffff : System RAM\n' },
    ],
  },
  'no-usable-width': {
    breaks: [OFF, says('DMAR: No supported address widths. Not attempting DMA translation.')],
    keeps: [SERVER],
  },
  'no-fault-interrupt': {
    breaks: [ARM_BOARD, says('arm-smmu-v3 9050000.iommu: no evtq irq - events will not be reported!')],
    keeps: [ARM_BOARD, says('arm-smmu-v3 9050000.iommu: allocated 32768 entries for evtq')],
  },
  'unit-errors': { breaks: [SERVER, fault('DMAR: VT-d detected Invalidation Queue Error: Reason f')], keeps: [SERVER] },
  'dma-faults': {
    breaks: [
      SERVER,
      fault(
        'DMAR: [DMA Read NO_PASID] Request device [01:00.0] fault addr 0x300000000 [fault reason 0x06] PTE Read access is not set',
      ),
    ],
    keeps: [SERVER],
  },
  'register-invalidation': {
    breaks: [SERVER, fault('DMAR: dmar0: Using Register based invalidation')],
    keeps: [SERVER, fault('DMAR: dmar0: Using Queued invalidation')],
  },
  'forced-by-platform': {
    breaks: [LAPTOP, fault('DMAR: Intel-IOMMU force enabled due to platform opt in')],
    keeps: [LAPTOP],
  },
  'no-remapping-with-vfio': { breaks: [SERVER, PLAIN, GIVEN], keeps: [SERVER, GIVEN] },
  'no-interrupt-remapping': { breaks: [SERVER, PLAIN], keeps: [SERVER] },
  'unsafe-interrupts': {
    breaks: [SERVER, setting('vfio_iommu_type1/parameters/allow_unsafe_interrupts', 'Y')],
    keeps: [SERVER, setting('vfio_iommu_type1/parameters/allow_unsafe_interrupts', 'N')],
  },
  'remapping-weakened': { breaks: [SERVER, options('intremap=nosid')], keeps: [SERVER, options('intremap=on')] },
  'remapping-failed': {
    breaks: [SERVER, fault('DMAR-IR: Failed to enable irq remapping. You are vulnerable to irq-injection attacks.')],
    keeps: [SERVER],
  },
  'x2apic-opt-out': { breaks: [SERVER, tables(dmar(3, ALL))], keeps: [SERVER, tables(dmar(1, ALL))] },
  'acs-override': { breaks: [SERVER, options('pcie_acs_override=downstream,multifunction')], keeps: [SERVER] },
  'acs-redirect-changed': {
    breaks: [SERVER, options('pci=disable_acs_redir=pci:8086:a338')],
    keeps: [SERVER, options('pci=noaer')],
  },
  'acs-off-on-port': {
    breaks: [
      SERVER,
      device('0000:00:1c.0', {
        id: '8086:a338',
        class: '060400',
        group: 1,
        config: { port: 4, buses: [1, 1], acs: [0x1f, 0] },
      }),
    ],
    keeps: [
      OFF,
      device('0000:00:1c.0', { id: '8086:a338', class: '060400', config: { port: 4, buses: [1, 1], acs: [0x1f, 0] } }),
    ],
  },
  'group-mixes-slots': {
    breaks: [
      SERVER,
      device('0000:01:01.0', { id: '8086:1533', class: '020000', driver: 'igb', group: 2 }),
      group(2, 'DMA', ['0000:01:00.0', '0000:01:01.0']),
    ],
    keeps: [VFIO_DESKTOP],
  },
  'device-without-group': {
    breaks: [SERVER, device('0000:03:00.0', { id: '8086:1533', class: '020000', driver: 'igb' })],
    keeps: [SERVER],
  },
  'device-not-set-up': {
    breaks: [
      SERVER,
      fault('nvme 0000:01:00.0: Failed to set up IOMMU for device 0000:01:00.0; retaining platform DMA ops'),
    ],
    keeps: [SERVER],
  },
  'identity-domains': { breaks: [SERVER, type(2, 'identity')], keeps: [SERVER] },
  'table-torn': { breaks: [SERVER, tables(dmar(1, ALL).subarray(0, 60))], keeps: [SERVER] },
  'table-checksum': { breaks: [machines.BROKEN_FIRMWARE], keeps: [SERVER] },
  'table-contradicts-itself': {
    breaks: [SERVER, tables(dmar(1, ALL, drhd(0xfed9_1000, false, scope(1, 0, [2, 0]))))],
    keeps: [SERVER, tables(dmar(1, drhd(0xfed9_1000, false, scope(1, 0, [2, 0])), ALL))],
  },
  'scope-without-device': {
    breaks: [SERVER, tables(dmar(1, drhd(0xfed9_1000, false, scope(1, 0, [9, 0])), ALL))],
    keeps: [SERVER, tables(dmar(1, drhd(0xfed9_1000, false, scope(1, 0, [2, 0])), ALL))],
  },
  'region-in-ram': {
    breaks: [SERVER, tables(dmar(1, ALL, rmrr(0x10_0000, 0x1f_ffff, scope(1, 0, [2, 0]))))],
    keeps: [SERVER, tables(dmar(1, ALL, rmrr(0x8000_0000, 0x800f_ffff, scope(1, 0, [2, 0]))))],
  },
  'table-against-sysfs': { breaks: [SERVER, dmarUnit('dmar0', 'fed80000')], keeps: [SERVER] },
  'device-behind-other-unit': {
    breaks: [
      SERVER,
      dmarUnit('dmar1', 'fed91000'),
      {
        'sys/class/iommu/dmar0/devices/0000:00:02.0': { link: 'x' },
        'sys/class/iommu/dmar1/devices/0000:01:00.0': { link: 'x' },
      },
      tables(dmar(1, drhd(0xfed9_1000, false, scope(1, 0, [2, 0])), ALL)),
    ],
    keeps: [SERVER],
  },
  'firmware-bug': {
    breaks: [SERVER, fault('DMAR: [Firmware Bug]: Your BIOS is broken; DMAR reported at address 0!')],
    keeps: [SERVER],
  },
  'ivrs-refused': { breaks: [SERVER, fault('AMD-Vi: [Firmware Bug]: : IOAPIC[4] not in IVRS table')], keeps: [SERVER] },
  'table-repaired-by-option': { breaks: [SERVER, options('ivrs_ioapic[4]=00:14.0')], keeps: [SERVER] },
  'device-tree-link': {
    breaks: [ARM_BOARD, { 'proc/device-tree/usb@2000000/iommus': Uint8Array.of(0, 0, 0, 9, 0, 0, 0, 1) }],
    keeps: [ARM_BOARD],
  },
  'device-tree-unit-off': {
    breaks: [ARM_BOARD, { 'proc/device-tree/iommu@9050000/status': 'disabled\0' }],
    keeps: [ARM_BOARD, { 'proc/device-tree/iommu@9050000/status': 'okay\0' }],
  },
  'group-shared-with-host': {
    breaks: [
      VFIO_DESKTOP,
      device('0000:02:00.1', { id: '10de:1aef', class: '040300', driver: 'snd_hda_intel', group: 5 }),
    ],
    keeps: [VFIO_DESKTOP],
  },
  'no-iommu-group': { breaks: [OFF, group(0, 'blocked', ['0000:01:00.0'], '', 'vfio-noiommu')], keeps: [SERVER] },
  'no-iommu-mode': {
    breaks: [SERVER, setting('vfio/parameters/enable_unsafe_noiommu_mode', 'Y')],
    keeps: [SERVER, setting('vfio/parameters/enable_unsafe_noiommu_mode', 'N')],
  },
  'direct-region-with-vfio': {
    breaks: [
      SERVER,
      GIVEN,
      { 'sys/kernel/iommu_groups/2/reserved_regions': '0x000000007a000000 0x000000007affffff direct\n' },
    ],
    keeps: [
      SERVER,
      GIVEN,
      { 'sys/kernel/iommu_groups/2/reserved_regions': '0x000000007a000000 0x000000007affffff direct-relaxable\n' },
    ],
  },
  'refused-for-region': {
    breaks: [
      SERVER,
      fault(
        'vfio-pci 0000:01:00.0: Firmware has requested this device have a 1:1 IOMMU mapping, rejecting configuring the device without a 1:1 mapping. Contact your platform vendor.',
      ),
    ],
    keeps: [SERVER],
  },
  'denylist-off': { breaks: [SERVER, setting('vfio_pci/parameters/disable_denylist', 'Y')], keeps: [SERVER] },
  'denylisted-device': {
    breaks: [
      SERVER,
      fault('vfio-pci 0000:01:00.0: 8086:0435 exists in vfio-pci device denylist, driver probing disallowed.'),
    ],
    keeps: [SERVER],
  },
  'ids-not-bound': {
    breaks: [SERVER, options('vfio-pci.ids=144d:a808')],
    keeps: [SERVER, GIVEN, options('vfio-pci.ids=144d:a808')],
  },
  'vfio-without-remapping': {
    breaks: [
      SERVER,
      fault(
        'vfio_iommu_type1_attach_group: No interrupt remapping support.  Use the module param "allow_unsafe_interrupts" to enable VFIO IOMMU support on this platform',
      ),
    ],
    keeps: [SERVER],
  },
  'strict-flushing': { breaks: [SERVER], keeps: [machines.RISCV] },
  'lazy-flushing': { breaks: [LAPTOP], keeps: [SERVER] },
  'strict-for-guest': { breaks: [machines.NESTED_GUEST], keeps: [SERVER] },
  'bounce-buffer-full': {
    breaks: [
      SERVER,
      fault('nvme 0000:01:00.0: swiotlb buffer is full (sz: 65536 bytes), total 32768 (slots), used 32768 (slots)'),
    ],
    keeps: [SERVER],
  },
  'bounce-forced': { breaks: [SERVER, options('swiotlb=65536,force')], keeps: [SERVER, options('swiotlb=65536')] },
  'ats-switched-off': { breaks: [SERVER, options('pci=noats')], keeps: [SERVER] },
  'wide-addresses': { breaks: [SERVER, fault('nvme 0000:01:00.0: Using 64-bit DMA addresses')], keeps: [SERVER] },
  'encryption-forces-translation': {
    breaks: [SERVER, fault('iommu: Memory encryption detected - Disabling default IOMMU Passthrough')],
    keeps: [SERVER],
  },
};

function broken(...made: readonly Made[]): string[] {
  return findingsOfMachine(readMachine(filesOf(...made))).map(({ rule }) => rule);
}

test('every rule has a machine that breaks it and one that keeps it', () => {
  expect(MACHINE_RULES.map(({ id }) => id).sort()).toEqual(Object.keys(PAIRS).sort());
});

describe.each(Object.entries(PAIRS))('%s', (rule, { breaks, keeps }) => {
  test('is found on a machine that breaks it', () => {
    expect(broken(...breaks)).toContain(rule);
  });

  test('is not found on a machine that keeps it', () => {
    expect(broken(...keeps)).not.toContain(rule);
  });
});

test('every rule says what it means, what to do, and where that is from', () => {
  for (const { id, meaning, todo, source, for: whom } of MACHINE_RULES) {
    expect([id, meaning.length > 20, todo.length > 5, source.length > 5, whom.length > 0]).toEqual([
      id,
      true,
      true,
      true,
      true,
    ]);
  }
});

test('findings for a purpose come first, the gravest first within them', () => {
  const machine = readMachine(filesOf(VFIO_DESKTOP, options('pcie_acs_override=downstream swiotlb=force iommu=on')));
  const order = findingsOfMachine(machine, 'performance').map(({ rule }) => rule);
  expect(order.indexOf('bounce-forced')).toBeLessThan(order.indexOf('acs-override'));
  expect(order.indexOf('strict-flushing')).toBeLessThan(order.indexOf('acs-override'));
});
