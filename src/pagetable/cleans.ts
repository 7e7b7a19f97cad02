/**
 * Cache cleans of entries, counted, for devices whose walks do not snoop: Linux's `dma_sync_single_for_device`.
 * @module
 */
import type { Geometry } from '../formats/contract.ts';
import type { Meter } from '../meter/meter.ts';

/** Hears of each clean: byte offset in the memory, and bytes. */
export type CleanListener = (offset: number, bytes: number) => void;

/** Counts cleans; does nothing where walks are coherent. */
export class CacheCleans {
  /** One clean for all entries written to a table instead of one a page or run. */
  batch = false;
  readonly #meter: Meter;
  readonly #coherent: boolean;
  readonly #entryBytes: number;
  readonly #listener: CleanListener | undefined;
  #table = -1;
  #entries = 0;

  constructor({ coherent, entryBytes }: Geometry, meter: Meter, listener: CleanListener | undefined) {
    this.#meter = meter;
    this.#coherent = coherent;
    this.#entryBytes = entryBytes;
    this.#listener = listener;
  }

  /** `calls` cleans of `entries` entries each, one behind the other from index `index` of `table` on. */
  count(table: number, index: number, calls: number, entries: number): void {
    if (this.#coherent) return;
    const bytes = entries * this.#entryBytes;
    this.#meter.cleanCalls += calls;
    this.#meter.cleanBytes += calls * bytes;
    if (this.#listener === undefined) return;
    const first = table + index * this.#entryBytes;
    for (let i = 0; i < calls; i++) this.#listener(first + i * bytes, bytes);
  }

  /** A clean of entries on the way back from a failure: what its listener throws does not stop that. */
  attempt(at: number, entries = 1): void {
    try {
      this.count(at, 0, 1, entries);
    } catch {
      // the first failure is the one that is reported
    }
  }

  /** A run of pages of one table: one clean a page, or later one for all that was written to it. */
  run(table: number, index: number, pages: number, slots: number): void {
    if (this.#coherent) return;
    if (!this.batch) {
      this.count(table, index, pages, slots);
      return;
    }
    if (table !== this.#table) this.flush();
    this.#table = table;
    this.#entries += pages * slots;
  }

  /** Ends it, with the clean that is due. */
  end(): void {
    this.batch = false;
    this.flush();
  }

  /** Ends it after a failure: what is rolled back is cleaned entry by entry. */
  drop(): void {
    this.batch = false;
    this.#entries = 0;
    this.#table = -1;
  }

  /** The clean of the table that was written last, where cleans go by table. */
  flush(): void {
    const [table, entries] = [this.#table, this.#entries];
    this.#entries = 0;
    this.#table = -1;
    if (entries > 0) this.count(table, 0, 1, entries);
  }
}
