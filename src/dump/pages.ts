/**
 * Physical memory by page: one reader with a bounded cache for all kinds of dump, and the runs of a file that hold memory.
 * @module
 */
import type { PhysicalReader } from '../bus.ts';
import type { ByteSource, Extent } from './types.ts';

/** Bytes of a page as the readers cut memory, whatever the dump's own page size. */
export const PAGE = 4096;

/** Pages kept by a reader: 16 MiB. */
const CACHED_PAGES = 4096;

/** Longest piece that is copied together for a caller: a table of 64 KiB. */
const LONGEST_VIEW = 1 << 16;

/** A page as a dump gives it. */
export interface KnownPage {
  /** 4096 bytes, unknown ones zero. */
  readonly bytes: Uint8Array;
  /** Which of them are known, as [from, end) pairs; `undefined` where all are. */
  readonly known: readonly (readonly [number, number])[] | undefined;
}

/** Gives the page at a page-aligned address, or `undefined`. */
export type PageSource = (address: number) => KnownPage | undefined;

interface CachedPage extends KnownPage {
  readonly view: DataView;
  readonly words: Uint32Array;
}

/** A page with its views; typed arrays need the bytes at a multiple of four. */
function cached(page: KnownPage): CachedPage {
  const bytes = page.bytes.byteOffset % 4 === 0 ? page.bytes : new Uint8Array(page.bytes);
  return {
    bytes,
    known: page.known,
    view: new DataView(bytes.buffer, bytes.byteOffset, PAGE),
    words: new Uint32Array(bytes.buffer, bytes.byteOffset, PAGE / 4),
  };
}

/** False outside the page, too: for an address that is negative or not aligned. */
function isKnown(page: KnownPage, offset: number, size: number): boolean {
  if (!(offset >= 0 && offset + size <= PAGE)) return false;
  if (page.known === undefined) return true;
  return page.known.some(([from, end]) => from <= offset && offset + size <= end);
}

/** Reads memory page by page through a cache of at most 4096 pages; the oldest goes first. */
export class PagedReader implements PhysicalReader {
  readonly #source: PageSource;
  readonly #cache = new Map<number, CachedPage | undefined>();
  #lastAddress = -1;
  #last: CachedPage | undefined;

  constructor(source: PageSource) {
    this.#source = source;
  }

  /** The 32-bit value at an address that is a multiple of 4, or `undefined` where unknown. */
  read32(address: number): number | undefined {
    const offset = address % PAGE;
    const page = this.#at(address - offset);
    return page === undefined || !isKnown(page, offset, 4) ? undefined : page.view.getUint32(offset, true);
  }

  /** The 64-bit value at an address that is a multiple of 8, or `undefined` where unknown. */
  read64(address: number): bigint | undefined {
    const offset = address % PAGE;
    const page = this.#at(address - offset);
    return page === undefined || !isKnown(page, offset, 8) ? undefined : page.view.getBigUint64(offset, true);
  }

  /** Words of whole known pages; a range over several pages is copied together, at most 64 KiB of it. */
  view(address: number, bytes: number): Uint32Array | undefined {
    const offset = address % PAGE;
    if (offset + bytes <= PAGE) return this.#words(address - offset)?.subarray(offset / 4, (offset + bytes) / 4);
    if (offset !== 0 || bytes > LONGEST_VIEW) return undefined;
    const words = new Uint32Array(bytes / 4);
    for (let at = 0; at < bytes; at += PAGE) {
      const page = this.#words(address + at);
      if (page === undefined) return undefined;
      words.set(page.subarray(0, (bytes - at) / 4), at / 4);
    }
    return words;
  }

  /** The whole page at a page-aligned address, unknown bytes as zero. */
  page(address: number): Uint8Array | undefined {
    return this.#at(address)?.bytes;
  }

  /** Which bytes of the page are known, as [from, end) pairs; `undefined` where all or none are. */
  knownParts(address: number): KnownPage['known'] {
    return this.#at(address)?.known;
  }

