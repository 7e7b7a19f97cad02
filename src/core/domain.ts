/**
 * A domain: one address space of a device. Checks, page-size choice, lists, rollback; the semantics `safe` and
 * `linux-6.1`, the four paths, the two dispatches.
 * @module
 */
import { type Address, hex } from '../address.ts';
import type { DriverDomain } from '../drivers/contract.ts';
import { IommuError } from '../errors.ts';
import type { Geometry, Registers } from '../formats/contract.ts';
import { checkProt } from '../formats/protection.ts';
import { asArrays, type ListArrays, type ListInput, ScatterList } from '../memory/scatter-list.ts';
import type { TableMemory } from '../memory/table-memory.ts';
import type { Meter } from '../meter/meter.ts';
import type { PageTable, Semantics } from '../pagetable/page-table.ts';
import { type Done, ListRuns, mapRange, unmapRange } from '../pagetable/runs.ts';
import { forEachLeaf } from '../pagetable/scan.ts';
import { straddles } from '../pagetable/undo.ts';
import { ArgumentCheck, linuxAlias, linuxNumber, linuxOffset } from './checks.ts';
import { stageList } from './list-stage.ts';
import { type DomainOptions, resolveOptions, type UnmapOptions } from './options.ts';
import { type Dispatch, makeRoute, type Path, type Route } from './paths.ts';

const EEXIST = -17;
const EINVAL = -22;

/** What a map call did. */
export interface MapResult {
  /** Bytes mapped. */
  readonly bytes: number;
  /** 0, or under `linux-6.1` a negative errno. */
  readonly errno: number;
  /** Protection really granted: write-only becomes read-write where the format cannot express it. */
  readonly granted: number;
}

/** What an unmap call did. */
export interface UnmapResult {
  /** Bytes unmapped. */
  readonly bytes: number;
  /** Blocks and contiguous pages that were split for it. */
  readonly splits: number;
}

/** A leaf of a domain. */
export interface Leaf {
  /** Input address. */
  readonly iova: bigint;
  /** Output address. */
  readonly pa: number;
  /** Bytes. */
  readonly size: number;
}

/** One address space. One writer at a time: a call from within a call is refused. */
export class Domain {
  /** The format as granted. */
  readonly geometry: Geometry;
  /** Memory of the tables. */
  readonly memory: TableMemory;
  /** Counts of this domain's work. */
  readonly meter: Meter;
  /** Semantics. */
  readonly semantics: Semantics;
  /** Path of every map and unmap. */
  readonly path: Path;
  /** Dispatch. */
  readonly dispatch: Dispatch;
  /** The driver's part. */
  readonly driver: DriverDomain;
  /** The page table, for callers that go below the core as a driver does. */
  readonly table: PageTable;
  readonly #check: ArgumentCheck;
  readonly #route: Route;
  readonly #gathers: boolean;
  readonly #done: Done = { bytes: 0 };
  readonly #one = { addresses: new Float64Array(1), lengths: new Float64Array(1) };
  #busy = false;
  #freed = false;

  /**
   * @throws IommuError `UNKNOWN_FORMAT`, `BAD_GEOMETRY`, `BAD_QUIRK`, `BAD_OPTION`, `NO_MEMORY`.
   */
  constructor(options: DomainOptions = {}) {
    const { geometry, memory, meter, semantics, path, dispatch, driver } = resolveOptions(options);
    this.geometry = geometry;
    this.memory = memory;
    this.meter = meter;
    this.semantics = semantics;
    this.path = path;
    this.dispatch = dispatch;
    this.driver = driver({ geometry, memory, meter, semantics });
    this.table = this.driver.table;
    this.#check = new ArgumentCheck(geometry);
    this.#gathers = path === 'one-walk' && this.table.gathersLists;
    this.#route = makeRoute(this.driver, meter, dispatch, path === 'per-page' || path === 'map-sg');
  }

  /** What the driver programs: the registers of the format, by flat name. */
  get registers(): Registers {
    return this.table.registers;
  }

  /**
   * Maps `size` bytes from `iova` to `pa`.
   * @param prot sum of `PROT` flags
   * @throws IommuError under `safe`: `UNALIGNED`, `EMPTY`, `OUT_OF_RANGE`, `BAD_PROTECTION`, `OVERLAP`, `NO_MEMORY`,
   * `UNSAFE_NUMBER`, `NOT_A_NUMBER`; the tables are then byte for byte as before. Always: `SECOND_WRITER`, `FREED`.
   */
  map(iova: Address, pa: Address, size: Address, prot: number): MapResult {
    this.#enter();
    try {
      if (this.semantics === 'linux-6.1') {
        return this.#linuxMap(linuxOffset(this.geometry, iova), linuxNumber('pa', pa), linuxNumber('size', size), prot);
      }
      const offset = this.#check.offset(iova);
      const bytes = this.#check.number('size', size);
      const start = this.#check.number('pa', pa);
      this.#check.input(iova, offset, bytes);
      this.#check.output('pa', start, bytes);
      return this.#safeMap(offset, bytes, prot, start, undefined);
    } finally {
      this.#busy = false;
    }
  }

