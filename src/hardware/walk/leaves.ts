/**
 * Every leaf of a tree, in bounded work: a table is entered again only so often, a table that leads to itself never.
 * @module
 */
import type { PhysicalReader } from '../../bus.ts';
import { RunBuilder } from './leaf-run.ts';
import { type Descriptors, KIND, type Region, reasonOf } from './regime.ts';
import type { Reason } from './types.ts';
import { joinEntry } from './walker.ts';

/** Something wrong or unknown in a tree, with the input addresses that it is about. */
export interface TreeFinding {
  readonly reason: Reason | 'shared-table-limit' | 'table-limit';
  /** Offset from the region's base. */
  readonly offset: number;
  readonly bytes: number;
  readonly level: number;
  /** Physical address of the entry, or of the table that is not known. */
  readonly entryAddress: number;
  readonly entry: bigint | undefined;
}

/** One table page of a tree. */
export interface TablePage {
  readonly address: number;
  readonly bytes: number;
  readonly level: number;
  /** Root of the region that the table was reached from. */
  readonly root: number;
  /** Entries that are not zero. */
  readonly used: number;
  /** Offset from the region's base of what the table covers. */
  readonly offset: number;
}

/** Receives the leaves of a region in ascending order. `offset` counts from the region's base. */
export type LeafSink = (
  offset: number,
  pa: number,
  bytes: number,
  depth: number,
  lo: number,
  hi: number,
  attributes: number,
  entryAddress: number,
) => void;

/** Leaves of neighbouring entries with one size and the same attributes, in ascending order. Valid during the callback. */
export interface LeafRun {
  /** Leaves. */
  readonly count: number;
  /** Offset of the first from the region's base. */
  readonly offset: number;
  /** Bytes of each. */
  readonly bytes: number;
  readonly depth: number;
  readonly attributes: number;
  /** Physical address of the first entry, and bytes from one to the next. */
  readonly entryAddress: number;
  readonly entryStep: number;
  /** Output address and halves of the entry of each. */
  readonly pa: Float64Array;
  readonly lo: Uint32Array;
  readonly hi: Uint32Array;
}

/** Receives the leaves of a region in ascending order, run by run. */
export type RunSink = (run: LeafRun) => void;

/** What was found besides leaves. */
export interface Tree {
  readonly tables: readonly TablePage[];
  readonly findings: readonly TreeFinding[];
  /** Findings beyond the limit kept. */
  readonly dropped: number;
  /** Visits of tables that were visited before. */
  readonly revisits: number;
}

/** Limits of an enumeration. */
export interface TreeLimits {
  /** Visits of tables altogether. */
  readonly tables?: number;
  /** Visits of tables that were visited before. */
  readonly revisits?: number;
  /** Findings kept. */
  readonly findings?: number;
}

const DEFAULT_TABLES = 1 << 20;
/** Visits of tables that were visited before: tables that share subtrees otherwise stand for any number of leaves. */
export const DEFAULT_REVISITS = 128;
const DEFAULT_FINDINGS = 4096;
const CHUNK_BYTES = 4096;

class Enumeration {
  readonly tables: TablePage[] = [];
  readonly findings: TreeFinding[] = [];
  dropped = 0;
  readonly #reader: PhysicalReader;
  readonly #d: Descriptors;
  readonly #run: RunBuilder;
  readonly #path: number[] = [];
  readonly #seen = new Set<number>();
  readonly #bits: number;
  readonly #root: number;
  readonly #from: number;
  readonly #end: number;
  #tablesLeft: number;
  revisits = 0;
  readonly #revisitLimit: number;
  readonly #findingLimit: number;
  readonly #known: Uint8Array = new Uint8Array(CHUNK_BYTES / 4);

  constructor(reader: PhysicalReader, region: Region, sink: RunSink, limits: TreeLimits) {
    this.#reader = reader;
    this.#d = region.descriptors;
    this.#root = region.root;
    this.#from = region.from ?? 0;
    this.#end = region.size;
    this.#bits = this.#d.entryBytes === 8 ? 2 : 1;
    this.#run = new RunBuilder(sink, region);
    this.#tablesLeft = limits.tables ?? DEFAULT_TABLES;
    this.#revisitLimit = limits.revisits ?? DEFAULT_REVISITS;
    this.#findingLimit = limits.findings ?? DEFAULT_FINDINGS;
  }

