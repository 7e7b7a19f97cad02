/**
 * The one place that counts crossings, powers the device and calls the page table and the driver.
 * @module
 */
import type { Driver, DriverHooks, ListWalk, PowerControl } from '../drivers/contract.ts';
import { IommuError } from '../errors.ts';
import type { ListArrays } from '../memory/scatter-list.ts';
import type { Meter } from '../meter/meter.ts';
import type { CleanedEntries } from '../pagetable/cleaned.ts';
import type { DirtyVisitor } from '../pagetable/dirty.ts';
import type { Gather } from '../pagetable/gather.ts';
import type { PageTable } from '../pagetable/page-table.ts';
import type { Done, PagesSink, UnmapSink } from '../pagetable/runs.ts';
import type { Dispatch, Path } from './paths.ts';

/**
 * Calls of one domain. With indirect dispatch each goes through the driver's ops table and from there through the page table's,
 * as in the kernel, and both crossings are counted; with direct dispatch the page table is called as bound when the domain was
 * made. Either way the same page table does the work, and the device has power while it does.
 */
export class Route implements PagesSink, UnmapSink {
  /** Whether a call of the driver can throw. */
  readonly canFail: boolean;
  readonly #driver: Driver;
  readonly #hooks: DriverHooks;
  readonly #power: PowerControl | undefined;
  readonly #mapped: DriverHooks['mapped'];
  readonly #unmapped: DriverHooks['unmapped'];
  readonly #syncMap: DriverHooks['syncMap'];
  readonly #sync = (): void => this.#driver.sync();
  /** Whether unlinked tables may wait for a sync. */
  readonly #gathers: boolean;
  readonly #table: PageTable;
  readonly #meter: Meter;
  /** Crossings that a call is counted with: 1, or 0 with direct dispatch. */
  readonly #crossings: number;

  constructor(driver: Driver, table: PageTable, meter: Meter, dispatch: Dispatch) {
    this.#driver = driver;
    this.#hooks = driver.hooks;
    this.#mapped = driver.hooks.mapped;
    this.#unmapped = driver.hooks.unmapped;
    this.#syncMap = driver.hooks.syncMap;
    this.canFail = driver.cannotFail !== true;
    this.#gathers = driver.tlb.removeTable !== undefined;
    this.#power = driver.power;
    this.#table = table;
    this.#meter = meter;
    this.#crossings = dispatch === 'indirect' ? 1 : 0;
  }

