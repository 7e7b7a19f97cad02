/**
 * A slow plain twin of the map and unmap rules of Linux's io-pgtable: entries of each level in a map by input address, `bigint`
 * addresses, no memory, no bits. It knows what is mapped and which tables exist.
 * @module
 */
import type { Geometry } from '../formats/contract.ts';
import type { Rules } from '../formats/rules.ts';
import type { Interval } from './interval-map.ts';

const EEXIST = -17;
const EINVAL = -22;

/** A leaf: output address of the whole page, and the neighbouring entries that the page takes. */
interface Leaf {
  readonly pa: bigint;
  readonly slots: number;
}

type Node = 'table' | Leaf;

/** A run of a list. */
export interface Run {
  readonly start: number;
  readonly bytes: number;
}

interface Choice {
  readonly size: bigint;
  readonly count: number;
}

/** The address space of one domain. */
export class LinuxModel {
  readonly #geometry: Geometry;
  readonly #rules: Rules;
  readonly #spans: readonly bigint[];
  readonly #entries: readonly Map<bigint, Node>[];
  readonly #sizes: readonly bigint[];

  constructor(geometry: Geometry, rules: Rules) {
    this.#geometry = geometry;
    this.#rules = rules;
    this.#spans = geometry.levels.map((level) => 1n << BigInt(level.shift));
    this.#entries = geometry.levels.map(() => new Map<bigint, Node>());
    const bits = Array.from({ length: 53 }, (_, bit) => 1n << BigInt(bit));
    this.#sizes = bits.filter((size) => (BigInt(geometry.pageSizes) & size) !== 0n);
  }

  /** `iommu_map`: 0 or a negative errno, after which nothing of the call is mapped. */
  map(iova: bigint, pa: bigint, bytes: bigint): number {
    if (!this.#aligned(iova, pa, bytes)) return EINVAL;
    let mapped = 0n;
    while (mapped < bytes) {
      const { size, count } = this.#choose(iova + mapped, pa + mapped, bytes - mapped);
      const { errno, pages } = this.#mapPages(iova + mapped, pa + mapped, size, count);
      mapped += BigInt(pages) * size;
      if (errno !== 0) {
        this.unmap(iova, mapped);
        return errno;
      }
    }
    return 0;
  }

  /** `iommu_map_sg`: bytes mapped, or a negative errno. */
  mapSg(iova: bigint, runs: readonly Run[]): number {
    let mapped = 0n;
    for (const { start, bytes } of runs) {
      const errno = this.map(iova + mapped, BigInt(start), BigInt(bytes));
      if (errno !== 0) {
        this.unmap(iova, mapped);
        return errno;
      }
      mapped += BigInt(bytes);
    }
    return Number(mapped);
  }

  /** `iommu_unmap`: bytes unmapped, up to the first hole outside a whole table. */
  unmap(iova: bigint, bytes: bigint): bigint {
    let unmapped = 0n;
    while (unmapped < bytes) {
      const at = iova + unmapped;
      const { size, count } = this.#choose(at, at, bytes - unmapped);
      const pages = this.#unmapPages(at, size, count);
      if (pages === 0) break;
      unmapped += BigInt(pages) * size;
    }
    return unmapped;
  }

  /** Leaves in order. */
  leaves(): Interval[] {
    const leaves = this.#entries.flatMap((level, depth) =>
      [...level].flatMap(([key, node]) => {
        if (node === 'table' || key % BigInt(node.slots) !== 0n) return [];
        const start = key * this.#span(depth);
        return [{ start, end: start + this.#span(depth) * BigInt(node.slots), pa: node.pa }];
      }),
    );
    return leaves.sort((a, b) => (a.start < b.start ? -1 : 1));
  }

  #span(depth: number): bigint {
    return this.#spans[depth] ?? 0n;
  }

  #level(depth: number): Map<bigint, Node> {
    return this.#entries[depth] ?? new Map<bigint, Node>();
  }

