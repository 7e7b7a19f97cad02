/**
 * A small page table that several CPUs write and a device walks: tables of two or four entries, in the entry layout of Arm's
 * LPAE (Arm ARM DDI 0487, D8.3.1): bit 0 valid, bit 1 a table or a page, the address from bit 12 on.
 * @module
 */
import type { Layout } from '../layout.ts';
import type { Cell } from '../operations.ts';

const VALID = 1;
const TABLE_OR_PAGE = 2;
const ADDRESS = 2 ** 12;
/** Linux's mark in bit 55 that an entry was cleaned. A word of the model is an exact number, so it stands in bit 51 here. */
const CLEANED = 2 ** 51;
/** What a new page holds until it is written: the entries of whoever had it before. */
const STALE_FRAME = 0xdead;

/** The words of a table. Page 0 is the root. */
export interface Table {
  readonly levels: number;
  /** Entries of a page. */
  readonly entries: number;
  /** Whether the device sees the CPUs' caches; if not, entries must be cleaned. */
  readonly coherent: boolean;
  readonly pages: number;
  /** First entry of the root; the pages follow each other. */
  readonly root: Cell;
}

/** Makes the words of a table; `roots` are the root's entries at the start. */
export function tableIn(layout: Layout, shape: Omit<Table, 'root'>, roots: readonly number[]): Table {
  const { entries, pages, coherent } = shape;
  const root = layout.names.length;
  for (let page = 0; page < pages; page++) {
    for (let i = 0; i < entries; i++) {
      layout.cell(`table ${page}[${i}]`, page === 0 ? (roots[i] ?? 0) : pageEntry(STALE_FRAME));
    }
  }
  if (!coherent) layout.notSnooped(root, pages * entries);
  return { ...shape, root };
}

/** The word of an entry. */
export function cellOf(table: Table, page: number, index: number): Cell {
  return table.root + page * table.entries + index;
}

/** Index of an input page in the table at a level; level 0 is the root. */
export function indexAt({ levels, entries }: Table, input: number, level: number): number {
  return Math.floor(input / entries ** (levels - 1 - level)) % entries;
}

/** Pages that an entry at a level maps. */
export function span({ levels, entries }: Table, level: number): number {
  return entries ** (levels - 1 - level);
}

/** An entry that points to a table. */
export function tableEntry(page: number): number {
  return page * ADDRESS + TABLE_OR_PAGE + VALID;
}

/** A leaf of the last level. */
export function pageEntry(frame: number): number {
  return frame * ADDRESS + TABLE_OR_PAGE + VALID;
}

/** A leaf above the last level. */
export function blockEntry(frame: number): number {
  return frame * ADDRESS + VALID;
}

/** A leaf of a level. */
export function leafEntry({ levels }: Table, level: number, frame: number): number {
  return level === levels - 1 ? pageEntry(frame) : blockEntry(frame);
}

/** Whether an entry above the last level is a block. */
export function isBlock(entry: number): boolean {
  return entry % 4 === VALID;
}

/** The page or frame in an entry. */
export function addressOf(entry: number): number {
  return Math.floor((entry % CLEANED) / ADDRESS);
}

/** The same entry with the mark that it was cleaned. */
export function marked(entry: number): number {
  return entry + CLEANED;
}

/** Whether an entry bears that mark. */
export function isMarked(entry: number): boolean {
  return entry >= CLEANED;
}