  find(reason: TreeFinding['reason'], offset: number, bytes: number, depth: number, address: number, entry?: bigint) {
    const last = this.findings.at(-1);
    const level = this.#d.levels[depth]?.level ?? 0;
    if (last?.reason === reason && entry === undefined && last.offset + last.bytes === offset && last.level === level) {
      this.findings[this.findings.length - 1] = { ...last, bytes: last.bytes + bytes };
      return;
    }
    if (this.findings.length >= this.#findingLimit) this.dropped++;
    else this.findings.push({ reason, offset, bytes, level, entryAddress: address, entry });
  }

  /** Visits a table unless it leads to itself or the limits are reached. */
  enter(table: number, depth: number, offset: number, denied: number, at: number, entry: bigint | undefined): void {
    const level = this.#d.levels[depth];
    if (level === undefined) return;
    const bytes = level.unit * level.entries;
    if (offset + bytes <= this.#from || offset >= this.#end) return;
    const refused = this.#refusal(table, depth);
    if (refused !== undefined) {
      this.find(refused, offset, bytes, depth, at, entry);
      return;
    }
    this.#path.push(table);
    this.#scan(table, depth, offset, denied);
    this.#path.pop();
  }

  /** Why a table is not entered (again); counts the visit. */
  #refusal(table: number, depth: number): TreeFinding['reason'] | undefined {
    if (this.#path.includes(table)) return 'loop';
    const key = table + depth;
    if (this.#seen.has(key) && this.revisits++ >= this.#revisitLimit) return 'shared-table-limit';
    if (this.#tablesLeft-- <= 0) return 'table-limit';
    this.#seen.add(key);
    return undefined;
  }

  #scan(table: number, depth: number, offset: number, denied: number): void {
    const level = this.#d.levels[depth];
    if (level === undefined) return;
    const total = level.entries * this.#d.entryBytes;
    const perChunk = CHUNK_BYTES / this.#d.entryBytes;
    const page = { address: table, bytes: total, level: level.level, root: this.#root, used: 0, offset };
    this.tables.push(page);
    for (let first = 0; first < level.entries; first += perChunk) {
      const count = Math.min(perChunk, level.entries - first);
      page.used += this.#scanChunk(
        table + first * this.#d.entryBytes,
        depth,
        offset + first * level.unit,
        count,
        denied,
      );
    }
  }

  /** Scans up to 4 KiB of a table; gives the entries that are not zero. */
  #scanChunk(address: number, depth: number, offset: number, count: number, denied: number): number {
    const bytes = count * this.#d.entryBytes;
    const seen = this.#reader.view?.(address, bytes);
    const all = seen !== undefined;
    // A deeper table may replace what a reader's view shows: keep the words while tables below are visited.
    const words = new Uint32Array(bytes / 4);
    if (all) words.set(seen);
    else this.#readWords(address, bytes / 4, words);
    const known = all ? undefined : this.#known.slice(0, bytes / 4);
    return this.#scanWords(words, known, address, depth, offset, count, denied);
  }

  #readWords(address: number, count: number, words: Uint32Array): void {
    for (let i = 0; i < count; i++) {
      const word = this.#reader.read32(address + i * 4);
      this.#known[i] = word === undefined ? 0 : 1;
      words[i] = word ?? 0;
    }
  }

  #scanWords(
    words: Uint32Array,
    known: Uint8Array | undefined,
    address: number,
    depth: number,
    offset: number,
    count: number,
    denied: number,
  ): number {
    const d = this.#d;
    const unit = d.levels[depth]?.unit ?? 0;
    const stride = this.#bits;
    let used = 0;
    for (let i = 0; i < count; i++) {
      const lo = words[i * stride] ?? 0;
      const hi = stride === 2 ? (words[i * 2 + 1] ?? 0) : 0;
      if ((lo | hi) === 0) {
        if (known !== undefined && known[i * stride] === 0) {
          this.find('table-outside-memory', offset + i * unit, unit, depth, address + i * d.entryBytes);
        }
        continue;
      }
      used++;
      const kind = d.kind(lo, hi, depth);
      if (kind === KIND.leaf) {
        const skip = this.#leaf(words, i, count, address, depth, offset, denied);
        used += skip;
        i += skip;
      } else if (kind === KIND.table) {
        this.#run.flush();
        this.#below(lo, hi, depth, offset + i * unit, denied, address + i * d.entryBytes);
      } else if (kind !== KIND.invalid) {
        const entry = joinEntry(lo, hi);
        this.find(reasonOf(kind), offset + i * unit, unit, depth, address + i * d.entryBytes, entry);
      }
    }
    this.#run.flush();
    return used;
  }