  #slots(depth: number, size: bigint): number {
    return this.#geometry.slots(depth, Number(size));
  }

  #aligned(...values: bigint[]): boolean {
    return values.every((value) => value % (this.#sizes[0] ?? 1n) === 0n);
  }

  /** The biggest size that fits; as many as come before a place where the next size fits. */
  #choose(iova: bigint, pa: bigint, bytes: bigint): Choice {
    const fits = (size: bigint, done: bigint): boolean =>
      done + size <= bytes && (iova + done) % size === 0n && (pa + done) % size === 0n;
    const size = this.#sizes.filter((each) => fits(each, 0n)).at(-1) ?? 0n;
    const larger = this.#sizes.find((each) => each > size);
    let count = 1;
    for (let done = size; fits(size, done) && !(larger !== undefined && fits(larger, done)); done += size) count++;
    return { size, count };
  }

  #remove(depth: number, key: bigint): void {
    const level = this.#level(depth);
    const node = level.get(key);
    level.delete(key);
    if (node !== 'table') return;
    const ratio = this.#span(depth) / this.#span(depth + 1);
    for (const below of [...this.#level(depth + 1).keys()]) {
      if (below / ratio === key) this.#remove(depth + 1, below);
    }
  }

  #mapPages(iova: bigint, pa: bigint, size: bigint, count: number): { errno: number; pages: number } {
    if (this.#rules.request !== 'page') {
      const pages = this.#mapRun(iova, pa, size, count);
      return pages < 0 ? { errno: pages, pages: 0 } : { errno: 0, pages };
    }
    for (let page = 0; page < count; page++) {
      const errno = this.#mapRun(iova + BigInt(page) * size, pa + BigInt(page) * size, size, 1);
      if (errno < 0) return { errno, pages: page };
    }
    return { errno: 0, pages: count };
  }

  /** A run up to the end of its table; tables in its way go, a leaf in its way refuses all of it. */
  #mapRun(iova: bigint, pa: bigint, size: bigint, count: number): number {
    const depth = this.#spans.findIndex((_, each) => this.#slots(each, size) > 0);
    if (!this.#makeTables(depth === -1 ? this.#spans.length - 1 : depth, iova)) return EEXIST;
    if (depth === -1) return EINVAL;
    const slots = this.#slots(depth, size);
    const first = iova / this.#span(depth);
    const pages = Math.min(count, Math.floor(this.#toTableEnd(depth, first) / slots));
    const level = this.#level(depth);
    for (let i = 0; i < pages * slots; i++) {
      const key = first + BigInt(i);
      if (level.get(key) === 'table') this.#remove(depth, key);
      else if (level.has(key)) return EEXIST;
    }
    for (let i = 0; i < pages * slots; i++) {
      level.set(first + BigInt(i), { pa: pa + BigInt(Math.floor(i / slots)) * size, slots });
    }
    return pages;
  }

  #makeTables(depth: number, iova: bigint): boolean {
    for (let above = 0; above < depth; above++) {
      const key = iova / this.#span(above);
      const node = this.#level(above).get(key) ?? 'table';
      if (node !== 'table') return false;
      this.#level(above).set(key, node);
    }
    return true;
  }

  #toTableEnd(depth: number, key: bigint): number {
    const { runEntries } = this.#geometry.levels[depth] ?? { runEntries: 1 };
    return runEntries - Number(key % BigInt(runEntries));
  }

  #unmapPages(iova: bigint, size: bigint, count: number): number {
    if (this.#rules.request !== 'page') return this.#unmapRun(0, iova, size, count);
    let pages = 0;
    while (pages < count && this.#unmapOne(0, iova + BigInt(pages) * size, size)) pages++;
    return pages;
  }

  #unmapRun(depth: number, iova: bigint, size: bigint, count: number): number {
    const key = iova / this.#span(depth);
    const node = this.#level(depth).get(key);
    if (this.#slots(depth, size) > 0) return this.#clearRun(depth, key, count);
    if (node === undefined || depth === this.#spans.length - 1) return 0;
    if (node === 'table') return this.#unmapRun(depth + 1, iova, size, count);
    if (this.#rules.partOfPage === 'refused') return 0;
    return this.#splitBlock(depth, key, node, iova, size, count);
  }

  #clearRun(depth: number, first: bigint, count: number): number {
    const most = Math.min(count, this.#toTableEnd(depth, first));
    let pages = 0;
    while (pages < most && this.#level(depth).has(first + BigInt(pages))) this.#remove(depth, first + BigInt(pages++));
    return pages;
  }

  /** The new table leaves out what is unmapped, up to its end; where the size is smaller still, it is filled whole. */
  #splitBlock(depth: number, key: bigint, { pa }: Leaf, iova: bigint, size: bigint, count: number): number {
    const below = depth + 1;
    const span = this.#span(below);
    const ratio = Number(this.#span(depth) / span);
    const fits = this.#slots(below, size) > 0;
    const skip = Number((iova / span) % BigInt(ratio));
    const pages = fits ? Math.min(count, ratio - skip) : 0;
    this.#level(depth).set(key, 'table');
    for (let i = 0; i < ratio; i++) {
      const left = !fits || i < skip || i >= skip + pages;
      if (left) this.#level(below).set(key * BigInt(ratio) + BigInt(i), { pa: pa + BigInt(i) * span, slots: 1 });
    }
    return fits ? pages : this.#unmapRun(below, iova, size, count);
  }

  /** Short descriptors: one page, from the root. */
  #unmapOne(depth: number, iova: bigint, size: bigint): boolean {
    const level = this.#level(depth);
    const key = iova / this.#span(depth);
    const node = level.get(key);
    const slots = Number(size / this.#span(depth));
    if (slots > 0) return this.#clearPage(depth, key, slots);
    if (node === undefined) return false;
    if (node === 'table') return this.#unmapOne(depth + 1, iova, size);
    if (this.#rules.partOfPage === 'refused') return false;
    if (node.slots > 1) {
      this.#separate(depth, key);
      if (key % BigInt(node.slots) !== 0n) return false;
    }
    this.#splitSection(depth, key, iova, size);
    return true;
  }

  #clearPage(depth: number, key: bigint, slots: number): boolean {
    const level = this.#level(depth);
    const keys = Array.from({ length: slots }, (_, i) => key + BigInt(i));
    if (!keys.every((each) => level.has(each))) return false;
    if (slots === 1 && !this.#separate(depth, key)) return false;
    for (const each of keys) this.#remove(depth, each);
    return true;
  }

  /** A contiguous page becomes single entries that keep their addresses, or the kernel refuses that. */
  #separate(depth: number, key: bigint): boolean {
    const level = this.#level(depth);
    const node = level.get(key);
    if (node === undefined || node === 'table' || node.slots === 1) return true;
    if (this.#rules.partOfPage === 'refused') return false;
    const first = key - (key % BigInt(node.slots));
    for (let i = 0n; i < BigInt(node.slots); i++) {
      level.set(first + i, { pa: node.pa + i * this.#span(depth), slots: 1 });
    }
    return true;
  }

  /** Pieces of the size unmapped, which lose their address: they map 0 upward. */
  #splitSection(depth: number, key: bigint, iova: bigint, size: bigint): void {
    const below = depth + 1;
    const span = this.#span(below);
    const ratio = this.#span(depth) / span;
    const slots = size / span;
    const gone = (iova % this.#span(depth)) / size;
    this.#level(depth).set(key, 'table');
    for (let i = 0n; i < ratio; i++) {
      const piece = i / slots;
      if (piece !== gone) this.#level(below).set(key * ratio + i, { pa: piece * size, slots: Number(slots) });
    }
  }
}
