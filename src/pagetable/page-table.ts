/**
 * The page table of one domain: what a driver calls. One algorithm for all formats; the format says where entries lie
 * and what they hold.
 * @module
 */

import { offsetIn } from '../address.ts';
import type { Geometry, Registers } from '../formats/contract.ts';
import { type Rules, rulesOf, type Semantics } from '../formats/rules.ts';
import { CheckedList, type ListPiece } from '../memory/checked-list.ts';
import type { ListArrays } from '../memory/scatter-list.ts';
import type { TableMemory } from '../memory/table-memory.ts';
import type { Meter } from '../meter/meter.ts';
import type { Weights } from '../meter/tally.ts';
import { PagesAtOnce } from './at-once.ts';
import type { CleanedEntries } from './cleaned.ts';
import { type DirtyVisitor, readDirty } from './dirty.ts';
import { EINVAL } from './errno.ts';
import { shrink } from './growth.ts';
import { ListWalk } from './list-walk.ts';
import { mapRun } from './map.ts';
import { PageSizeChooser } from './page-size.ts';
import { RangeTable } from './range.ts';
import { RequestChecks } from './request-checks.ts';
import { type Done, ListRuns, mapRange, type PagesSink, type UnmapSink, unmapRange } from './runs.ts';
import { findHole, findMapped, translate } from './scan.ts';
import type { TlbOps } from './tlb-ops.ts';
import { translateRange } from './translate-range.ts';
import { TableTree } from './tree.ts';
import { eraseLeaves, tablesForSplits } from './undo.ts';
import { type UnmapMode, unmapInTable, unmapRun } from './unmap.ts';
import { unmapWhole } from './unmap-whole.ts';
import { usableSizes, withPieces } from './usable-sizes.ts';

/** How the pages of a list are walked: from the root for each (`hook`), or one walk for all. */
type ListMode = 'hook' | 'one-walk';

