/**
 * What machine a trace was recorded on: kernel, IOMMU, page size, and whether times are those of hardware.
 * @module
 */
import { readIfAny, type Tree } from './tree.ts';

/** Whose times a trace shows. `unknown` must be treated as emulated. */
export type MachineKind = 'hardware' | 'kvm' | 'emulated' | 'unknown';

/** Facts about the machine, for `metadata.json`. */
export interface MachineFacts {
  readonly kernel: string | null;
  readonly release: string | null;
  readonly commandLine: string | null;
  readonly pageSize: number | null;
  readonly processor: string | null;
  readonly machine: MachineKind;
  readonly machineEvidence: string;
  readonly iommu: {
    readonly kinds: readonly string[];
    readonly units: readonly string[];
    readonly groupTypes: Readonly<Record<string, number>>;
  };
  readonly model: string | null;
}

/** How names begin that drivers register under /sys/class/iommu, and the kind of IOMMU behind each. */
export const IOMMU_KINDS: readonly (readonly [prefix: string, kind: string])[] = [
  ['dmar', 'intel-vtd'],
  ['ivhd', 'amd-vi'],
  ['smmu3.', 'arm-smmu-v3'],
  ['smmu.', 'arm-smmu'],
  ['riscv-iommu', 'riscv-iommu'],
  ['apple-dart', 'apple-dart'],
  ['mtk-iommu', 'mtk-iommu'],
  ['s390-iommu', 'other'],
  ['exynos', 'other'],
  ['qcom', 'other'],
  ['rk-iommu', 'other'],
  ['ipmmu', 'other'],
];

/** Names in /proc/cpuinfo, DMI and the device tree that betray an emulator or a virtual machine; extended regular expressions. */
export const TRACES_OF = {
  emulator: 'QEMU (TCG|Virtual) CPU|TCG',
  virtualBoard: 'dummy-virt|qemu|riscv-virtio',
  virtualModel:
    'QEMU|KVM|VMware|VirtualBox|innotek|Xen|Bochs|Parallels|Virtual Machine|Google Compute Engine|OpenStack|BHYVE',
  processor: '^(model name|cpu model|uarch|Processor|CPU part)[[:space:]]*:',
} as const;

const EMULATOR = new RegExp(TRACES_OF.emulator);
const VIRTUAL_BOARD = new RegExp(TRACES_OF.virtualBoard);
const VIRTUAL_MODEL = new RegExp(TRACES_OF.virtualModel, 'i');

/** The kind of IOMMU behind a name under /sys/class/iommu. */
export function iommuKind(name: string): string {
  return IOMMU_KINDS.find(([prefix]) => name.startsWith(prefix))?.[1] ?? 'unknown';
}

function iommuFacts(sys: Tree): MachineFacts['iommu'] {
  const units = sys.list('sys/class/iommu');
  const kinds = units.map(iommuKind);
  const groupTypes: Record<string, number> = {};
  for (const group of sys.list('sys/kernel/iommu_groups')) {
    const type = readIfAny(sys, `sys/kernel/iommu_groups/${group}/type`) ?? 'unknown';
    groupTypes[type] = (groupTypes[type] ?? 0) + 1;
  }
  return { kinds: [...new Set(kinds)].sort(), units, groupTypes };
}

function pageSizeOf(sys: Tree): number | null {
  const kib = /^KernelPageSize:\s+(\d+) kB$/m.exec(readIfAny(sys, 'proc/self/smaps') ?? '')?.[1];
  return kib === undefined ? null : Number(kib) * 1024;
}

function processorOf(cpuinfo: string): string | null {
  return /^(?:model name|cpu model|uarch|Processor|CPU part)\s*:\s*(.+)$/m.exec(cpuinfo)?.[1]?.trim() ?? null;
}

interface Verdict {
  readonly machine: MachineKind;
  readonly machineEvidence: string;
}

function virtual(sys: Tree, evidence: string): Verdict {
  const clocks = readIfAny(sys, 'sys/devices/system/clocksource/clocksource0/available_clocksource') ?? '';
  if (clocks.includes('kvm-clock')) return { machine: 'kvm', machineEvidence: `${evidence}; kvm-clock is offered` };
  const ptp = sys.list('sys/class/ptp').map((name) => readIfAny(sys, `sys/class/ptp/${name}/clock_name`) ?? '');
  if (ptp.some((name) => name.includes('KVM'))) {
    return { machine: 'kvm', machineEvidence: `${evidence}; a KVM virtual clock is offered` };
  }
  return { machine: 'unknown', machineEvidence: `${evidence}; whether the processor is emulated cannot be seen` };
}

/**
 * Judges by what a guest can see. Emulation shows in the processor's name; KVM in its clocks; hardware only where
 * firmware names a machine that is not virtual.
 */
function verdict(sys: Tree, cpuinfo: string, model: string | null): Verdict {
  const processor = processorOf(cpuinfo) ?? '';
  if (EMULATOR.test(processor)) {
    return { machine: 'emulated', machineEvidence: `/proc/cpuinfo: ${processor}` };
  }
  if (/^flags\s*:.*\bhypervisor\b/m.test(cpuinfo)) return virtual(sys, '/proc/cpuinfo: hypervisor flag');
  const xen = readIfAny(sys, 'sys/hypervisor/type');
  if (xen !== null) return virtual(sys, `/sys/hypervisor/type: ${xen}`);
  const tree = (readIfAny(sys, 'proc/device-tree/compatible') ?? '').replace(/\0/g, ' ');
  if (VIRTUAL_BOARD.test(tree)) return virtual(sys, `device tree: ${tree}`);
  if (model !== null && VIRTUAL_MODEL.test(model)) return virtual(sys, `DMI: ${model}`);
  if (model !== null) return { machine: 'hardware', machineEvidence: `DMI: ${model}, no hypervisor seen` };
  if (tree !== '') return { machine: 'hardware', machineEvidence: `device tree: ${tree}, no hypervisor seen` };
  return { machine: 'unknown', machineEvidence: 'neither DMI nor a device tree names the machine' };
}

function modelOf(sys: Tree): string | null {
  const parts = ['sys_vendor', 'product_name'].map((name) => readIfAny(sys, `sys/class/dmi/id/${name}`));
  const known = parts.filter((part): part is string => part !== null && part !== '');
  if (known.length > 0) return known.join(' ');
  return readIfAny(sys, 'proc/device-tree/model');
}

function dmiOf(sys: Tree): string | null {
  return sys.list('sys/class/dmi/id').length > 0 ? modelOf(sys) : null;
}

/** Gathers the facts from /proc and /sys below a root. */
export function machineFacts(sys: Tree): MachineFacts {
  const cpuinfo = readIfAny(sys, 'proc/cpuinfo') ?? '';
  return {
    kernel: readIfAny(sys, 'proc/version'),
    release: readIfAny(sys, 'proc/sys/kernel/osrelease'),
    commandLine: readIfAny(sys, 'proc/cmdline'),
    pageSize: pageSizeOf(sys),
    processor: processorOf(cpuinfo),
    ...verdict(sys, cpuinfo, dmiOf(sys)),
    iommu: iommuFacts(sys),
    model: modelOf(sys),
  };
}
