/**
 * What `iommu doctor --collect` saves of a machine: the files that the doctor reads, without what is personal. The command
 * line keeps the options that are read, the log the lines that are read, the memory map no place of the kernel.
 * @module
 */
import { collectedLine } from '../setup/boot-log.ts';
import { collectedOptions } from '../setup/options.ts';
import type { MachineFiles, MemoryFile } from './files.ts';
import { subjectOf, TABLE_NAMES } from './subjects.ts';

/** A file that is there and could not be read. */
export interface NotCollected {
  readonly path: string;
  readonly why: string;
}

/** What is saved, by path. */
export interface Collection {
  readonly files: ReadonlyMap<string, MemoryFile>;
  readonly refused: readonly NotCollected[];
}

const PCI = 'sys/bus/pci/devices';
const GROUPS = 'sys/kernel/iommu_groups';
const UNITS = 'sys/class/iommu';
const THUNDERBOLT = 'sys/bus/thunderbolt/devices';
const TREE = 'proc/device-tree';
/** Folders of a device tree that are looked into. */
const MOST_FOLDERS = 20_000;

const PCI_FILES = ['vendor', 'device', 'class', 'config', 'removable', 'driver_override'];
const PCI_LINKS = ['driver', 'iommu_group', 'iommu'];
const UNIT_FILES = [
  'intel-iommu/version',
  'intel-iommu/address',
  'intel-iommu/cap',
  'intel-iommu/ecap',
  'intel-iommu/domains_supported',
  'intel-iommu/domains_used',
  'amd-iommu/cap',
  'amd-iommu/features',
];
const PLAIN_FILES = [
  'proc/interrupts',
  ...TABLE_NAMES.map((name) => `sys/firmware/acpi/tables/${name}`),
  'sys/module/vfio/parameters/enable_unsafe_noiommu_mode',
  'sys/module/vfio_iommu_type1/parameters/allow_unsafe_interrupts',
  'sys/module/vfio_pci/parameters/disable_denylist',
  'sys/module/vfio_pci/parameters/ids',
  'sys/module/arm_smmu/parameters/disable_bypass',
];
const READ_DEFAULTS = /^(?:# )?CONFIG_\w*(?:IOMMU|IRQ_REMAP|VFIO|ARM_SMMU)/;

function linesWhere(text: string, keep: (line: string) => string | null): string {
  const kept = text.split('\n').flatMap((line) => keep(line) ?? []);
  return kept.length === 0 ? '' : `${kept.join('\n')}\n`;
}

/** Files of which only a part is saved. */
const PARTS: readonly (readonly [path: string, (text: string) => string])[] = [
  ['proc/cmdline', (text) => `${collectedOptions(text)}\n`],
  ['proc/version', (text) => `${/^Linux version \S+/.exec(text)?.[0] ?? ''}\n`],
  ['proc/iomem', (text) => linesWhere(text, (line) => (/: Kernel /.test(line) ? null : line))],
  ['dmesg', (text) => linesWhere(text, collectedLine)],
];

class Collector {
  readonly files = new Map<string, MemoryFile>();
  readonly refused: NotCollected[] = [];
  readonly #from: MachineFiles;

  constructor(from: MachineFiles) {
    this.#from = from;
  }

  file(path: string, change?: (text: string) => string): void {
    const read = this.#from.read(path);
    if (read.state === 'refused') this.refused.push({ path, why: read.why });
    if (read.state !== 'read') return;
    const bytes =
      change === undefined ? read.bytes : new TextEncoder().encode(change(new TextDecoder().decode(read.bytes)));
    this.files.set(path, { bytes });
  }

  link(path: string): void {
    const link = this.#from.link(path);
    if (link !== null) this.files.set(path, { link });
  }

  isLink(path: string): boolean {
    return this.#from.link(path) !== null;
  }

  list(folder: string): readonly string[] {
    return this.#from.list(folder);
  }
}

function collectPci(to: Collector): void {
  for (const name of to.list(PCI)) {
    for (const file of PCI_FILES) to.file(`${PCI}/${name}/${file}`);
    for (const link of PCI_LINKS) to.link(`${PCI}/${name}/${link}`);
  }
}

function collectGroups(to: Collector): void {
  const ids = to.list(GROUPS);
  for (const id of ids) {
    for (const file of ['type', 'name', 'reserved_regions']) to.file(`${GROUPS}/${id}/${file}`);
    for (const name of to.list(`${GROUPS}/${id}/devices`)) to.link(`${GROUPS}/${id}/devices/${name}`);
  }
  // an empty list says that there are none, and not that they were left out
  if (ids.length === 0 && to.list('sys/kernel').length > 0)
    to.files.set('iommu_groups.txt', { bytes: new Uint8Array() });
}

function collectUnits(to: Collector): void {
  for (const name of to.list(UNITS)) {
    for (const file of UNIT_FILES) to.file(`${UNITS}/${name}/${file}`);
    for (const device of to.list(`${UNITS}/${name}/devices`)) to.link(`${UNITS}/${name}/devices/${device}`);
  }
}

function collectThunderbolt(to: Collector): void {
  for (const name of to.list(THUNDERBOLT)) {
    for (const file of ['iommu_dma_protection', 'security', 'authorized']) to.file(`${THUNDERBOLT}/${name}/${file}`);
  }
}

/** Properties of the device tree that name IOMMUs. */
function collectTree(to: Collector): void {
  const waiting = [TREE];
  let folders = 0;
  for (let folder = waiting.pop(); folder !== undefined && folders < MOST_FOLDERS; folder = waiting.pop()) {
    folders++;
    for (const name of to.list(folder)) {
      const path = `${folder}/${name}`;
      if (subjectOf(path)?.id === 'device-tree') to.file(path);
      else if (!to.isLink(path) && to.list(path).length > 0) waiting.push(path);
    }
  }
}

function collectDefaults(to: Collector): void {
  for (const name of to.list('boot')) {
    if (!name.startsWith('config-')) continue;
    to.file(`boot/${name}`, (text) => linesWhere(text, (line) => (READ_DEFAULTS.test(line) ? line : null)));
  }
}

/** Gathers what the doctor reads of a machine. Nothing is written. */
export function collect(from: MachineFiles): Collection {
  const to = new Collector(from);
  for (const [path, change] of PARTS) to.file(path, change);
  for (const path of PLAIN_FILES) to.file(path);
  collectDefaults(to);
  collectPci(to);
  collectGroups(to);
  collectUnits(to);
  collectThunderbolt(to);
  collectTree(to);
  return { files: to.files, refused: to.refused };
}
