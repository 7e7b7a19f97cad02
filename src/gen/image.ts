/**
 * Tables made offline: the pages, and what every entry in them means.
 * @module
 */
import { hex } from '../address.ts';
import { Domain } from '../core/domain.ts';
import type { DomainOptions } from '../core/options.ts';
import type { SnapshotPage } from '../dump/snapshot-writer.ts';
import { InputError, IommuError } from '../errors.ts';
import type { Entry, Geometry, Level } from '../formats/contract.ts';
import { TableMemory } from '../memory/table-memory.ts';
import type { TableTree } from '../pagetable/tree.ts';
import type { MapLine } from './map-list.ts';

/** Most bytes of tables that are made: enough for 64 GiB in pages of 4 KiB. */
const MOST_BYTES = 2 ** 27 + 2 ** 24;
/** Most entries that are written as text, where every one takes a line or more. */
const MOST_ENTRIES = 2 ** 18;
const SNAPSHOT_PAGE = 4096;
const TWO_32 = 2 ** 32;

/** One entry that is not zero. */
export interface ImageEntry {
  readonly index: number;
  readonly value: bigint;
  /** Input address that it begins to cover. */
  readonly iova: bigint;
  /** Bytes that it covers: for a leaf over several entries, all of them, at the first. */
  readonly size: number;
  /** Address of the next table, or of the page. */
  readonly to: number;
  readonly kind: 'table' | 'leaf' | 'repeat';
  /** Type and attribute bits, without the address. */
  readonly attributes: bigint;
}

type Place = Pick<ImageEntry, 'index' | 'value' | 'iova' | 'size'>;

/** Neighbouring leaves whose pages and attributes continue each other, or one pointer to a table. */
export interface EntryRun {
  readonly first: ImageEntry;
  /** Index of the last entry. */
  readonly last: number;
  readonly pages: number;
}

/** One table. Its entries are decoded when they are asked for: decoded they take many times their bytes. */
export interface ImageTable {
  readonly address: number;
  readonly level: number;
  readonly depth: number;
  readonly bytes: number;
  readonly iova: bigint;
  /** How many entries are not zero. */
  readonly used: number;
  readonly entries: readonly ImageEntry[];
  readonly runs: readonly EntryRun[];
}

/** All tables, from the root down, in order of input address. */
export interface Image {
  readonly geometry: Geometry;
  /** Input bits that the root translates: fewer than the geometry's where it could still grow. */
  readonly inputBits: number;
  readonly granule: number;
  readonly roots: readonly number[];
  readonly registers: Readonly<Record<string, bigint>>;
  readonly tables: readonly ImageTable[];
  /** Entries that are not zero, in all tables. */
  readonly used: number;
  /** First byte of the first table, and bytes to the end of the last. */
  readonly base: number;
  readonly bytes: Uint8Array;
}

class MadeTable implements ImageTable {
  readonly address: number;
  readonly level: number;
  readonly depth: number;
  readonly bytes: number;
  readonly iova: bigint;
  readonly used: number;
  readonly #tree: TableTree;
  readonly #count: number;

  constructor(tree: TableTree, offset: number, depth: number, iova: bigint) {
    const { level, allocBytes } = tree.levelAt(depth);
    this.#tree = tree;
    this.address = offset + tree.memory.base;
    this.level = level;
    this.depth = depth;
    this.bytes = allocBytes;
    this.iova = iova;
    this.#count = allocBytes >> tree.entryShift;
    let used = 0;
    for (let index = 0; index < this.#count; index++) if (this.#lo(index) !== 0 || this.#hi(index) !== 0) used++;
    this.used = used;
  }

  get entries(): readonly ImageEntry[] {
    return this.runs.flatMap(({ first, last }) => {
      const out: ImageEntry[] = [];
      for (let index = first.index; index <= last; index = (out.at(-1)?.index ?? last) + 1) this.#decode(index, out);
      return out;
    });
  }

  get runs(): readonly EntryRun[] {
    const runs: EntryRun[] = [];
    for (let index = 0; index < this.#count; index++) {
      const run = this.#runAt(index);
      if (run === null) continue;
      runs.push(run);
      index = run.last;
    }
    return runs;
  }

  #lo(index: number): number {
    return this.#tree.lo(this.#at(index));
  }

