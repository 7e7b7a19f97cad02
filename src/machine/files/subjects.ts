/**
 * Which files of a machine are read, and what each would tell: one list for reading, for collecting, for picking from an
 * archive, and for saying what is missing.
 * @module
 */

/** A file or a folder of files with one subject. */
export interface Subject {
  readonly id: string;
  /** Path on a running system, for people. */
  readonly path: string;
  /** Paths below the root of a tree; `boot/config-…` and texts of commands have several names. */
  readonly files: RegExp;
  /** What it tells; completes "would have told …". */
  readonly tells: string;
}

/** The tables of the firmware that describe IOMMUs. */
export const TABLE_NAMES = ['DMAR', 'IVRS', 'IORT', 'VIOT', 'RIMT'] as const;

const TABLES = TABLE_NAMES.join('|');

/** Every subject. */
export const SUBJECTS: readonly Subject[] = [
  {
    id: 'groups',
    path: '/sys/kernel/iommu_groups',
    files:
      /^(?:sys\/kernel\/iommu_groups\/\d+\/(?:type|name|reserved_regions|devices\/[^/]+)|iommu_groups\.txt|sos_commands\/pci\/lspci_-nnvv)$/,
    tells: 'which devices an IOMMU driver handles, and the default domain and reserved regions of each group',
  },
  {
    id: 'options',
    path: '/proc/cmdline',
    files: /^(?:proc\/cmdline|cmdline(?:\.txt)?)$/,
    tells: 'which options the kernel was started with',
  },
  {
    id: 'log',
    path: 'dmesg',
    files:
      /^(?:dmesg(?:\.txt|\.log)?|sos_commands\/kernel\/dmesg(?:_-T)?|sos_commands\/logs\/journalctl_--no-pager_-[kb]\S*|var\/log\/(?:dmesg|kern\.log)|journal\.txt)$/,
    tells: 'since when translation runs, faults, errors of the units, and what the kernel says of the firmware',
  },
  {
    id: 'pci',
    path: '/sys/bus/pci/devices',
    files:
      /^(?:sys\/bus\/pci\/devices\/[^/]+(?:\/(?:vendor|device|class|driver|driver_override|iommu_group|iommu|removable|dma_mask_bits))?|pci\.txt|lspci(?:\.txt)?|sos_commands\/pci\/lspci\S*)$/,
    tells: 'which PCI functions there are, their drivers, and whether a port that faces outside leads to them',
  },
  {
    id: 'config',
    path: '/sys/bus/pci/devices/*/config',
    files: /^sys\/bus\/pci\/devices\/[^/]+\/config$/,
    tells: 'ACS of bridges, and whether ATS, PASID and PRI are on (root reads 4096 bytes, others 64)',
  },
  {
    id: 'units',
    path: '/sys/class/iommu',
    files:
      /^sys\/class\/iommu\/[^/]+(?:\/(?:device|devices\/[^/]+|intel-iommu\/(?:version|address|cap|ecap|domains_supported|domains_used)|amd-iommu\/(?:cap|features)))?$/,
    tells: 'which IOMMUs are in use, what they can do, and which devices are behind each',
  },
  {
    id: 'tables',
    path: '/sys/firmware/acpi/tables',
    files: new RegExp(
      `^(?:sys/firmware/acpi/tables/(?:${TABLES})|(?:${TABLES})(?:\\.dat|\\.aml|\\.bin)?|(?:${TABLES.toLowerCase()})\\.dat|acpidump(?:\\.txt)?|sos_commands/acpi/acpidump)$`,
    ),
    tells: 'which IOMMUs the firmware describes, the devices behind them, and the memory that it reserves (root only)',
  },
  {
    id: 'device-tree',
    path: '/proc/device-tree',
    files:
      /^(?:proc|sys\/firmware)\/device(?:-|)tree(?:\/base)?\/(?:.*\/)?(?:iommus|iommu-map|iommu-map-mask|#iommu-cells|phandle|compatible|status|iommu-addresses)$/,
    tells: 'which IOMMUs the device tree describes, and the devices behind them',
  },
  {
    id: 'interrupts',
    path: '/proc/interrupts',
    files: /^(?:proc\/interrupts|interrupts\.txt)$/,
    tells: 'whether interrupts are remapped',
  },
  {
    id: 'memory',
    path: '/proc/iomem',
    files: /^(?:proc\/iomem|iomem(?:\.txt)?)$/,
    tells: 'whether regions that the firmware reserves lie in RAM (addresses are hidden from all but root)',
  },
  {
    id: 'thunderbolt',
    path: '/sys/bus/thunderbolt/devices',
    files: /^sys\/bus\/thunderbolt\/devices\/[^/]+(?:\/(?:iommu_dma_protection|security|authorized))?$/,
    tells: 'whether the firmware and the IOMMU protect from plug-in devices',
  },
  {
    id: 'modules',
    path: '/sys/module/*/parameters',
    files:
      /^(?:sys\/module\/(?:vfio|vfio_iommu_type1|vfio_pci|vfio_pci_core|arm_smmu|arm_smmu_v3)\/parameters\/(?:allow_unsafe_interrupts|enable_unsafe_noiommu_mode|disable_denylist|disable_bypass|ids)|etc\/modprobe\.d\/[^/]+\.conf)$/,
    tells: "the settings of VFIO's and the IOMMU's modules",
  },
  {
    id: 'defaults',
    path: '/boot/config-*',
    files: /^(?:boot\/config-[^/]+|proc\/config(?:\.gz)?)$/,
    tells: "the kernel's built-in defaults",
  },
  {
    id: 'kernel',
    path: '/proc/version',
    files: /^(?:proc\/version|version\.txt|sos_commands\/kernel\/uname_-a|uname)$/,
    tells: 'which kernel runs',
  },
  {
    id: 'host',
    path: '/sys/hypervisor, /proc/xen, /sys/class/dmi/id',
    files:
      /^(?:sys\/hypervisor\/type|proc\/xen\/capabilities|proc\/cpuinfo|sys\/class\/dmi\/id\/(?:sys_vendor|product_name)|xl-dmesg(?:\.txt)?|sos_commands\/xen\/xl_dmesg)$/,
    tells: 'whether this is a guest of a hypervisor',
  },
];

/** Longest path that Linux has (PATH_MAX). */
const LONGEST_PATH = 4096;

/** True for a file that is read, at its path below the root of a tree or below one more folder on top. */
export function isRead(path: string): boolean {
  if (path.length > LONGEST_PATH) return false;
  return subjectOf(path) !== undefined || subjectOf(path.slice(path.indexOf('/') + 1)) !== undefined;
}

/** The subject of a path below the root of a tree. */
export function subjectOf(path: string): Subject | undefined {
  return SUBJECTS.find(({ files }) => files.test(path));
}
