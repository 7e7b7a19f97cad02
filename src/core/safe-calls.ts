/**
 * The semantics `safe`: every argument and the whole range are checked before the first write; what fails later is taken
 * back.
 * @module
 */
import { type Address, checkAddress } from '../address.ts';
import type { DomainContext } from '../drivers/contract.ts';
import type { Geometry } from '../formats/contract.ts';
import { checkProt, isProt } from '../formats/protection.ts';
import { CheckedList } from '../memory/checked-list.ts';
import { type ListArrays, ScatterList } from '../memory/scatter-list.ts';
import type { TableMemory } from '../memory/table-memory.ts';
import { EEXIST } from '../pagetable/errno.ts';
import type { PageTable } from '../pagetable/page-table.ts';
import type { Done } from '../pagetable/runs.ts';
import { straddles } from '../pagetable/undo.ts';
import type { CallsAtOnce } from './at-once.ts';
import { type Calls, exactOutput, type MapResult } from './calls.ts';
import type { ArgumentCheck } from './checks.ts';
import type { UnmapChoices } from './options.ts';
import { Refusals } from './refusals.ts';
import type { Requests } from './requests.ts';
import type { Route } from './route.ts';

/** Bits of a whole number that a double holds. */
const EXACT_BITS = 53;
/** Lists of fewer elements than this have large ones: where a geometry has pages for those, most of their time goes into the call. */
const FEW_ELEMENTS = 8;
/** Address bits below the smallest page of any format. */
const SUB_PAGE = 2047n;

/** Calls of one domain under `safe`. */
export class SafeCalls implements Calls {
  readonly #geometry: Geometry;
  readonly #memory: TableMemory;
  readonly #route: Route;
  readonly #table: PageTable;
  readonly #requests: Requests;
  readonly #check: ArgumentCheck;
  readonly #done: Done;
  readonly #smallest: number;
  /** Whether equal pages of one table go in one call. */
  readonly #joins: boolean;
  readonly #refusals: Refusals;
  readonly #gathers: boolean;
  /** Shorter lists are not worth a look by kernels. */
  readonly #leastElements: number;
  readonly #atOnce: CallsAtOnce | undefined;
  /** The same where it translates. */
  readonly #translator: CallsAtOnce | undefined;
  /** The protection of the last call, and what it grants. */
  #prot = Number.NaN;
  #granted = 0;

  /**
   * @param gathers whether lists are mapped by kernels, where these can read them
   * @param atOnce calls at once, where the driver and the tables allow them
   */
  constructor(
    { geometry, memory }: DomainContext,
    route: Route,
    requests: Requests,
    check: ArgumentCheck,
    gathers: boolean,
    atOnce: CallsAtOnce | undefined,
  ) {
    this.#geometry = geometry;
    this.#memory = memory;
    this.#route = route;
    this.#table = route.table;
    this.#requests = requests;
    this.#check = check;
    this.#done = requests.done;
    this.#smallest = check.smallest;
    this.#joins = requests.joinsPages;
    this.#refusals = new Refusals(geometry);
    this.#gathers = gathers;
    this.#atOnce = atOnce;
    this.#translator = atOnce?.translates === true ? atOnce : undefined;
    this.#leastElements = geometry.pageSizes > check.smallest ? FEW_ELEMENTS : 0;
  }

  translate(iova: Address): number | undefined {
    if (typeof iova === 'number' && this.#translator !== undefined) {
      const pa = this.#translator.translate(iova);
      if (!Number.isNaN(pa)) return pa === -1 ? undefined : pa;
    }
    return this.#translate(iova);
  }

  #translate(iova: Address): number | undefined {
    if (typeof iova !== 'number' || this.#geometry.oas > EXACT_BITS) return exactOutput(this.resolve(iova));
    const pa = this.#requests.translate(this.#check.offset(iova));
    return pa === -1 ? undefined : pa;
  }

  resolve(iova: Address): bigint | undefined {
    checkAddress('iova', iova);
    const low = BigInt(iova) & SUB_PAGE;
    const pa = this.#requests.translate(this.#check.offset(BigInt(iova) - low));
    return pa === -1 ? undefined : BigInt(pa) + low;
  }