  #below(lo: number, hi: number, depth: number, offset: number, denied: number, at: number): void {
    const d = this.#d;
    const next = d.next === undefined ? depth + 1 : d.next(lo, hi, depth);
    this.enter(d.table(lo, hi, depth), next, offset, d.inherit(lo, hi, denied), at, joinEntry(lo, hi));
  }

  /** Adds the leaf at entry `i`, with its equal neighbours if they are one leaf, or with those that only lead elsewhere; gives how many of them. */
  #leaf(words: Uint32Array, i: number, count: number, address: number, depth: number, offset: number, denied: number) {
    const d = this.#d;
    const unit = d.levels[depth]?.unit ?? 0;
    const stride = this.#bits;
    const lo = words[i * stride] ?? 0;
    const hi = stride === 2 ? (words[i * 2 + 1] ?? 0) : 0;
    const at = offset + i * unit;
    const span = d.span(lo, hi, depth);
    const attributes = d.attributes(lo, hi, depth, denied);
    const pa = d.output(lo, hi, depth);
    const n = span / unit;
    const entryAddress = address + i * d.entryBytes;
    if (n <= 1) {
      this.#run.add(at, pa, span, depth, lo, hi, attributes, entryAddress);
      const bits = stride === 2 ? d.addressBits?.(depth) : undefined;
      return bits === undefined || this.#run.clips ? 0 : this.#run.addNeighbours(words, i, count, bits);
    }
    if (at % span === 0 && i + n <= count && this.#same(words, i, n)) {
      this.#run.add(at, pa, span, depth, lo, hi, attributes, entryAddress);
      return n - 1;
    }
    this.#run.add(at, pa + (at % span), unit, depth, lo, hi, attributes, entryAddress);
    return 0;
  }

  #same(words: Uint32Array, i: number, n: number): boolean {
    const stride = this.#bits;
    const status = this.#d.statusBits ?? 0;
    for (let k = i * stride; k < (i + n - 1) * stride; k++) {
      const differs = (words[k] ?? 0) ^ (words[k + stride] ?? 0);
      if ((k % stride === 0 ? differs & ~status : differs) !== 0) return false;
    }
    return true;
  }
}

/**
 * Enumerates the leaves of a region in ascending order, and its tables and findings. Work is bounded by `limits`, not
 * by what the tables say; memory that the reader does not know becomes a `table-outside-memory` finding.
 */
export function enumerateRuns(reader: PhysicalReader, region: Region, sink: RunSink, limits: TreeLimits = {}): Tree {
  const run = new Enumeration(reader, region, sink, limits);
  if (region.refused !== undefined) {
    if (region.refused !== 'walk-disabled') run.find(region.refused, 0, region.size, 0, region.root);
  } else run.enter(region.root, 0, 0, 0, region.root, undefined);
  const { tables, findings, dropped, revisits } = run;
  return { tables, findings, dropped, revisits };
}

/** The same leaf by leaf. */
export function enumerateLeaves(reader: PhysicalReader, region: Region, sink: LeafSink, limits: TreeLimits = {}): Tree {
  return enumerateRuns(reader, region, (run) => eachLeaf(run, sink), limits);
}

/** Gives the leaves of a run one by one. */
export function eachLeaf(run: LeafRun, sink: LeafSink): void {
  const { count, offset, bytes, depth, attributes, entryAddress, entryStep, pa, lo, hi } = run;
  for (let k = 0; k < count; k++) {
    const entry = entryAddress + k * entryStep;
    sink(offset + k * bytes, pa[k] ?? 0, bytes, depth, lo[k] ?? 0, hi[k] ?? 0, attributes, entry);
  }
}
