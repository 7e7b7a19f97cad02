/**
 * The IOVA allocator of Linux: an address space behind per-CPU caches (`alloc_iova_fast`, `free_iova_fast`).
 * @module
 */
import { hex } from '../address.ts';
import { IommuError } from '../errors.ts';
import { type ClassState, checkKernel, IovaCaches, type IovaKernel, MOST_CACHED } from './iova-cache.ts';
import { checkPfn, IovaSpace, type IovaSpaceOptions } from './iova-space.ts';
import { ANCHOR, NIL, roundUpPow2 } from './range-tree.ts';

/** What an allocator is made of. */
export interface IovaAllocatorOptions extends IovaSpaceOptions {
  /** CPUs that allocate and free; default 1. */
  readonly cpus?: number;
  /** Whose caches; default 7.3. */
  readonly kernel?: IovaKernel;
  /**
   * `checked` (default): a cached free must name a range that is allocated, by its first frame and its size class.
   * `linux`: whatever is passed goes into the cache.
   */
  readonly frees?: 'checked' | 'linux';
}

/** The whole state, for comparison. `anchor` is the node above all ranges. */
export interface IovaState {
  /** Smallest size that failed below 4 GiB, frames. */
  readonly max32: number;
  /** First frame of the remembered node. */
  readonly cached: number | 'anchor';
  /** First frame of the node remembered for limits up to 4 GiB. */
  readonly cached32: number | 'anchor';
  /** Caches by class. */
  readonly rcache: readonly ClassState[];
  /** Ranges ascending: first frame and number of frames. */
  readonly tree: readonly (readonly [lo: number, size: number])[];
}

/** Hands out ranges of page frames of one domain. Frame 0 is never given out: it stands for failure. */
export class IovaAllocator {
  readonly #space: IovaSpace;
  readonly #caches: IovaCaches;
  readonly #cpus: number;
  readonly #checked: boolean;
  #allocationsLeft = Number.POSITIVE_INFINITY;

  /** @throws IommuError `BAD_OPTION` */
  constructor(options: IovaAllocatorOptions) {
    const { cpus = 1, kernel = '7.3', frees = 'checked' } = options;
    if (!Number.isInteger(cpus) || cpus < 1 || cpus > 8192) {
      throw new IommuError('BAD_OPTION', 'cpus', `expected a whole number from 1 to 8192, got ${cpus}`);
    }
    checkKernel(kernel);
    this.#space = new IovaSpace(options);
    this.#cpus = cpus;
    this.#checked = frees === 'checked';
    const evict = (pfn: number): void => {
      this.#space.free(pfn);
    };
    this.#caches = new IovaCaches(kernel, cpus, evict, () => this.#mayAllocate());
  }

  /** Bytes of a frame. */
  get granule(): number {
    return this.#space.granule;
  }

  /** First frame that may be given out. */
  get startPfn(): number {
    return this.#space.startPfn;
  }

  /** First frame at 4 GiB. */
  get pfn32(): number {
    return this.#space.pfn32;
  }

  /** Ranges in the tree: allocated, cached and reserved ones. */
  get ranges(): number {
    return this.#space.ranges.count;
  }

  /**
   * `alloc_iova`, past the caches: first frame of a new range, or 0 where there is no room.
   * @param limit last frame that the range may reach
   * @throws IommuError `BAD_OPTION`
   */
  alloc(size: number, limit: number, aligned: boolean): number {
    return this.#mayAllocate() ? this.#space.alloc(size, limit, aligned) : 0;
  }

  /** `free_iova`: removes the range that holds `pfn`, reserved or not. @returns whether there was one */
  free(pfn: number): boolean {
    checkPfn('pfn', pfn);
    return this.#space.free(pfn);
  }

