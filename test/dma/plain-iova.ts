/**
 * The IOVA allocator once more, as slowly and literally as its rules are written: a sorted array, searched from node to
 * node, and caches as plain arrays. The oracle for `src/dma`.
 * @module
 */

const CLASSES = 6;
const MAGAZINE = 127;

interface Range {
  lo: number;
  hi: number;
}

interface PlainClass {
  loaded: (number[] | null)[];
  prev: (number[] | null)[];
  depot: number[][];
  pending: boolean;
}

function ceilPow2(size: number): number {
  let unit = 1;
  while (unit < size) unit *= 2;
  return unit;
}

/** Linux 7.3's allocator, plainly. */
export class PlainIova {
  readonly #ranges: Range[] = [{ lo: Number.POSITIVE_INFINITY, hi: Number.POSITIVE_INFINITY }];
  readonly #classes: PlainClass[];
  readonly #start: number;
  readonly #pfn32: number;
  #max32: number;
  #cached: Range;
  #cached32: Range;

  constructor(granule: number, start: number, cpus: number) {
    this.#start = start;
    this.#pfn32 = 2 ** 32 / granule;
    this.#max32 = this.#pfn32;
    this.#cached = this.#anchor;
    this.#cached32 = this.#anchor;
    this.#classes = Array.from({ length: CLASSES }, () => ({
      loaded: new Array<null>(cpus).fill(null),
      prev: new Array<null>(cpus).fill(null),
      depot: [],
      pending: false,
    }));
  }

  get #anchor(): Range {
    return this.#ranges.at(-1) as Range;
  }

  alloc(size: number, limit: number, aligned: boolean): number {
    const end = limit + 1;
    const low32 = end <= this.#pfn32;
    if (low32 && size >= this.#max32) return 0;
    const from = low32 ? this.#cached32 : this.#cached;
    const unit = aligned ? ceilPow2(size) : 1;
    let pfn = this.#walk(this.#ranges.indexOf(from), size, end, unit, this.#start);
    if (pfn < 0 && from.hi < end) {
      const top = low32 ? this.#ranges.findIndex((range) => range.hi >= end) : this.#ranges.length - 1;
      pfn = this.#walk(top, size, end, unit, from.hi + 1);
    }
    if (pfn < 0) {
      this.#max32 = size;
      return 0;
    }
    const range = { lo: pfn, hi: pfn + size - 1 };
    this.#ranges.splice(
      this.#ranges.findIndex((other) => other.lo > pfn),
      0,
      range,
    );
    if (range.hi < this.#pfn32) this.#cached32 = range;
    else this.#cached = range;
    return pfn;
  }

  free(pfn: number): void {
    const at = this.#ranges.findIndex((range) => range.lo <= pfn && pfn <= range.hi);
    const range = this.#ranges[at];
    if (range === undefined) return;
    const next = this.#ranges[at + 1] as Range;
    if (range === this.#cached32 || (range.hi < this.#pfn32 && range.lo >= this.#cached32.lo)) this.#cached32 = next;
    if (range.lo < this.#pfn32) this.#max32 = this.#pfn32;
    if (range.lo >= this.#cached.lo) this.#cached = next;
    this.#ranges.splice(at, 1);
  }

  allocFast(cpu: number, size: number, limit: number, flush: boolean): number {
    const rounded = size < 32 ? ceilPow2(size) : size;
    const cached = rounded <= 32 ? this.#get(cpu, Math.log2(ceilPow2(rounded)), limit + 1 - rounded) : undefined;
    if (cached !== undefined) return cached;
    const pfn = this.alloc(rounded, limit, true);
    if (pfn !== 0 || !flush) return pfn;
    this.#flushAll();
    return this.alloc(rounded, limit, true);
  }

  freeFast(cpu: number, pfn: number, size: number): void {
    if (size > 32) this.free(pfn);
    else this.#put(cpu, Math.log2(ceilPow2(size)), pfn);
  }

  reserve(lo: number, hi: number): void {
    let from = lo;
    let met = false;
    for (const range of this.#ranges) {
      if (range.lo > hi || range.hi < from) {
        if (met) break;
        continue;
      }
      met = true;
      if (from < range.lo) range.lo = from;
      if (hi <= range.hi) return;
      from = range.hi + 1;
    }
    const at = this.#ranges.findIndex((range) => range.lo > from);
    this.#ranges.splice(at, 0, { lo: from, hi });
  }

  trim(): void {
    for (const cls of this.#classes) {
      if (!cls.pending) continue;
      cls.pending = cls.depot.length > cls.loaded.length;
      if (cls.pending) this.#empty(cls.depot.pop() as number[]);
    }
  }

  tree(): [number, number][] {
    return this.#ranges.slice(0, -1).map(({ lo, hi }) => [lo, hi - lo + 1]);
  }

  remembered(): (number | 'anchor')[] {
    return [this.#cached, this.#cached32].map((range) => (range === this.#anchor ? 'anchor' : range.lo));
  }

  caches(): { depot: number; work: boolean; cpu: [number, number][] }[] {
    return this.#classes.map(({ loaded, prev, depot, pending }) => ({
      depot: depot.length,
      work: pending,
      cpu: loaded.map((magazine, cpu) => [magazine?.length ?? -1, prev[cpu]?.length ?? -1]),
    }));
  }

  #walk(from: number, size: number, end: number, unit: number, low: number): number {
    let high = end;
    let at = from;
    for (;;) {
      high = Math.min(high, (this.#ranges[at] as Range).lo);
      const pfn = Math.floor((high - size) / unit) * unit;
      const below = this.#ranges[--at];
      if (below !== undefined && pfn >= low && pfn <= below.hi) continue;
      return high < size || pfn < low ? -1 : pfn;
    }
  }

  #get(cpu: number, order: number, highest: number): number | undefined {
    const cls = this.#classes[order] as PlainClass;
    if (!cls.loaded[cpu]?.length) {
      if (cls.prev[cpu]?.length) [cls.loaded[cpu], cls.prev[cpu]] = [cls.prev[cpu] ?? null, cls.loaded[cpu] ?? null];
      else if (cls.depot.length > 0) cls.loaded[cpu] = cls.depot.pop() as number[];
      else return undefined;
    }
    const magazine = cls.loaded[cpu] as number[];
    const at = magazine.findLastIndex((pfn) => highest < 0 || pfn <= highest);
    if (at === -1) return undefined;
    const pfn = magazine[at] as number;
    const last = magazine.pop() as number;
    if (at < magazine.length) magazine[at] = last;
    return pfn;
  }

  #put(cpu: number, order: number, pfn: number): void {
    const cls = this.#classes[order] as PlainClass;
    const hasRoom = (magazine: number[] | null | undefined): boolean => !!magazine && magazine.length < MAGAZINE;
    if (!hasRoom(cls.loaded[cpu]) && hasRoom(cls.prev[cpu])) {
      [cls.loaded[cpu], cls.prev[cpu]] = [cls.prev[cpu] ?? null, cls.loaded[cpu] ?? null];
    }
    if (!hasRoom(cls.loaded[cpu])) {
      const full = cls.loaded[cpu] ?? null;
      if (cls.prev[cpu] === null) cls.prev[cpu] = full;
      else if (full !== null) {
        cls.depot.push(full);
        cls.pending = true;
      }
      cls.loaded[cpu] = [];
    }
    cls.loaded[cpu]?.push(pfn);
  }

  #flushAll(): void {
    for (let cpu = 0; cpu < (this.#classes[0] as PlainClass).loaded.length; cpu++) {
      for (const cls of this.#classes) for (const set of [cls.loaded, cls.prev]) this.#empty(set[cpu] ?? []);
    }
    for (const { depot } of this.#classes) while (depot.length > 0) this.#empty(depot.pop() as number[]);
  }

  #empty(magazine: number[]): void {
    for (const pfn of magazine.splice(0)) this.free(pfn);
  }
}
