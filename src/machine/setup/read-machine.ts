/**
 * Reads a machine from its files.
 * @module
 */
import { EvidenceReader } from '../files/evidence-reader.ts';
import type { MachineFiles } from '../files/files.ts';
import { locate, type TreeKind } from '../files/locate.ts';
import { TABLE_NAMES } from '../files/subjects.ts';
import { readFirmwareTable, tablesOfAcpidump } from '../firmware/acpi.ts';
import { type DeviceTree, readDeviceTree } from '../firmware/device-tree.ts';
import type { FirmwareTable } from '../firmware/tables.ts';
import { MemoryMap, parseIomem } from '../iomem.ts';
import { BootLog } from './boot-log.ts';
import { readDevices } from './devices.ts';
import { readArchitecture, readHost, readRelease } from './host.ts';
import type { InterruptFacts, Machine, ModuleSetting, ThunderboltDomain } from './machine.ts';
import { KernelOptions, parseOptions } from './options.ts';
import { readUnits } from './units.ts';

const LOGS = [
  'dmesg',
  'dmesg.txt',
  'dmesg.log',
  'sos_commands/kernel/dmesg',
  'sos_commands/kernel/dmesg_-T',
  'sos_commands/logs/journalctl_--no-pager_-k',
  'sos_commands/logs/journalctl_--no-pager_-b',
  'var/log/dmesg',
  'journal.txt',
  'var/log/kern.log',
];
const XEN_LOGS = ['xl-dmesg.txt', 'xl-dmesg', 'sos_commands/xen/xl_dmesg'];
const DUMPS = ['acpidump.txt', 'acpidump', 'sos_commands/acpi/acpidump'];
const TREES = ['proc/device-tree', 'sys/firmware/devicetree/base'];
const TABLES = 'sys/firmware/acpi/tables';
const THUNDERBOLT = 'sys/bus/thunderbolt/devices';

function readLog(reader: EvidenceReader): BootLog | undefined {
  for (const path of reader.files.live ? ['dmesg'] : LOGS) {
    const bytes = reader.bytes(path);
    if (bytes !== undefined && bytes.length > 0) return new BootLog(path, bytes);
  }
  return undefined;
}

/** What `xl dmesg` printed, where it was saved. */
function readXenLog(reader: EvidenceReader): BootLog | undefined {
  const found = reader.firstOf(XEN_LOGS);
  return found === undefined ? undefined : new BootLog(found.path, found.bytes);
}

interface Tables {
  readonly tables: FirmwareTable[];
  readonly names: readonly string[] | undefined;
}

function tableOf(reader: EvidenceReader, name: string): FirmwareTable | undefined {
  const lower = name.toLowerCase();
  const found = reader.firstOf([
    `${TABLES}/${name}`,
    name,
    `${name}.dat`,
    `${lower}.dat`,
    `${name}.aml`,
    `${name}.bin`,
  ]);
  return found === undefined ? undefined : readFirmwareTable(name, found.bytes, found.path);
}

function dumpedTables(reader: EvidenceReader): FirmwareTable[] {
  const dump = reader.firstOf(DUMPS);
  if (dump === undefined) return [];
  const text = new TextDecoder().decode(dump.bytes);
  return [...tablesOfAcpidump(text)].map(([name, bytes]) => readFirmwareTable(name, bytes, dump.path));
}

/** Tables by their bytes; which there are by the folder's listing, or by the log of a boot. */
function readTables(reader: EvidenceReader, log: BootLog | undefined): Tables {
  const own = TABLE_NAMES.flatMap((name) => tableOf(reader, name) ?? []);
  const dumped = dumpedTables(reader).filter(({ signature }) => own.every((table) => table.signature !== signature));
  const tables = [...own, ...dumped];
  const names = reader.names(TABLES);
  const logged = (log?.all('table') ?? []).map(({ values: [name = ''] }) => name);
  const all = new Set([
    ...names.filter((name) => TABLE_NAMES.some((one) => one === name)),
    ...logged,
    ...tables.map(({ signature }) => signature),
  ]);
  const known = all.size > 0 || (names.length > 0 && reader.files.live) || log?.fromBoot === true;
  return { tables, names: known ? [...all] : undefined };
}

