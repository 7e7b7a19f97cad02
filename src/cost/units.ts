/**
 * The units in which work is counted, and the layer that each belongs to. A machine profile prices them.
 * @module
 */

/** Units of work. `page` is one walk from the root with one entry; `entry` an entry written in a run. */
export const UNITS = [
  'call.driver',
  'call.pagetable',
  'power',
  'core',
  'barrier',
  'page',
  'entry',
  'block',
  'table',
  'tlbi.address',
  'tlbi.asid',
  'tlbi.sync',
  'clean',
  'list',
] as const;

/** One of {@link UNITS}. */
export type Unit = (typeof UNITS)[number];

/** A unit, or the fixed cost of a list under one path, date or code: `list:<series>`. */
export type UnitId = Unit | `list:${string}`;

/** How often each unit occurs; absent means 0. */
export type Counts = Readonly<Partial<Record<UnitId, number>>>;

/** What one of each unit is. */
export const UNIT_MEANING: Readonly<Record<Unit, string>> = {
  'call.driver': 'call from the core into the driver',
  'call.pagetable': 'call from the driver into the page table',
  power: 'runtime power visit, a get and a put',
  core: "turn of the core's loop",
  barrier: 'write barrier',
  page: 'page: a walk from the root and one entry',
  entry: 'entry of a run',
  block: 'block entry',
  table: 'whole table unlinked or linked',
  'tlbi.address': 'TLB invalidation by address',
  'tlbi.asid': 'TLB invalidation by ASID',
  'tlbi.sync': 'TLB sync',
  clean: 'cache clean',
  list: 'fixed cost of a list',
};

/** Layer of the mapping stack that a unit belongs to. */
export const UNIT_LAYER: Readonly<Record<Unit, string>> = {
  'call.driver': 'dispatch',
  'call.pagetable': 'dispatch',
  power: 'runtime power',
  core: 'core',
  barrier: 'page table',
  page: 'page table',
  entry: 'page table',
  block: 'page table',
  table: 'page table',
  'tlbi.address': 'TLB',
  'tlbi.asid': 'TLB',
  'tlbi.sync': 'TLB',
  clean: 'cache',
  list: 'list',
};

/** Whether a unit is the fixed cost of a list. */
export function isFixedCost(unit: string): boolean {
  return unit === 'list' || unit.startsWith('list:');
}

/** The plain unit behind an id: `list:map-sg` is a `list`. Null if the id is not a unit. */
export function plainUnit(unit: string): Unit | null {
  if (isFixedCost(unit)) return 'list';
  return UNITS.find((known) => known === unit) ?? null;
}
