/**
 * From lists and ranges to calls: neighbouring list elements are joined to runs, a run is cut into pages of the sizes at
 * hand. Written once; core and page table enter it at different heights.
 * @module
 */
import type { ListArrays } from '../memory/scatter-list.ts';
import type { PageSizeChooser } from './page-size.ts';

/** How far a call came; counts up also where the call fails. */
export interface Done {
  /** Bytes mapped so far. */
  bytes: number;
}

/** Maps some pages of one size: a driver, or the page table itself. */
export interface PagesSink {
  /**
   * Maps at most `count` pages of `size` bytes and adds what it mapped to `done.bytes`.
   * @returns 0 or a negative errno
   */
  mapPages(iova: number, pa: number, size: number, count: number, prot: number, done: Done): number;
}

/** Unmaps some pages of one size. */
export interface UnmapSink {
  /** Unmaps at most `count` pages of `size` bytes; returns the bytes unmapped, 0 at a hole. */
  unmapPages(iova: number, size: number, count: number, queued: boolean): number;
}

/**
 * Maps a physically contiguous range, page size by page size.
 * @param single one page a call
 * @returns 0 or a negative errno; `done` says how far it came
 */
export function mapRange(
  sink: PagesSink,
  chooser: PageSizeChooser,
  iova: number,
  pa: number,
  bytes: number,
  prot: number,
  single: boolean,
  done: Done,
): number {
  if (bytes === chooser.smallest) return sink.mapPages(iova, pa, bytes, 1, prot, done);
  const start = done.bytes;
  for (let mapped = 0; mapped < bytes; mapped = done.bytes - start) {
    chooser.choose(iova + mapped, pa + mapped, bytes - mapped);
    const count = single ? 1 : chooser.count;
    const before = done.bytes;
    const errno = sink.mapPages(iova + mapped, pa + mapped, chooser.size, count, prot, done);
    if (errno !== 0) return errno;
    if (done.bytes === before) return 0;
  }
  return 0;
}

/**
 * Unmaps a range; the page size is chosen from the input address alone.
 * @param single one page a call
 * @param queued a flush of everything follows later
 * @returns bytes unmapped, up to the first hole
 */
export function unmapRange(
  sink: UnmapSink,
  chooser: PageSizeChooser,
  iova: number,
  bytes: number,
  single: boolean,
  queued: boolean,
): number {
  let unmapped = 0;
  while (unmapped < bytes) {
    chooser.chooseFor(iova + unmapped, bytes - unmapped);
    const step = sink.unmapPages(iova + unmapped, chooser.size, single ? 1 : chooser.count, queued);
    if (step === 0) break;
    unmapped += step;
  }
  return unmapped;
}

/** Runs of physically contiguous elements of a list, one after the other. */
export class ListRuns {
  /** Physical address of the current run. */
  start = 0;
  /** Its bytes. */
  bytes = 0;
  /** Index of its first element. */
  first = 0;
  readonly #list: ListArrays;
  readonly #count: number;
  readonly #linux: boolean;
  #addresses: ArrayLike<number>;
  #lengths: ArrayLike<number>;
  #next = 0;

  /**
   * @param linux as Linux 6.1 joins: an element of no bytes ends a run unless it lies at its end, and at the very end of
   * the list it makes the last run disappear
   */
  constructor(list: ListArrays, linux: boolean) {
    this.#list = list;
    this.#count = list.addresses.length;
    this.#addresses = list.addresses;
    this.#lengths = list.lengths;
    this.#linux = linux;
  }

  /** Index of the element at which the next run begins, or one of no bytes before it. */
  get ahead(): number {
    return this.#next;
  }

  /** Passes over the elements before one at which a run begins. */
  skipTo(element: number): void {
    this.#next = element;
  }

  /** Moves to the next run; false after the last. */
  next(): boolean {
    const count = this.#count;
    if (this.#addresses.length !== count) this.#reattach();
    const addresses = this.#addresses;
    const lengths = this.#lengths;
    let i = this.#next;
    while (i < count && lengths[i] === 0) i++;
    if (i >= count) return false;
    this.first = i;
    const start = addresses[i] as number;
    let bytes = lengths[i] as number;
    for (i++; i < count; i++) {
      const length = lengths[i] as number;
      if (addresses[i] !== start + bytes && (this.#linux || length !== 0)) break;
      bytes += length;
    }
    this.#next = i;
    this.start = start;
    this.bytes = bytes;
    return !(this.#linux && i === count && addresses[count - 1] === start + bytes);
  }

  /** The engine's memory grew under a list that lies in it. */
  #reattach(): void {
    this.#addresses = this.#list.addresses;
    this.#lengths = this.#list.lengths;
  }
}