  map(iova: Address, pa: Address, size: Address, prot: number): MapResult {
    const atOnce = this.#atOnce;
    if (atOnce !== undefined && typeof iova === 'number' && typeof pa === 'number' && typeof size === 'number') {
      const known = prot === this.#prot || this.#allows(prot);
      if (known && atOnce.map(iova, pa, size, prot)) return { bytes: size, errno: 0, granted: this.#granted };
    }
    return this.#mapAny(iova, pa, size, prot);
  }

  #mapAny(iova: Address, pa: Address, size: Address, prot: number): MapResult {
    if (this.#check.isPlain(iova, pa, size))
      return this.#mapChecked(iova as number, pa as number, size as number, prot);
    const offset = this.#check.offset(iova);
    const bytes = this.#check.number('size', size);
    const start = this.#check.number('pa', pa);
    this.#check.input(iova, offset, bytes);
    this.#check.output('pa', start, bytes);
    return this.#mapChecked(offset, start, bytes, prot);
  }

  mapSg(iova: Address, input: ListArrays, prot: number): MapResult {
    if (input.addresses.length === 1 && this.#atOnce?.mapsRuns === true && this.#allows(prot)) {
      const [pa, size] = [input.addresses[0], input.lengths[0]];
      if (typeof iova === 'number' && typeof pa === 'number' && typeof size === 'number') {
        if (this.#atOnce.mapBlocks(iova, pa, size, prot) === true) return this.#mapped(size);
      }
    }
    return this.#mapList(iova, input, prot);
  }

  #mapped(bytes: number): MapResult {
    return { bytes, errno: 0, granted: this.#granted };
  }

  #mapList(iova: Address, input: ListArrays, prot: number): MapResult {
    if (ScatterList.is(input) && this.#mapsPages(iova, input, prot)) return this.#mapped(input.length * this.#smallest);
    const offset = this.#check.offset(iova);
    const given = input instanceof CheckedList ? input : undefined;
    const gathers = this.#gathers || this.#atOnce?.mapsRuns === true || ScatterList.is(input);
    const readable = gathers && input.addresses.length >= this.#leastElements;
    const list = given ?? (readable ? CheckedList.of(this.#memory, input, this.#check.inMemory) : undefined);
    try {
      const bytes = list?.bytes ?? this.#check.list(input);
      this.#check.input(iova, offset, bytes);
      this.#allow(prot);
      if (list !== undefined && !ScatterList.is(input) && this.#atOnce?.mapList(offset, list, prot) === true)
        return this.#mapped(bytes);
      return this.#map(offset, bytes, prot, 0, list ?? input);
    } finally {
      if (given === undefined) list?.close();
    }
  }

  /** Maps a list in the engine's memory before any of it is checked; false where nothing was done, for whatever reason. */
  #mapsPages(iova: Address, list: ScatterList, prot: number): boolean {
    if (this.#atOnce === undefined || !list.isIn(this.#memory)) return false;
    if (!this.#check.isPlainInput(iova, list.length * this.#smallest) || !this.#allows(prot)) return false;
    return this.#atOnce.mapPages(iova as number, list, prot);
  }

  unmap(iova: Address, size: Address, choices: UnmapChoices): number {
    if (
      typeof iova === 'number' &&
      typeof size === 'number' &&
      this.#atOnce !== undefined &&
      choices.holes === 'refuse'
    ) {
      const queued = this.#isQueued(choices);
      if (this.#atOnce.unmap(iova, size, queued)) {
        if (!queued) this.#route.sync();
        return size;
      }
    }
    return this.#unmapAny(iova, size, choices);
  }

  #isQueued({ invalidation }: UnmapChoices): boolean {
    return invalidation === 'later' && !this.#route.isStrict;
  }

  #unmapAny(iova: Address, size: Address, choices: UnmapChoices): number {
    if (this.#check.isPlainInput(iova, size)) return this.#unmapChecked(iova as number, size as number, choices);
    const offset = this.#check.offset(iova);
    const bytes = this.#check.number('size', size);
    this.#check.input(iova, offset, bytes);
    return this.#unmapChecked(offset, bytes, choices);
  }

  #unmapChecked(offset: number, bytes: number, choices: UnmapChoices): number {
    const end = offset + bytes;
    const queued = this.#isQueued(choices);
    const hole = choices.holes === 'skip' ? -1 : this.#table.findHole(offset, end);
    if (hole !== -1) throw this.#refusals.notMapped(offset, bytes, hole);
    if (choices.partialBlocks === 'refuse') this.#refuseStraddle(offset, end);
    if (!this.#table.beginUnmap(offset, end, this.#route.canFail)) throw this.#refusals.noMemory(offset, bytes, 0);
    let unmapped: number;
    try {
      unmapped =
        choices.holes === 'skip'
          ? this.#unmapMapped(offset, end, queued)
          : this.#requests.unmapRange(offset, bytes, queued);
      if (!queued) this.#route.sync();
    } catch (error) {
      attempt(() => this.#route.undoUnmap());
      throw error;
    }
    this.#table.endUnmap();
    return unmapped;
  }

  /** Maps a range that was checked. */
  #mapChecked(offset: number, pa: number, bytes: number, prot: number): MapResult {
    this.#allow(prot);
    const pages = bytes === this.#smallest ? 1 : this.#pagesAtOnce(offset, bytes);
    if (pages === 0) return this.#map(offset, bytes, prot, pa, undefined);
    return this.#mapAtOnce(offset, pa, bytes, pages, prot);
  }

  /** Whether a value is a protection; keeps what it grants then. */
  #allows(prot: number): boolean {
    if (prot === this.#prot) return true;
    if (!isProt(prot)) return false;
    this.#granted = this.#geometry.granted(prot);
    this.#prot = prot;
    return true;
  }

  /** Checks a protection, and keeps what it grants. */
  #allow(prot: number): void {
    if (!this.#allows(prot)) checkProt(prot);
  }

  /** Maps a range whose entries are tested where they are written, all of them before the first. */
  #mapAtOnce(offset: number, pa: number, bytes: number, pages: number, prot: number): MapResult {
    this.#table.begin(false);
    let errno: number;
    try {
      errno = this.#route.mapPages(offset, pa, this.#smallest, pages, prot, this.#done);
    } catch (error) {
      attempt(() => this.#rollBack(offset, bytes));
      throw error;
    }
    return this.#end(offset, bytes, errno);
  }

  /** Smallest pages that a range is where they go in one call and lie in one table; 0 for any other. */
  #pagesAtOnce(offset: number, bytes: number): number {
    return this.#joins && this.#table.mapsAtOnce(offset, bytes) ? bytes / this.#smallest : 0;
  }

  #map(offset: number, bytes: number, prot: number, pa: number, list: ListArrays | undefined): MapResult {
    const known = bytes !== this.#smallest;
    if (known) this.#refuseOverlap(offset, bytes);
    this.#table.begin(known);
    return this.#end(offset, bytes, this.#orRollBack(offset, bytes, prot, pa, list));
  }

  /** Ends a map call of `bytes` bytes; what did not come to its end is rolled back and refused. */
  #end(offset: number, bytes: number, errno: number): MapResult {
    if (errno !== 0 || this.#done.bytes !== bytes) this.#refuseRest(offset, bytes, errno);
    try {
      this.#route.syncMap(offset, bytes);
    } catch (error) {
      attempt(() => this.#rollBack(offset, bytes));
      throw error;
    }
    this.#table.commit();
    return this.#mapped(bytes);
  }

  #refuseOverlap(offset: number, bytes: number): void {
    const taken = this.#table.findMapped(offset, offset + bytes);
    if (taken !== -1) throw this.#refusals.overlap(offset, bytes, taken, this.#table.iovaToPhys(taken));
  }

  /** Ends a map call that came to no end: a single page met a mapping and changed nothing, or there was no memory. */
  #refuseRest(offset: number, bytes: number, errno: number): never {
    if (errno === EEXIST) {
      this.#table.commit();
      this.#refuseOverlap(offset, bytes);
    }
    this.#rollBack(offset, bytes);
    this.#route.sync();
    throw this.#refusals.noMemory(offset, bytes, this.#done.bytes);
  }

  #orRollBack(offset: number, bytes: number, prot: number, pa: number, list: ListArrays | undefined): number {
    try {
      if (list !== undefined) return this.#requests.mapList(offset, list, prot);
      return this.#requests.mapOne(offset, pa, bytes, prot);
    } catch (error) {
      attempt(() => this.#rollBack(offset, bytes));
      throw error;
    }
  }

  /** Takes back what a map call wrote. */
  #rollBack(offset: number, bytes: number): void {
    this.#route.rollBack(offset, offset + bytes, this.#done.bytes);
  }

  #unmapMapped(offset: number, end: number, queued: boolean): number {
    let total = 0;
    let start = this.#table.findMapped(offset, end);
    while (start !== -1) {
      const hole = this.#table.findHole(start, end);
      const stop = hole === -1 ? end : hole;
      total += this.#requests.unmapRange(start, stop - start, queued);
      start = stop < end ? this.#table.findMapped(stop, end) : -1;
    }
    return total;
  }

  #refuseStraddle(offset: number, end: number): void {
    for (const edge of [offset, end]) {
      if (edge < 2 ** this.#geometry.ias && straddles(this.#table.tree, edge)) {
        throw this.#refusals.partialBlock(edge);
      }
    }
  }
}

/** Work on the way back from a failure, which is the one that is reported. */
function attempt(work: () => void): void {
  try {
    work();
  } catch {
    // tables that a device may still reach stay until the domain is freed
  }
}
