/**
 * A map of the address space over time in bounded memory: for each domain and stretch of addresses, the most bytes that were
 * mapped in it during each stretch of time. Both kinds of stretches grow as the trace does. Consumes the calls of a
 * {@link DomainTracker}.
 * @module
 */
import { alignDown } from '../address.ts';
import type { TraceCall } from './calls.ts';

const FIRST_COLUMN_NS = 1000;

/** How a map is cut. */
export interface AddressMapOptions {
  /** Stretches of time; even. Default 96. */
  readonly columns?: number;
  /** Stretches of addresses at most, over all domains. Default 40. */
  readonly rows?: number;
  /** Bytes of the smallest stretch of addresses, a power of two. Default 64K. */
  readonly stretch?: number;
  /** Times that are looked at, nanoseconds; from the first call to the last one by default. Calls before count as mapped at `from`. */
  readonly from?: number;
  readonly to?: number;
  /** Only these addresses of one domain; all of all domains by default. */
  readonly addresses?: { readonly domain: number; readonly start: number; readonly end: number } | undefined;
}

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

/** Takes calls; memory is bounded by rows × columns numbers. */
export class AddressMap {
  readonly #columns: number;
  readonly #maxRows: number;
  readonly #addresses: AddressMapOptions['addresses'];
  #rows = new Map<string, Row>();
  #stretch: number;
  #start: number;
  #width: number;
  #column = 0;
  readonly #isFixed: boolean;
  #isBefore: boolean;

  constructor({ columns = 96, rows = 40, stretch = 65_536, from, to, addresses }: AddressMapOptions = {}) {
    this.#columns = columns;
    this.#maxRows = rows;
    this.#stretch = stretch;
    this.#addresses = addresses;
    this.#start = from ?? Number.NaN;
    this.#width = from === undefined || to === undefined ? FIRST_COLUMN_NS : (to - from) / columns;
    this.#isFixed = from !== undefined && to !== undefined;
    this.#isBefore = this.#isFixed;
  }

  /** Takes a call; an unmap takes away what was live of it. */
  call(call: TraceCall): void {
    this.#goTo(call.time);
    const sign = call.kind === 'unmap' ? -1 : 1;
    const bytes = call.kind === 'unmap' ? call.covered : call.size;
    const { start, end } = this.#within(call);
    if (bytes === 0) return;
    while ((end - start) / this.#stretch > this.#maxRows) this.#coarsen();
    let left = bytes;
    for (let at = start; at < end && left > 0; ) {
      const next = Math.min(end, alignDown(at, this.#stretch) + this.#stretch);
      const part = Math.min(left, next - at);
      this.#add(call.domain, alignDown(at, this.#stretch), sign * part);
      left -= part;
      at = next;
    }
    if (this.#rows.size > this.#maxRows && this.#isBefore) this.#forgetEmpty();
    while (this.#rows.size > this.#maxRows) this.#coarsen();
  }

  /** What was found; undefined where nothing was mapped. */
  report(): AddressMapData | undefined {
    if (this.#isBefore) this.#begin();
    if (this.#isFixed) this.#goToColumn(this.#columns - 1);
    const used = [...this.#rows.values()].filter(({ most }) => most.some((bytes) => bytes > 0));
    if (used.length === 0) return undefined;
    const rows = used.toSorted((a, b) => a.domain - b.domain || a.start - b.start);
    const columns = this.#column + 1;
    return {
      from: this.#start,
      to: this.#start + columns * this.#width,
      stretch: this.#stretch,
      rows: rows.map(({ domain, start, most }) => ({ domain, start, bytes: [...most.subarray(0, columns)] })),
    };
  }

  /** The part of a call that is looked at. */
  #within({ domain, iova, size }: TraceCall): { readonly start: number; readonly end: number } {
    const only = this.#addresses;
    if (only === undefined) return { start: iova, end: iova + size };
    if (only.domain !== domain) return { start: 0, end: 0 };
    return { start: Math.max(iova, only.start), end: Math.min(iova + size, only.end) };
  }

  /** Rows of which nothing is left when the time that is looked at begins. */
  #forgetEmpty(): void {
    for (const [key, { live }] of this.#rows) if (live === 0) this.#rows.delete(key);
  }

  /** What is mapped when the time that is looked at begins is all that was before. */
  #begin(): void {
    this.#isBefore = false;
    this.#forgetEmpty();
    for (const { live, most } of this.#rows.values()) most[0] = live;
  }

  #add(domain: number, start: number, bytes: number): void {
    const key = `${domain} ${start}`;
    let row = this.#rows.get(key);
    if (row === undefined) {
      if (bytes < 0) return;
      row = { domain, start, live: 0, most: new Float64Array(this.#columns) };
      this.#rows.set(key, row);
    }
    row.live = Math.max(0, row.live + bytes);
    if (row.live > (row.most[this.#column] as number)) row.most[this.#column] = row.live;
  }

  /** Goes on to the column of a time. What is live goes along. */
  #goTo(time: number): void {
    if (Number.isNaN(this.#start)) this.#start = time;
    if (this.#isBefore && time >= this.#start) this.#begin();
    while ((time - this.#start) / this.#width >= this.#columns) this.#widen();
    const column = Math.max(this.#column, Math.floor((time - this.#start) / this.#width));
    this.#goToColumn(column);
  }

  #goToColumn(column: number): void {
    if (column === this.#column) return;
    for (const row of this.#rows.values()) row.most.fill(row.live, this.#column + 1, column + 1);
    this.#column = column;
  }

  /** Merges neighbouring columns. */
  #widen(): void {
    for (const { most } of this.#rows.values()) {
      for (let i = 0; i < this.#columns / 2; i++) most[i] = Math.max(most[2 * i] as number, most[2 * i + 1] as number);
      most.fill(0, this.#columns / 2);
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
      const row = merged.get(key) ?? { domain, start: from, live: 0, most: new Float64Array(this.#columns) };
      row.live += live;
      for (let i = 0; i < this.#columns; i++) {
        row.most[i] = Math.min(this.#stretch, (row.most[i] as number) + (most[i] as number));
      }
      merged.set(key, row);
    }
    this.#rows = merged;
  }
}
