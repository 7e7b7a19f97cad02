/**
 * Made machines: files as Linux shows them, composed from a few facts each. None is of a real machine.
 */
import { type MachineFiles, type MemoryFile, MemoryFiles } from '../../src/machine/files/files.ts';
import { config, dmar, drhd, type MadeConfig, rmrr, scope } from './tables.ts';

const MSI = '0x00000000fee00000 0x00000000feefffff msi\n';

/** Files by path: text, bytes, or a link. */
export type Made = Readonly<Record<string, string | Uint8Array | { readonly link: string } | null>>;

/** One PCI function. */
export interface MadeDevice {
  readonly id: string;
  readonly class: string;
  readonly driver?: string;
  readonly group?: number;
  readonly removable?: string;
  readonly config?: MadeConfig;
  readonly dmaBits?: number;
  readonly unit?: string;
}

/** Files of one PCI function in sysfs. */
export function device(name: string, made: MadeDevice): Made {
  const folder = `sys/bus/pci/devices/${name}`;
  const [vendor = '', id = ''] = made.id.split(':');
  return {
    [`${folder}/vendor`]: `0x${vendor}\n`,
    [`${folder}/device`]: `0x${id}\n`,
    [`${folder}/class`]: `0x${made.class}\n`,
    ...(made.driver === undefined ? {} : { [`${folder}/driver`]: { link: `../../../bus/pci/drivers/${made.driver}` } }),
    ...(made.group === undefined
      ? {}
      : { [`${folder}/iommu_group`]: { link: `../../../kernel/iommu_groups/${made.group}` } }),
    ...(made.removable === undefined ? {} : { [`${folder}/removable`]: `${made.removable}\n` }),
    ...(made.config === undefined ? {} : { [`${folder}/config`]: config(made.config) }),
    ...(made.dmaBits === undefined ? {} : { [`${folder}/dma_mask_bits`]: `${made.dmaBits}\n` }),
    ...(made.unit === undefined ? {} : { [`${folder}/iommu`]: { link: `../../../virtual/iommu/${made.unit}` } }),
  };
}

/** Files of one group in sysfs. */
export function group(
  id: number,
  type: string,
  devices: readonly string[],
  reserved: string = MSI,
  name?: string,
): Made {
  const folder = `sys/kernel/iommu_groups/${id}`;
  return {
    [`${folder}/type`]: `${type}\n`,
    [`${folder}/reserved_regions`]: reserved,
    ...(name === undefined ? {} : { [`${folder}/name`]: `${name}\n` }),
    ...Object.fromEntries(devices.map((one) => [`${folder}/devices/${one}`, { link: `../../../../devices/${one}` }])),
  };
}

/** Files of a VT-d unit in sysfs. */
export function dmarUnit(name: string, base: string, cap = 'd2008c40660462', ecap = 'f050da'): Made {
  const folder = `sys/class/iommu/${name}/intel-iommu`;
  return {
    [`${folder}/version`]: '1:0\n',
    [`${folder}/address`]: `${base}\n`,
    [`${folder}/cap`]: `${cap}\n`,
    [`${folder}/ecap`]: `${ecap}\n`,
  };
}

/** A log from its first line. */
export function log(...lines: readonly string[]): string {
  const all = ['Linux version 6.12.30-made (x@y) #1 SMP', ...lines];
  return all.map((line, i) => `[${(i * 0.25).toFixed(6).padStart(12)}] ${line}\n`).join('');
}

const ROOT_PORT: MadeConfig = { port: 4, buses: [1, 1], acs: [0x1f, 0x1d] };
const LAST_GIB = `100000000-17fffffff : System RAM\n`;