function readTree(reader: EvidenceReader): DeviceTree | null {
  const files = {
    names: (folder: string) => reader.names(folder),
    isLink: (path: string) => reader.files.link(path) !== null,
    bytes: (path: string) => reader.bytes(path),
  };
  for (const root of TREES) {
    const tree = readDeviceTree(files, root);
    if (tree !== null) return tree;
  }
  return null;
}

function readOptions(reader: EvidenceReader, log: BootLog | undefined) {
  const given = reader.firstOf(['proc/cmdline', 'cmdline.txt', 'cmdline']);
  if (given !== undefined) {
    return { options: new KernelOptions(parseOptions(new TextDecoder().decode(given.bytes))), path: given.path };
  }
  const line = log?.first('commandLine')?.values[0];
  return {
    options: new KernelOptions(line === undefined ? [] : parseOptions(line)),
    path: line === undefined ? undefined : log?.path,
  };
}

const READ_DEFAULTS = /^(?:# )?CONFIG_(\w*IOMMU\w*|IRQ_REMAP|VFIO\w*|ARM_SMMU\w*)(?:=(.*)| is not set)$/;

function readDefaults(reader: EvidenceReader, release: string | undefined): Map<string, string> | undefined {
  const names = reader.names('boot').filter((name) => name.startsWith('config-'));
  const name = names.find((one) => one === `config-${release}`) ?? (names.length === 1 ? names[0] : undefined);
  const text = (name === undefined ? undefined : reader.text(`boot/${name}`)) ?? reader.text('proc/config');
  if (text === undefined) return undefined;
  const lines = text.split('\n').flatMap((line) => {
    const [, key, value = 'n'] = READ_DEFAULTS.exec(line.slice(0, 200)) ?? [];
    return key === undefined ? [] : [[key, value] as const];
  });
  return new Map(lines);
}

/** Chips of /proc/interrupts: `IR-PCI-MSI`, `IR-IO-APIC` are remapped ones, the others on x86 are not. */
function readInterrupts(reader: EvidenceReader, log: BootLog | undefined): InterruptFacts {
  const found = reader.firstOf(['proc/interrupts', 'interrupts.txt']);
  const text = found === undefined ? '' : new TextDecoder().decode(found.bytes);
  const path = found?.path ?? 'proc/interrupts';
  if (/\bIR-(?:PCI-MSI|IO-APIC|HPET)/.test(text)) return { remapped: true, path };
  if (/\s(?:PCI-MSIX?|IO-APIC)[\s-]/.test(text)) return { remapped: false, path };
  if (log?.has('irFailed') === true) return { remapped: false, path: log.path };
  if (log?.has('irOn') === true) return { remapped: true, path: log.path };
  return { remapped: undefined, path };
}

function readThunderbolt(reader: EvidenceReader): ThunderboltDomain[] {
  const names = reader.names(THUNDERBOLT);
  const authorized = names.filter((name) => /^[12]$/.test(reader.value(`${THUNDERBOLT}/${name}/authorized`) ?? ''));
  return names
    .filter((name) => /^domain\d+$/.test(name))
    .map((name) => {
      const protection = reader.value(`${THUNDERBOLT}/${name}/iommu_dma_protection`);
      return {
        name,
        dmaProtection: protection === undefined ? undefined : protection === '1',
        security: reader.value(`${THUNDERBOLT}/${name}/security`),
        // devices are named `<domain>-<route>`; the domain's own router, route 0, counts as authorised
        authorized: authorized.filter((one) => one.startsWith(`${name.slice(6)}-`) && !one.endsWith('-0')).length,
      };
    });
}

const MODULES: readonly (readonly [module: string, names: readonly string[]])[] = [
  ['vfio', ['enable_unsafe_noiommu_mode']],
  ['vfio_iommu_type1', ['allow_unsafe_interrupts']],
  ['vfio_pci', ['disable_denylist', 'ids']],
  ['arm_smmu', ['disable_bypass']],
  ['arm_smmu_v3', ['disable_bypass']],
];

function readSettings(reader: EvidenceReader): ModuleSetting[] {
  const live = MODULES.flatMap(([module, names]) =>
    names.flatMap((name) => {
      const path = `sys/module/${module}/parameters/${name}`;
      const value = reader.value(path);
      return value === undefined || value === '' ? [] : [{ path: `/${path}`, name: `${module}.${name}`, value }];
    }),
  );
  return [...live, ...modprobeSettings(reader)];
}

function modprobeSettings(reader: EvidenceReader): ModuleSetting[] {
  const files = reader.names('etc/modprobe.d').filter((name) => name.endsWith('.conf'));
  return files.flatMap((file) => {
    const path = `etc/modprobe.d/${file}`;
    return (reader.text(path) ?? '').split('\n').flatMap((line) => {
      const [, module, rest] = /^\s*options\s+(\S+)\s+(.*)$/.exec(line.slice(0, 2000)) ?? [];
      if (module === undefined || rest === undefined || !/^(?:vfio|arm[-_]smmu)/.test(module)) return [];
      return parseOptions(rest).map(({ name, value = '' }) => ({
        path: `/${path}`,
        name: `${module.replaceAll('-', '_')}.${name}`,
        value,
      }));
    });
  });
}

function readMemory(reader: EvidenceReader): MemoryMap {
  const found = reader.firstOf(['proc/iomem', 'iomem.txt', 'iomem']);
  if (found === undefined) return new MemoryMap([], false);
  const map = parseIomem(new TextDecoder().decode(found.bytes));
  if (map.hidden) reader.refuse(found.path, 'addresses are hidden from all but root');
  return map;
}

/** Subjects whose files a machine of this kind should have; the others are missing for a reason. */
function expectedOf(
  kind: TreeKind,
  machine: Pick<Machine, 'architecture' | 'groups' | 'thunderbolt' | 'options' | 'log' | 'tableNames'>,
) {
  return (id: string): boolean => {
    if (id === 'host' || id === 'modules' || id === 'kernel' || id === 'defaults') return false;
    if (id === 'groups') return machine.groups === undefined;
    if (id === 'tables') return machine.tableNames === undefined && machine.architecture !== 'riscv64';
    if (id === 'units') return kind !== 'live';
    if (id === 'device-tree') return machine.architecture === 'arm64' && machine.tableNames?.length === 0;
    if (id === 'thunderbolt') return kind === 'sosreport';
    return true;
  };
}

/**
 * Reads a machine's set-up.
 * @throws InputError `NOT_RECOGNISED` for a tree that is not of a Linux machine, or of several, or whose files are all empty.
 */
export function readMachine(all: MachineFiles): Machine {
  const { kind, files } = locate(all);
  const reader = new EvidenceReader(files);
  const log = readLog(reader);
  const units = readUnits(reader);
  const { tables, names } = readTables(reader, log);
  const architecture = readArchitecture(reader, units ?? [], names ?? []);
  const { devices, groups, groupsPath } = readDevices(reader, log);
  const { options, path } = readOptions(reader, log);
  const release = readRelease(reader, log);
  const facts = {
    root: all.root,
    kind,
    release,
    architecture,
    host: readHost(reader, log, units ?? [], names ?? []),
    options,
    optionsPath: path,
    defaults: readDefaults(reader, release),
    devices,
    groups,
    groupsPath,
    units,
    tables,
    tableNames: names,
    deviceTree: readTree(reader),
    log,
    xenLog: readXenLog(reader) ?? log,
    interrupts: readInterrupts(reader, log),
    memory: readMemory(reader),
    thunderbolt: readThunderbolt(reader),
    settings: readSettings(reader),
  };
  reader.checkNotEmpty();
  return { ...facts, unread: reader.unread(expectedOf(kind, facts)) };
}
