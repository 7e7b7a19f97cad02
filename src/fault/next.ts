/**
 * What a person does next: for each cause the two or three things that bring the missing evidence or usually fix it, with
 * commands for the machine that the log is of, and the source of each.
 * @module
 */
import { hex } from '../address.ts';
import type { Evidence, FaultCause } from './cause.ts';
import type { CauseName } from './cause-names.ts';
import type { Incident, NextStep } from './incident.ts';

type Steps = (incident: Incident) => readonly NextStep[];

const DMA_HOWTO = 'Linux Documentation/core-api/dma-api-howto.rst';
const DMA_API = 'Linux Documentation/core-api/dma-api.rst';
const PARAMETERS = 'Linux Documentation/admin-guide/kernel-parameters.txt';

const RECORD: NextStep = {
  text: 'record what is mapped and unmapped before the fault with `iommu record`, then `iommu fault LOG --trace TRACE`',
  source: 'Linux include/trace/events/iommu.h (map, unmap, io_page_fault)',
};
const DEBUG: NextStep = {
  text: 'boot a kernel with CONFIG_DMA_API_DEBUG=y: it names a driver that unmaps or maps wrongly',
  source: `${DMA_API}, "Part III"`,
};

/** How the tables are read, by IOMMU. */
const DUMP: Readonly<Record<string, NextStep>> = {
  'intel-vtd': {
    text: 'read the tables: `cat /sys/kernel/debug/iommu/intel/domain_translation_struct > tables.txt` (CONFIG_INTEL_IOMMU_DEBUGFS), then `--dump tables.txt`',
    source: 'Linux Documentation/ABI/testing/debugfs-intel-iommu',
  },
  'amd-vi': {
    text: 'read the device table entry: write the device to /sys/kernel/debug/iommu/amd/devid, then read `devtbl` there (Linux 6.17 on)',
    source: 'Linux Documentation/ABI/testing/debugfs-amd-iommu',
  },
};
const ACQUIRE: NextStep = {
  text: 'take a dump of the tables with the script of `iommu acquire`, then `iommu fault LOG --dump DUMP --regs REGS`',
  source: 'docs/dumps-and-faults.md',
};

function groupOf({ device }: Incident): NextStep {
  const isPci = /^[0-9a-f]{4,8}:/.test(device ?? '');
  const name = isPci ? (device ?? '') : 'DEVICE';
  return {
    text: isPci
      ? `see whether the kernel has the device in a group: \`ls -l /sys/bus/pci/devices/${name}/iommu_group\`, and behind which bridge it is: \`lspci -t\`; if lspci has no such function, a device sends under another number than its own (a DMA alias) and needs a quirk of the kernel`
      : 'see whether the kernel has the device in a group: `ls /sys/kernel/iommu_groups/*/devices`',
    source: 'Linux Documentation/ABI/testing/sysfs-kernel-iommu_groups',
  };
}

function firmware({ iommu, stream }: Incident): NextStep {
  const id = stream === undefined ? 'its id' : hex(stream);
  if (iommu === 'intel-vtd') {
    return {
      text: `look for source-id ${id} in the firmware's DMAR table (acpidump, iasl -d)`,
      source: 'Intel VT-d, chapter 8',
    };
  }
  if (iommu === 'amd-vi') {
    return {
      text: `look for device id ${id} in the firmware's IVRS table (acpidump, iasl -d)`,
      source: 'AMD 48882, chapter 5',
    };
  }
  return {
    text: `compare stream ${id} with what the firmware says: iommus and iommu-map in the device tree, or the IORT or RIMT table`,
    source: 'Devicetree bindings iommu/iommu.txt and pci/pci-iommu.txt; Arm DEN 0049 (IORT)',
  };
}

function noAts({ device }: Incident): NextStep {
  return {
    text: `boot with pci=noats; if it goes away, ATS is at fault. \`lspci -vvv${device === undefined ? '' : ` -s ${device}`}\` shows ATSCtl`,
    source: PARAMETERS,
  };
}

