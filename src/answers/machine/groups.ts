/**
 * `groups`: which devices share an IOMMU group, and why.
 * @module
 */
import { hex } from '../../address.ts';
import { explainGroup } from '../../machine/setup/explain-group.ts';
import { deviceTitle, type Machine, type MachineDevice, type MachineGroup } from '../../machine/setup/machine.ts';
import { isRunning } from '../../machine/setup/state.ts';
import { type Answer, listSection, type Section, tableSection } from '../../report/answer.ts';
import type { Cell, Table } from '../../report/table.ts';
import { pictureSection, type TableData, tableData } from './firmware.ts';

/** One device of a group, for programs. */
export interface DeviceData {
  readonly name: string;
  readonly class: string | null;
  readonly id: string | null;
  readonly driver: string | null;
  readonly removable: string | null;
  readonly ats: boolean | null;
  readonly pasid: boolean | null;
  readonly unit: string | null;
}

/** One group, for programs. `id` is null for the devices that are in none. */
export interface GroupData {
  readonly id: number | null;
  readonly type: string | null;
  readonly devices: readonly DeviceData[];
  readonly reserved: readonly { readonly start: string; readonly last: string; readonly type: string }[] | null;
  /** What joins its devices. */
  readonly why: readonly string[];
  /** What would part them, and what it costs. */
  readonly remedies: readonly string[];
  /** True where the registers show the reason. */
  readonly decided: boolean;
}

function deviceData(device: MachineDevice | undefined, name: string): DeviceData {
  return {
    name,
    class: device?.class ?? null,
    id: device?.label ?? null,
    driver: device?.driver ?? null,
    removable: device?.removable ?? null,
    ats: device?.config.ats ?? null,
    pasid: device?.config.pasid ?? null,
    unit: device?.unit ?? null,
  };
}

function groupData(machine: Machine, group: MachineGroup): GroupData {
  const { why, remedies, decided } = explainGroup(machine, group);
  return {
    id: group.id,
    type: group.type ?? null,
    devices: group.devices.map((name) => deviceData(machine.devices.get(name), name)),
    reserved: group.reserved?.map(({ start, last, type }) => ({ start: hex(start), last: hex(last), type })) ?? null,
    why,
    remedies,
    decided,
  };
}

/** Devices that are known to be in no group. */
function ungrouped({ devices }: Machine): MachineDevice[] {
  return [...devices.values()].filter(({ group }) => group === null);
}

/** Groups by number, the devices in none last; null where the groups are not known. */
export function groupsData(machine: Machine): GroupData[] | null {
  const { groups } = machine;
  if (groups === undefined) return null;
  const rest = ungrouped(machine);
  const none = { id: null, type: null, reserved: null, why: [], remedies: [], decided: true } as const;
  return [
    ...groups.map((group) => groupData(machine, group)),
    ...(rest.length === 0 ? [] : [{ ...none, devices: rest.map((device) => deviceData(device, device.name)) }]),
  ];
}

/** What a default domain means for the devices of its group. */
function typeCell(type: string | undefined): Cell {
  if (type === undefined) return null;
  if (type === 'identity') return { text: type, tone: 'warning' };
  return type === 'DMA' || type === 'DMA-FQ' ? { text: type, tone: 'good' } : type;
}

function trustText({ removable, config }: MachineDevice): string | null {
  const words = [
    ...(removable === 'removable' ? ['untrusted: behind a port that faces outside'] : []),
    ...(config.ats === true ? ['ATS'] : []),
    ...(config.pasid === true ? ['PASID'] : []),
    ...(config.pri === true ? ['PRI'] : []),
  ];
  return words.length === 0 ? null : words.join(', ');
}

/** Reserved regions in few words; the window of MSI that every group has is left out. */
function reservedText({ reserved }: MachineGroup): string | null {
  const own = (reserved ?? []).filter(({ type }) => type !== 'msi');
  return own.length === 0 ? null : own.map(({ start, last, type }) => `${type} ${hex(start)}-${hex(last)}`).join(', ');
}

function deviceRow(first: readonly Cell[], device: MachineDevice | undefined, name: string, reserved: Cell): Cell[] {
  const driver = device?.driver === null ? 'no driver' : (device?.driver ?? null);
  const trust = device === undefined ? null : trustText(device);
  return [...first, name, device?.class ?? null, device?.label ?? null, driver, device?.unit ?? null, trust, reserved];
}