/** A server with one VT-d unit: every device translated, strict, interrupts remapped, nothing to find but that. */
export const SERVER: Made = {
  'proc/cmdline': 'root=/dev/sda1 intel_iommu=on\n',
  'proc/version': 'Linux version 6.12.30-made (x@y) #1 SMP\n',
  'proc/cpuinfo': 'vendor_id\t: GenuineIntel\nflags\t\t: fpu vme sse2\n',
  'proc/interrupts':
    '  24:  0  IR-PCI-MSI-0000:01:00.0    0-edge      nvme0q0\n   9:  0  IR-IO-APIC   9-fasteoi   acpi\n',
  'proc/iomem': `00001000-0009ffff : System RAM\n00100000-7fffffff : System RAM\n80000000-8fffffff : Reserved\nfed90000-fed90fff : dmar0\n${LAST_GIB}`,
  'sys/firmware/acpi/tables/DMAR': dmar(1, drhd(0xfed9_0000, true, scope(3, 0xf0, [0x1f, 0]))),
  dmesg: log(
    'ACPI: DMAR 0x000000007FFE0000 000088 (v01 MADE   MADE     00000001 MADE 00000001)',
    'DMAR: IOMMU enabled',
    'DMAR-IR: Enabled IRQ remapping in x2apic mode',
    'iommu: Default domain type: Translated',
    'iommu: DMA domain TLB invalidation policy: strict mode',
    'pci 0000:00:02.0: Adding to iommu group 0',
    'pci 0000:00:1c.0: Adding to iommu group 1',
    'pci 0000:01:00.0: Adding to iommu group 2',
    'DMAR: Intel(R) Virtualization Technology for Directed I/O',
  ),
  ...dmarUnit('dmar0', 'fed90000'),
  ...device('0000:00:00.0', { id: '8086:3e0f', class: '060000', group: 3, config: { port: null } }),
  ...device('0000:00:02.0', {
    id: '8086:1533',
    class: '020000',
    driver: 'igb',
    group: 0,
    config: { port: 9 },
    unit: 'dmar0',
  }),
  ...device('0000:00:1c.0', {
    id: '8086:a338',
    class: '060400',
    driver: 'pcieport',
    group: 1,
    config: ROOT_PORT,
    unit: 'dmar0',
  }),
  ...device('0000:01:00.0', {
    id: '144d:a808',
    class: '010802',
    driver: 'nvme',
    group: 2,
    config: { port: 0 },
    unit: 'dmar0',
  }),
  ...group(0, 'DMA', ['0000:00:02.0']),
  ...group(1, 'DMA', ['0000:00:1c.0']),
  ...group(2, 'DMA', ['0000:01:00.0']),
  ...group(3, 'DMA', ['0000:00:00.0']),
};

const EXTERNAL: Made = {
  ...device('0000:02:00.0', {
    id: '8086:15d9',
    class: '0c0330',
    driver: 'xhci_hcd',
    group: 4,
    removable: 'removable',
    config: { port: 0, ats: 0 },
    unit: 'dmar0',
  }),
  ...group(4, 'DMA', ['0000:02:00.0']),
  'sys/bus/thunderbolt/devices/domain0/security': 'user\n',
  'sys/bus/thunderbolt/devices/domain0/iommu_dma_protection': '1\n',
  'sys/bus/thunderbolt/devices/0-0/authorized': '1\n',
};

/** A laptop with Thunderbolt, lazy for trusted devices. */
export const LAPTOP: Made = {
  ...SERVER,
  ...EXTERNAL,
  'sys/firmware/acpi/tables/DMAR': dmar(5, drhd(0xfed9_0000, true, scope(3, 0xf0, [0x1f, 0]))),
  'sys/kernel/iommu_groups/0/type': 'DMA-FQ\n',
  'sys/kernel/iommu_groups/2/type': 'DMA-FQ\n',
};

/** A desktop that gives a graphics card and its audio function to a guest. */
export const VFIO_DESKTOP: Made = {
  ...SERVER,
  ...device('0000:02:00.0', {
    id: '10de:2204',
    class: '030000',
    driver: 'vfio-pci',
    group: 5,
    config: { port: 1, multifunction: true },
  }),
  ...device('0000:02:00.1', {
    id: '10de:1aef',
    class: '040300',
    driver: 'vfio-pci',
    group: 5,
    config: { port: 1, multifunction: true },
  }),
  ...group(5, 'DMA', ['0000:02:00.0', '0000:02:00.1']),
  'proc/cmdline': 'intel_iommu=on iommu.strict=1 vfio-pci.ids=10de:2204,10de:1aef\n',
};

function cells(...values: readonly number[]): Uint8Array {
  const bytes = new Uint8Array(values.length * 4);
  for (const [i, value] of values.entries()) new DataView(bytes.buffer).setUint32(i * 4, value);
  return bytes;
}

/** An arm64 board whose device tree describes one SMMUv3, a PCI host and a platform device behind it. */
export const ARM_BOARD: Made = {
  'proc/cmdline': 'root=/dev/mmcblk0p2\n',
  'proc/version': 'Linux version 6.12.30-made (x@y) #1 SMP\n',
  'proc/cpuinfo': 'processor\t: 0\nCPU implementer\t: 0x41\n',
  'proc/interrupts':
    ' 40:  0  ITS-PCI-MSI-0000:01:00.0   0 Edge  nvme0q0\n 41:  0  GICv3  74 Level  arm-smmu-v3-evtq\n',
  'proc/iomem': '09050000-0905ffff : 9050000.iommu\n40000000-ffffffff : System RAM\n',
  'proc/device-tree/compatible': 'made,board\0',
  'proc/device-tree/iommu@9050000/compatible': 'arm,smmu-v3\0',
  'proc/device-tree/iommu@9050000/#iommu-cells': cells(1),
  'proc/device-tree/iommu@9050000/phandle': cells(7),
  'proc/device-tree/ethernet@1000000/iommus': cells(7, 0x100),
  'proc/device-tree/pcie@10000000/iommu-map': cells(0, 7, 0, 0x10000),
  dmesg: log(
    'arm-smmu-v3 9050000.iommu: ias 44-bit, oas 44-bit (features 0x00088705)',
    'iommu: DMA domain TLB invalidation policy: strict mode',
    'nvme 0000:01:00.0: Adding to iommu group 0',
    'made-eth 1000000.ethernet: Adding to iommu group 1',
  ),
  'sys/class/iommu/smmu3.0x0000000009050000/devices/0000:01:00.0': { link: '../../../../pci' },
  ...device('0000:01:00.0', { id: '144d:a808', class: '010802', driver: 'nvme', group: 0, config: { port: 0 } }),
  ...group(0, 'DMA', ['0000:01:00.0'], '0x0000000008000000 0x00000000080fffff msi\n'),
  ...group(1, 'DMA', ['1000000.ethernet'], '0x0000000008000000 0x00000000080fffff msi\n'),
};

