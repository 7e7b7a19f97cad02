/**
 * Devices and groups from sysfs, or from texts where sysfs was not saved.
 * @module
 */
import { parsePci } from '../../pci.ts';
import type { EvidenceReader } from '../files/evidence-reader.ts';
import { type IommuGroup, parseGroups, type ReservedRegion } from '../groups.ts';
import { className, type PciDevice, parsePciList } from '../pci.ts';
import type { BootLog } from './boot-log.ts';
import { type ConfigFacts, readConfigSpace } from './config-space.ts';
import { type ListedFunction, parseLspci } from './lspci.ts';
import type { MachineDevice, MachineGroup } from './machine.ts';

const PCI = 'sys/bus/pci/devices';
const GROUPS = 'sys/kernel/iommu_groups';
const PCI_TEXTS = [
  'pci.txt',
  'sos_commands/pci/lspci_-nnvv',
  'sos_commands/pci/lspci_-nnvv_-s',
  'sos_commands/pci/lspci_-nvv',
  'lspci.txt',
  'lspci',
];
/** Bytes of a configuration space that the kernel gives to all. */
const HEADER_BYTES = 64;
/** Devices and groups that are read; a machine has some thousands at most. */
const MOST = 20_000;
/** Lines that the log of a whole boot has at least; fewer are an extract, whose silence proves nothing. */
const WHOLE_LOG = 200;

function removableOf(text: string | undefined): MachineDevice['removable'] {
  return text === 'removable' || text === 'fixed' || text === 'unknown' ? text : undefined;
}

function numberOf(text: string | undefined): number | undefined {
  const value = Number(text);
  return text === undefined || text === '' || !Number.isInteger(value) ? undefined : value;
}

function labelOf(reader: EvidenceReader, folder: string): string | undefined {
  const [vendor, device] = ['vendor', 'device'].map((name) => reader.value(`${folder}/${name}`)?.replace(/^0x/, ''));
  return vendor === undefined || device === undefined ? undefined : `${vendor}:${device}`;
}

function fromSysfs(reader: EvidenceReader, name: string): MachineDevice {
  const folder = `${PCI}/${name}`;
  const classCode = numberOf(reader.value(`${folder}/class`));
  const config = reader.bytes(`${folder}/config`);
  if (config?.length === HEADER_BYTES) reader.refuse(`${folder}/config`, 'root reads all of it, others 64 bytes');
  const group = reader.linkName(`${folder}/iommu_group`);
  return {
    name,
    isPci: true,
    label: labelOf(reader, folder),
    classCode,
    class: classCode === undefined ? undefined : className(classCode),
    driver: reader.linkName(`${folder}/driver`),
    group: group === null ? null : numberOf(group),
    removable: removableOf(reader.value(`${folder}/removable`)),
    config: config === undefined ? {} : readConfigSpace(config),
    dmaBits: numberOf(reader.value(`${folder}/dma_mask_bits`)),
    unit: reader.linkName(`${folder}/iommu`) ?? undefined,
  };
}

interface Listed {
  readonly pci: ReadonlyMap<string, PciDevice>;
  readonly functions: ReadonlyMap<string, ListedFunction>;
  /** False for a text without drivers: that a function has none cannot be seen there. */
  readonly showsDrivers: boolean;
}

function listed(reader: EvidenceReader): Listed {
  const found = reader.firstOf(PCI_TEXTS);
  if (found === undefined) return { pci: new Map(), functions: new Map(), showsDrivers: false };
  const text = new TextDecoder().decode(found.bytes);
  const functions = new Map(parseLspci(text).map((one) => [one.address, one]));
  const denied = [...functions.values()].filter((one) => one.denied).length;
  if (denied > 0) {
    reader.refuse(found.path, `lspci was not run as root: the capabilities of ${denied} functions are not shown`);
  }
  const pci = parsePciList(text);
  return { pci, functions, showsDrivers: [...pci.values()].some(({ driver }) => driver !== undefined) };
}

/** Facts of a text where sysfs has none. */
function merged(first: ConfigFacts, second: ConfigFacts | undefined): ConfigFacts {
  const known = Object.fromEntries(Object.entries(first).filter(([, value]) => value !== undefined));
  return { ...second, ...known };
}

