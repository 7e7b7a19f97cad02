/**
 * What a device's accesses cost in reads of page-table memory: an IOTLB and one cache for each level of tables above the
 * leaf, of stated sizes, least recently used out first (VT-d's paging-structure caches; four levels, 4K pages).
 * @module
 */

/** Entries of each cache. */
export interface CacheSizes {
  /** Translations. */
  readonly iotlb: number;
  /** Entries that cover 2^39, 2^30 and 2^21 bytes. */
  readonly level1: number;
  readonly level2: number;
  readonly level3: number;
}

/** Misses so far. A miss of a level is counted where all levels nearer to the leaf missed, too. */
export interface WalkCounts {
  accesses: number;
  iotlb: number;
  level1: number;
  level2: number;
  level3: number;
}

/** 4K pages that an entry of each level covers. */
const PAGES = { level1: 2 ** 27, level2: 2 ** 18, level3: 2 ** 9 } as const;

/** Keys in the order of their last use, bounded. */
class LruSet {
  readonly #entries: number;
  readonly #keys = new Set<number>();

  constructor(entries: number) {
    this.#entries = entries;
  }

  /** Whether a key is there; it is afterwards. */
  touch(key: number): boolean {
    const hit = this.#keys.delete(key);
    this.#keys.add(key);
    if (this.#keys.size > this.#entries) {
      for (const oldest of this.#keys) {
        this.#keys.delete(oldest);
        break;
      }
    }
    return hit;
  }

  drop(key: number): void {
    this.#keys.delete(key);
  }
}

/** An IOMMU's caches, asked page by page. */
export class WalkCaches {
  /** Misses. */
  readonly counts: WalkCounts = { accesses: 0, iotlb: 0, level1: 0, level2: 0, level3: 0 };
  readonly #iotlb: LruSet;
  readonly #level1: LruSet;
  readonly #level2: LruSet;
  readonly #level3: LruSet;

  constructor(sizes: CacheSizes) {
    this.#iotlb = new LruSet(sizes.iotlb);
    this.#level1 = new LruSet(sizes.level1);
    this.#level2 = new LruSet(sizes.level2);
    this.#level3 = new LruSet(sizes.level3);
  }

  /** The device accesses a page, by its number. */
  access(page: number): void {
    const { counts } = this;
    counts.accesses++;
    if (this.#iotlb.touch(page)) return;
    counts.iotlb++;
    const hit3 = this.#level3.touch(Math.floor(page / PAGES.level3));
    if (hit3) return;
    counts.level3++;
    const hit2 = this.#level2.touch(Math.floor(page / PAGES.level2));
    if (hit2) return;
    counts.level2++;
    if (!this.#level1.touch(Math.floor(page / PAGES.level1))) counts.level1++;
  }

  /** Pages are invalidated; with `tables`, what the caches hold of the tables on their way too (IH = 0). */
  invalidate(first: number, pages: number, tables: boolean): void {
    for (let page = first; page < first + pages; page++) this.#iotlb.drop(page);
    if (!tables) return;
    const last = first + pages - 1;
    const drop = (cache: LruSet, covers: number): void => {
      for (let key = Math.floor(first / covers); key <= Math.floor(last / covers); key++) cache.drop(key);
    };
    drop(this.#level3, PAGES.level3);
    drop(this.#level2, PAGES.level2);
    drop(this.#level1, PAGES.level1);
  }
}
