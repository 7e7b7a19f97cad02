/**
 * What TLBs of stated sizes would make of a row of a replay: lists are read as they are mapped, in assumed orders, through the
 * leaves that the row made, and unmaps take entries out.
 * @module
 */
import type { Domain } from '../core/domain.ts';
import { LeafTlb } from '../device/leaf-tlb.ts';
import { type AccessOrder, ListRequests, MOST_LIST_REQUESTS } from './access-order.ts';
import type { ListObserver, MappedList } from './list-observer.ts';
import { LiveLists, type LiveRequest } from './live-lists.ts';
import { Random } from './random.ts';
import type { RowSpec } from './row.ts';

/** Requests of a row in one order at most. */
export const MOST_REQUESTS: number = 2 ** 24;

/** TLBs, and how they are used. */
export interface TlbSettings {
  /** Entries of each TLB; Infinity for one without limit. */
  readonly sizes: readonly number[];
  /** Entries of a set; fully associative unless given. */
  readonly ways?: number;
  readonly orders: readonly AccessOrder[];
  /** Bytes of one request of the device. */
  readonly requestBytes: number;
  /** Decides the random order. */
  readonly seed: number;
}

/** What one TLB made of one order. */
export interface TlbCounts {
  readonly order: AccessOrder;
  /** Entries; Infinity without limit. */
  readonly entries: number;
  readonly hits: number;
  readonly misses: number;
  readonly evictions: number;
  /** Entries that unmaps took out, flushes of everything left out. */
  readonly invalidated: number;
}

interface OrderRun {
  readonly order: AccessOrder;
  readonly tlbs: readonly { readonly entries: number; readonly tlb: LeafTlb }[];
}

/** The TLBs of one row. */
export class TlbWhatIf implements ListObserver {
  /** Lists mapped. */
  lists = 0;
  /** Requests made in each order. */
  requests = 0;
  /** Lists that were read in part or not at all, to bound the work. */
  cutLists = 0;
  /** Under lazy invalidation: lists mapped where entries of an older one waited for the flush; those entries were taken out. */
  reused = 0;
  /** Leaves made, by size in bytes. */
  readonly leaves: Map<number, number> = new Map();
  readonly #isLazy: boolean;
  readonly #list: ListRequests;
  readonly #live: LiveLists;
  readonly #runs: readonly OrderRun[];
  readonly #random: Random;
  #isWaiting = false;

  /** @throws IommuError `BAD_OPTION` for sizes and ways that make no sets. */
  constructor({ tlb }: Pick<RowSpec, 'tlb'>, { sizes, ways, orders, requestBytes, seed }: TlbSettings) {
    this.#isLazy = tlb === 'lazy';
    this.#list = new ListRequests(requestBytes);
    this.#live = new LiveLists(requestBytes);
    this.#random = new Random(seed);
    const geometry = (entries: number) => (ways === undefined ? { entries } : { entries, ways });
    this.#runs = orders.map((order) => ({
      order,
      tlbs: sizes.map((entries) => ({ entries, tlb: new LeafTlb(geometry(entries)) })),
    }));
  }

  /** Most lists live at once, where an order reads them in turn. */
  get peakLists(): number {
    return this.#live.peak;
  }

  /** Hits and misses by order and size. */
  get counts(): TlbCounts[] {
    return this.#runs.flatMap(({ order, tlbs }) =>
      tlbs.map(({ entries, tlb: { statistics } }) => {
        const { hits, misses, evictions, invalidated } = statistics;
        return { order, entries, hits, misses, evictions, invalidated };
      }),
    );
  }

  mapped(id: number, domain: Domain, list: MappedList): void {
    this.lists++;
    this.#countLeaves(domain, list);
    if (this.#isWaiting) this.#dropStale(id, list);
    this.#list.take(list, Math.min(MOST_LIST_REQUESTS, MOST_REQUESTS - this.requests));
    if (this.#list.isCut) this.cutLists++;
    this.requests += this.#list.requests;
    for (const run of this.#runs) this.#read(run, id, domain, list);
  }

  unmapped(id: number, iova: number, bytes: number): void {
    this.#live.remove(id, iova, bytes);
    if (this.#isLazy) this.#isWaiting = true;
    else for (const { tlbs } of this.#runs) for (const { tlb } of tlbs) tlb.invalidate(id, iova, bytes);
  }

  flushed(): void {
    this.#isWaiting = false;
    for (const { tlbs } of this.#runs) for (const { tlb } of tlbs) tlb.clear();
  }

  #read({ order, tlbs }: OrderRun, id: number, domain: Domain, { iova, bytes }: MappedList): void {
    if (order === 'interleaved') {
      this.#live.add(id, domain, iova, bytes, this.#list);
      this.#readInTurn(tlbs);
      return;
    }
    const visit = (at: number): void => {
      for (const { tlb } of tlbs) tlb.access(id, at, domain);
    };
    if (order === 'in-order') this.#list.inOrder(visit);
    else if (order === 'by-element') this.#list.byElement(visit);
    else this.#list.shuffled(visit, this.#random);
  }

  /** As many requests as the new list has, of all live lists in turn. */
  #readInTurn(tlbs: OrderRun['tlbs']): void {
    const request: LiveRequest = { domain: 0, tables: { leafSize: () => 0 }, iova: 0 };
    for (let i = 0; i < this.#list.requests && this.#live.next(request); i++) {
      for (const { tlb } of tlbs) tlb.access(request.domain, request.iova, request.tables);
    }
  }

  #countLeaves(domain: Domain, { iova, bytes }: MappedList): void {
    for (let at = iova; at < iova + bytes; ) {
      const size = domain.leafSize(at);
      if (size === 0) return;
      this.leaves.set(size, (this.leaves.get(size) ?? 0) + 1);
      at += size - (at % size);
    }
  }

  #dropStale(id: number, { iova, bytes }: MappedList): void {
    let dropped = 0;
    for (const { tlbs } of this.#runs) for (const { tlb } of tlbs) dropped += tlb.invalidate(id, iova, bytes);
    if (dropped > 0) this.reused++;
  }
}
