/**
 * The tree of tables in memory: entries read and written, tables linked, unlinked and freed, cache cleans and barriers
 * counted. It knows levels and entries, not requests.
 * @module
 */
import { hex, highHalf, lowHalf, offsetIn } from '../address.ts';
import { IommuError } from '../errors.ts';
import type { Entry, Geometry, Level } from '../formats/contract.ts';
import type { Rules } from '../formats/rules.ts';
import type { TableMemory } from '../memory/table-memory.ts';
import type { Meter } from '../meter/meter.ts';
import { CacheCleans } from './cleans.ts';
import { Cursor, depthBegun, depthReached, tableReached, wroteLeaf } from './cursor.ts';
import { clearRun, tellsContiguous } from './entries.ts';
import { ErasedEntries } from './erased.ts';
import { EEXIST, ENOMEM } from './errno.ts';
import { grow, standAt } from './growth.ts';
import { TableJournal } from './journal.ts';
import { LeafWriter } from './leaves.ts';
import { Place } from './place.ts';
import { TableRemoval } from './removal.ts';
import { TablePool } from './table-pool.ts';
import type { TlbOps } from './tlb-ops.ts';

/** Index of an input address, as halves, in a table of a level; higher address bits alias. */
export function indexOf(level: Level, low: number, high: number): number {
  const { shift } = level;
  return (shift >= 32 ? high >>> (shift - 32) : (low >>> shift) | (high << (32 - shift))) & (level.entries - 1);
}

/** Tables of one domain. */
export class TableTree {
  /** What the format says of levels and entries. */
  readonly geometry: Geometry;
  /** Where the tables lie. */
  readonly memory: TableMemory;
  /** Counts of the work done. */
  readonly meter: Meter;
  /** Whom unlinked tables and cleared leaves are told. */
  readonly tlb: TlbOps;
  /** What the semantics decides. */
  readonly rules: Rules;
  /** Levels from the root down. */
  readonly levels: readonly Level[];
  /** Index of the last level. */
  readonly last: number;
  /** Bytes spanned by an entry of each level. */
  readonly spans: readonly number[];
  /** log2 of the bytes of an entry. */
  readonly entryShift: number;
  /** log2 of the 32-bit words of an entry. */
  readonly wordShift: number;
  /** Byte offsets of the roots. */
  readonly roots: number[];
  /** Depth of the roots. */
  top: number;
  /** Where the input addresses end that today's roots translate; infinite where higher bits alias. */
  reach: number = Number.POSITIVE_INFINITY;
  /** Bytes that a root of the highest level spans. */
  readonly rootSpan: number;
  /** Where the call under way stands. */
  readonly place: Place = new Place();
  /** For each depth, where a search of a range stands. */
  readonly path: readonly Place[];
  /** Tables taken and given back. */
  readonly pool: TablePool;
  /** Cache cleans. */
  readonly cleans: CacheCleans;
  /** Where walks stand. */
  readonly cursor: Cursor;
  /** Leaves written. */
  readonly leaves: LeafWriter;
  /** How tables go. */
  readonly removal: TableRemoval;
  /** Undo records of the call under way. */
  readonly journal: TableJournal = new TableJournal();
  /** Undo records of the unmap call under way. */
  readonly erased: ErasedEntries;
  /** Whether leaves that take one entry of 8 bytes hold the output address as a field, at one shift. */
  readonly masksLeaves: boolean;
  /** Where the output addresses end that entries hold. */
  readonly outputEnd: number;
  /** Whether, besides, bits tell these from leaves of several entries. */
  readonly tellsLeaves: boolean;
  /** Whether a leaf was ever mapped above the last level. */
  hasBlocks = false;
  readonly #out: Entry = { lo: 0, hi: 0 };
  readonly #baseLow: number;
  readonly #coherent: boolean;
  readonly #granule: number;
  #zeroLast = true;