function fromText(name: string, pci: PciDevice, { functions, showsDrivers }: Listed): MachineDevice {
  const list = functions.get(name);
  return {
    name,
    isPci: true,
    label: pci.name,
    class: pci.class,
    classCode: pci.classCode,
    driver: pci.driver ?? (showsDrivers ? null : undefined),
    group: list?.group,
    removable: undefined,
    config: list?.config ?? {},
    dmaBits: undefined,
    unit: undefined,
  };
}

/** A device of which only the name and the group are known. */
function bare(name: string, group: number): MachineDevice {
  const isPci = parsePci(name) !== undefined;
  const nothing = { label: undefined, class: undefined, classCode: undefined, driver: undefined } as const;
  return { name, isPci, group, removable: undefined, config: {}, dmaBits: undefined, unit: undefined, ...nothing };
}

/** Devices and groups of a machine. */
export interface DevicesAndGroups {
  readonly devices: Map<string, MachineDevice>;
  readonly groups: MachineGroup[] | undefined;
  readonly groupsPath: string;
}

function groupFromSysfs(reader: EvidenceReader, id: string): MachineGroup {
  const folder = `${GROUPS}/${id}`;
  const text = reader.value(`${folder}/reserved_regions`);
  return {
    id: Number(id),
    type: reader.value(`${folder}/type`),
    name: reader.value(`${folder}/name`),
    devices: reader.names(`${folder}/devices`),
    reserved: text === undefined ? undefined : regionsOf(text),
  };
}

function regionsOf(text: string): ReservedRegion[] {
  return text.split('\n').flatMap((line) => {
    const [, start, last, type] = /^(0x[0-9a-f]{1,16}) (0x[0-9a-f]{1,16}) (\S+)/i.exec(line) ?? [];
    if (start === undefined || last === undefined || type === undefined) return [];
    return [{ start: BigInt(start), last: BigInt(last), type }];
  });
}

function groupFromText({ id, type, devices, reserved }: IommuGroup): MachineGroup {
  // only the lines that `iommu record` writes have the type, and the reserved regions with it
  return { id, type, name: undefined, devices, reserved: type === undefined ? undefined : reserved };
}

interface FoundGroups {
  readonly groups: MachineGroup[] | undefined;
  readonly path: string;
}

function byNumber(groups: MachineGroup[]): MachineGroup[] {
  return groups.sort((a, b) => a.id - b.id);
}

function groupsOf(reader: EvidenceReader, list: Listed, log: BootLog | undefined): FoundGroups {
  const ids = reader
    .names(GROUPS)
    .filter((id) => /^\d{1,9}$/.test(id))
    .slice(0, MOST);
  if (ids.length > 0) return { groups: byNumber(ids.map((id) => groupFromSysfs(reader, id))), path: `/${GROUPS}` };
  if (reader.names('sys/kernel').length > 0 && reader.files.live) return { groups: [], path: `/${GROUPS}` };
  const text = reader.text('iommu_groups.txt');
  const parsed = text === undefined ? undefined : [...parseGroups(text).values()].map(groupFromText);
  // a blank text says that there are none; one that is not understood says nothing
  if (parsed !== undefined && (parsed.length > 0 || text?.trim() === ''))
    return { groups: withLater(parsed, log), path: 'iommu_groups.txt' };
  if ([...list.functions.values()].some(({ group }) => group !== undefined)) {
    return { groups: fromPairs([...list.functions.values()].map((one) => [one.group, one.address])), path: 'lspci' };
  }
  return groupsOfLog(reader, log);
}

/** Which group each device is in at the end of the log. */
function membersByLog(log: BootLog): Map<string, number> {
  const member = new Map<string, number>();
  const events = [
    ...log.all('groupAdded').map(({ line, values: [name = '', id = ''] }) => ({ line, name, id })),
    ...log.all('groupRemoved').map(({ line, values: [name = ''] }) => ({ line, name, id: '' })),
  ].sort((a, b) => a.line - b.line);
  for (const { name, id } of events) {
    if (id === '') member.delete(name);
    else member.set(name, Number(id));
  }
  return member;
}

