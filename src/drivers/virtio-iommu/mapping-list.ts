/**
 * Which mappings a device was asked for: it removes whole mappings only (VIRTIO 1.2, 5.13.6.6).
 * @module
 */

/** One mapping, as offsets from the region's base. */
export interface Mapping {
  readonly start: number;
  readonly end: number;
  readonly pa: number;
  readonly flags: number;
}

/** Mappings of one domain, sorted by input address, never overlapping. */
export class MappingList {
  readonly #mappings: Mapping[] = [];

  /** Adds a mapping. */
  add(mapping: Mapping): void {
    const { length } = this.#mappings;
    if (length === 0 || (this.#mappings[length - 1] as Mapping).end <= mapping.start) this.#mappings.push(mapping);
    else this.#mappings.splice(this.#after(mapping.start), 0, mapping);
  }

  /** Takes out the mappings that touch [start, end), in order. */
  take(start: number, end: number): Mapping[] {
    const first = this.#after(start);
    let last = first;
    while (last < this.#mappings.length && (this.#mappings[last] as Mapping).start < end) last++;
    return this.#mappings.splice(first, last - first);
  }

  /** Index of the first mapping that ends above an address. */
  #after(address: number): number {
    let low = 0;
    let high = this.#mappings.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#mappings[middle] as Mapping).end <= address) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
