/**
 * Mappings of one virtio-iommu domain: intervals that do not overlap, in order of their first page.
 * @module
 */

/** A mapping, in pages of 4 KiB. */
export interface Mapping {
  readonly first: number;
  readonly pages: number;
  /** Output address of the first byte. */
  readonly base: number;
  /** Flags of the request: read 1, write 2. */
  readonly flags: number;
}

/** What became of an unmapping: done, or it would split a mapping. */
export type Unmapped = 'done' | 'split';

/** A sorted list of mappings. */
export class Mappings {
  readonly #list: Mapping[] = [];

  /** Mappings in order. */
  get list(): readonly Mapping[] {
    return this.#list;
  }

  /** Adds a mapping; false where it overlaps another one. */
  add(mapping: Mapping): boolean {
    const at = this.#after(mapping.first);
    const [before, next] = [this.#list[at - 1], this.#list[at]];
    if (before !== undefined && before.first + before.pages > mapping.first) return false;
    if (next !== undefined && mapping.first + mapping.pages > next.first) return false;
    this.#list.splice(at, 0, mapping);
    return true;
  }

  /** Removes every mapping inside a range; none where one lies across its border (VIRTIO 5.13.6.6). */
  remove(first: number, pages: number): Unmapped {
    const end = first + pages;
    let from = this.#after(first - 1);
    const before = this.#list[from - 1];
    if (before !== undefined && before.first + before.pages > first) {
      if (before.first < first) return 'split';
      from--;
    }
    let to = from;
    for (; to < this.#list.length && (this.#list[to] as Mapping).first < end; to++) {
      const { first: start, pages: count } = this.#list[to] as Mapping;
      if (start + count > end) return 'split';
    }
    this.#list.splice(from, to - from);
    return 'done';
  }

  /** The mapping of a page. */
  find(page: number): Mapping | undefined {
    const found = this.#list[this.#after(page) - 1];
    return found !== undefined && page < found.first + found.pages ? found : undefined;
  }

  /** Index of the first mapping that begins above a page. */
  #after(page: number): number {
    let [low, high] = [0, this.#list.length];
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#list[middle] as Mapping).first <= page) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