/** A page table. Input addresses are offsets from the region's base; all calls return as the kernel's do. */
export class PageTable implements PagesSink, UnmapSink {
  /** The tables. */
  readonly tree: TableTree;
  /** Page-size choice over the sizes granted. */
  readonly chooser: PageSizeChooser;
  /** Page-size choice for unmapping: under `safe` also the sizes that a split leaves behind where none was granted. */
  readonly unmapChooser: PageSizeChooser;
  /** Calls on whole ranges, as some kernels make them. */
  readonly range: RangeTable;
  readonly #rules: Rules;
  readonly #checks: RequestChecks | undefined;
  readonly #listWalk: ListWalk | undefined = undefined;
  readonly #mode: UnmapMode;
  readonly #pageByPage: boolean;
  /** Bytes of the smallest pages that `TableTree.mapPages` maps; 0 for none. */
  readonly #page: number;
  /** Depth of the root before the call under way. */
  #topBefore = 0;
  /** Ranges below these bytes may hold leaves of one last-level table only; 0 where none do. */
  readonly #inTable: number;
  /** Bytes of a last-level table. */
  readonly #tableSpan: number;
  /** Ranges below these bytes are mapped with smallest pages alone, by a kernel. */
  readonly #atOnce: number;
  readonly #hook: PagesSink = {
    mapPages: (iova, pa, size, count, prot, done) => this.#mapHooked(iova, pa, size, count, prot, done),
  };
  readonly #walk: PagesSink = {
    mapPages: (iova, pa, size, count, prot, done) => this.#mapRun(iova, pa, size, count, prot, done, true),
  };
  readonly #parts: UnmapSink = {
    unmapPages: (iova, size, count) => unmapRun(this.tree, iova, size, count, this.#mode) * size,
  };
  readonly #whole: UnmapSink = {
    unmapPages: (iova, size, count) => unmapWhole(this.tree, iova, size, count, this.#mode.queued) * size,
  };
  readonly #runUnmapper: UnmapSink;

  /** @throws IommuError `NO_MEMORY` where the root cannot be allocated; `BAD_OPTION` where a kernel lacks the format. */
  constructor(geometry: Geometry, memory: TableMemory, meter: Meter, tlb: TlbOps, semantics: Semantics) {
    const rules = rulesOf(geometry, semantics);
    this.#rules = rules;
    this.#pageByPage = rules.request === 'page';
    this.tree = new TableTree(geometry, memory, meter, tlb, rules);
    this.#checks = rules.mapChecks.length > 0 ? new RequestChecks(this.tree, rules) : undefined;
    this.#page = this.tree.masksLeaves && !this.#pageByPage ? 2 ** geometry.pageShift : 0;
    const granted = rules.pageSizes === 'granted';
    const usable = granted ? geometry.pageSizes : usableSizes(geometry);
    this.chooser = new PageSizeChooser(usable, granted ? geometry.iovaBase : 0n);
    if (ListWalk.serves(this.tree, this.chooser)) this.#listWalk = new ListWalk(this.tree, this.chooser);
    this.range = new RangeTable(this.tree, this.chooser);
    this.unmapChooser = granted ? this.chooser : new PageSizeChooser(withPieces(geometry, usable));
    const { last } = this.tree;
    this.#tableSpan = this.tree.spanAt(last) * this.tree.levelAt(last).runEntries;
    const next = this.unmapChooser.after(this.unmapChooser.smallest);
    this.#inTable = geometry.maxSlots === 1 ? Math.min(next, this.tree.spans[last - 1] ?? 0) : this.#tableSpan;
    const { smallest } = this.chooser;
    this.#atOnce = smallest === this.#page ? Math.min(this.chooser.after(smallest), this.#tableSpan) : 0;
    this.#mode = { queued: false, mapped: false, rules };
    this.#runUnmapper = rules.unmapped === 'as a run' ? this.#whole : this.#parts;
  }

  /** Whether lists in this memory, of whole pages, are mapped by kernels. */
  get gathersLists(): boolean {
    return this.#listWalk !== undefined;
  }

  /**
   * Calls at once, where kernels can do them.
   * @param change what a call that changes tables is counted as besides
   * @param question what a translation is counted as besides
   */
  callsAtOnce(change: Weights, question: Weights): PagesAtOnce | undefined {
    return PagesAtOnce.serves(this.tree) ? new PagesAtOnce(this.tree, change, question) : undefined;
  }

  /** Ranges below these bytes are mapped by one call of equal pages wherever they begin. */
  get mapsBelow(): number {
    return this.#atOnce;
  }

  /** Ranges below these bytes are unmapped so: in one walk, or by calls of equal pages. */
  unmapsBelow(oneWalk: boolean): number {
    const { smallest } = this.unmapChooser;
    return oneWalk ? this.#inTable : Math.min(this.unmapChooser.after(smallest), this.#tableSpan);
  }

  /** Whether a range is smallest pages of one table, which are all written or none of them. */
  mapsAtOnce(iova: number, bytes: number): boolean {
    return bytes < this.#atOnce && offsetIn(iova, this.#tableSpan) + bytes <= this.#tableSpan;
  }

  /** What its semantics decides. */
  get rules(): Rules {
    return this.#rules;
  }

  /** What the driver programs for this table. */
  get registers(): Registers {
    const { geometry, memory, roots } = this.tree;
    return geometry.registers(
      roots.map((offset) => offset + memory.base),
      this.tree.top,
    );
  }

  /** Maps at most `count` equal pages, in Linux's `map_pages` manner: to the end of a table, one write barrier. */
  mapPages(iova: number, pa: number, size: number, count: number, prot: number, done: Done): number {
    const refused = this.#checks?.refuseMap(iova, pa, size, count, prot) ?? 0;
    if (refused !== 0) return refused;
    const errno = this.#mapRun(iova, pa, size, count, prot, done, false);
    this.tree.meter.added.wmb++;
    return errno;
  }

  /**
   * Maps a list in one call.
   * @param mode `hook`: a walk from the root for each page, as the `map_sg` hook of 2021 did; `one-walk`: the position in
   * the tree is kept, one barrier, one clean a table
   */
  mapList(iova: number, list: ListArrays, prot: number, mode: ListMode, done: Done): number {
    const oneWalk = mode === 'one-walk';
    const { cleans } = this.tree;
    cleans.batch = oneWalk;
    this.tree.forgetPath();
    let errno: number;
    try {
      const gathered = oneWalk ? this.#gather(iova, list, prot, done) : undefined;
      errno = gathered ?? this.#mapRuns(iova, list, prot, oneWalk, done);
    } catch (error) {
      cleans.drop();
      throw error;
    }
    cleans.end();
    if (oneWalk) this.tree.meter.added.wmb++;
    return errno;
  }

  /** Maps a list by kernels where it was checked to be one that they can read; undefined where it was not. */
  #gather(iova: number, list: ListArrays, prot: number, done: Done): number | undefined {
    const walk = this.#listWalk;
    if (walk === undefined || !(list instanceof CheckedList)) return undefined;
    let errno = 0;
    for (let i = 0; errno === 0 && i < list.pieces.length; i++) {
      errno = walk.map(iova, list, list.pieces[i] as ListPiece, prot, done);
    }
    return errno;
  }

  #mapRuns(iova: number, list: ListArrays, prot: number, oneWalk: boolean, done: Done): number {
    const sink = oneWalk ? this.#walk : this.#hook;
    const runs = new ListRuns(list, this.#rules.lists === 'linux');
    let errno = 0;
    while (errno === 0 && runs.next()) {
      const at = iova + done.bytes;
      if (this.#rules.lists === 'linux' && !this.chooser.divides(at, runs.start, runs.bytes)) return EINVAL;
      errno = mapRange(sink, this.chooser, at, runs.start, runs.bytes, prot, !oneWalk, done);
    }
    return errno;
  }

  /**
   * Unmaps at most `count` equal pages; returns the bytes unmapped. Where Linux unmaps by run, its count is a signed 32-bit
   * number, and one that comes out negative unmaps nothing.
   */
  unmapPages(iova: number, size: number, count: number, queued: boolean): number {
    if (this.#checks?.allowsUnmap(iova, size, count) === false) return 0;
    this.#mode.queued = queued;
    const wraps = this.#rules.counts === 'signed 32 bits';
    if (this.#rules.request !== 'page') {
      return this.#runUnmapper.unmapPages(iova, size, wraps ? Math.max(0, count | 0) : count, queued);
    }
    let pages = 0;
    while (pages < count && unmapRun(this.tree, iova + pages * size, size, 1, this.#mode) > 0) pages++;
    return pages * size;
  }

  /** Unmaps a range in one call, one clean a table; returns the bytes unmapped, up to the first hole. */
  unmapRange(iova: number, bytes: number, queued: boolean): number {
    this.#mode.queued = queued;
    const { cleans } = this.tree;
    cleans.batch = true;
    let unmapped = bytes;
    try {
      const inTable = this.#mode.mapped && bytes < this.#inTable && unmapInTable(this.tree, iova, bytes, this.#mode);
      if (!inTable) unmapped = unmapRange(this.#runUnmapper, this.unmapChooser, iova, bytes, false, queued);
    } catch (error) {
      cleans.drop();
      throw error;
    }
    cleans.end();
    return unmapped;
  }

  /** The output address, or −1. */
  iovaToPhys(iova: number): number {
    return translate(this.tree, iova);
  }

  /** The output addresses of `count` smallest pages from `iova` on, or −1. */
  translateRange(iova: number, count: number, out: Float64Array): void {
    translateRange(this.tree, iova, count, out);
  }

  /** Visits dirty leaves that touch [from, end), and makes them clean unless `keep`; notes in `cleaned` which ones. */
  readDirty(from: number, end: number, keep: boolean, visit: DirtyVisitor, cleaned?: CleanedEntries): void {
    readDirty(this.tree, from, end, keep, visit, cleaned);
  }

  /** Marks entries again that a read made clean. */
  undoClean(cleaned: CleanedEntries): void {
    cleaned.mark(this.tree);
  }

  /** First mapped address in [from, end), or −1. */
  findMapped(from: number, end: number): number {
    return findMapped(this.tree, from, end);
  }

  /** First unmapped address in [from, end), or −1. */
  findHole(from: number, end: number): number {
    return findHole(this.tree, from, end);
  }

  /**
   * Starts a map call that can be rolled back.
   * @param free whether its range was found free: its entries are not tested again
   */
  begin(free: boolean): void {
    this.tree.journal.begin(free);
    this.#topBefore = this.tree.top;
  }

  /** Ends it: empty tables that gave way to blocks are freed. */
  commit(): void {
    const { tree } = this;
    const { journal } = tree;
    if (journal.unlinks) {
      for (const change of journal.changes) if (!change.linked) tree.removal.freeBelow(change.depth, change.table);
    }
    journal.end();
  }

  /**
   * Takes everything back that was done since `begin` for [from, end): leaves, tables linked, tables unlinked, levels put on top.
   * New tables are freed after the TLB was told; where that fails, they stay until the tables are freed.
   */
  rollBack(from: number, end: number): void {
    const { tree } = this;
    const { journal } = tree;
    const erased = (journal.free || journal.wrote) && eraseLeaves(tree, from, end);
    const changes = journal.changes.reverse();
    journal.end();
    tree.forgetPath();
    const off: number[] = [];
    for (const { at, lo, hi, linked, table, depth } of changes) {
      if (linked) off.push(depth, table);
      else tree.memory.relink(table, tree.levelAt(depth).allocBytes);
      tree.store(at, lo, hi);
      tree.cleans.attempt(at);
    }
    const grew = tree.top !== this.#topBefore;
    try {
      shrink(tree, this.#topBefore, off);
    } finally {
      if (erased || changes.length > 0 || grew) tree.removal.flushThenFree(off);
    }
  }

  /**
   * Starts an unmap call over ranges in [from, end) that were found mapped: sets tables aside for the splits that it needs.
   * @returns false where there is no memory for them
   */
  beginUnmap(from: number, end: number, canFail: boolean): boolean {
    const tables = tablesForSplits(this.tree, from, end);
    this.#mode.mapped = tables === 0 || this.tree.pool.reserve(tables);
    if (this.#mode.mapped) this.tree.removal.beginUnmap(canFail);
    return this.#mode.mapped;
  }

  /** Ends it: gives back what the splits did not need. */
  endUnmap(): void {
    this.#mode.mapped = false;
    this.tree.removal.endUnmap();
    this.tree.pool.releaseReserve();
  }

  /** Takes it back, as it was at `beginUnmap`. */
  undoUnmap(): void {
    this.#mode.mapped = false;
    this.tree.pool.releaseReserve();
    this.tree.removal.undoUnmap();
  }

  /** Frees the tables that waited for a sync of the driver; with `all`, those that waited for its flush of everything too. */
  releaseUnlinked(all: boolean): void {
    this.tree.removal.releaseUnlinked(all);
  }

  /** Frees all tables. */
  destroy(): void {
    this.tree.removal.destroy();
  }

  #mapRun(iova: number, pa: number, size: number, count: number, prot: number, done: Done, keep: boolean): number {
    const { tree } = this;
    if (
      size === this.#page &&
      this.#fitsAtOnce(iova, pa, count) &&
      tree.mapPages(tree.last, iova, pa, count, prot, keep)
    ) {
      done.bytes += count * size;
      return 0;
    }
    return this.#mapEntries(iova, pa, size, count, prot, done, keep);
  }

  #mapEntries(iova: number, pa: number, size: number, count: number, prot: number, done: Done, keep: boolean): number {
    if (this.#pageByPage) return this.#mapPageByPage(iova, pa, size, count, prot, done);
    const place = this.tree.want(iova, size, count);
    const pages = mapRun(this.tree, place, pa, prot, keep);
    if (pages < 0) return pages;
    done.bytes += pages * size;
    return 0;
  }

  /** Whether the kernel that maps smallest pages can take these: one, or more of one table that nobody searched yet. */
  #fitsAtOnce(iova: number, pa: number, count: number): boolean {
    return count === 1
      ? pa < this.tree.outputEnd && iova < this.tree.reach
      : this.#runFits(iova, pa, count * this.#page);
  }

  #runFits(iova: number, pa: number, bytes: number): boolean {
    const { tree } = this;
    if (tree.journal.free || pa + bytes > tree.outputEnd || iova + bytes > tree.reach) return false;
    return bytes < this.#tableSpan && offsetIn(iova, this.#tableSpan) + bytes <= this.#tableSpan;
  }

  #mapPageByPage(iova: number, pa: number, size: number, count: number, prot: number, done: Done): number {
    for (let page = 0; page < count; page++) {
      const place = this.tree.want(iova + page * size, size, 1);
      const mapped = mapRun(this.tree, place, pa + page * size, prot, false);
      if (mapped < 0) return mapped;
      done.bytes += size;
    }
    return 0;
  }

  #mapHooked(iova: number, pa: number, size: number, count: number, prot: number, done: Done): number {
    const refused = this.#checks?.refuseMap(iova, pa, size, count, prot) ?? 0;
    if (refused !== 0) return refused;
    const errno = this.#mapRun(iova, pa, size, count, prot, done, false);
    if (this.#rules.mapSgBarriers === 'each page') this.tree.meter.added.wmb++;
    return errno;
  }
}