  /**
   * Maps the elements of a list one behind the other from `iova` on. Neighbouring elements that are physically
   * contiguous are joined; each run that results must start and end on a page boundary.
   * @throws IommuError as `map` does, naming the element.
   */
  mapSg(iova: Address, list: ListInput, prot: number): MapResult {
    this.#enter();
    try {
      const arrays = asArrays(list);
      if (this.semantics === 'linux-6.1') return this.#linuxMapSg(linuxOffset(this.geometry, iova), arrays, prot);
      return this.#safeMapSg(iova, arrays, prot);
    } finally {
      this.#busy = false;
    }
  }

  /**
   * Unmaps `size` bytes from `iova` on.
   * @throws IommuError under `safe`: `NOT_MAPPED` (a hole, unless holes are skipped), `PARTIAL_BLOCK` (if splits are
   * refused), `NO_MEMORY` (for a split) and argument errors; the tables are then byte for byte as before.
   */
  unmap(iova: Address, size: Address, options: UnmapOptions = {}): UnmapResult {
    this.#enter();
    try {
      const before = this.meter.splits;
      const bytes =
        this.semantics === 'linux-6.1'
          ? this.#linuxUnmap(linuxOffset(this.geometry, iova), linuxNumber('size', size))
          : this.#safeUnmap(iova, this.#check.offset(iova), this.#check.number('size', size), options);
      return { bytes, splits: this.meter.splits - before };
    } finally {
      this.#busy = false;
    }
  }

  /**
   * The output address behind `iova`, or undefined where nothing is mapped. Under `linux-6.1` addresses outside the input
   * range alias, as they do there.
   * @throws IommuError under `safe`: `OUT_OF_RANGE` and other argument errors; `FREED`.
   */
  translate(iova: Address): number | undefined {
    this.#alive();
    const offset = this.semantics === 'linux-6.1' ? linuxAlias(this.geometry, iova) : this.#check.offset(iova);
    const pa = this.#route.iovaToPhys(offset);
    return pa === -1 ? undefined : pa;
  }

  /**
   * The output addresses of `count` smallest pages from `iova` on, in one call; −1 where nothing is mapped.
   * @param out where they go; a new array by default
   * @throws IommuError `OUT_OF_RANGE`, `UNALIGNED`, `EMPTY` and other argument errors; `BAD_OPTION` where `out` is too short.
   */
  translateRange(iova: Address, count: number, out?: Float64Array): Float64Array {
    this.#alive();
    const offset = this.#check.offset(iova);
    const pages = this.#check.number('count', count);
    this.#check.input(iova, offset, pages * 2 ** this.geometry.pageShift);
    const answers = out ?? new Float64Array(pages);
    if (answers.length < pages)
      throw new IommuError('BAD_OPTION', 'out', `${answers.length} places for ${pages} pages`);
    this.#route.translateRange(offset, pages, answers);
    return answers;
  }

  /** All leaves in order of input address; a contiguous page is one leaf. */
  leaves(): Leaf[] {
    this.#alive();
    const leaves: Leaf[] = [];
    forEachLeaf(this.table.tree, (iova, pa, size) => {
      leaves.push({ iova: this.geometry.iovaBase + BigInt(iova), pa, size });
    });
    return leaves;
  }

  /** Invalidates everything the device may remember of this domain. */
  flushAll(): void {
    this.#alive();
    this.driver.flushIotlbAll?.();
  }

  /** Frees all tables. Every later call is refused with `FREED`. */
  free(): void {
    this.#enter();
    try {
      this.driver.free();
      this.#freed = true;
    } finally {
      this.#busy = false;
    }
  }