function groupRows(machine: Machine, group: MachineGroup): Cell[][] {
  return group.devices.map((name, i) =>
    deviceRow(
      i === 0 ? [String(group.id), typeCell(group.type)] : ['', ''],
      machine.devices.get(name),
      name,
      i === 0 ? reservedText(group) : '',
    ),
  );
}

/** Columns without any value, by index, are left out. */
function withoutEmpty(table: Table): Table {
  const kept = table.columns.map((_, i) =>
    table.rows.some((row) => row[i] !== null && row[i] !== '' && row[i] !== undefined),
  );
  return {
    ...table,
    columns: table.columns.filter((_, i) => kept[i] === true),
    rows: table.rows.map((row) => row.filter((_, i) => kept[i] === true)),
  };
}

/** Devices by group, those in no group last. */
export function groupsTable(machine: Machine): Table {
  const rest = ungrouped(machine);
  const rows = [
    ...(machine.groups ?? []).flatMap((group) => groupRows(machine, group)),
    ...rest.map((device, i) => deviceRow(i === 0 ? ['none', null] : ['', ''], device, device.name, null)),
  ];
  return withoutEmpty({
    columns: [
      { title: 'group', align: 'right' },
      { title: 'domain' },
      { title: 'device' },
      { title: 'class', drop: 2 },
      { title: 'id', drop: 4 },
      { title: 'driver', drop: 1 },
      { title: 'unit', drop: 5 },
      { title: 'remarks', drop: 3 },
      { title: 'reserved', drop: 6 },
    ],
    rows,
  });
}

/** Why devices share groups, for those with several; one line a group. */
export function explainedSection(machine: Machine): Section[] {
  const items: string[] = [];
  const remedies = new Set<string>();
  for (const group of machine.groups ?? []) {
    const reason = explainGroup(machine, group);
    if (reason.why.length === 0) continue;
    items.push(`group ${group.id}: ${reason.why.join('; ')}`);
    for (const remedy of reason.remedies) remedies.add(remedy);
  }
  if (items.length === 0) return [];
  const parts = [...remedies].map((remedy) => `what would part them: ${remedy}`);
  return [listSection('why', 'Why devices share a group', [...items, ...parts])];
}

/** The data of {@link groupsAnswer}. */
export interface GroupsData {
  readonly root: string;
  readonly from: string;
  readonly groups: readonly GroupData[] | null;
  readonly firmware: readonly TableData[];
}

function verdictOf(machine: Machine): string {
  const { groups, groupsPath } = machine;
  if (groups === undefined) {
    return 'Not known: nothing that was read tells the groups (/sys/kernel/iommu_groups, lspci with "IOMMU group", or a whole kernel log).';
  }
  if (!isRunning(machine))
    return `No IOMMU group: no IOMMU handles any device (${groupsPath}). \`iommu doctor\` says why.`;
  const shared = groups.filter(({ devices }) => devices.length > 1);
  const devices = groups.reduce((sum, group) => sum + group.devices.length, 0);
  const rest = ungrouped(machine).length;
  const none = rest === 0 ? '' : ` ${rest} device${rest === 1 ? ' is' : 's are'} in no group.`;
  const list = shared.length === 0 ? 'none is shared' : `${shared.length} with several devices`;
  const words = `${groups.length} group${groups.length === 1 ? '' : 's'} with ${devices} device${devices === 1 ? '' : 's'}`;
  return `${words}, ${list}.${none}`;
}

/** Lists the groups. */
export function groupsAnswer(machine: Machine): Answer<GroupsData> {
  const table = { ...groupsTable(machine), full: true };
  const groups = groupsData(machine);
  const first = [...machine.devices.values()].find(({ group }) => group === undefined);
  return {
    schema: 'iommu.groups',
    version: 1,
    outcome: groups === null ? 'unusable' : 'fine',
    verdict: verdictOf(machine),
    data: { root: machine.root, from: machine.groupsPath, groups, firmware: tableData(machine) },
    sections: [
      ...(table.rows.length === 0 ? [] : [tableSection('groups', 'Groups', table)]),
      ...explainedSection(machine),
      ...pictureSection(machine, 'main'),
    ],
    notes:
      first === undefined || groups === null
        ? []
        : [`the group of some devices is not known, of ${deviceTitle(first, first.name)} among them`],
    records: groups ?? [],
  };
}