/** Adds devices that joined a group after the list was written, as the log has it; the domain of a new group is not known. */
function withLater(groups: readonly MachineGroup[], log: BootLog | undefined): MachineGroup[] {
  const listed = new Set(groups.flatMap(({ devices }) => devices));
  const later = log === undefined ? [] : [...membersByLog(log)].filter(([name]) => !listed.has(name));
  const all = new Map(groups.map((group) => [group.id, group]));
  for (const [name, id] of later) {
    const group = all.get(id) ?? { id, type: undefined, name: undefined, devices: [], reserved: undefined };
    all.set(id, { ...group, devices: [...group.devices, name] });
  }
  return byNumber([...all.values()]);
}

/** The log tells the groups where it has them, and that there are none only where it begins at boot. */
function groupsOfLog(reader: EvidenceReader, log: BootLog | undefined): FoundGroups {
  const path = log?.path ?? `/${GROUPS}`;
  if (reader.names('sys/kernel').includes('iommu_groups')) return { groups: [], path: `/${GROUPS}` };
  if (log === undefined) return { groups: undefined, path };
  const member = membersByLog(log);
  if (member.size > 0) return { groups: fromPairs([...member].map(([name, id]) => [id, name])), path };
  return { groups: log.fromBoot && log.lines >= WHOLE_LOG ? [] : undefined, path };
}

function fromPairs(pairs: readonly (readonly [id: number | undefined, name: string])[]): MachineGroup[] {
  const devices = new Map<number, string[]>();
  for (const [id, name] of pairs) {
    if (id === undefined) continue;
    const list = devices.get(id);
    if (list === undefined) devices.set(id, [name]);
    else list.push(name);
  }
  const unknown = { type: undefined, name: undefined, reserved: undefined } as const;
  return byNumber([...devices].map(([id, names]) => ({ id, devices: names, ...unknown })));
}

/** Reads devices and groups, and puts each device into its group. */
export function readDevices(reader: EvidenceReader, log: BootLog | undefined): DevicesAndGroups {
  const names = reader.names(PCI).slice(0, MOST);
  const list = listed(reader);
  const devices = new Map(names.map((name) => [name, fromSysfs(reader, name)]));
  if (names.length === 0) {
    for (const [name, pci] of list.pci) devices.set(name, fromText(name, pci, list));
  }
  for (const [name, device] of devices) {
    devices.set(name, { ...device, config: merged(device.config, list.functions.get(name)?.config) });
  }
  const { groups, path } = groupsOf(reader, list, log);
  const complete = groups !== undefined && path !== 'lspci' && log?.path !== path;
  const groupOf = new Map((groups ?? []).flatMap(({ id, devices: all }) => all.map((name) => [name, id] as const)));
  for (const [name, device] of devices) {
    const group = groupOf.get(name) ?? device.group ?? (complete ? null : undefined);
    devices.set(name, { ...device, group });
  }
  for (const [name, id] of groupOf) if (!devices.has(name)) devices.set(name, bare(name, id));
  return { devices, groups, groupsPath: path };
}

/** The bridges above a function, the nearest first, by bus numbers. */
export function bridgesAbove(name: string, devices: ReadonlyMap<string, MachineDevice>): MachineDevice[] {
  const above: MachineDevice[] = [];
  let at = parsePci(name);
  while (at !== undefined && above.length < 256) {
    const { segment, requesterId } = at;
    const bridge = bridgeOf(segment, requesterId >>> 8, devices);
    if (bridge === undefined || above.includes(bridge)) break;
    above.push(bridge);
    at = parsePci(bridge.name);
  }
  return above;
}

const byBus = new WeakMap<ReadonlyMap<string, MachineDevice>, Map<string, MachineDevice>>();

/** The bridge whose secondary bus this is. */
function bridgeOf(
  segment: number,
  bus: number,
  devices: ReadonlyMap<string, MachineDevice>,
): MachineDevice | undefined {
  let index = byBus.get(devices);
  if (index === undefined) {
    index = new Map();
    for (const device of devices.values()) {
      const own = parsePci(device.name);
      const secondary = device.config.buses?.[0];
      if (own !== undefined && secondary !== undefined && secondary !== 0)
        index.set(`${own.segment} ${secondary}`, device);
    }
    byBus.set(devices, index);
  }
  return index.get(`${segment} ${bus}`);
}
