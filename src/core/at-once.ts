/**
 * Calls that the page table does at once, with the crossings and visits of power that any other call counts.
 * @module
 */
import type { Driver, PowerControl } from '../drivers/contract.ts';
import type { CheckedList } from '../memory/checked-list.ts';
import type { ScatterList } from '../memory/scatter-list.ts';
import { Tally, type Weights } from '../meter/tally.ts';
import type { PagesAtOnce } from '../pagetable/at-once.ts';
import { ListAtOnce } from '../pagetable/list-at-once.ts';
import type { PageTable } from '../pagetable/page-table.ts';
import type { TlbOps } from '../pagetable/tlb-ops.ts';
import type { Dispatch, Path } from './paths.ts';

/** Runtime power that is taken and given back so many times. */
type PowerVisits = Required<Pick<PowerControl, 'visits'>>;

/**
 * Calls of one domain that are one kernel call each. Only for drivers whose calls cannot fail and that hear of nothing but
 * invalidations: then nothing tells whether the device had power before the entries were written or after.
 */
export class CallsAtOnce {
  /** Whether addresses are translated so: not where the device is asked. */
  readonly translates: boolean;
  /** Whether a list of one run is mapped as that run: the hook for lists has barriers of its own. */
  readonly mapsRuns: boolean;
  readonly #pages: PagesAtOnce;
  readonly #lists: ListAtOnce | undefined;
  readonly #listCalls: Tally;
  readonly #power: PowerVisits | undefined;
  readonly #tlb: TlbOps;
  readonly #page: number;
  /** Whether each page is a call. */
  readonly #single: boolean;
  /** Ranges below these bytes are mapped with smallest pages. */
  readonly #mapsBelow: number;
  /** The same of ranges that are unmapped. */
  readonly #unmapsBelow: number;
  /** Whether tables may go at once: not where they may have to wait for a sync. */
  readonly #freesTables: boolean;
  /** Bytes that a last-level table spans, or infinity where no block does. */
  readonly #table: number;
  /** Ranges below these bytes are blocks, or tables in the place of blocks, that go in one call. */
  readonly #tablesBelow: number;

  private constructor(
    pages: PagesAtOnce,
    { power, tlb, hooks }: Driver,
    table: PageTable,
    change: Weights,
    path: Path,
  ) {
    const { geometry, meter } = table.tree;
    this.translates = change.driverCalls === 0 || hooks.translate === undefined;
    this.mapsRuns = path !== 'map-sg';
    this.#pages = pages;
    const inOneWalk = path === 'one-walk' && ListAtOnce.serves(table.tree, table.chooser);
    this.#lists = inOneWalk ? new ListAtOnce(table.tree, table.chooser) : undefined;
    this.#listCalls = new Tally(meter, change);
    this.#power = visitsOf(power);
    this.#tlb = tlb;
    this.#page = 2 ** geometry.pageShift;
    const joins = path === 'map-pages' || path === 'one-walk';
    this.#single = !joins;
    this.#mapsBelow = table.mapsBelow;
    this.#freesTables = tlb.removeTable === undefined;
    this.#unmapsBelow = table.unmapsBelow(path === 'one-walk');
    this.#table = pages.blocks ? pages.span : Number.POSITIVE_INFINITY;
    this.#tablesBelow = joins ? Math.min(table.chooser.after(this.#table), table.unmapChooser.after(this.#table)) : 0;
  }

  /** Those of a domain; undefined where its driver or its tables do not allow them. */
  static of(driver: Driver, table: PageTable, dispatch: Dispatch, path: Path): CallsAtOnce | undefined {
    const { mapped, unmapped, syncMap } = driver.hooks;
    if (driver.cannotFail !== true || mapped !== undefined || unmapped !== undefined || syncMap !== undefined)
      return undefined;
    const crossings = dispatch === 'indirect' ? 1 : 0;
    const question = { driverCalls: crossings, tableCalls: crossings };
    const change = { coreTurns: 1, ...question };
    const pages = table.callsAtOnce(change, question);
    return pages === undefined ? undefined : new CallsAtOnce(pages, driver, table, change, path);
  }

