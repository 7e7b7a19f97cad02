/**
 * The picture of the firmware: which device is behind which unit, by its tables, the device tree, or sysfs.
 * @module
 */
import { hex } from '../../address.ts';
import { type FirmwareTable, scopeText } from '../../machine/firmware/tables.ts';
import { deviceTitle, type Machine } from '../../machine/setup/machine.ts';
import { functionsIn, placements, type UnitPlace } from '../../machine/setup/placement.ts';
import type { Section } from '../../report/answer.ts';
import type { TreeNode, TreePicture } from '../../report/tree.ts';

/** One table of the firmware, for programs. */
export interface TableData {
  readonly signature: string;
  readonly path: string;
  readonly facts: Readonly<Record<string, boolean | number>>;
  readonly units: readonly {
    readonly name: string;
    readonly base: string | null;
    readonly devices: readonly string[];
    readonly others: readonly string[];
  }[];
  readonly regions: readonly {
    readonly name: string;
    readonly start: string;
    readonly last: string;
    readonly devices: readonly string[];
  }[];
  readonly problems: readonly string[];
}

/** Names listed of what one unit has beside PCI functions. */
const MOST_OTHERS = 64;

function unitsOf(places: readonly UnitPlace[], table: FirmwareTable): TableData['units'] {
  return places
    .filter((place) => place.table === table)
    .map(({ unit, devices, others }) => ({
      name: unit.name,
      base: unit.base === undefined ? null : hex(unit.base),
      devices,
      others: others.slice(0, MOST_OTHERS),
    }));
}

/** The tables that were read. */
export function tableData(machine: Machine): TableData[] {
  const places = placements(machine);
  return machine.tables.map((table) => ({
    signature: table.signature,
    path: table.path,
    facts: table.facts,
    units: unitsOf(places, table),
    regions: table.regions.slice(0, MOST_OTHERS).map((region) => ({
      name: region.name,
      start: hex(region.start),
      last: hex(region.last),
      devices: functionsIn(region.scopes, machine.devices),
    })),
    problems: table.problems.map(({ text }) => text),
  }));
}

function deviceNode(machine: Machine, name: string): TreeNode {
  const device = machine.devices.get(name);
  const group = typeof device?.group === 'number' ? { note: `group ${device.group}` } : {};
  return { label: deviceTitle(device, name), ...group };
}

function placeNode(machine: Machine, { unit, table, devices, others, missing }: UnitPlace): TreeNode {
  const children = [
    ...devices.map((name) => deviceNode(machine, name)),
    ...others.slice(0, MOST_OTHERS).map((label) => ({ label })),
    ...missing.map((scope) => ({ label: scopeText(scope), note: 'no such function' })),
    ...table.regions
      .filter(({ scopes }) => scopes.length > 0)
      .filter((region) => functionsIn(region.scopes, machine.devices).some((name) => devices.includes(name)))
      .slice(0, MOST_OTHERS)
      .map((region) => ({
        label: `${region.name} ${hex(region.start)} to ${hex(region.last)}`,
        note: 'mapped one to one',
      })),
  ];
  return { label: unit.name, note: table.signature, children };
}

function ofTables(machine: Machine): TreeNode[] {
  return placements(machine).map((place) => placeNode(machine, place));
}

function ofDeviceTree(machine: Machine): TreeNode[] {
  const { deviceTree, devices } = machine;
  return (deviceTree?.units ?? []).map(({ path, compatible, enabled, scopes }) => ({
    label: path,
    note: `${compatible[0] ?? ''}${enabled ? '' : ', switched off'}`,
    children: scopes.slice(0, MOST_OTHERS).map((scope) => {
      const functions = functionsIn([scope], devices).map((name) => deviceNode(machine, name));
      return { label: scopeText(scope), ...(functions.length === 0 ? {} : { children: functions }) };
    }),
  }));
}

function ofSysfs(machine: Machine): TreeNode[] {
  return (machine.units ?? [])
    .filter(({ devices }) => devices.length > 0)
    .map(({ name, kind, devices }) => ({
      label: name,
      note: kind,
      children: devices.map((device) => deviceNode(machine, device)),
    }));
}

/** The picture, from the best source that there is. */
function pictureOf(machine: Machine): TreePicture | undefined {
  const sources = [
    { roots: ofTables(machine), from: 'the tables of the firmware' },
    { roots: ofDeviceTree(machine), from: 'the device tree' },
    { roots: ofSysfs(machine), from: '/sys/class/iommu' },
  ];
  const found = sources.find(({ roots }) => roots.length > 0);
  return found === undefined ? undefined : { title: `What is behind each unit, by ${found.from}`, roots: found.roots };
}

/** The picture as a section; none where nothing tells. */
export function pictureSection(machine: Machine, rank: Section['rank']): Section[] {
  const tree = pictureOf(machine);
  if (tree === undefined) return [];
  return [{ id: 'behind', title: tree.title, rank, blocks: [{ kind: 'tree', tree }] }];
}
