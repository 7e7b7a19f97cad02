/**
 * Every leaf of a tree, in bounded work: a table is entered again only so often, a table that leads to itself never.
 * @module
 */
import type { PhysicalReader } from '../../bus.ts';
import { eachLeaf, type LeafSink, RunBuilder, type RunSink, type TablePiece } from './leaf-run.ts';
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
  readonly #root: number;
  readonly #from: number;
  readonly #end: number;
  #tablesLeft: number;
  revisits = 0;
  readonly #revisitLimit: number;
  readonly #findingLimit: number;
  /** Words of the table that is being looked at, by depth. */
  readonly #words: Uint32Array[] = [];

  constructor(reader: PhysicalReader, region: Region, sink: RunSink, limits: TreeLimits) {
    this.#reader = reader;
    this.#d = region.descriptors;
    this.#root = region.root;
    this.#from = region.from ?? 0;
    this.#end = region.size;
    this.#run = new RunBuilder(sink);
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
    const { entryBytes } = this.#d;
    const total = level.entries * entryBytes;
    const perChunk = CHUNK_BYTES / entryBytes;
    const page = { address: table, bytes: total, level: level.level, root: this.#root, used: 0, offset };
    this.tables.push(page);
    for (let first = 0; first < level.entries; first += perChunk) {
      const count = Math.min(perChunk, level.entries - first);
      const at = offset + first * level.unit;
      page.used += this.#scanPiece(this.#read(table + first * entryBytes, depth, at, count, denied));
    }
  }

  /** Up to 4 KiB of a table. They are copied: a deeper table may replace what a reader's view shows. */
  #read(address: number, depth: number, offset: number, count: number, denied: number): TablePiece {
    const { entryBytes, levels } = this.#d;
    const length = (count * entryBytes) / 4;
    const words = this.#words[depth] ?? new Uint32Array(CHUNK_BYTES / 4);
    this.#words[depth] = words;
    const seen = this.#reader.view?.(address, length * 4);
    if (seen !== undefined) words.set(seen);
    const known = seen === undefined ? this.#readWords(address, length, words) : undefined;
    return { address, entryBytes, depth, offset, unit: levels[depth]?.unit ?? 0, count, denied, words, known };
  }

  /** Reads word by word; gives which of them are known. */
  #readWords(address: number, length: number, words: Uint32Array): Uint8Array {
    const known = new Uint8Array(length);
    for (let i = 0; i < length; i++) {
      const word = this.#reader.read32(address + i * 4);
      known[i] = word === undefined ? 0 : 1;
      words[i] = word ?? 0;
    }
    return known;
  }

  /** Looks at each entry of a piece; gives how many are not zero. */
  #scanPiece(piece: TablePiece): number {
    const { words, count, depth } = piece;
    const d = this.#d;
    const wide = d.entryBytes === 8;
    let used = 0;
    for (let i = 0; i < count; i++) {
      const lo = (wide ? words[2 * i] : words[i]) as number;
      const hi = wide ? (words[2 * i + 1] as number) : 0;
      if ((lo | hi) === 0) {
        if (piece.known !== undefined) this.#notKnown(piece, i, piece.known);
        continue;
      }
      used++;
      const kind = d.kind(lo, hi, depth);
      if (kind === KIND.leaf) {
        const more = this.#leaf(piece, i, lo, hi);
        used += more;
        i += more;
      } else if (kind !== KIND.invalid) this.#noLeaf(piece, i, lo, hi, kind);
    }
    this.#run.flush();
    return used;
  }

  #notKnown({ address, depth, offset, unit }: TablePiece, i: number, known: Uint8Array): void {
    const { entryBytes } = this.#d;
    if (known[(i * entryBytes) / 4] !== 0) return;
    this.find('table-outside-memory', offset + i * unit, unit, depth, address + i * entryBytes);
  }

  /** Visits the table that entry `i` leads to, or keeps what is wrong with the entry. */
  #noLeaf({ address, depth, offset, unit, denied }: TablePiece, i: number, lo: number, hi: number, kind: number): void {
    const d = this.#d;
    const start = offset + i * unit;
    const at = address + i * d.entryBytes;
    if (kind !== KIND.table) {
      this.find(reasonOf(kind), start, unit, depth, at, joinEntry(lo, hi));
      return;
    }
    this.#run.flush();
    const next = d.next === undefined ? depth + 1 : d.next(lo, hi, depth);
    this.enter(d.table(lo, hi, depth), next, start, d.inherit(lo, hi, denied), at, joinEntry(lo, hi));
  }

  /**
   * Adds the leaf at entry `i`, with its equal neighbours if they are one leaf, or with those that only lead elsewhere; gives
   * how many of them.
   */
  #leaf(piece: TablePiece, i: number, lo: number, hi: number): number {
    const d = this.#d;
    const { words, depth, offset, count, denied, unit } = piece;
    const at = offset + i * unit;
    const span = d.span(lo, hi, depth);
    const n = span / unit;
    const together = n > 1 && at % span === 0 && i + n <= count && this.#same(words, i, n);
    const last = together ? n - 1 : 0;
    const part = n > 1 && !together;
    const whole = part ? unit : span;
    // A region may begin or end inside a leaf
    const skipped = Math.max(0, this.#from - at);
    const bytes = Math.min(whole, this.#end - at) - skipped;
    if (bytes <= 0) return last;
    const pa = d.output(lo, hi, depth) + (part ? at % span : 0) + skipped;
    this.#run.add(piece, i, pa, bytes, d.attributes(lo, hi, depth, denied), skipped);
    const bits = n > 1 || bytes < whole ? undefined : d.addressBits(depth);
    if (bits === undefined) return last;
    const end = this.#end < offset + count * unit ? Math.floor((this.#end - offset) / unit) : count;
    return this.#run.addNeighbours(piece, i, end, bits, d.statusBits ?? 0);
  }

  #same(words: Uint32Array, i: number, n: number): boolean {
    const stride = this.#d.entryBytes / 4;
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
