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

/** Most bytes of tables that are made. */
const MOST_BYTES = 2 ** 30;
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

/** One table. */
export interface ImageTable {
  readonly address: number;
  readonly level: number;
  readonly depth: number;
  readonly bytes: number;
  readonly iova: bigint;
  readonly entries: readonly ImageEntry[];
}

/** All tables, from the root down, in order of input address. */
export interface Image {
  readonly geometry: Geometry;
  readonly granule: number;
  readonly roots: readonly number[];
  readonly registers: Readonly<Record<string, bigint>>;
  readonly tables: readonly ImageTable[];
  /** First byte of the first table, and bytes to the end of the last. */
  readonly base: number;
  readonly bytes: Uint8Array;
}

/** Reads the tables of a domain from its memory. */
class ImageReader {
  readonly tables: ImageTable[] = [];
  readonly #tree: TableTree;

  constructor(tree: TableTree) {
    this.#tree = tree;
  }

  /** Adds a table and all below it; `offset` counts within the memory. */
  add(offset: number, depth: number, iova: bigint): void {
    const { memory, entryShift } = this.#tree;
    const { level, allocBytes } = this.#tree.levelAt(depth);
    const entries: ImageEntry[] = [];
    this.tables.push({ address: offset + memory.base, level, depth, bytes: allocBytes, iova, entries });
    for (let index = 0; index < allocBytes >> entryShift; ) index += this.#entry(offset, depth, index, iova, entries);
    for (const { kind, to, iova: at } of entries) if (kind === 'table') this.add(to - memory.base, depth + 1, at);
  }

  /** Adds what lies at an index; returns how many entries that takes. */
  #entry(table: number, depth: number, index: number, base: bigint, out: ImageEntry[]): number {
    const tree = this.#tree;
    const at = table + (index << tree.entryShift);
    const [lo, hi] = [tree.lo(at), tree.entryShift === 3 ? tree.hi(at) : 0];
    if (lo === 0 && hi === 0) return 1;
    const value = joined(lo, hi);
    const size = tree.spanAt(depth);
    const iova = base + BigInt(index) * BigInt(size);
    if (!tree.isTable(depth, lo)) return this.#leaf(lo, hi, depth, { index, value, iova, size }, out);
    const to = tree.tableOffset(lo) + tree.memory.base;
    out.push({ index, value, iova, size, to, kind: 'table', attributes: 0n });
    return 1;
  }

  #leaf(lo: number, hi: number, depth: number, place: Place, out: ImageEntry[]): number {
    const { geometry } = this.#tree;
    const slots = geometry.leafSlots(lo, hi, depth);
    const to = geometry.address(lo, hi, depth);
    const bits: Entry = { lo: 0, hi: 0 };
    geometry.addAddress(to % TWO_32, Math.floor(to / TWO_32), depth, bits);
    const leaf = { ...place, size: place.size * slots, to, attributes: place.value ^ joined(bits.lo, bits.hi) };
    for (let slot = 0; slot < slots; slot++) {
      out.push({ ...leaf, index: place.index + slot, kind: slot === 0 ? 'leaf' : 'repeat' });
    }
    return slots;
  }
}

function joined(lo: number, hi: number): bigint {
  return (BigInt(hi >>> 0) << 32n) | BigInt(lo >>> 0);
}

/** The bytes from the first table to the end of the last; what lies between tables is zero. */
function bytesOf(tables: readonly ImageTable[], memory: TableMemory): { base: number; bytes: Uint8Array } {
  const base = Math.min(...tables.map(({ address }) => address));
  const end = tables.reduce((most, { address, bytes }) => Math.max(most, address + bytes), base);
  const bytes = new Uint8Array(end - base);
  for (const { address, bytes: length } of tables) {
    bytes.set(new Uint8Array(memory.wasm.buffer, address - memory.base, length), address - base);
  }
  return { base, bytes };
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
  const reader = new ImageReader(tree);
  const [top] = geometry.levels;
  const span = BigInt((top as Level).entries) << BigInt((top as Level).shift);
  for (const [i, root] of tree.roots.entries()) reader.add(root, 0, geometry.iovaBase + BigInt(i) * span);
  const { tables } = reader;
  const roots = tree.roots.map((offset) => offset + memory.base);
  return { geometry, granule: 2 ** geometry.pageShift, roots, registers, tables, ...bytesOf(tables, memory) };
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