  /**
   * `alloc_iova_fast`: from the caches of `cpu`, else from the tree; with `flush`, all caches are emptied and the tree is asked
   * again before the call fails. @returns the first frame, 0 where there is no room
   * @throws IommuError `BAD_OPTION`
   */
  allocFast(cpu: number, size: number, limit: number, flush: boolean): number {
    this.#checkCpu(cpu);
    if (!(size >= 1 && Number.isInteger(size))) checkPfn('size', size, 1);
    if (!(limit >= 0 && Number.isInteger(limit))) checkPfn('limit', limit);
    const rounded = size < MOST_CACHED ? roundUpPow2(size) : size;
    if (rounded <= MOST_CACHED) {
      const highest = limit + 1 - rounded;
      const pfn = this.#caches.get(cpu, orderOf(rounded), highest < 0 ? Number.POSITIVE_INFINITY : highest);
      if (pfn >= 0) {
        this.#setCached(pfn, this.#caches.tag, false);
        return pfn;
      }
    }
    const pfn = this.alloc(rounded, limit, true);
    if (pfn !== 0 || !flush) return pfn;
    this.#caches.flush();
    return this.alloc(rounded, limit, true);
  }

  /**
   * `free_iova_fast`: into the caches of `cpu` where the size is cached, else out of the tree.
   * @throws IommuError `BAD_FREE` where no allocated range of that size starts at `pfn` (unless frees are not checked); the
   * state is then as before. `BAD_OPTION`.
   */
  freeFast(cpu: number, pfn: number, size: number): void {
    this.#checkCpu(cpu);
    if (!(size >= 1 && Number.isInteger(size))) checkPfn('size', size, 1);
    const node = this.#checked ? this.#freeable(pfn, size) : this.#space.ranges.startingAt(pfn);
    if (size <= MOST_CACHED && this.#caches.put(cpu, orderOf(size), pfn, node)) {
      if (node !== NIL) this.#space.ranges.setCached(node, true);
    } else this.#space.free(pfn);
  }