  #enter(): void {
    this.#alive();
    if (this.#busy) {
      throw new IommuError('SECOND_WRITER', 'domain', 'a call is under way; a domain has one writer at a time');
    }
    this.#busy = true;
    this.#done.bytes = 0;
  }

  #alive(): void {
    if (this.#freed) throw new IommuError('FREED', 'domain', 'its tables are freed');
  }

  #safeMapSg(iova: Address, input: ListArrays, prot: number): MapResult {
    const offset = this.#check.offset(iova);
    const list = this.#gathers ? stageList(this.memory, input) : input;
    try {
      return this.#mapArrays(iova, offset, list, prot);
    } finally {
      if (list !== input) this.memory.staging = false;
    }
  }

  #mapArrays(iova: Address, offset: number, list: ListArrays, prot: number): MapResult {
    const staged = list instanceof ScatterList && list.isIn(this.memory) ? list : undefined;
    const whole = staged === undefined ? 0 : this.#check.wholeList(this.memory, staged);
    const bytes = whole > 0 ? whole : this.#check.list(list);
    this.#check.input(iova, offset, bytes);
    if (staged !== undefined) staged.wholeBytes = whole;
    return this.#safeMap(offset, bytes, prot, 0, list);
  }

  #safeMap(offset: number, bytes: number, prot: number, pa: number, list: ListArrays | undefined): MapResult {
    checkProt(prot);
    const known = bytes !== this.#check.smallest;
    if (known) this.#refuseOverlap(offset, bytes);
    this.table.begin(known);
    const errno = this.#orRollBack(offset, bytes, prot, pa, list);
    if (errno !== 0 || this.#done.bytes !== bytes) this.#refuseRest(offset, bytes, errno);
    this.table.commit();
    this.driver.iotlbSyncMap?.(offset, bytes);
    return { bytes, errno: 0, granted: this.geometry.granted(prot) };
  }

  #refuseOverlap(offset: number, bytes: number): void {
    const taken = this.table.findMapped(offset, offset + bytes);
    if (taken !== -1) throw this.#overlap(offset, bytes, taken);
  }

  /** Ends a map call that came to no end: a single page met a mapping and changed nothing, or there was no memory. */
  #refuseRest(offset: number, bytes: number, errno: number): never {
    if (errno === EEXIST) {
      this.table.commit();
      this.#refuseOverlap(offset, bytes);
    }
    this.#rollBack(offset);
    this.driver.iotlbSync?.();
    throw this.#noMemory(offset, bytes);
  }

  #orRollBack(offset: number, bytes: number, prot: number, pa: number, list: ListArrays | undefined): number {
    try {
      return list === undefined ? this.#mapOne(offset, pa, bytes, prot) : this.#mapList(offset, list, prot);
    } catch (error) {
      this.#rollBack(offset);
      throw error;
    }
  }

  /** Takes back what a map call wrote; the device needs power, as its TLB is told. */
  #rollBack(offset: number): void {
    const { power } = this.driver;
    power?.get();
    try {
      this.table.rollBack(offset, offset + this.#done.bytes);
    } finally {
      power?.put();
    }
  }

  #mapOne(offset: number, pa: number, bytes: number, prot: number): number {
    if (bytes === this.#check.smallest) return this.#route.mapPages(offset, pa, bytes, 1, prot, this.#done);
    if (this.path !== 'one-walk') return this.#mapRange(offset, pa, bytes, prot);
    this.#one.addresses[0] = pa;
    this.#one.lengths[0] = bytes;
    return this.#mapList(offset, this.#one, prot);
  }

  #mapRange(offset: number, pa: number, bytes: number, prot: number): number {
    const single = this.path !== 'map-pages';
    return mapRange(this.#route, this.table.chooser, offset, pa, bytes, prot, single, this.#done);
  }

  #mapList(offset: number, list: ListArrays, prot: number): number {
    if (this.path === 'map-sg') return this.#route.mapList(offset, list, prot, 'hook', this.#done);
    if (this.path === 'one-walk') return this.#route.mapList(offset, list, prot, 'one-walk', this.#done);
    const runs = new ListRuns(list, false);
    let errno = 0;
    while (errno === 0 && runs.next()) errno = this.#mapRange(offset + this.#done.bytes, runs.start, runs.bytes, prot);
    return errno;
  }

  #safeUnmap(iova: Address, offset: number, bytes: number, options: UnmapOptions): number {
    this.#check.input(iova, offset, bytes);
    const end = offset + bytes;
    const queued = options.invalidation === 'later';
    const hole = options.holes === 'skip' ? -1 : this.table.findHole(offset, end);
    if (hole !== -1) throw this.#notMapped(offset, bytes, hole);
    if (options.partialBlocks === 'refuse') this.#refuseStraddle(offset, end);
    if (!this.table.beginUnmap(offset, end)) throw this.#noMemory(offset, bytes);
    try {
      return options.holes === 'skip'
        ? this.#unmapMapped(offset, end, queued)
        : this.#unmapRange(offset, bytes, queued);
    } finally {
      this.table.endUnmap();
      if (!queued) this.driver.iotlbSync?.();
    }
  }

  #unmapMapped(offset: number, end: number, queued: boolean): number {
    let total = 0;
    let start = this.table.findMapped(offset, end);
    while (start !== -1) {
      const hole = this.table.findHole(start, end);
      const stop = hole === -1 ? end : hole;
      total += this.#unmapRange(start, stop - start, queued);
      start = stop < end ? this.table.findMapped(stop, end) : -1;
    }
    return total;
  }

  #unmapRange(offset: number, bytes: number, queued: boolean): number {
    if (this.path === 'one-walk') return this.#route.unmapRange(offset, bytes, queued);
    return unmapRange(this.#route, this.table.unmapChooser, offset, bytes, this.path !== 'map-pages', queued);
  }

  #refuseStraddle(offset: number, end: number): void {
    for (const edge of [offset, end]) {
      if (edge < 2 ** this.geometry.ias && straddles(this.table.tree, edge)) {
        const at = this.#public(edge);
        throw new IommuError(
          'PARTIAL_BLOCK',
          'iova',
          `a block reaches across ${at}; splitting it is refused by option`,
          { at },
        );
      }
    }
  }

  #linuxMap(offset: number, pa: number, bytes: number, prot: number): MapResult {
    const errno = this.#linuxMapRange(offset, pa, bytes, prot);
    if (errno === 0) this.driver.iotlbSyncMap?.(offset, bytes);
    return { bytes: errno === 0 ? this.#done.bytes : 0, errno, granted: this.geometry.granted(prot) };
  }

  #linuxMapRange(offset: number, pa: number, bytes: number, prot: number): number {
    if (!this.table.chooser.divides(offset, pa, bytes)) return EINVAL;
    const before = this.#done.bytes;
    const errno = this.#mapRange(offset, pa, bytes, prot);
    if (errno !== 0) {
      this.#linuxUnmap(offset, this.#done.bytes - before);
      this.#done.bytes = before;
    }
    return errno;
  }

  #linuxMapSg(offset: number, list: ListArrays, prot: number): MapResult {
    const hook = this.path === 'map-sg';
    const errno = hook ? this.#mapList(offset, list, prot) : this.#linuxMapRuns(offset, list, prot);
    const granted = this.geometry.granted(prot);
    if (errno !== 0) {
      if (hook) this.#linuxUndoRun(offset, list);
      this.#linuxUnmap(offset, this.#done.bytes);
      return { bytes: 0, errno, granted };
    }
    this.driver.iotlbSyncMap?.(offset, this.#done.bytes);
    return { bytes: this.#done.bytes, errno: 0, granted };
  }

  #linuxMapRuns(offset: number, list: ListArrays, prot: number): number {
    const runs = new ListRuns(list, true);
    let errno = 0;
    while (errno === 0 && runs.next()) {
      errno = this.#linuxMapRange(offset + this.#done.bytes, runs.start, runs.bytes, prot);
    }
    return errno;
  }

  /** Rolls back the run of a list that failed within the hook; complete runs stay, and stay in `#done`. */
  #linuxUndoRun(offset: number, list: ListArrays): void {
    const runs = new ListRuns(list, true);
    let complete = 0;
    while (runs.next() && complete + runs.bytes <= this.#done.bytes) complete += runs.bytes;
    if (this.table.chooser.divides(offset + complete, runs.start, runs.bytes)) {
      this.#linuxUnmap(offset + complete, this.#done.bytes - complete);
    }
    this.#done.bytes = complete;
  }

  #linuxUnmap(offset: number, bytes: number): number {
    const unmapped = this.table.chooser.divides(offset, 0, bytes) ? this.#unmapRange(offset, bytes, false) : 0;
    this.driver.iotlbSync?.();
    return unmapped;
  }

  #public(offset: number): string {
    return hex(this.geometry.iovaBase + BigInt(offset));
  }

  #overlap(offset: number, bytes: number, taken: number): IommuError {
    const at = this.#public(taken);
    const pa = this.table.iovaToPhys(taken);
    return new IommuError(
      'OVERLAP',
      'iova',
      `${this.#public(offset)} + ${hex(bytes)} meets a mapping at ${at} (to ${hex(pa)})`,
      {
        iova: this.#public(offset),
        size: hex(bytes),
        at,
        pa: hex(pa),
      },
    );
  }

  #notMapped(offset: number, bytes: number, hole: number): IommuError {
    const at = this.#public(hole);
    return new IommuError('NOT_MAPPED', 'iova', `${this.#public(offset)} + ${hex(bytes)} has a hole at ${at}`, {
      iova: this.#public(offset),
      size: hex(bytes),
      at,
    });
  }

  #noMemory(offset: number, bytes: number): IommuError {
    const at = this.#public(offset + this.#done.bytes);
    return new IommuError(
      'NO_MEMORY',
      'memory',
      `no table for ${at} of ${this.#public(offset)} + ${hex(bytes)}; all is taken back`,
      {
        iova: this.#public(offset),
        size: hex(bytes),
        at,
      },
    );
  }
}