/** A RISC-V machine whose devices have identity domains. */
export const RISCV: Made = {
  'proc/cmdline': 'root=/dev/vda1\n',
  'proc/version': 'Linux version 7.2.1-made (x@y) #1 SMP\n',
  'proc/cpuinfo': 'processor\t: 0\nhart\t\t: 0\nisa\t\t: rv64imafdc\n',
  'proc/interrupts': ' 10:  0  RISC-V INTC   5 Edge  timer\n',
  'proc/iomem': '03010000-03010fff : 3010000.iommu\n80000000-bfffffff : System RAM\n',
  dmesg: log('riscv,iommu 3010000.iommu: using MSIs', 'nvme 0000:00:01.0: Adding to iommu group 0'),
  'sys/class/iommu/riscv-iommu@3010000.iommu/devices/0000:00:01.0': { link: '../../../../pci' },
  ...device('0000:00:01.0', { id: '144d:a808', class: '010802', driver: 'nvme', group: 0, config: { port: 0 } }),
  ...group(0, 'identity', ['0000:00:01.0'], ''),
};

/** A guest with an emulated VT-d unit (CAP.CM). */
export const NESTED_GUEST: Made = {
  ...SERVER,
  'proc/cpuinfo': 'vendor_id\t: GenuineIntel\nflags\t\t: fpu vme sse2 hypervisor\n',
  ...dmarUnit('dmar0', 'fed90000', 'd2008c22260286', 'f00f4a'),
  dmesg: log(
    'Hypervisor detected: KVM',
    'DMAR: IOMMU enabled',
    'DMAR-IR: Enabled IRQ remapping in xapic mode',
    'iommu: DMA domain TLB invalidation policy: lazy mode',
    'DMAR: IOMMU batching disallowed due to virtualization',
    'nvme 0000:01:00.0: Adding to iommu group 2',
    'DMAR: Intel(R) Virtualization Technology for Directed I/O',
  ),
};

/** A guest of Xen, its control domain: the hypervisor owns the IOMMU. */
export const XEN: Made = {
  'proc/cmdline': 'root=/dev/sda1\n',
  'proc/version': 'Linux version 6.12.30-made (x@y) #1 SMP\n',
  'proc/cpuinfo': 'vendor_id\t: GenuineIntel\nflags\t\t: fpu vme sse2 hypervisor\n',
  'proc/xen/capabilities': 'control_d\n',
  'sys/hypervisor/type': 'xen\n',
  'proc/interrupts': ' 24:  0  xen-pirq    -msi-x     nvme0q0\n',
  'iommu_groups.txt': '',
  dmesg: log('Hypervisor detected: Xen PV', 'Booting paravirtualized kernel on Xen'),
  ...device('0000:01:00.0', { id: '144d:a808', class: '010802', driver: 'nvme', config: { port: 0 } }),
};

/** A server whose DMAR has a region in RAM, a second unit at address 0, and a wrong checksum. */
export const BROKEN_FIRMWARE: Made = {
  ...SERVER,
  'sys/firmware/acpi/tables/DMAR': wrongSum(
    dmar(
      1,
      drhd(0, false, scope(1, 0, [2, 0])),
      drhd(0xfed9_0000, true),
      rmrr(0x10_0000, 0x1f_ffff, scope(1, 0, [0x14, 0])),
    ),
  ),
};

function wrongSum(bytes: Uint8Array): Uint8Array {
  const copy = bytes.slice();
  copy[9] = ((copy[9] ?? 0) + 1) % 256;
  return copy;
}

/** The files in memory; `null` takes one away. */
export function filesOf(...made: readonly Made[]): MachineFiles {
  return new MemoryFiles('made', memoryFiles(...made));
}

/** The files by path. */
export function memoryFiles(...made: readonly Made[]): Map<string, MemoryFile> {
  const files = new Map<string, MemoryFile>();
  for (const [path, value] of Object.entries(Object.assign({}, ...made) as Made)) {
    if (value === null) continue;
    if (typeof value === 'string') files.set(path, { bytes: new TextEncoder().encode(value) });
    else files.set(path, value instanceof Uint8Array ? { bytes: value } : value);
  }
  return files;
}
