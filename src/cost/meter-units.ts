/**
 * From the meter's counts to the units that profiles price.
 * @module
 */
import type { Counts as MeterCounts } from '../meter/meter.ts';
import type { Path } from './counts.ts';
import type { Counts, UnitId } from './units.ts';

/** What the meter does not know about the work that it counted. */
export interface WorkDone {
  readonly op: 'map' | 'unmap';
  readonly path: Path;
  /** Number of lists (calls of the domain). */
  readonly lists: number;
}

/**
 * Units of work that a meter counted over maps, or over unmaps (not over both: their prices differ). A walk from the root
 * and one entry are a `page`; entries beyond one a walk are `entry`, blocks too. What always comes together is priced
 * together: the last-level TLB operation and the barrier of a page that is unmapped with the page, a sync with its list or
 * table; so only invalidations of any level are `tlbi.address`.
 * Roots do not count as work: count from where the domain has been made.
 */
export function unitsOfMeter(meter: Readonly<MeterCounts>, work: WorkDone): Counts {
  const unmap = work.op === 'unmap';
  const entries = Math.max(0, meter.entryWrites - (unmap ? meter.tablesFreed : meter.tablesAllocated));
  const pages = Math.min(meter.walks, entries);
  const list: UnitId = `list:${work.path}`;
  return {
    'call.driver': meter.driverCalls,
    'call.pagetable': meter.tableCalls,
    power: meter.powerGets,
    core: meter.coreTurns,
    barrier: unmap ? 0 : meter.wmb,
    page: pages,
    entry: entries - pages,
    table: unmap ? meter.tablesFreed : 0,
    'tlbi.address': meter.tlbAddress,
    'tlbi.asid': meter.tlbAsid,
    clean: meter.cleanCalls,
    [list]: work.lists,
  };
}
