// Firmware tables and a machine's files as seeds: small ones with one structure of each kind, mutants make the rest.
import { writeTar } from '../../dist/machine/index.js';

const HEADER = 36;
const text = (value) => new TextEncoder().encode(value);

function table(signature, revision, body) {
  const bytes = new Uint8Array(HEADER + body.length);
  bytes.set(text(signature));
  bytes.set(body, HEADER);
  new DataView(bytes.buffer).setUint32(4, bytes.length, true);
  bytes[8] = revision;
  bytes[9] = 256 - (bytes.reduce((sum, byte) => sum + byte, 0) % 256);
  return bytes;
}

const zeros = (count) => new Array(count).fill(0);

/** VT-d 8.1: host address width, flags; a DRHD with one scope, an RMRR, an ATSR. */
const DMAR = table('DMAR', 1, [
  ...[38, 1, ...zeros(10)],
  ...[0, 0, 24, 0, 0, 0, 0, 0, 0, 0, 0xd9, 0xfe, 0, 0, 0, 0, 1, 8, 0, 0, 0, 0, 2, 0],
  ...[1, 0, 32, 0, 0, 0, 0, 0, 0, 0, 0x10, 0, 0, 0, 0, 0, 0xff, 0xff, 0x1f, 0, 0, 0, 0, 0, 1, 8, 0, 0, 0, 0, 0x14, 0],
  ...[2, 0, 8, 0, 1, 0, 0, 0],
]);
/** AMD 48882 5.2: IVHD of type 0x11 with four-byte entries, IVMD. */
const IVRS = table('IVRS', 2, [
  ...[0x41, 0x30, 0x20, 0, ...zeros(8)],
  ...[0x11, 0, 48, 0, 2, 0, 0x40, 0, 0, 0, 0xd8, 0xfe, ...zeros(28), 3, 8, 0, 0, 4, 0xff, 0, 0],
  ...[0x22, 1, 32, 0, 0x18, 0, ...zeros(10), 0, 0, 0x10, 0, 0, 0, 0, 0, 0, 0, 0x10, 0, 0, 0, 0, 0],
]);
/** DEN 0049: an ITS group and an SMMUv3 with one mapping. */
const IORT = table('IORT', 6, [
  ...[2, 0, 0, 0, 48, 0, 0, 0, ...zeros(4)],
  ...[0, 24, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0],
  ...[4, 88, 0, 4, 1, 0, 0, 0, 1, 0, 0, 0, 68, 0, 0, 0, 0, 0, 5, 9, ...zeros(48)],
  ...[0, 0, 0, 0, 0xff, 0xff, 0, 0, 0, 0, 0, 0, 48, 0, 0, 0, 0, 0, 0, 0],
]);
/** ACPI 6.5 5.2.31: a PCI range behind a virtio-iommu. */
const VIOT = table('VIOT', 0, [
  ...[2, 0, 48, 0, ...zeros(8)],
  ...[1, 0, 24, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0, 72, 0, ...zeros(6)],
  ...[3, 0, 16, 0, 0, 0, 8, 0, ...zeros(8)],
]);
const RIMT = table('RIMT', 1, [1, 0, 0, 0, 48, 0, 0, 0, ...zeros(4), 0, 1, 40, 0, ...zeros(36)]);

/** Tables by signature. */
export const TABLES = [DMAR, IVRS, IORT, VIOT, RIMT];

function hexDump(bytes) {
  const rows = Array.from({ length: Math.ceil(bytes.length / 16) }, (_, i) => bytes.subarray(16 * i, 16 * i + 16));
  const pair = (byte) => byte.toString(16).padStart(2, '0').toUpperCase();
  return rows
    .map((row, i) => `    ${(16 * i).toString(16).padStart(4, '0')}: ${[...row].map(pair).join(' ')}\n`)
    .join('');
}

/** The text of `acpidump` with all of them. */
export const ACPIDUMP = text(
  TABLES.map((bytes) => `${String.fromCharCode(...bytes.subarray(0, 4))} @ 0x7FFE0000\n${hexDump(bytes)}\n`).join(''),
);

const GROUP = 'sys/kernel/iommu_groups/3';
const FUNCTION = 'sys/bus/pci/devices/0000:00:02.0';
const UNIT = 'sys/class/iommu/dmar0/intel-iommu';

/** The files of a machine with one device behind a VT-d unit. */
export const MACHINE = writeTar(
  new Map(
    Object.entries({
      'proc/cmdline': 'root=/dev/vda intel_iommu=on iommu=pt\n',
      'proc/version': 'Linux version 6.12.0 (a@b) #1 SMP\n',
      'proc/iomem': '00001000-0009fbff : System RAM\nfed90000-fed90fff : dmar0\n100000000-17fffffff : System RAM\n',
      'proc/cpuinfo': 'processor\t: 0\nvendor_id\t: GenuineIntel\nflags\t\t: fpu vmx\n',
      'proc/interrupts': ' 24:  1  DMAR-MSI  0-edge  dmar0\n',
      dmesg:
        '[    0.0] DMAR: Host address width 39\n[    0.1] DMAR: IOMMU enabled\n[    0.5] pci 0000:00:02.0: Adding to iommu group 3\n',
      'boot/config-6.12.0': 'CONFIG_INTEL_IOMMU=y\n# CONFIG_IOMMU_DEFAULT_PASSTHROUGH is not set\n',
      [`${GROUP}/type`]: 'DMA-FQ\n',
      [`${GROUP}/reserved_regions`]: '0x00000000fee00000 0x00000000feefffff msi\n',
      [`${FUNCTION}/vendor`]: '0x8086\n',
      [`${FUNCTION}/device`]: '0x1533\n',
      [`${FUNCTION}/class`]: '0x020000\n',
      [`${UNIT}/cap`]: 'd2008c222f0606\n',
      [`${UNIT}/ecap`]: 'f00f4a\n',
    })
      .map(([path, content]) => [path, { bytes: text(content) }])
      .concat([
        ['sys/firmware/acpi/tables/DMAR', { bytes: DMAR }],
        [`${GROUP}/devices/0000:00:02.0`, { link: '../../../../bus/pci/devices/0000:00:02.0' }],
        [`${FUNCTION}/iommu_group`, { link: '../../../../kernel/iommu_groups/3' }],
        [`${FUNCTION}/driver`, { link: '../../../../bus/pci/drivers/igb' }],
        [`${FUNCTION}/iommu`, { link: '../../../../class/iommu/dmar0' }],
      ]),
  ),
);
