/**
 * A domain: one address space of a device. What its users call, whatever its semantics, path and dispatch.
 * @module
 */
import type { Address } from '../address.ts';
import type { DomainContext, Driver } from '../drivers/contract.ts';
import { IommuError, shown } from '../errors.ts';
import type { Geometry, Registers } from '../formats/contract.ts';
import { publicIova } from '../formats/iova.ts';
import type { Semantics } from '../formats/rules.ts';
import { CheckedList } from '../memory/checked-list.ts';
import { asArrays, type ListInput } from '../memory/scatter-list.ts';
import type { TableMemory } from '../memory/table-memory.ts';
import type { Meter } from '../meter/meter.ts';
import { PageTable } from '../pagetable/page-table.ts';
import type { Done } from '../pagetable/runs.ts';
import { forEachLeaf, leafSize } from '../pagetable/scan.ts';
import { CallsAtOnce } from './at-once.ts';
import { answersFor, type Calls, type MapResult, type UnmapResult } from './calls.ts';
import { ArgumentCheck } from './checks.ts';
import { DirtyCalls, type DirtyOptions, type DirtyPages } from './dirty.ts';
import { LinuxCalls } from './linux-calls.ts';
import { type DomainOptions, PLAIN_UNMAP, resolveOptions, UnmapChoices, type UnmapOptions } from './options.ts';
import type { Dispatch, Path } from './paths.ts';
import { RangeCalls } from './range-calls.ts';
import { Requests } from './requests.ts';
import { checkHooks, Route } from './route.ts';
import { SafeCalls } from './safe-calls.ts';

const CLEAR: DirtyOptions = {};

/** Whether a domain takes calls: one is under way, or its tables are freed. */
const READY = 0;
const BUSY = 1;
const FREED = 2;
type State = typeof READY | typeof BUSY | typeof FREED;

