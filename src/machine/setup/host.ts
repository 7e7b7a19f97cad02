/**
 * What runs the machine: kernel, architecture, a hypervisor.
 * @module
 */
import { TRACES_OF } from '../../record/machine.ts';
import type { EvidenceReader } from '../files/evidence-reader.ts';
import type { BootLog } from './boot-log.ts';
import type { Architecture, HostFacts, MachineUnit } from './machine.ts';

const VIRTUAL_MODEL = new RegExp(`${TRACES_OF.virtualModel}|${TRACES_OF.virtualBoard}`, 'i');

/** Kinds of units, tables and words that only one architecture has. */
const ARCHITECTURES: readonly (readonly [Architecture, RegExp])[] = [
  ['x86', /\b(?:GenuineIntel|AuthenticAMD|HygonGenuine|CentaurHauls|x86_64|IO-APIC|intel-vtd|amd-vi|DMAR|IVRS)\b/],
  ['arm64', /\b(?:aarch64|arm64|CPU implementer|GICv\d|GIC-\d|arm-smmu|arm-smmu-v3|apple-dart|IORT)\b/],
  ['riscv64', /\b(?:riscv64|hart|RISC-V|riscv-iommu|RIMT)\b/],
  ['s390x', /\bIBM\/S390\b|\bs390x\b/],
  ['ppc64', /\bPOWER\d+\b|\bppc64(?:le)?\b/],
];

/** The kernel's release. */
export function readRelease(reader: EvidenceReader, log: BootLog | undefined): string | undefined {
  const version = reader.firstOf(['proc/version', 'version.txt', 'sos_commands/kernel/uname_-a', 'uname']);
  const text = version === undefined ? '' : new TextDecoder().decode(version.bytes);
  return (
    /Linux version (\S+)/.exec(text)?.[1] ?? /\b(\d+\.\d+\.\d+\S*)/.exec(text)?.[1] ?? log?.first('boot')?.values[0]
  );
}

/** The architecture, by what only one has. */
export function readArchitecture(
  reader: EvidenceReader,
  units: readonly MachineUnit[],
  tables: readonly string[],
): Architecture | undefined {
  const text = [
    'proc/cpuinfo',
    'proc/interrupts',
    'sos_commands/kernel/uname_-a',
    'uname',
    'proc/version',
    'version.txt',
    'proc/iomem',
    'iomem.txt',
  ]
    .flatMap((path) => reader.text(path)?.slice(0, 20_000) ?? [])
    .join('\n');
  const all = [text, ...units.map(({ kind }) => kind), ...tables].join('\n');
  return (
    ARCHITECTURES.find(([, words]) => words.test(all))?.[0] ??
    (/\bIOAPIC \d|\bdmar\d|\bamd_iommu\b/.test(text) ? 'x86' : undefined)
  );
}

function ofLog(log: BootLog | undefined): HostFacts | undefined {
  if (log === undefined) return undefined;
  const names = log.all('hypervisor').flatMap(({ values }) => values[0] ?? []);
  const named = names.find((name) => name !== '' && !name.startsWith('bare hardware'));
  if (named !== undefined) return { hypervisor: named, xenDom0: false, path: log.path };
  // an emulator without a hypervisor's interface counts as bare hardware there: the model betrays it
  const model = log.first('smbios')?.values[0];
  if (model !== undefined && VIRTUAL_MODEL.test(model)) return { hypervisor: model, xenDom0: false, path: log.path };
  return names.length > 0 && model !== undefined ? { hypervisor: null, xenDom0: false, path: log.path } : undefined;
}

function ofFiles(reader: EvidenceReader): HostFacts | undefined {
  const xen = reader.value('sys/hypervisor/type');
  const control = reader.value('proc/xen/capabilities') ?? '';
  if (xen === 'xen' || control !== '') {
    return { hypervisor: 'Xen', xenDom0: control.includes('control_d'), path: '/proc/xen/capabilities' };
  }
  const model = ['sys_vendor', 'product_name']
    .flatMap((name) => reader.value(`sys/class/dmi/id/${name}`) ?? [])
    .join(' ');
  if (VIRTUAL_MODEL.test(model)) return { hypervisor: model, xenDom0: false, path: '/sys/class/dmi/id' };
  const cpuinfo = reader.text('proc/cpuinfo') ?? '';
  if (/^flags\s*:.*\bhypervisor\b/m.test(cpuinfo))
    return { hypervisor: 'a hypervisor', xenDom0: false, path: '/proc/cpuinfo' };
  if (/^flags\s*:/m.test(cpuinfo)) return { hypervisor: null, xenDom0: false, path: '/proc/cpuinfo' };
  return model === '' ? undefined : { hypervisor: null, xenDom0: false, path: '/sys/class/dmi/id' };
}

/** What runs the machine: the files of the running system decide before the log, and units that a hypervisor emulates after both. */
export function readHost(
  reader: EvidenceReader,
  log: BootLog | undefined,
  units: readonly MachineUnit[],
  tables: readonly string[],
): HostFacts {
  const files = ofFiles(reader);
  if (typeof files?.hypervisor === 'string') return files;
  const said = ofLog(log);
  if (typeof said?.hypervisor === 'string') return said;
  const emulated =
    units.find((unit) => unit.emulated === true)?.name ?? units.find(({ name }) => name.startsWith('virtio'))?.name;
  if (emulated !== undefined)
    return { hypervisor: 'a hypervisor', xenDom0: false, path: `/sys/class/iommu/${emulated}` };
  if (tables.includes('VIOT')) return { hypervisor: 'a hypervisor', xenDom0: false, path: 'VIOT' };
  if (log?.has('intelGuest') === true || log?.has('amdGuest') === true) {
    return { hypervisor: 'a hypervisor', xenDom0: false, path: log.path };
  }
  return files ?? said ?? { hypervisor: undefined, xenDom0: false, path: '/proc/cpuinfo' };
}
