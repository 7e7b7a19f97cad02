/**
 * Calls that are one kernel call each: smallest pages of one table, whose entries are all empty, or all to be emptied.
 * @module
 */
import type { Entry, Geometry, Level } from '../formats/contract.ts';
import { hasSize, sizesOf } from '../formats/widths.ts';
import { STATE_OFFSET } from '../memory/kernel-contract.ts';
import type { ScatterList } from '../memory/scatter-list.ts';
import { SCRATCH, type TableMemory } from '../memory/table-memory.ts';
import type { Meter } from '../meter/meter.ts';
import { Tally, type Weights } from '../meter/tally.ts';
import { type Cursor, DEPTH_WALKED } from './cursor.ts';
import type { TlbOps } from './tlb-ops.ts';
import type { TableTree } from './tree.ts';

/** Where numbers end that are all exact. */
const EXACT_END = 2 ** 53;
const STATE = STATE_OFFSET / 8;

/** Bits of the leaves that a protection makes: smallest pages and, where there are such, blocks. */
interface LeafBits {
  readonly page: Entry;
  readonly block: Entry;
}

/** Tallies of the calls of one tree, by what they are counted as. */
class Tallies {
  readonly maps: Tally;
  readonly blocks: Tally;
  /** Unmap calls that looked first whether all is mapped. */
  readonly unmaps: Tally;
  /** Those of a range that was looked at before. */
  readonly unmapRuns: Tally;
  readonly tables: Tally;
  /** Their pages are the entries read. */
  readonly translations: Tally;

  constructor(meter: Meter, last: number, change: Weights, question: Weights) {
    const entry = { entryWrites: 1 };
    const entryRead = { tableReads: 1, entryWrites: 1 };
    this.maps = new Tally(meter, { ...change, walks: 1, tableReads: last, wmb: 1 }, entry);
    this.blocks = new Tally(meter, { ...change, walks: 1, tableReads: 2 * (last - 1), wmb: 1 }, entryRead);
    this.unmaps = new Tally(meter, { ...change, walks: 1, tableReads: 2 * last + 1 }, entry);
    this.unmapRuns = new Tally(meter, { ...change, walks: 1, tableReads: last + 1 }, entry);
    this.tables = new Tally(meter, { ...change, walks: 1, tableReads: 2 * last - 1 }, entryRead);
    this.translations = new Tally(meter, question, { tableReads: 1 });
  }
}

/**
 * One tree's calls at once. What kernels find other than they expect (tables that are missing, entries in use, numbers out of range)
 * is left to the calls of `PageTable`, as if it had not been tried. The counts are those of that call.
 */
export class PagesAtOnce {
  /** Whether there are blocks that span as much as a last-level table. */
  readonly blocks: boolean;
  readonly #tree: TableTree;
  readonly #geometry: Geometry;
  readonly #memory: TableMemory;
  readonly #meter: Meter;
  readonly #tallies: Tallies;
  readonly #cursor: Cursor;
  readonly #last: number;
  readonly #page: number;
  readonly #perPage: number;
  readonly #tlb: TlbOps;
  readonly #tables: Level;
  /** Bytes that a last-level table spans. */
  readonly span: number;
  /** Of the last list: the element behind those that are mapped. */
  next = 0;
  /** The calls that mapped them one by one would have been. */
  calls = 0;
  /** Their smallest pages. */
  pages = 0;
  /** By protection. */
  readonly #leaves: (LeafBits | undefined)[] = [];

  /**
   * @param change what a call that changes tables is counted as besides
   * @param question what a translation is counted as besides
   */
  constructor(tree: TableTree, change: Weights, question: Weights) {
    const { geometry, memory, meter, last, roots, outputEnd, cursor, tlb, levels, spans } = tree;
    this.#tree = tree;
    this.#geometry = geometry;
    this.#memory = memory;
    this.#meter = meter;
    this.#tallies = new Tallies(meter, last, change, question);
    this.#cursor = cursor;
    this.#last = last;
    this.#page = 2 ** geometry.pageShift;
    this.#perPage = 1 / this.#page;
    this.#tlb = tlb;
    this.#tables = levels[last] as Level;
    this.span = spans[last - 1] as number;
    this.blocks = hasSize(geometry.pageSizes, this.span) && geometry.slots(last - 1, this.span) === 1;
    const inputEnd = 2 ** (geometry.signExtends ? geometry.ias - 1 : geometry.ias);
    cursor.allowCalls(roots[0] as number, Math.min(inputEnd, EXACT_END), Math.min(outputEnd, EXACT_END));
  }

  /** Whether kernels of whole calls can serve a tree: one root, input addresses that are offsets, no cleans to be counted. */
  static serves({ geometry, last, roots, tellsLeaves, levels }: TableTree): boolean {
    const { pageShift, pageSizes, coherent, top, iovaBase, oas } = geometry;
    if (!tellsLeaves || !coherent || top > 0 || last === 0 || roots.length > 1) return false;
    const level = levels[last];
    const page = 2 ** pageShift;
    const plain = iovaBase === 0n && 2 ** oas <= EXACT_END && level?.entries === level?.runEntries;
    return plain && sizesOf(pageSizes)[0] === page && geometry.slots(last, page) === 1;
  }

