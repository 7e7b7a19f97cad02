/**
 * A map of the address space over time in bounded memory: for each domain and stretch of addresses, the most bytes that were
 * mapped in it during each stretch of time. Both kinds of stretches grow as the trace does. Consumes the calls of a
 * {@link DomainTracker}.
 * @module
 */
import { alignDown } from '../address.ts';
import type { TraceCall } from './calls.ts';

/** Stretches of time; even. */
const COLUMNS = 96;
/** Stretches of addresses, over all domains. */
const MAX_ROWS = 40;
const FIRST_STRETCH = 65_536;
const FIRST_COLUMN_NS = 1000;

/** One stretch of addresses of one domain; plain data. */
export interface AddressRow {
  readonly domain: number;
  /** First address. */
  readonly start: number;
  /** Most bytes mapped in it during each stretch of time. */
  readonly bytes: readonly number[];
}

/** The map; plain data. */
export interface AddressMapData {
  /** Time of the first call and end of the last stretch of time, nanoseconds. */
  readonly from: number;
  readonly to: number;
  /** Bytes of addresses that a row stands for. */
  readonly stretch: number;
  /** By domain, then by address; stretches in which nothing was ever mapped are left out. */
  readonly rows: readonly AddressRow[];
}

interface Row {
  readonly domain: number;
  readonly start: number;
  live: number;
  readonly most: Float64Array;
}

/** Takes calls; memory is bounded by {@link MAX_ROWS} × {@link COLUMNS} numbers. */
export class AddressMap {
  #rows = new Map<string, Row>();
  #stretch = FIRST_STRETCH;
  #start = Number.NaN;
  #width = FIRST_COLUMN_NS;
  #column = 0;

  /** Takes a call; an unmap takes away what was live of it. */
  call(call: TraceCall): void {
    this.#goTo(call.time);
    const sign = call.kind === 'unmap' ? -1 : 1;
    const bytes = call.kind === 'unmap' ? call.covered : call.size;
    if (bytes === 0) return;
    while (call.size / this.#stretch > MAX_ROWS) this.#coarsen();
    const end = call.iova + call.size;
    let left = bytes;
    for (let at = call.iova; at < end && left > 0; ) {
      const next = Math.min(end, alignDown(at, this.#stretch) + this.#stretch);
      const part = Math.min(left, next - at);
      this.#add(call.domain, alignDown(at, this.#stretch), sign * part);
      left -= part;
      at = next;
    }
    while (this.#rows.size > MAX_ROWS) this.#coarsen();
  }

  /** What was found; undefined where nothing was mapped. */
  report(): AddressMapData | undefined {
    if (this.#rows.size === 0) return undefined;
    const rows = [...this.#rows.values()].toSorted((a, b) => a.domain - b.domain || a.start - b.start);
    const columns = this.#column + 1;
    return {
      from: this.#start,
      to: this.#start + columns * this.#width,
      stretch: this.#stretch,
      rows: rows.map(({ domain, start, most }) => ({ domain, start, bytes: [...most.subarray(0, columns)] })),
    };
  }

  #add(domain: number, start: number, bytes: number): void {
    const key = `${domain} ${start}`;
    let row = this.#rows.get(key);
    if (row === undefined) {
      if (bytes < 0) return;
      row = { domain, start, live: 0, most: new Float64Array(COLUMNS) };
      this.#rows.set(key, row);
    }
    row.live = Math.max(0, row.live + bytes);
    if (row.live > (row.most[this.#column] as number)) row.most[this.#column] = row.live;
  }

  /** Goes on to the column of a time. What is live goes along. */
  #goTo(time: number): void {
    if (Number.isNaN(this.#start)) this.#start = time;
    while ((time - this.#start) / this.#width >= COLUMNS) this.#widen();
    const column = Math.max(this.#column, Math.floor((time - this.#start) / this.#width));
    if (column === this.#column) return;
    for (const row of this.#rows.values()) row.most.fill(row.live, this.#column + 1, column + 1);
    this.#column = column;
  }

  /** Merges neighbouring columns. */
  #widen(): void {
    for (const { most } of this.#rows.values()) {
      for (let i = 0; i < COLUMNS / 2; i++) most[i] = Math.max(most[2 * i] as number, most[2 * i + 1] as number);
      most.fill(0, COLUMNS / 2);
    }
    this.#column = Math.floor(this.#column / 2);
    this.#width *= 2;
  }

  /** Merges neighbouring stretches of addresses. Their highest values need not be of one moment: the sum is an upper bound. */
  #coarsen(): void {
    this.#stretch *= 2;
    const merged = new Map<string, Row>();
    for (const { domain, start, live, most } of this.#rows.values()) {
      const from = alignDown(start, this.#stretch);
      const key = `${domain} ${from}`;
      const row = merged.get(key) ?? { domain, start: from, live: 0, most: new Float64Array(COLUMNS) };
      row.live += live;
      for (let i = 0; i < COLUMNS; i++) {
        row.most[i] = Math.min(this.#stretch, (row.most[i] as number) + (most[i] as number));
      }
      merged.set(key, row);
    }
    this.#rows = merged;
  }
}