  #hi(index: number): number {
    return this.#tree.entryShift === 3 ? this.#tree.hi(this.#at(index)) : 0;
  }

  #at(index: number): number {
    return this.address - this.#tree.memory.base + (index << this.#tree.entryShift);
  }

  #runAt(index: number): EntryRun | null {
    const decoded: ImageEntry[] = [];
    this.#decode(index, decoded);
    const [first] = decoded;
    if (first === undefined) return null;
    const slots = decoded.length;
    let pages = 1;
    if (first.kind === 'leaf') {
      const [lo, hi] = [Number(first.attributes & 0xffffffffn), Number(first.attributes >> 32n)];
      while (this.#isLeaf(index + pages * slots, lo, hi, first.to + pages * first.size)) pages++;
    }
    return { first, last: index + pages * slots - 1, pages };
  }

  /** Whether the entry at an index is a leaf with these attributes, as two words, and this page. */
  #isLeaf(index: number, lo: number, hi: number, to: number): boolean {
    if (index >= this.#count) return false;
    const bits: Entry = { lo: 0, hi: 0 };
    this.#tree.geometry.addAddress(to % TWO_32, Math.floor(to / TWO_32), this.depth, bits);
    return ((lo | bits.lo) ^ this.#lo(index)) === 0 && ((hi | bits.hi) ^ this.#hi(index)) === 0;
  }

  /** Input address of an entry, as a device sends it: the upper half of a range whose sign extends lies below 2^64. */
  #iovaOf(index: number, size: number): bigint {
    const { signExtends, ias } = this.#tree.geometry;
    const iova = this.iova + BigInt(index) * BigInt(size);
    return signExtends ? BigInt.asUintN(64, BigInt.asIntN(ias, iova)) : iova;
  }

  /** Adds what lies at an index, nothing for zero: a pointer, or a leaf with all entries that it takes. */
  #decode(index: number, out: ImageEntry[]): void {
    const tree = this.#tree;
    const [lo, hi] = [this.#lo(index), this.#hi(index)];
    if (lo === 0 && hi === 0) return;
    const size = tree.spanAt(this.depth);
    const place = { index, value: joined(lo, hi), iova: this.#iovaOf(index, size), size };
    if (!tree.isTable(this.depth, lo)) this.#decodeLeaf(lo, hi, place, out);
    else out.push({ ...place, to: tree.tableAt(this.#at(index)) + tree.memory.base, kind: 'table', attributes: 0n });
  }

  #decodeLeaf(lo: number, hi: number, place: Place, out: ImageEntry[]): void {
    const { geometry } = this.#tree;
    const slots = geometry.leafSlots(lo, hi, this.depth);
    const to = geometry.address(lo, hi, this.depth);
    const bits: Entry = { lo: 0, hi: 0 };
    geometry.addAddress(to % TWO_32, Math.floor(to / TWO_32), this.depth, bits);
    const leaf = { ...place, size: place.size * slots, to, attributes: place.value ^ joined(bits.lo, bits.hi) };
    for (let slot = 0; slot < slots; slot++) {
      const index = place.index + slot;
      const value = joined(this.#lo(index), this.#hi(index));
      out.push({ ...leaf, index, value, kind: slot === 0 ? 'leaf' : 'repeat' });
    }
  }
}

/** All tables from one at an offset down, each before those that it points to. */
function* tablesFrom(tree: TableTree, offset: number, depth: number, iova: bigint): Generator<ImageTable> {
  const table = new MadeTable(tree, offset, depth, iova);
  yield table;
  if (depth === tree.last) return;
  for (const { first } of table.runs) {
    if (first.kind === 'table') yield* tablesFrom(tree, first.to - tree.memory.base, depth + 1, first.iova);
  }
}

function joined(lo: number, hi: number): bigint {
  return (BigInt(hi >>> 0) << 32n) | BigInt(lo >>> 0);
}

/** The memory from the first table to the end of the last, where what lies between tables is made zero. */
function bytesOf(tables: readonly ImageTable[], memory: TableMemory): { base: number; bytes: Uint8Array } {
  const ordered = tables.toSorted((a, b) => a.address - b.address);
  const base = (ordered[0] as ImageTable).address;
  let end = base;
  for (const { address, bytes } of ordered) {
    new Uint8Array(memory.wasm.buffer, end - memory.base, address - end).fill(0);
    end = address + bytes;
  }
  return { base, bytes: new Uint8Array(memory.wasm.buffer, base - memory.base, end - base) };
}

function mapAll(domain: Domain, lines: readonly MapLine[], source: string): void {
  for (const { line, iova, pa, size, prot } of lines) {
    try {
      domain.map(iova, pa, size, prot);
    } catch (cause) {
      if (!(cause instanceof IommuError)) throw cause;
      throw new InputError('MALFORMED', source, `line ${line}: ${cause.message}`, { line });
    }
  }
}

/**
 * Makes the tables for a map list.
 * @param at physical address of the first table, a multiple of 64 KiB
 * @throws InputError `MALFORMED` for a line that cannot be mapped; IommuError for a geometry that cannot be.
 */
export function makeImage(lines: readonly MapLine[], source: string, options: DomainOptions, at: number): Image {
  const memory = new TableMemory({ base: at, mode: 'bump', limit: MOST_BYTES });
  const domain = new Domain({ ...options, memory });
  mapAll(domain, lines, source);
  const { geometry, registers } = domain;
  const { tree } = domain.table;
  const [top] = geometry.levels;
  const span = BigInt((top as Level).entries) << BigInt((top as Level).shift);
  const tables = tree.roots.flatMap((root, i) => [
    ...tablesFrom(tree, root, tree.top, geometry.iovaBase + BigInt(i) * span),
  ]);
  const used = tables.reduce((sum, table) => sum + table.used, 0);
  const roots = tree.roots.map((offset) => offset + memory.base);
  const inputBits = Math.min(geometry.ias, Math.log2(tree.reach));
  const granule = 2 ** geometry.pageShift;
  return { geometry, inputBits, granule, roots, registers, tables, used, ...bytesOf(tables, memory) };
}

/** @throws IommuError `MEMORY_LIMIT` for more entries than a form that writes each one as text takes. */
export function checkEntries(image: Image, form: string): void {
  if (image.used <= MOST_ENTRIES) return;
  const why = `${form} writes each entry: expected at most ${MOST_ENTRIES}, got ${image.used}`;
  throw new IommuError('MEMORY_LIMIT', 'entries', `${why}; write a snapshot, the bytes or the tree`);
}

/** The image as pages of a snapshot. */
export function* imagePages({ base, bytes }: Image): Generator<SnapshotPage> {
  const start = base - (base % SNAPSHOT_PAGE);
  for (let address = start; address < base + bytes.length; address += SNAPSHOT_PAGE) {
    const page = new Uint8Array(SNAPSHOT_PAGE);
    const from = Math.max(address, base);
    const to = Math.min(address + SNAPSHOT_PAGE, base + bytes.length);
    page.set(bytes.subarray(from - base, to - base), from - address);
    const whole = to - from === SNAPSHOT_PAGE;
    yield { address, bytes: page, ...(whole ? {} : { known: [[from - address, to - address]] }) };
  }
}

/** `level 3, iova 0x1000` … for labels. */
export function entryText(entry: ImageEntry): string {
  const to = hex(entry.to);
  if (entry.kind === 'table') return `table ${to}`;
  return entry.kind === 'leaf' ? `page ${to}, iova ${hex(entry.iova)}` : 'the same page';
}