  /** Maps at most `count` equal pages, as the page table does. */
  mapPages(iova: number, pa: number, size: number, count: number, prot: number, done: Done): number {
    const before = done.bytes;
    this.#enter();
    let errno: number;
    try {
      errno = this.#table.mapPages(iova, pa, size, count, prot, done);
      if (this.#mapped !== undefined) this.#mapped(iova, pa, done.bytes - before, prot);
    } catch (error) {
      throw this.#putAfter(error);
    }
    this.#power?.put();
    return errno;
  }

  /** Maps a whole list. */
  mapList(iova: number, list: ListArrays, prot: number, walk: ListWalk, done: Done): number {
    this.#enter();
    let errno: number;
    try {
      errno = this.#table.mapList(iova, list, prot, walk, done);
    } catch (error) {
      throw this.#putAfter(error);
    }
    this.#power?.put();
    return errno;
  }

  /** Unmaps at most `count` equal pages; returns the bytes unmapped. */
  unmapPages(iova: number, size: number, count: number, queued: boolean): number {
    this.#enter();
    let bytes: number;
    try {
      bytes = this.#table.unmapPages(iova, size, count, queued);
      if (this.#unmapped !== undefined) this.#unmapped(iova, bytes);
    } catch (error) {
      throw this.#putAfter(error);
    }
    this.#power?.put();
    return bytes;
  }

  /** Unmaps a whole range; returns the bytes unmapped. */
  unmapRange(iova: number, bytes: number, queued: boolean): number {
    this.#enter();
    let unmapped: number;
    try {
      unmapped = this.#table.unmapRange(iova, bytes, queued);
    } catch (error) {
      throw this.#putAfter(error);
    }
    this.#power?.put();
    return unmapped;
  }

  /** The output address, or −1. Through its ops table a driver may ask the device. */
  iovaToPhys(iova: number): number {
    if (this.#crossings === 0) return this.#table.iovaToPhys(iova);
    this.#meter.added.driverCalls++;
    if (this.#hooks.translate !== undefined) return this.#askDevice(this.#hooks.translate, iova);
    this.#meter.added.tableCalls++;
    return this.#table.iovaToPhys(iova);
  }

  /** The output addresses of neighbouring smallest pages, or −1. */
  translateRange(iova: number, count: number, out: Float64Array): void {
    this.#meter.added.driverCalls += this.#crossings;
    this.#meter.added.tableCalls += this.#crossings;
    this.#table.translateRange(iova, count, out);
  }

  /** The page table, for questions that no driver hears of. */
  get table(): PageTable {
    return this.#table;
  }

  /** Whether the device must be told of every unmap at once. */
  get isStrict(): boolean {
    return this.#hooks.strict === true;
  }

  /** Points the device at the tables. */
  attach(): void {
    this.#powered(() => this.#driver.attach(this.#table.registers));
  }

  /** Waits until what was unmapped is invalidated, and frees the tables that waited for it. */
  sync(): void {
    const power = this.#power;
    if (power?.visits !== undefined && power.isSteady === true) {
      power.visits(1);
      this.#driver.sync();
    } else this.#powered(this.#sync);
    if (this.#gathers) this.#table.releaseUnlinked(false);
  }

  /** After a map call. */
  syncMap(iova: number, bytes: number): void {
    if (this.#syncMap === undefined) return;
    const syncMap = this.#syncMap;
    this.#powered(() => syncMap(iova, bytes));
  }

  /** Invalidates all of the domain, and frees the tables that waited for it. */
  flushAll(): void {
    this.#powered(() => this.#driver.tlb.flushAll());
    this.#table.releaseUnlinked(true);
  }

  /**
   * Takes back what a map call wrote to [from, end), which the device's TLB is told.
   * @param bytes what of it was mapped as far as a device without tables knows
   */
  rollBack(from: number, end: number, bytes: number): void {
    try {
      this.#attempted(() => this.#table.rollBack(from, end));
    } finally {
      if (this.#unmapped !== undefined) {
        this.#unmapped(from, bytes);
        this.#attempted(() => this.#driver.sync());
      }
    }
  }

  /** Takes back an unmap call; a device that has no tables, and was told of what went, keeps to that. */
  undoUnmap(): void {
    if (this.#unmapped === undefined) this.#attempted(() => this.#table.undoUnmap());
    else {
      this.#table.endUnmap();
      this.sync();
    }
  }

  /** Work on the way back from a failure, which is done even where the device gets no power. */
  #attempted(work: () => void): void {
    let powered = true;
    try {
      this.#power?.get();
    } catch {
      powered = false;
    }
    try {
      work();
    } finally {
      if (powered) this.#power?.put();
    }
  }

  /** Reads which leaves of [from, end) are dirty and makes them clean; a sync invalidates what that changed. */
  cleanDirty(from: number, end: number, visit: DirtyVisitor, cleaned?: CleanedEntries): void {
    this.#powered(() => this.#table.readDirty(from, end, false, visit, cleaned));
  }

  /** Maps a range as a kernel's generic page table does; a 64-bit address. */
  mapWide(iova: bigint, pa: bigint, bytes: bigint, prot: number, done: Done): number {
    return this.#powered(() => this.#table.range.map(iova, pa, bytes, prot, done));
  }

  /** Unmaps a range as a kernel's generic page table does; returns the bytes. */
  unmapWide(iova: bigint, bytes: bigint, gather: Gather): bigint {
    return this.#powered(() => this.#table.range.unmap(iova, bytes, gather));
  }

  /** Invalidates what a range call gathered, and frees the tables in the gather. */
  finish(gather: Gather): void {
    this.#powered(() => this.#table.range.finish(gather));
  }

  /** Takes the tables from the device. */
  detach(): void {
    this.#powered(() => this.#driver.detach());
  }

  /** As `detach`, on the way back from a failure; whether the device has left the tables. */
  letGo(): boolean {
    try {
      this.#attempted(() => this.#driver.detach());
      return true;
    } catch {
      return false;
    }
  }

  /** Frees the tables, once the driver gave back what it allocated: where it cannot, they stay. */
  free(): void {
    this.#driver.release?.();
    this.#table.destroy();
  }

  #enter(): void {
    const meter = this.#meter;
    meter.added.coreTurns++;
    meter.added.driverCalls += this.#crossings;
    meter.added.tableCalls += this.#crossings;
    this.#power?.get();
  }

  #askDevice(translate: (iova: number) => number | undefined, iova: number): number {
    return this.#powered(() => translate(iova)) ?? this.#table.iovaToPhys(iova);
  }

  #powered<T>(work: () => T): T {
    this.#power?.get();
    let result: T;
    try {
      result = work();
    } catch (error) {
      throw this.#putAfter(error);
    }
    this.#power?.put();
    return result;
  }

  /** Gives power back after a failure, which is the one that is reported. */
  #putAfter(error: unknown): unknown {
    try {
      this.#power?.put();
    } catch {
      // the first failure says more
    }
    return error;
  }
}

/**
 * Refuses a path whose calls a driver does not take.
 * @throws IommuError `UNSUPPORTED`.
 */
export function checkHooks({ name, hooks }: Driver, path: Path): void {
  const missing = missingHook(hooks, path);
  if (missing === undefined) return;
  throw new IommuError(
    'UNSUPPORTED',
    'driver',
    `expected a driver with the hook ${missing} for the path ${path}, got '${name}', which has none; use the path map-pages`,
  );
}

function missingHook({ mapSg, unmapRange }: DriverHooks, path: Path): string | undefined {
  if (!mapSg && (path === 'map-sg' || path === 'one-walk')) return 'mapSg';
  return !unmapRange && path === 'one-walk' ? 'unmapRange' : undefined;
}