  #words(address: number): Uint32Array | undefined {
    const page = this.#at(address);
    return page?.known === undefined ? page?.words : undefined;
  }

  #at(address: number): CachedPage | undefined {
    if (address === this.#lastAddress) return this.#last;
    let page = this.#cache.get(address);
    if (page === undefined && !this.#cache.has(address)) page = this.#load(address);
    this.#lastAddress = address;
    this.#last = page;
    return page;
  }

  #load(address: number): CachedPage | undefined {
    const found = Number.isSafeInteger(address) && address >= 0 ? this.#source(address) : undefined;
    const page = found && cached(found);
    if (this.#cache.size >= CACHED_PAGES) {
      for (const oldest of this.#cache.keys()) {
        this.#cache.delete(oldest);
        break;
      }
    }
    this.#cache.set(address, page);
    return page;
  }
}

/** A run of physical memory and where its bytes come from. */
export interface Segment extends Extent {
  /** Gives the bytes from `offset` inside the segment, at most `length`. */
  readonly read: (offset: number, length: number) => Uint8Array;
}

/** A segment that lies in a file from `fileOffset`. */
export function fileSegment(source: ByteSource, start: number, bytes: number, fileOffset: number): Segment {
  return { start, bytes, read: (offset, length) => source.read(fileOffset + offset, Math.min(length, bytes - offset)) };
}

/**
 * Sorts segments by address and cuts overlaps: of bytes given twice, those of the segment with the lower start stay.
 * Returns the segments and how many were cut.
 */
export function arrangeSegments(segments: readonly Segment[]): { segments: Segment[]; cut: number } {
  const sorted = [...segments].sort((a, b) => a.start - b.start);
  const arranged: Segment[] = [];
  let end = 0;
  let cut = 0;
  for (const segment of sorted) {
    const skip = Math.max(0, end - segment.start);
    if (skip > 0) cut++;
    if (skip >= segment.bytes) continue;
    const read = segment.read;
    const { start, bytes } = segment;
    arranged.push(
      skip === 0 ? segment : { start: start + skip, bytes: bytes - skip, read: (offset, n) => read(offset + skip, n) },
    );
    end = start + bytes;
  }
  return { segments: arranged, cut };
}

/** Index of the first of the sorted segments that ends above `address`. */
function firstAbove(segments: readonly Segment[], address: number): number {
  let low = 0;
  let high = segments.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    const segment = segments[middle];
    if (segment !== undefined && segment.start + segment.bytes <= address) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** The page where one segment holds all of it. */
function wholePage(segment: Segment | undefined, address: number): KnownPage | undefined {
  if (segment === undefined || segment.start > address || segment.start + segment.bytes < address + PAGE) {
    return undefined;
  }
  const bytes = segment.read(address - segment.start, PAGE);
  return bytes.length === PAGE ? { bytes, known: undefined } : undefined;
}

/** Pages out of sorted segments that do not overlap; a page may be covered in part. */
export function segmentPages(segments: readonly Segment[]): PageSource {
  return (address) => {
    const first = firstAbove(segments, address);
    const whole = wholePage(segments[first], address);
    if (whole !== undefined) return whole;
    const bytes = new Uint8Array(PAGE);
    const known: [number, number][] = [];
    for (let i = first; i < segments.length; i++) {
      const segment = segments[i];
      if (segment === undefined || segment.start >= address + PAGE) break;
      const from = Math.max(address, segment.start);
      const end = Math.min(address + PAGE, segment.start + segment.bytes);
      const got = segment.read(from - segment.start, end - from);
      bytes.set(got, from - address);
      addKnown(known, from - address, from - address + got.length);
    }
    if (known.length === 0) return undefined;
    return { bytes, known: known[0]?.[0] === 0 && known[0][1] === PAGE ? undefined : known };
  };
}

function addKnown(known: [number, number][], from: number, end: number): void {
  if (end <= from) return;
  const last = known.at(-1);
  if (last !== undefined && last[1] === from) last[1] = end;
  else known.push([from, end]);
}

/** Joins touching runs of memory; the input is sorted by start. */
export function mergeExtents(sorted: Iterable<Extent>): Extent[] {
  const merged: { start: number; bytes: number }[] = [];
  for (const { start, bytes } of sorted) {
    const last = merged.at(-1);
    if (last !== undefined && last.start + last.bytes === start) last.bytes += bytes;
    else merged.push({ start, bytes });
  }
  return merged;
}