  /**
   * Whether a range may be freed: it starts at `pfn`, has that size or size class, and is not in a cache.
   * @returns frames of the range, which may be more than were asked for
   * @throws IommuError `BAD_FREE`
   */
  checkFree(pfn: number, size: number): number {
    const { ranges } = this.#space;
    return ranges.hi(this.#freeable(pfn, size)) - pfn + 1;
  }

  /**
   * `reserve_iova`: takes the frames [lo, hi] out of what can be given out.
   * @returns the range that ends the reservation, undefined where an end lies beyond 64 bits or there is no memory
   * @throws IommuError `BAD_OPTION` where the ends are not frame numbers in order.
   */
  reserve(lo: number, hi: number): { readonly lo: number; readonly hi: number } | undefined {
    const { ranges } = this.#space;
    const node = this.#space.reserve(lo, hi, () => this.#mayAllocate());
    return node === NIL ? undefined : { lo: ranges.lo(node), hi: ranges.hi(node) };
  }

  /**
   * Makes one range allocated, wherever the allocator would have put it: it follows what another one chose. No remembered
   * node moves.
   * @returns where the range was before: `free`, `cached`, or `taken`, where part of it is allocated and nothing was changed
   * @throws IommuError `BAD_OPTION`
   */
  claim(pfn: number, size: number): 'free' | 'cached' | 'taken' {
    checkPfn('pfn', pfn);
    checkPfn('size', size, 1);
    const { ranges } = this.#space;
    const node = ranges.firstReaching(pfn);
    if (ranges.lo(node) > pfn + size - 1) {
      ranges.insertBelow(node, pfn, pfn + size - 1);
      return 'free';
    }
    if (ranges.lo(node) !== pfn || !ranges.isCached(node)) return 'taken';
    if (ranges.hi(node) !== pfn + roundUpPow2(size) - 1 || !this.#caches.take(orderOf(size), pfn)) return 'taken';
    ranges.setCached(node, false);
    return 'cached';
  }

  /** The range in the tree that holds `pfn`. */
  find(pfn: number): { readonly lo: number; readonly hi: number } | undefined {
    checkPfn('pfn', pfn);
    const { ranges } = this.#space;
    const node = ranges.holding(pfn);
    return node === NIL ? undefined : { lo: ranges.lo(node), hi: ranges.hi(node) };
  }

  /** A CPU went away: its caches are emptied into the tree. */
  cpuGone(cpu: number): void {
    this.#checkCpu(cpu);
    this.#caches.flush(cpu);
  }

  /** Lets time pass to `now` nanoseconds: depots are trimmed. */
  advance(now: number): void {
    this.#caches.advance(now);
  }

  /** Runs each pending trim of a depot once. @returns class, full magazines left, whether another trim is pending */
  runPending(): [order: number, depot: number, work: boolean][] {
    return this.#caches.runPending();
  }

  /** Lets `count` further allocations of nodes and magazines succeed and later ones fail; −1 lets all succeed. */
  failAfter(count: number): void {
    this.#allocationsLeft = count < 0 ? Number.POSITIVE_INFINITY : count;
  }

  /** Calls `use` for every range in ascending order; cached ones lie in a magazine and may be given out again at once. */
  forEachRange(use: (lo: number, hi: number, cached: boolean) => void): void {
    const { ranges } = this.#space;
    for (let node = ranges.lowest; node !== ANCHOR; node = ranges.next(node)) {
      use(ranges.lo(node), ranges.hi(node), ranges.isCached(node));
    }
  }

  /** The whole state. */
  state(): IovaState {
    const { ranges, max32, cached, cached32 } = this.#space;
    const name = (node: number): number | 'anchor' => (node === ANCHOR ? 'anchor' : ranges.lo(node));
    const tree: [number, number][] = [];
    for (let node = ranges.lowest; node !== ANCHOR; node = ranges.next(node)) {
      tree.push([ranges.lo(node), ranges.hi(node) - ranges.lo(node) + 1]);
    }
    return { max32, cached: name(cached), cached32: name(cached32), rcache: this.#caches.state(), tree };
  }

  /** The node of a range that may be freed. */
  #freeable(pfn: number, size: number): number {
    const { ranges } = this.#space;
    const node = ranges.startingAt(pfn);
    if (node === NIL)
      throw new IommuError('BAD_FREE', 'pfn', `expected the first frame of a range, got ${hex(pfn)}`, {
        got: hex(pfn),
      });
    if (ranges.isCached(node)) {
      throw new IommuError(
        'BAD_FREE',
        'pfn',
        `expected a range in use, got that at ${hex(pfn)}, which is free already`,
        { got: hex(pfn) },
      );
    }
    const held = ranges.hi(node) - pfn + 1;
    if (held === size || (size <= MOST_CACHED && held === roundUpPow2(size))) return node;
    const message = `expected ${hex(held)} frames at ${hex(pfn)}, got ${hex(size)}`;
    throw new IommuError('BAD_FREE', 'size', message, { expected: hex(held), got: hex(size) });
  }

  /** Marks the range at `pfn`; `hint` was its node when it was freed, which may since have left the tree. */
  #setCached(pfn: number, hint: number, cached: boolean): void {
    const { ranges } = this.#space;
    const node = ranges.lo(hint) === pfn ? hint : ranges.startingAt(pfn);
    if (node !== NIL) ranges.setCached(node, cached);
  }

  #checkCpu(cpu: number): void {
    if (cpu >= 0 && cpu < this.#cpus && Number.isInteger(cpu)) return;
    throw new IommuError('BAD_OPTION', 'cpu', `expected a CPU from 0 to ${this.#cpus - 1}, got ${cpu}`);
  }

  #mayAllocate(): boolean {
    if (this.#allocationsLeft === 0) return false;
    this.#allocationsLeft--;
    return true;
  }
}

/** Power of two that `size` (1 to 32) rounds up to. */
function orderOf(size: number): number {
  return size <= 1 ? 0 : 32 - Math.clz32(size - 1);
}
