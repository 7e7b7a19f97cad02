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

/** Requester ids of a segment, `last` inclusive. */
interface Range {
  readonly segment: number;
  readonly first: number;
  readonly last: number;
}

/** What a scope names: a function, a range of ids, both, or neither. */
interface Target {
  readonly name?: string;
  readonly range?: Range;
}

const INDEXES = new WeakMap<Devices, readonly Indexed[]>();

/** The functions in the order of their segments and ids, made once for a machine. */
function indexOf(devices: Devices): readonly Indexed[] {
  const made = INDEXES.get(devices) ?? makeIndex(devices);
  INDEXES.set(devices, made);
  return made;
}

function makeIndex(devices: Devices): Indexed[] {
  return [...devices.keys()]
    .flatMap((name) => {
      const own = parsePci(name);
      return own === undefined ? [] : [{ name, segment: own.segment, id: own.requesterId }];
    })
    .sort((a, b) => a.segment - b.segment || a.id - b.id);
}

/** Ranges that do not overlap, of the same ids: however many a table repeats, each function is looked at once. */
function merged(ranges: readonly Range[]): Range[] {
  const sorted = [...ranges].sort((a, b) => a.segment - b.segment || a.first - b.first);
  const apart: Range[] = [];
  for (const one of sorted) {
    const before = apart.at(-1);
    if (before === undefined || before.segment !== one.segment || before.last < one.first) apart.push(one);
    else if (before.last < one.last) apart[apart.length - 1] = { ...before, last: one.last };
  }
  return apart;
}

/** Place of the first function of an index from an id on. */
function placeFrom(index: readonly Indexed[], segment: number, id: number): number {
  let [low, high] = [0, index.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    const one = index[middle] as Indexed;
    if (one.segment < segment || (one.segment === segment && one.id < id)) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** Names within ranges. */
function within(index: readonly Indexed[], ranges: readonly Range[]): string[] {
  return merged(ranges).flatMap(({ segment, first, last }) =>
    index.slice(placeFrom(index, segment, first), placeFrom(index, segment, last + 1)).map(({ name }) => name),
  );
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

/** What a scope names; null where it is no function of this machine, undefined where that cannot be told. */
function namedBy(scope: DeviceScope, devices: Devices): Target | null | undefined {
  if (scope.kind === 'range') return { range: scope };
  if (scope.kind !== 'path') return {};
  const target = targetOf(scope, devices);
  if (target === null || target === undefined) return target;
  const { name, config } = target;
  if (!scope.below || config.buses === undefined) return { name };
  const [first, last] = config.buses;
  return { name, range: { segment: scope.segment, first: first * 256, last: last * 256 + 255 } };
}

/** The functions of targets, each once. */
function functionsOf(targets: readonly (Target | null | undefined)[], index: readonly Indexed[]): string[] {
  const named = targets.flatMap((target) => target?.name ?? []);
  const ranges = targets.flatMap((target) => target?.range ?? []);
  return [...new Set([...named, ...within(index, ranges)])];
}

function placeOf(table: FirmwareTable, unit: FirmwareUnit, devices: Devices, index: readonly Indexed[]): UnitPlace {
  const scopes = unit.scopes.slice(0, MOST_SCOPES);
  const found = scopes.map((scope) => ({ scope, target: namedBy(scope, devices) }));
  const names = functionsOf(
    found.map(({ target }) => target),
    index,
  );
  // a range may cover empty slots, and a whole segment always does
  const missing = found.filter(({ target }) => target === null).map(({ scope }) => scope);
  const others = scopes.flatMap((scope) => (scope.kind === 'named' ? [scope.name] : []));
  return { table, unit, devices: names.sort(), missing, others };
}

/** Adds what no other unit of the table has to the units that take the rest of a segment. */
function withRest(places: readonly UnitPlace[], index: readonly Indexed[]): UnitPlace[] {
  const taken = new Set(places.flatMap(({ devices: own }) => own));
  return places.map((place) => {
    const segments = place.unit.scopes.flatMap((scope) => (scope.kind === 'rest' ? [scope.segment] : []));
    if (segments.length === 0) return place;
    const all = segments.map((segment) => ({ segment, first: 0, last: 0xffff }));
    const rest = within(index, all).filter((name) => !taken.has(name));
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
  const targets = scopes.slice(0, MOST_SCOPES).map((scope) => namedBy(scope, devices));
  return functionsOf(targets, indexOf(devices));
}