/** Translation requests, translated requests and page requests all come with ATS. */
function concernsAts({ meaning }: Incident): boolean {
  return /ATS|translated request|translation request|page request/.test(meaning);
}

const REQUESTER: NextStep = {
  text: 'compare the address with what the driver gave to the device, and update the firmware of the device: the kind of request is wrong, not its mapping',
  source: `${DMA_HOWTO}, "What memory is DMA'able?"`,
};

function neighbours({ device }: Incident): NextStep {
  const name = device ?? 'the device';
  return {
    text: `look for a reset, hot-plug, AER or power change of ${name} at that time in the same log; all ones from \`lspci -xs\` mean that it is gone`,
    source: 'PCI Express Base Specification, 10.3.1 (ATS invalidation)',
  };
}

const MASK: NextStep = {
  text: "compare the address with the device's DMA mask and with the descriptor that the driver wrote: a cut or sign-extended address is the usual find",
  source: `${DMA_HOWTO}, "DMA addressing capabilities"`,
};
const DESCRIPTOR: NextStep = {
  text: 'compare the address with what the driver gave to the device: a CPU physical address, an index or an uninitialised descriptor is the usual find',
  source: `${DMA_HOWTO}, "What memory is DMA'able?"`,
};
const BEHIND: NextStep = {
  text: 'see whether the device is behind the IOMMU: `ls /sys/kernel/iommu_groups/*/devices`, and `iommus` in the device tree',
  source: 'Devicetree bindings iommu/iommu.txt',
};
const DIRECTION: NextStep = {
  text: "compare the direction in the driver's dma_map_* call (DMA_TO_DEVICE, DMA_FROM_DEVICE) with what the device does",
  source: `${DMA_HOWTO}, "DMA Direction"`,
};
const EXECUTE: NextStep = {
  text: 'find who mapped the page with IOMMU_NOEXEC or IOMMU_PRIV (DMA_ATTR_PRIVILEGED): code that the device runs from memory needs a mapping without them',
  source: 'Linux include/linux/iommu.h (IOMMU_NOEXEC, IOMMU_PRIV)',
};
const SECOND_STAGE: NextStep = {
  text: "look at the second stage: the hypervisor's mapping of the memory that holds the guest's tables, and the table pointer that the guest gave",
  source: 'Arm IHI 0070, 7.3.16 (F_PERMISSION, CLASS); Intel VT-d, chapter 7 (nested translation)',
};
const CORE_DUMP: NextStep = {
  text: 'save the crash dump if the driver makes one: `cat /sys/class/devcoredump/devcd*/data > device.dump`, within 5 minutes',
  source: 'Linux drivers/base/devcoredump.c',
};
const BUFFERS: NextStep = {
  text: 'look up the address among the buffers that the process gave to the device; report it to the authors of its user-space driver with the device, process and address of this log',
  source: 'Linux Documentation/gpu/drm-mm.rst',
};
const CHECK: NextStep = {
  text: 'check the tables for entries that nobody writes: `iommu check DUMP --regs REGS`',
  source: 'docs/dumps-and-faults.md',
};
const PASSTHROUGH: NextStep = {
  text: 'to test only: iommu.passthrough=1 lets devices bypass translation; if the device then works, its context is what is missing',
  source: PARAMETERS,
};
const STRICT: NextStep = {
  text: 'boot with iommu.strict=1: it invalidates at each unmap, which tells a late invalidation from a missing one',
  source: PARAMETERS,
};
const REPORT: NextStep = {
  text: 'a missing invalidation is an error of the kernel: report it with this log, the dump and the trace',
  source: 'Linux MAINTAINERS, "IOMMU SUBSYSTEM"',
};
const UNMAP: NextStep = {
  text: 'find out why the driver unmaps while the device still works: stop the queue, or wait for completion, before dma_unmap_*',
  source: `${DMA_HOWTO}, "Using Streaming DMA mappings"`,
};
const LENGTH: NextStep = {
  text: 'compare the length that the device was given with the mapped length: the mapping ends directly below the address',
  source: `${DMA_HOWTO}, "Using Streaming DMA mappings"`,
};