  /** @throws IommuError `NO_MEMORY` where there is no room for the root, or only above the format's limit. */
  constructor(geometry: Geometry, memory: TableMemory, meter: Meter, tlb: TlbOps, rules: Rules) {
    this.geometry = geometry;
    this.memory = memory;
    this.meter = meter;
    this.tlb = tlb;
    this.rules = rules;
    this.levels = geometry.levels;
    this.last = geometry.levels.length - 1;
    this.spans = geometry.levels.map((level) => 2 ** level.shift);
    this.entryShift = geometry.entryBytes === 8 ? 3 : 2;
    this.wordShift = this.entryShift - 2;
    this.erased = new ErasedEntries(2 ** this.wordShift);
    this.pool = new TablePool(geometry, memory, meter);
    const { clean } = tlb;
    const heard = clean === undefined ? undefined : (at: number, bytes: number) => clean(at + memory.base, bytes);
    this.cleans = new CacheCleans(geometry, meter, heard);
    this.leaves = new LeafWriter(this);
    this.removal = new TableRemoval(this);
    this.cursor = new Cursor(geometry, memory);
    this.#baseLow = memory.base >>> 0;
    this.#coherent = geometry.coherent;
    const { outputBreak, oas, outputBits, addressShift } = geometry;
    this.outputEnd = 2 ** Math.min(oas, outputBits);
    this.masksLeaves = this.entryShift === 3 && addressShift >= 0 && outputBreak >= 2 ** oas;
    this.tellsLeaves = this.masksLeaves && tellsContiguous(this);
    this.#granule = 2 ** geometry.pageShift;
    this.path = geometry.levels.map(() => new Place());
    this.rootSpan = this.spanAt(0) * this.levelAt(0).entries;
    this.top = geometry.top;
    this.roots = this.#allocateRoots();
    standAt(this, geometry.top);
  }

  /** Level record at a depth below the root. */
  levelAt(depth: number): Level {
    return this.levels[depth] as Level;
  }

  /** Bytes spanned by an entry at a depth. */
  spanAt(depth: number): number {
    return this.spans[depth] as number;
  }

  /** Counts entries of a table that came into use, where it is of the last level. */
  addEntries(depth: number, table: number, count: number): void {
    if (depth === this.last) this.memory.addEntries(table, count);
  }

  /** The root that an input address belongs to; higher address bits alias. */
  rootOf(iova: number): number {
    const { roots } = this;
    return roots.length === 1 ? (roots[0] as number) : this.#rootAmong(iova);
  }