  /** Maps a range with a protection that was checked; false where nothing was done. */
  map(iova: number, pa: number, bytes: number, prot: number): boolean {
    if (bytes >= this.#table) return this.mapBlocks(iova, pa, bytes, prot);
    if (bytes !== this.#page && (this.#single || !(bytes < this.#mapsBelow))) return false;
    if (!this.#pages.map(iova, pa, bytes, prot, 1)) return false;
    this.#power?.visits(1);
    return true;
  }

  /** Maps a range of smallest pages, in as many calls as the path makes of it; false where nothing was done. */
  mapRun(iova: number, pa: number, bytes: number, prot: number): boolean {
    const calls = this.#callsFor(bytes, this.#mapsBelow);
    if (calls === 0 || !this.#pages.map(iova, pa, bytes, prot, calls)) return false;
    this.#power?.visits(calls);
    return true;
  }

  /**
   * Maps runs of a checked list of whole pages, from element `index` on: each as {@link CallsAtOnce.map} does, to the end of a table at
   * most.
   * @returns the element behind them; `index` where nothing was done
   */
  mapRuns(list: ScatterList, index: number, iova: number, prot: number): number {
    const pages = this.#pages;
    if (!pages.mapRuns(list, index, iova, this.#mapsBelow, prot, this.#single)) return index;
    this.#power?.visits(pages.calls);
    return pages.next;
  }

  /** Bytes that the last call of {@link CallsAtOnce.mapRuns} mapped. */
  get runBytes(): number {
    return this.#pages.pages * this.#page;
  }

  /** Maps a checked list as {@link CallsAtOnce.mapPages} does, where it is one of single pages; false where nothing was done. */
  mapList(iova: number, list: CheckedList, prot: number): boolean {
    const [piece] = list.pieces;
    if (this.#lists === undefined || piece?.facts.singlePages !== true || list.pieces.length > 1) return false;
    return this.mapPages(iova, list.open(piece.cut), prot);
  }

  /**
   * Maps a list of single pages, two at least, whose elements are not checked yet, to a range of pages whose tables are all new; false
   * where nothing was done.
   */
  mapPages(iova: number, list: ScatterList, prot: number): boolean {
    if (list.length < 2 || this.#lists?.map(iova, list, prot) !== true) return false;
    this.#listCalls.add(1, 0);
    this.#power?.visits(1);
    return true;
  }

  /** Maps a range of blocks; false where nothing was done. */
  mapBlocks(iova: number, pa: number, bytes: number, prot: number): boolean {
    if (bytes !== this.#table && !(bytes > this.#table && bytes < this.#tablesBelow)) return false;
    if (!this.#pages.mapBlocks(iova, pa, bytes, prot)) return false;
    this.#power?.visits(1);
    return true;
  }

  /**
   * Unmaps a range, and tells the TLB; false where nothing was done.
   * @param queued a flush of everything follows instead of a sync: pages are not announced
   */
  unmap(iova: number, bytes: number, queued: boolean): boolean {
    if (bytes >= this.#table) return this.#unmapTables(iova, bytes);
    if (bytes !== this.#page && (this.#single || !(bytes < this.#unmapsBelow))) return false;
    if (!this.#pages.unmap(iova, bytes, 0)) return false;
    this.#power?.visits(1);
    if (!queued) this.#tlb.addPages(iova, this.#page, bytes / this.#page);
    return true;
  }

  /** Unmaps a range of smallest pages that was found mapped, in as many calls as the path makes of it; else as {@link CallsAtOnce.unmap}. */
  unmapRun(iova: number, bytes: number, queued: boolean): boolean {
    const calls = this.#callsFor(bytes, this.#unmapsBelow);
    if (calls === 0 || !this.#pages.unmap(iova, bytes, calls)) return false;
    this.#power?.visits(calls);
    const page = this.#page;
    const step = bytes / calls;
    for (let at = iova; !queued && at < iova + bytes; at += step) this.#tlb.addPages(at, page, step / page);
    return true;
  }

  /** Calls that a path other than `one-walk` makes of a range of smallest pages; 0 where larger ones may be chosen. */
  #callsFor(bytes: number, below: number): number {
    if (bytes !== this.#page && !(bytes < below)) return 0;
    return this.#single ? bytes / this.#page : 1;
  }

  /** The output address, −1 where nothing is mapped, NaN where it must be asked otherwise. */
  translate(iova: number): number {
    return this.#pages.translate(iova);
  }

  #unmapTables(iova: number, bytes: number): boolean {
    if (!this.#freesTables || (bytes !== this.#table && !(bytes < this.#tablesBelow))) return false;
    if (!this.#pages.unmapTables(iova, bytes)) return false;
    this.#power?.visits(1);
    return true;
  }
}

/** Visits of a power control, one by one where it knows no other. */
function visitsOf(power: PowerControl | undefined): PowerVisits | undefined {
  if (power === undefined) return undefined;
  if (power.visits !== undefined) return power as PowerVisits;
  return {
    visits: (count) => {
      for (let i = 0; i < count; i++) {
        power.get();
        power.put();
      }
    },
  };
}
