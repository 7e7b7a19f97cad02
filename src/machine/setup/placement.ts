/**
 * Which device stands behind which unit, by the firmware's tables.
 * @module
 */
import { formatPci, parsePci } from '../../pci.ts';
import type { DeviceScope, FirmwareTable, FirmwareUnit } from '../firmware/tables.ts';
import type { Machine, MachineDevice } from './machine.ts';

/** A unit with the devices of this machine that are behind it. */
export interface UnitPlace {
  readonly table: FirmwareTable;
  readonly unit: FirmwareUnit;
  /** Names of PCI functions, sorted. */
  readonly devices: readonly string[];
  /** Scopes that name no function of this machine. */
  readonly missing: readonly DeviceScope[];
  /** Devices of other kinds: IOAPICs, platform devices. */
  readonly others: readonly string[];
}

type Devices = ReadonlyMap<string, MachineDevice>;
type PathScope = Extract<DeviceScope, { kind: 'path' }>;

/** A function by segment and requester id. */
interface Indexed {
  readonly name: string;
  readonly segment: number;
  readonly id: number;
}

/** Units of a table and scopes of one unit that are looked up. */
const MOST_UNITS = 256;
const MOST_SCOPES = 1024;

function indexOf(devices: Devices): Indexed[] {
  return [...devices.keys()].flatMap((name) => {
    const own = parsePci(name);
    return own === undefined ? [] : [{ name, segment: own.segment, id: own.requesterId }];
  });
}

/** Names within a range of requester ids, `last` inclusive. */
function within(index: readonly Indexed[], segment: number, first: number, last: number): string[] {
  return index.flatMap((one) => (one.segment === segment && one.id >= first && one.id <= last ? [one.name] : []));
}

/** The function that a path leads to; null where a step leads nowhere, undefined where a bridge's buses are not known. */
function targetOf({ segment, bus, path }: PathScope, devices: Devices): MachineDevice | null | undefined {
  let found: MachineDevice | undefined;
  let at: number | undefined = bus;
  for (const [device, fn] of path) {
    if (at === undefined) return undefined;
    found = devices.get(formatPci(at * 256 + (device & 31) * 8 + (fn & 7), segment));
    if (found === undefined) return null;
    at = found.config.buses?.[0];
  }
  return found ?? null;
}

/** Functions of a scope; null where it names none of this machine, undefined where that cannot be told. */
function functionsOf(scope: DeviceScope, devices: Devices, index: readonly Indexed[]): string[] | null | undefined {
  if (scope.kind === 'range') return within(index, scope.segment, scope.first, scope.last);
  if (scope.kind !== 'path') return [];
  const target = targetOf(scope, devices);
  if (target === null || target === undefined) return target;
  const { buses } = target.config;
  if (!scope.below || buses === undefined) return [target.name];
  return [target.name, ...within(index, scope.segment, buses[0] * 256, buses[1] * 256 + 255)];
}

function placeOf(table: FirmwareTable, unit: FirmwareUnit, devices: Devices, index: readonly Indexed[]): UnitPlace {
  const scopes = unit.scopes.slice(0, MOST_SCOPES);
  const found = scopes.map((scope) => ({ scope, functions: functionsOf(scope, devices, index) }));
  const names = new Set(found.flatMap(({ functions }) => functions ?? []));
  // a range may cover empty slots, and a whole segment always does
  const missing = found.filter(({ functions }) => functions === null).map(({ scope }) => scope);
  const others = scopes.flatMap((scope) => (scope.kind === 'named' ? [scope.name] : []));
  return { table, unit, devices: [...names].sort(), missing, others };
}

/** Adds what no other unit of the table has to the units that take the rest of a segment. */
function withRest(places: readonly UnitPlace[], index: readonly Indexed[]): UnitPlace[] {
  const taken = new Set(places.flatMap(({ devices: own }) => own));
  return places.map((place) => {
    const segments = place.unit.scopes.flatMap((scope) => (scope.kind === 'rest' ? [scope.segment] : []));
    if (segments.length === 0) return place;
    const rest = segments.flatMap((segment) => within(index, segment, 0, 0xffff)).filter((name) => !taken.has(name));
    return { ...place, devices: [...place.devices, ...rest].sort() };
  });
}

/** The units of all tables with their devices. */
export function placements({ tables, devices }: Pick<Machine, 'tables' | 'devices'>): UnitPlace[] {
  const index = indexOf(devices);
  return tables.flatMap((table) =>
    withRest(
      table.units.slice(0, MOST_UNITS).map((unit) => placeOf(table, unit, devices, index)),
      index,
    ),
  );
}

/** Functions that scopes of the firmware name. */
export function functionsIn(scopes: readonly DeviceScope[], devices: Devices): string[] {
  const index = indexOf(devices);
  return [...new Set(scopes.slice(0, MOST_SCOPES).flatMap((scope) => functionsOf(scope, devices, index) ?? []))];
}
