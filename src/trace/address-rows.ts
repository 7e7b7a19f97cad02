/**
 * The rows of a map of the address space, found by domain and first address; bounded by what {@link AddressMap} merges.
 * @module
 */
import { hashAddress } from './hash.ts';

/** A stretch of addresses of one domain. */
export interface MapRow {
  readonly domain: number;
  readonly start: number;
  /** Bytes mapped now. */
  live: number;
  /** Most bytes mapped in each stretch of time. */
  readonly most: Float64Array;
  /** The next row with the same hash. */
  next: MapRow | undefined;
}

const SLOTS = 128;

/** Rows by domain and first address, in the order in which they came. */
export class AddressRows {
  readonly #columns: number;
  readonly #rows: MapRow[] = [];
  readonly #slots: (MapRow | undefined)[] = new Array(SLOTS).fill(undefined);

  /** `columns`: stretches of time. */
  constructor(columns: number) {
    this.#columns = columns;
  }

  /** How many there are. */
  get count(): number {
    return this.#rows.length;
  }

  /** All rows, the oldest first. */
  get all(): readonly MapRow[] {
    return this.#rows;
  }

  /** The row that begins at an address of a domain. */
  find(domain: number, start: number): MapRow | undefined {
    let row = this.#slots[slotOf(domain, start)];
    while (row !== undefined && (row.start !== start || row.domain !== domain)) row = row.next;
    return row;
  }

  /** Adds a row that is not there. */
  add(domain: number, start: number): MapRow {
    const slot = slotOf(domain, start);
    const row = { domain, start, live: 0, most: new Float64Array(this.#columns), next: this.#slots[slot] };
    this.#rows.push(row);
    this.#slots[slot] = row;
    return row;
  }

  /** The rows of which something is mapped, without the others. */
  withLive(): AddressRows {
    const kept = new AddressRows(this.#columns);
    for (const row of this.#rows) {
      if (row.live === 0) continue;
      const copy = kept.add(row.domain, row.start);
      copy.live = row.live;
      copy.most.set(row.most);
    }
    return kept;
  }
}

function slotOf(domain: number, start: number): number {
  return (hashAddress(start) + domain) & (SLOTS - 1);
}
