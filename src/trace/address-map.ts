/**
 * A map of the address space over time in bounded memory: for each domain and stretch of addresses, the most bytes that were
 * mapped in it during each stretch of time. Both kinds of stretches grow as the trace does.
 * @module
 */
import { AddressRows } from './address-rows.ts';
import type { CallColumns } from './call-batch.ts';

const FIRST_COLUMN_NS = 1000;

/** How a map is cut. */
export interface AddressMapOptions {
  /** Stretches of time; even. Default 96. */
  readonly columns?: number;
  /** Stretches of addresses at most, over all domains; of more domains than that, each has one. Default 40. */
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

/** Takes calls; memory is bounded by rows (or domains, where there are more) × columns numbers. */
export class AddressMap {
  readonly #columns: number;
  readonly #addresses: AddressMapOptions['addresses'];
  #rows: AddressRows;
  /** At least as many rows as there are domains, so that one is left for each. */
  #mostRows: number;
  #stretch: number;
  #start: number;
  #width: number;
  #column = 0;
  readonly #isFixed: boolean;
  #isBefore: boolean;

  constructor({ columns = 96, rows = 40, stretch = 65_536, from, to, addresses }: AddressMapOptions = {}) {
    this.#columns = columns;
    this.#rows = new AddressRows(columns);
    this.#mostRows = rows;
    this.#stretch = stretch;
    this.#addresses = addresses;
    this.#start = from ?? Number.NaN;
    this.#width = from === undefined || to === undefined ? FIRST_COLUMN_NS : (to - from) / columns;
    this.#isFixed = from !== undefined && to !== undefined;
    this.#isBefore = this.#isFixed;
  }

  /** Takes the calls of a batch; an unmap takes away what was live of it. */
  take(calls: CallColumns): void {
    const { count, domain, time } = calls;
    const only = this.#addresses;
    for (let i = 0; i < count; i++) {
      this.#goTo(time[i] as number);
      if (only === undefined || only.domain === domain[i]) this.#range(calls, i, only);
    }
  }

  #range(calls: CallColumns, i: number, only: AddressMapOptions['addresses']): void {
    const isMap = calls.maps[i] === 1;
    const domain = calls.domain[i] as number;
    let left = (isMap ? calls.size[i] : calls.covered[i]) as number;
    if (left === 0) return;
    let start = calls.iova[i] as number;
    let end = start + (calls.size[i] as number);
    if (only !== undefined) {
      start = Math.max(start, only.start);
      end = Math.min(end, only.end);
    }
    if (domain >= this.#mostRows) this.#mostRows = domain + 1;
    while (end - start > this.#mostRows * this.#stretch) this.#coarsen();
    for (let at = start; at < end && left > 0; ) {
      const row = this.#floor(at);
      const next = Math.min(end, row + this.#stretch);
      const part = Math.min(left, next - at);
      this.#add(domain, row, isMap ? part : -part);
      left -= part;
      at = next;
    }
    if (this.#rows.count > this.#mostRows) this.#shrink();
  }

  /** The first address of the stretch that holds one. A stretch is a power of two: exact for all addresses. */
  #floor(address: number): number {
    return Math.floor(address / this.#stretch) * this.#stretch;
  }

  #shrink(): void {
    if (this.#isBefore) this.#rows = this.#rows.withLive();
    while (this.#rows.count > this.#mostRows) this.#coarsen();
  }

  /** What was found; undefined where nothing was mapped. */
  report(): AddressMapData | undefined {
    if (this.#isBefore) this.#begin();
    if (this.#isFixed) this.#goToColumn(this.#columns - 1);
    const used = this.#rows.all.filter(({ most }) => most.some((bytes) => bytes > 0));
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

  /** What is mapped when the time that is looked at begins is all that was before. */
  #begin(): void {
    this.#isBefore = false;
    this.#rows = this.#rows.withLive();
    for (const { live, most } of this.#rows.all) most[0] = live;
  }

  #add(domain: number, start: number, bytes: number): void {
    const row = this.#rows.find(domain, start) ?? (bytes < 0 ? undefined : this.#rows.add(domain, start));
    if (row === undefined) return;
    const live = Math.max(0, row.live + bytes);
    row.live = live;
    if (live > (row.most[this.#column] as number)) row.most[this.#column] = live;
  }

  /** Goes on to the column of a time. What is live goes along. */
  #goTo(time: number): void {
    if (Number.isNaN(this.#start)) this.#start = time;
    if (this.#isBefore && time >= this.#start) this.#begin();
    let column = (time - this.#start) / this.#width;
    while (column >= this.#columns) {
      this.#widen();
      column = (time - this.#start) / this.#width;
    }
    if (column >= this.#column + 1) this.#goToColumn(Math.floor(column));
  }

  #goToColumn(column: number): void {
    for (const row of this.#rows.all) row.most.fill(row.live, this.#column + 1, column + 1);
    this.#column = column;
  }

  /** Merges neighbouring columns. */
  #widen(): void {
    for (const { most } of this.#rows.all) {
      for (let i = 0; i < this.#columns / 2; i++) most[i] = Math.max(most[2 * i] as number, most[2 * i + 1] as number);
      most.fill(0, this.#columns / 2);
    }
    this.#column = Math.floor(this.#column / 2);
    this.#width *= 2;
  }

  /** Merges neighbouring stretches of addresses. Their highest values need not be of one moment: the sum is an upper bound. */
  #coarsen(): void {
    this.#stretch *= 2;
    const merged = new AddressRows(this.#columns);
    for (const { domain, start, live, most } of this.#rows.all) {
      const from = this.#floor(start);
      const row = merged.find(domain, from) ?? merged.add(domain, from);
      row.live += live;
      for (let i = 0; i < this.#columns; i++) {
        row.most[i] = Math.min(this.#stretch, (row.most[i] as number) + (most[i] as number));
      }
    }
    this.#rows = merged;
  }
}