  #rootAmong(iova: number): number {
    return this.roots[Math.floor(iova / this.rootSpan) % this.roots.length] as number;
  }

  /** Index of an input address in a table at a depth; higher address bits alias. */
  indexAt(depth: number, iova: number): number {
    return indexOf(this.levelAt(depth), lowHalf(iova), highHalf(iova));
  }

  /** Byte offset of the entry for an input address in `table`. */
  entryAt(depth: number, table: number, iova: number): number {
    return table + (this.indexAt(depth, iova) << this.entryShift);
  }

  /** The place for `count` pages of `size` bytes from `iova` on: its depth and slots, not yet its table. */
  want(iova: number, size: number, count: number): Place {
    const { place } = this;
    this.leaves.choose(place, size);
    place.iova = iova;
    place.count = count;
    return place;
  }

  /** Walks from the root towards the table at depth `target` and stands where that ends. */
  seek(place: Place, target: number): void {
    const { iova } = place;
    const found = this.follow(iova, target, false);
    place.depth = depthReached(found);
    place.table = tableReached(found);
    place.index = this.indexAt(place.depth, iova);
    this.meter.added.walks++;
    this.meter.added.tableReads += place.depth + 1;
  }

  /** Stands on the entries of a table that hold [from, end), one page each. */
  stand(depth: number, table: number, from: number, end: number): Place {
    const place = this.path[depth] as Place;
    const span = this.spanAt(depth);
    place.depth = depth;
    place.table = table;
    place.iova = from;
    place.index = this.indexAt(depth, from);
    place.count = Math.ceil((end - from + offsetIn(from, span)) / span);
    return place;
  }

  /** Whether the first entry of a place is empty. */
  isEmptyAt({ table, index }: Place): boolean {
    return this.isEmptyEntry(table, index);
  }

  /** Whether the entry at an index of a table is empty. */
  isEmptyEntry(table: number, index: number): boolean {
    const at = table + (index << this.entryShift);
    return (this.lo(at) | this.hi(at)) === 0;
  }

  /** Depth of the deepest table that spans all of [from, end). */
  depthOf(from: number, end: number): number {
    const bytes = end - from;
    const { top } = this;
    let depth = this.last;
    while (depth > top && offsetIn(from, this.spanAt(depth - 1)) + bytes > this.spanAt(depth - 1)) depth--;
    return depth;
  }

  /** Walks towards the table at depth `target` without changing anything; see `cursor.ts` for the answer. */
  follow(iova: number, target: number, keep: boolean): number {
    return this.cursor.follow(this.rootOf(iova) | this.top, iova, target, keep);
  }

  /**
   * Output address behind an input address, or −1; NaN, and nothing counted, where several entries make one leaf. Only where
   * `tellsLeaves`.
   */
  translate(iova: number): number {
    const pa = this.cursor.translate(this.rootOf(iova) | this.top, iova, this.last);
    if (!Number.isNaN(pa)) this.meter.added.tableReads += this.cursor.depth + 1;
    return pa;
  }

  /** Low word of the entry at a byte offset. */
  lo(at: number): number {
    return this.memory.u32[at >>> 2] as number;
  }

  /** High word of the entry at a byte offset; 0 for 4-byte entries. */
  hi(at: number): number {
    return this.entryShift === 3 ? (this.memory.u32[(at >>> 2) + 1] as number) : 0;
  }

  /** Whether an entry points at a table. */
  isTable(depth: number, lo: number): boolean {
    const level = this.levelAt(depth);
    return (lo & level.tableMask) === level.tableValue;
  }

  /** Byte offset of the table that the entry at a byte offset points at. */
  tableAt(at: number): number {
    const { tableField, tableFieldShift } = this.geometry;
    const field = this.lo(at) & tableField;
    if (tableFieldShift >= 0) return ((field << tableFieldShift) - this.#baseLow) >>> 0;
    return (((field >>> -tableFieldShift) | (this.hi(at) << (32 + tableFieldShift))) - this.#baseLow) >>> 0;
  }

  /** Writes one entry. */
  store(at: number, lo: number, hi: number): void {
    this.memory.u32[at >>> 2] = lo;
    if (this.entryShift === 3) this.memory.u32[(at >>> 2) + 1] = hi;
    this.meter.added.entryWrites++;
  }

  /** Zeroes the entry at an index of a word, and returns the low word that it had. */
  take(word: number): number {
    const { u32 } = this.memory;
    const lo = (u32[word] as number) | 0;
    u32[word] = 0;
    if (this.entryShift === 3) u32[word + 1] = 0;
    return lo;
  }

  /**
   * Walks down to the table at depth `target`, making tables that are missing.
   * @returns its byte offset, or a negative errno: ENOMEM, EEXIST (a leaf is in the way), ERANGE (no root reaches so far)
   */
  descend(iova: number, target: number, keep: boolean): number {
    if (iova >= this.reach || target < this.top) {
      const errno = grow(this, iova + this.#granule, target);
      if (errno !== 0) return errno;
    }
    const found = this.follow(iova, target, keep);
    const depth = depthReached(found);
    const table = tableReached(found);
    this.#countWalk(found);
    return depth === target ? table : this.#extendTo(target, depth, table, iova);
  }

  /**
   * Maps pages of one entry each, all of one table at a depth, where that is there and their entries are empty; only where
   * `masksLeaves`.
   * @returns whether it did
   */
  mapPages(depth: number, iova: number, pa: number, count: number, prot: number, keep: boolean): boolean {
    const bits = this.leaves.bits(depth, 1, prot);
    const found = this.cursor.mapPages(this.rootOf(iova) | this.top, iova, pa, count, depth, keep, bits);
    if (wroteLeaf(found)) {
      this.#countPages(found, iova, count);
      return true;
    }
    if (keep && depthReached(found) > this.top) this.#countWalk(found);
    return false;
  }

  /** Counts pages of one entry each that a kernel wrote behind a walk. */
  #countPages(found: number, iova: number, count: number): void {
    const depth = depthReached(found);
    const table = tableReached(found);
    this.meter.added.entryWrites += count;
    if (depth === this.last) this.memory.addEntries(table, count);
    else this.hasBlocks = true;
    this.journal.wrote = true;
    this.#countWalk(found);
    if (!this.#coherent) this.cleans.run(table, this.indexAt(depth, iova), 1, count);
  }

  /** As `descend` to a last-level table that the caller writes from end to end: a new one is not zeroed. */
  descendToWrite(iova: number, keep: boolean): number {
    this.#zeroLast = false;
    const table = this.descend(iova, this.last, keep);
    this.#zeroLast = true;
    return table;
  }

  /** Points the entry at `at`, of a table at `depth`, to a table: barrier, write, clean, and the mark that says "cleaned". */
  link(at: number, table: number, depth: number): void {
    const out = this.#out;
    if (this.rules.newTable === 'table and entry') this.cleans.count(table, 0, 1, this.#entriesIn(depth + 1));
    this.geometry.table(table + this.memory.base, out, depth);
    this.meter.dmaWmb++;
    this.store(at, out.lo, out.hi);
    if (!this.#coherent) this.#markCleaned(at, out);
  }

  #entriesIn(depth: number): number {
    return this.levelAt(depth).allocBytes >> this.entryShift;
  }

  #markCleaned(at: number, { lo, hi }: Entry): void {
    const { syncedLo, syncedHi } = this.geometry;
    this.cleanEntry(at);
    if ((syncedLo | syncedHi) !== 0) this.store(at, lo | syncedLo, hi | syncedHi);
  }

  /** Cleans the entry at a byte offset. */
  cleanEntry(at: number): void {
    this.cleans.count(at, 0, 1, 1);
  }

  /** Makes the next walk start from the root: a table entry on the way of the last one may have changed. */
  forgetPath(): void {
    this.cursor.forget();
  }

  /** Zeroes `count` entries from index `index` of `table`. */
  eraseEntries(table: number, index: number, count: number): void {
    if (this.erased.active) {
      const first = (table >>> 2) + (index << this.wordShift);
      this.erased.keep(this.memory.u32, first, count << this.wordShift, table);
    }
    clearRun(this, table, index, count);
    this.meter.added.entryWrites += count;
  }

  /** Counts the part of a walk that was done: what goes on from there counts the rest. */
  #countWalk(found: number): void {
    const from = depthBegun(found);
    if (from === this.top) this.meter.added.walks++;
    this.meter.added.tableReads += depthReached(found) - from;
    if (!this.#coherent) this.cleans.count(0, 0, this.cursor.unmarked, 1);
  }

  #allocateRoots(): number[] {
    const roots: number[] = [];
    for (let i = 0; i < this.geometry.roots; i++) {
      const root = this.pool.take(this.top, true);
      if (root === -1) {
        for (const offset of roots) this.removal.releaseTable(this.top, offset);
        throw new IommuError(
          'NO_MEMORY',
          'memory',
          `expected ${hex(this.levelAt(this.top).allocBytes)} bytes for a root, got none`,
        );
      }
      roots.push(root);
      if (this.rules.newTable === 'table and entry') this.cleans.count(root, 0, 1, this.#entriesIn(this.top));
    }
    return roots;
  }

  /** From the table that a walk could not leave: new tables down to depth `target`, or an errno. */
  #extendTo(target: number, from: number, reached: number, iova: number): number {
    let table = reached;
    for (let depth = from; depth < target; depth++) {
      const at = this.entryAt(depth, table, iova);
      this.meter.added.tableReads++;
      table = depth === from ? this.#extendEmpty(depth + 1, at) : this.#extend(depth + 1, at);
      if (table < 0) {
        this.forgetPath();
        return table;
      }
      this.cursor.extend(depth + 1, table);
    }
    return table;
  }

  #extend(depth: number, at: number): number {
    const table = this.pool.take(depth, depth < this.last || this.#zeroLast);
    if (table === -1) return ENOMEM;
    if (this.journal.active) this.journal.linked(at, table, depth);
    this.link(at, table, depth - 1);
    return table;
  }

  /** A new table at an entry if that is empty, else an errno; what is in the way is cleaned like an entry passed. */
  #extendEmpty(depth: number, at: number): number {
    const hi = this.hi(at);
    if ((this.lo(at) | hi) === 0) return this.#extend(depth, at);
    const { syncedLo, syncedHi } = this.geometry;
    const marked = (this.lo(at) & syncedLo) | (hi & syncedHi);
    if (!this.#coherent && marked === 0 && this.rules.request !== 'range') this.cleanEntry(at);
    return EEXIST;
  }
}