/** What a call is refused with that a domain does not take. */
function refusal(state: State): IommuError {
  return state === FREED
    ? new IommuError('FREED', 'domain', 'expected a domain with tables, got one that was freed')
    : new IommuError('SECOND_WRITER', 'domain', 'expected one writer at a time, got a call while another is under way');
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

/** @throws IommuError `BAD_OPTION` where a driver's factory gave something else. */
function checkDriver(driver: Driver): Driver {
  if (typeof driver === 'object' && driver !== null && 'tlb' in driver) return driver;
  throw new IommuError('BAD_OPTION', 'driver', `expected to get a driver, got ${shown(driver)}`);
}

/** Gives back what a driver allocated, and tables; both stay where its unit cannot be turned off. */
function release(driver: Driver, table?: PageTable): void {
  try {
    driver.release?.();
  } catch {
    return;
  }
  table?.destroy();
}

/** The tables for a driver; the driver keeps nothing where there are none. */
function tableOf({ geometry, memory, meter, semantics }: DomainContext, driver: Driver, path: Path): PageTable {
  try {
    checkHooks(driver, path);
    return new PageTable(geometry, memory, meter, driver.tlb, semantics);
  } catch (error) {
    release(driver);
    throw error;
  }
}

/** Attaches the tables; nothing is kept where the device does not take them, unless it cannot be made to leave them. */
function attach(route: Route, driver: Driver, table: PageTable): void {
  try {
    route.attach();
  } catch (error) {
    if (route.letGo()) release(driver, table);
    throw error;
  }
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
  readonly driver: Driver;
  /** The page table, for callers that go below the core as a driver does. */
  readonly table: PageTable;
  readonly #check: ArgumentCheck;
  readonly #route: Route;
  readonly #requests: Requests;
  readonly #calls: Calls;
  readonly #dirty: DirtyCalls;
  readonly #done: Done;
  #state: State = READY;

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
    const context = { geometry, memory, meter, semantics };
    this.driver = checkDriver(driver(context));
    this.table = tableOf(context, this.driver, path);
    this.#route = new Route(this.driver, this.table, meter, dispatch);
    attach(this.#route, this.driver, this.table);
    this.#check = new ArgumentCheck(geometry, memory);
    const atOnce = semantics === 'safe' ? CallsAtOnce.of(this.driver, this.table, dispatch, path) : undefined;
    this.#requests = new Requests(this.#route, this.table, path, atOnce);
    this.#done = this.#requests.done;
    this.#dirty = new DirtyCalls(context, this.#route, this.#check);
    const gathers = path === 'one-walk' && this.table.gathersLists;
    this.#calls =
      semantics === 'safe'
        ? new SafeCalls(context, this.#route, this.#requests, this.#check, gathers, atOnce)
        : this.table.rules.request === 'range'
          ? new RangeCalls(context, this.#route, this.#requests.done)
          : new LinuxCalls(context, this.#route, this.#requests, path === 'map-sg');
  }

  /** Whether a value is a domain; asks nothing of it, as a proxy would answer. */
  static is(value: unknown): value is Domain {
    return typeof value === 'object' && value !== null && #state in value;
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
      return this.#calls.map(iova, pa, size, prot);
    } finally {
      this.#state = READY;
    }
  }

  /**
   * Maps the elements of a list one behind the other from `iova` on. Neighbouring elements that are physically
   * contiguous are joined; each run that results must start and end on a page boundary.
   * @throws IommuError as `map` does, naming the element.
   */
  mapSg(iova: Address, list: ListInput | CheckedList, prot: number): MapResult {
    this.#enter();
    try {
      return this.#calls.mapSg(iova, CheckedList.is(list) ? list : asArrays(list), prot);
    } finally {
      this.#state = READY;
    }
  }

  /**
   * Unmaps `size` bytes from `iova` on.
   * @param options choices of the call; `UnmapChoices.of` checks them once for many calls
   * @throws IommuError under `safe`: `NOT_MAPPED` (a hole, unless holes are skipped), `PARTIAL_BLOCK` (if splits are
   * refused), `NO_MEMORY` (for a split) and argument errors; the tables are then byte for byte as before.
   */
  unmap(iova: Address, size: Address, options: UnmapOptions = PLAIN_UNMAP): UnmapResult {
    this.#enter();
    try {
      const before = this.meter.splits;
      const bytes = this.#calls.unmap(iova, size, UnmapChoices.of(options));
      return { bytes, splits: this.meter.splits - before };
    } finally {
      this.#state = READY;
    }
  }

  /**
   * The output address behind `iova`, or undefined where nothing is mapped. Under a kernel's semantics addresses outside the input
   * range alias, as they do there.
   * @throws IommuError under `safe`: `OUT_OF_RANGE` and other argument errors; `FREED`; `UNSAFE_NUMBER` where the address has
   * more than 53 bits.
   */
  translate(iova: Address): number | undefined {
    this.#alive();
    return this.#calls.translate(iova);
  }

  /** As {@link Domain.translate}, for addresses of up to 64 bits. */
  resolve(iova: Address): bigint | undefined {
    this.#alive();
    return this.#calls.resolve(iova);
  }

  /**
   * The output addresses of `count` smallest pages from `iova` on, in one call; −1 where nothing is mapped.
   * @param out where they go; a new array by default
   * @throws IommuError `OUT_OF_RANGE`, `UNALIGNED`, `EMPTY` and other argument errors; `BAD_OPTION` where `out` is too short,
   * `NO_MEMORY` where a new array is too long.
   */
  translateRange(iova: Address, count: number, out?: Float64Array): Float64Array {
    this.#alive();
    const offset = this.#check.offset(iova);
    const pages = this.#check.number('count', count);
    this.#check.input(iova, offset, pages * 2 ** this.geometry.pageShift);
    const answers = answersFor(pages, out);
    this.#route.translateRange(offset, pages, answers);
    return answers;
  }

  /**
   * Reads which pages of a range a device wrote to, as a bitmap, and makes them clean, or only looks (`clear: false`). A leaf
   * larger than a page is dirty as a whole. Where an invalidation fails, the leaves are dirty again under `safe`; a `bitmap` of the
   * caller's has the bits read so far.
   * @throws IommuError under `safe`: `UNSUPPORTED` where the format as configured does not tell, or the kernel has no such
   * call; argument errors as those of `map`; `BAD_OPTION`. Under a kernel's semantics the result has an errno instead.
   */
  readDirty(iova: Address, size: Address, options: DirtyOptions = CLEAR): DirtyPages {
    this.#enter();
    try {
      return this.#dirty.read(iova, size, options);
    } finally {
      this.#state = READY;
    }
  }

  /**
   * Marks the entry behind `iova` as a device does that writes there; false where nothing is mapped.
   * @throws IommuError `UNSUPPORTED` as `readDirty` does, and argument errors.
   */
  setDirty(iova: Address): boolean {
    this.#enter();
    try {
      return this.#dirty.mark(iova);
    } finally {
      this.#state = READY;
    }
  }

  /** All leaves in order of input address; a contiguous page is one leaf. */
  leaves(): Leaf[] {
    this.#alive();
    const leaves: Leaf[] = [];
    forEachLeaf(this.table.tree, (iova, pa, size) => {
      leaves.push({ iova: publicIova(this.geometry, iova), pa, size });
    });
    return leaves;
  }

  /**
   * Bytes of the leaf behind `iova`, 0 where nothing is mapped; a contiguous page is one leaf.
   * @throws IommuError `OUT_OF_RANGE` and other argument errors; `FREED`.
   */
  leafSize(iova: Address): number {
    this.#alive();
    return leafSize(this.table.tree, this.#check.offset(iova));
  }

  /** Invalidates everything the device may remember of this domain. */
  flushAll(): void {
    this.#alive();
    this.#route.flushAll();
  }

  /**
   * Frees all tables. Every later call is refused with `FREED`. Where the driver cannot take them from the device, what it threw is
   * passed on, the tables stay, and the call may be made again.
   */
  free(): void {
    this.#enter();
    try {
      this.#route.detach();
      this.#route.free();
      this.#state = FREED;
    } finally {
      if (this.#state === BUSY) this.#state = READY;
    }
  }

  #enter(): void {
    if (this.#state !== READY) throw refusal(this.#state);
    this.#state = BUSY;
    this.#done.bytes = 0;
  }

  #alive(): void {
    if (this.#state === FREED) throw refusal(FREED);
  }
}
