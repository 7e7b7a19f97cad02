/**
 * Where the reader of common lines keeps what it knows, in a memory of its own; kernels/trace/layout.ts says the same.
 * @module
 */

/** A table of entries, two in each set. */
export interface EntryTable {
  /** Byte offset. */
  readonly at: number;
  /** Sets; a power of two. */
  readonly sets: number;
}

/** Heads of lines, starts of dma bodies, names of events that are not used. */
export const TABLES: Readonly<Record<'heads' | 'starts' | 'names', EntryTable>> = {
  heads: { at: 0x10000, sets: 2048 },
  starts: { at: 0x90000, sets: 128 },
  names: { at: 0x98000, sets: 32 },
};

/** Bytes of an entry, and of those that it compares at most. */
export const ENTRY_BYTES = 128;
export const LONGEST = 96;

/**
 * Byte offsets in an entry, behind its bytes: their number, and what they mean. Of a head the task (a word), pid and processor
 * (doubles); of a start the kind, device and direction; of a name how many lines were passed over since that was last looked at, and
 * the number of its reason.
 */
export const ENTRY = {
  length: 96,
  task: 100,
  pid: 104,
  cpu: 112,
  kind: 100,
  device: 104,
  direction: 108,
  lines: 100,
  reason: 104,
} as const;

/**
 * Byte offset of what a call leaves, as words: events written, lines passed over, whether the head of the line that was not read is
 * known, where the column of lists ends.
 */
export const LEFT_AT = 64;

/** Where bytes lie while their set is looked for. */
export const SCRATCH = 1024;

/** Columns of events, as in {@link EventColumns}: byte offsets, and how many events they hold. */
export const NUMBERS_AT = 0xa0000;
export const WORDS_AT = 0xb0000;
export const MOST_EVENTS = 1024;

/** The column of lists, with room for those of a whole window: an element takes four bytes there at least. */
export const LISTS_AT = 0xc0000;
export const LISTS_BYTES = 0x30000;

/** The piece of a trace that is read, and zeros behind it. */
export const WINDOW_AT = 0xf0000;
export const WINDOW_BYTES = 0x10000;

/** Bytes of a page of WebAssembly's memory, and pages of all that is above. */
export const PAGE_BYTES = 0x10000;
export const PAGES = 17;

/** What reads lines of the window into the columns. */
export interface LineKernel {
  /**
   * Reads lines from byte `at` on, until one is not common, or not complete before `end`, or `limit` events are there. Leaves in
   * {@link LEFT_AT} what was read.
   * @returns where the line begins that was not read
   */
  readLines(at: number, end: number, limit: number): number;
}