  /**
   * Maps `bytes` bytes of smallest pages; false where nothing was done.
   * @param calls what it is counted as: so many calls, one behind the other
   */
  map(iova: number, pa: number, bytes: number, prot: number, calls: number): boolean {
    const memory = this.#memory;
    if (memory.walker !== this.#cursor) this.#cursor.start();
    const { page } = this.#leaves[prot] ?? this.#learn(prot);
    const table = memory.kernels.mapCall8(this.#last, iova, pa, bytes, page.lo, page.hi);
    if (table === 0) return false;
    const pages = bytes * this.#perPage;
    this.#tallies.maps.add(calls, pages);
    memory.addEntries(table, pages);
    return true;
  }

  /**
   * Maps runs of a checked list of smallest pages, from element `index` on, to the end of a table at most; false where nothing was done.
   * How far it came is in {@link PagesAtOnce.next}, {@link PagesAtOnce.calls} and {@link PagesAtOnce.pages}.
   * @param below bytes below which a run is of smallest pages
   * @param single whether each page is a call, or each run
   */
  mapRuns(list: ScatterList, index: number, iova: number, below: number, prot: number, single: boolean): boolean {
    const memory = this.#memory;
    if (memory.walker !== this.#cursor) this.#cursor.start();
    const { lo, hi } = (this.#leaves[prot] ?? this.#learn(prot)).page;
    const { offset, lengthsOffset, length } = list;
    const table = memory.kernels.mapRuns8(offset, lengthsOffset, index, length, iova, below, lo, hi);
    if (table === 0) return false;
    const { f64 } = memory;
    this.next = f64[STATE] as number;
    this.pages = f64[STATE + 2] as number;
    this.calls = single ? this.pages : (f64[STATE + 1] as number);
    this.#tallies.maps.add(this.calls, this.pages);
    memory.addEntries(table, this.pages);
    return true;
  }

  /** Maps `bytes` bytes of blocks that span as much as a last-level table; false where nothing was done. */
  mapBlocks(iova: number, pa: number, bytes: number, prot: number): boolean {
    const memory = this.#memory;
    if (memory.walker !== this.#cursor) this.#cursor.start();
    const { block } = this.#leaves[prot] ?? this.#learn(prot);
    const depth = this.#last - 1;
    if (memory.kernels.mapCall8(depth, iova, pa, bytes, block.lo, block.hi) === 0) return false;
    this.#tallies.blocks.add(1, bytes / this.span);
    this.#tree.hasBlocks = true;
    return true;
  }

  /**
   * Unmaps `bytes` bytes; false where nothing was done. Who calls tells the TLB.
   * @param calls what unmapping it is counted as: so many calls, one behind the other, or 0 for one that first finds out whether all of it
   * is mapped
   */
  unmap(iova: number, bytes: number, calls: number): boolean {
    const memory = this.#memory;
    if (memory.walker !== this.#cursor) this.#cursor.start();
    const table = memory.kernels.unmapCall8(iova, bytes);
    if (table === 0) return false;
    const pages = bytes * this.#perPage;
    if (calls === 0) this.#tallies.unmaps.add(1, pages);
    else this.#tallies.unmapRuns.add(calls, pages);
    memory.addEntries(table, -pages);
    return true;
  }

  /** Unmaps `bytes` bytes that are all that last-level tables map, tells the TLB, and frees these; false where nothing was done. */
  unmapTables(iova: number, bytes: number): boolean {
    const memory = this.#memory;
    if (memory.walker !== this.#cursor) this.#cursor.start();
    const list = SCRATCH.offset;
    const entry = memory.kernels.tablesCall8(iova, bytes, list);
    const count = bytes / this.span;
    if (entry === 0 || !memory.haveEntries(list, count, this.#tables.entries)) return false;
    memory.kernels.clear(entry, 8 * count);
    this.#cursor.forget();
    this.#flush(iova, count);
    memory.freeAll(list, count, this.#tables.allocBytes);
    this.#tallies.tables.add(1, count);
    this.#meter.tablesFreed += count;
    return true;
  }

  #flush(iova: number, count: number): void {
    const tlb = this.#tlb;
    const span = this.span;
    const page = this.#page;
    if (tlb.flushWalks !== undefined) tlb.flushWalks(iova, span, page, count);
    else for (let i = 0; i < count; i++) tlb.flushWalk(iova + i * span, span, page);
  }

  /** The output address, −1 where nothing is mapped, NaN where it must be asked otherwise. */
  translate(iova: number): number {
    const memory = this.#memory;
    if (memory.walker !== this.#cursor) this.#cursor.start();
    const pa = memory.kernels.translateCall8(iova);
    if (!Number.isNaN(pa)) this.#tallies.translations.add(1, (memory.u32[DEPTH_WALKED] as number) + 1);
    return pa;
  }

  #learn(prot: number): LeafBits {
    const bits = { page: { lo: 0, hi: 0 }, block: { lo: 0, hi: 0 } };
    this.#geometry.leaf(this.#last, 1, prot, bits.page);
    if (this.blocks) this.#geometry.leaf(this.#last - 1, 1, prot, bits.block);
    this.#leaves[prot] = bits;
    return bits;
  }
}