/** Interrupts: the units differ in how their remapping is tested. */
function interrupts({ iommu, name }: Incident): readonly NextStep[] {
  if (iommu !== 'intel-vtd') {
    return [
      {
        text: 'look for the first lines with "interrupt remapping" in the log, and update the firmware',
        source: PARAMETERS,
      },
      { text: 'to test only: intremap=off', source: PARAMETERS },
    ];
  }
  const old: NextStep = {
    text: 'the source still sends interrupts in the old format: its driver or the firmware did not program it again after remapping was enabled; update the firmware',
    source: 'Intel VT-d, 5.1.2 (compatibility format)',
  };
  return [...(name.endsWith('0x25') ? [old] : []), { text: 'to test only: intremap=off', source: PARAMETERS }];
}

const ABSENT: Steps = () => [DESCRIPTOR, DEBUG];

const BY_CAUSE: Partial<Record<CauseName, Steps>> = {
  'not-mapped': ABSENT,
  'not-permitted': () => [DIRECTION, DEBUG],
  'never-mapped': ABSENT,
  'use-after-unmap': () => [UNMAP, DEBUG],
  overrun: () => [LENGTH, DEBUG],
  'used-before-mapping': () => [UNMAP, DEBUG],
  'wrong-direction': () => [DIRECTION, DEBUG],
  'no-execute': () => [EXECUTE],
  'no-privilege': () => [EXECUTE],
  'tables-refused': () => [SECOND_STAGE],
  'stale-tlb': () => [STRICT, REPORT],
  'input-range': () => [MASK],
  'no-context': (incident) => [groupOf(incident), firmware(incident), PASSTHROUGH],
  'doubled-configuration': (incident) => [firmware(incident)],
  'table-corrupted': () => [CHECK],
  'access-flag': () => [CHECK],
  'output-too-large': () => [CHECK],
  'bus-error': () => [CHECK],
  'interrupt-blocked': interrupts,
  'outside-memory': () => [DESCRIPTOR, BEHIND],
  'unsupported-request': (incident) => (concernsAts(incident) ? [noAts(incident)] : [REQUESTER]),
};

const NEEDS_TRACE: readonly CauseName[] = ['not-mapped', 'not-permitted', 'never-mapped', 'unknown'];
const NEEDS_DUMP: readonly CauseName[] = [
  'not-permitted',
  'wrong-direction',
  'no-context',
  'bus-error',
  'table-corrupted',
];
const MOST_STEPS = 3;

/** Evidence that is missing, in the order in which it is easiest to get. */
function missing({ fault, tables, history }: Evidence, cause: CauseName): NextStep[] {
  const steps: NextStep[] = [];
  if (history === undefined && NEEDS_TRACE.includes(cause) && fault.iova !== undefined) steps.push(RECORD);
  if (tables === undefined && NEEDS_DUMP.includes(cause)) steps.push(DUMP[fault.iommu] ?? ACQUIRE);
  return steps;
}

function unitSteps(fault: Incident): readonly NextStep[] {
  return fault.kind === 'device-timeout' ? [neighbours(fault), noAts(fault)] : [neighbours(fault)];
}

/** The next two or three things to do about a fault. */
export function nextSteps(evidence: Evidence, cause: FaultCause): readonly NextStep[] {
  const { fault } = evidence;
  if (fault.next.length > 0) return fault.next.slice(0, MOST_STEPS);
  if (fault.origin === 'software') return [];
  if (fault.origin === 'device-mmu') return [BUFFERS, CORE_DUMP];
  const known = cause.name === 'unit-error' ? unitSteps(fault) : (BY_CAUSE[cause.name]?.(fault) ?? []);
  const evidenceSteps = fault.origin === 'iommu' ? missing(evidence, cause.name) : [];
  return [...evidenceSteps, ...known].slice(0, MOST_STEPS);
}
