/**
 * Cache cleans of entries, counted, for devices whose walks do not snoop: Linux's `dma_sync_single_for_device`.
 * @module
 */
import type { Meter } from '../meter/meter.ts';

/** Counts cleans; does nothing where walks are coherent. */
export class CacheCleans {
  /** One clean for all entries written to a table instead of one a page or run. */
  batch = false;
  readonly #meter: Meter;
  readonly #coherent: boolean;
  readonly #entryBytes: number;
  #table = -1;
  #entries = 0;

  constructor(meter: Meter, coherent: boolean, entryBytes: number) {
    this.#meter = meter;
    this.#coherent = coherent;
    this.#entryBytes = entryBytes;
  }

  /** `calls` cleans of `entries` entries each. */
  count(calls: number, entries: number): void {
    if (this.#coherent) return;
    this.#meter.cleanCalls += calls;
    this.#meter.cleanBytes += calls * entries * this.#entryBytes;
  }

  /** A run of pages of one table: one clean a page, or later one for all that was written to it. */
  run(table: number, pages: number, slots: number): void {
    if (this.#coherent) return;
    if (!this.batch) {
      this.count(pages, slots);
      return;
    }
    if (table !== this.#table) this.flush();
    this.#table = table;
    this.#entries += pages * slots;
  }

  /** The clean of the table that was written last, where cleans go by table. */
  flush(): void {
    if (this.#entries > 0) this.count(1, this.#entries);
    this.#entries = 0;
    this.#table = -1;
  }
}
