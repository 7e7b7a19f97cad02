/**
 * The lists that are mapped at a moment, read in turn: one request of each, over and over.
 * @module
 */
import type { LeafTables } from '../device/leaf-tlb.ts';
import { NIL } from '../dma/range-tree.ts';
import type { ListRequests } from './access-order.ts';
import { PlacedLists } from './placed-lists.ts';

/** A list under way. */
interface LiveList {
  readonly domain: number;
  readonly tables: LeafTables;
  /** Start and bytes of each run of elements without a gap. */
  readonly runs: Float64Array;
  /** Place in the circle. */
  place: number;
  run: number;
  offset: number;
}

/** One request. */
export interface LiveRequest {
  domain: number;
  tables: LeafTables;
  iova: number;
}

/** Lists in a circle. */
export class LiveLists {
  /** Most lists at once. */
  peak = 0;
  readonly #bytes: number;
  readonly #placed: (PlacedLists | undefined)[] = [];
  readonly #byStart: (Map<number, LiveList> | undefined)[] = [];
  readonly #circle: LiveList[] = [];
  #turn = 0;

  /** @param bytes of one request */
  constructor(bytes: number) {
    this.#bytes = bytes;
  }

  /** A list was mapped at [iova, iova + bytes). */
  add(domain: number, tables: LeafTables, iova: number, bytes: number, requests: ListRequests): void {
    this.#placed[domain] ??= new PlacedLists();
    const placed = this.#placed[domain];
    const room = placed.room(iova, bytes);
    if (room === NIL || requests.count === 0) return;
    placed.add(room, iova, bytes, iova);
    const live = { domain, tables, runs: runsOf(requests), place: this.#circle.length, run: 0, offset: 0 };
    this.#byStart[domain] ??= new Map();
    this.#byStart[domain].set(iova, live);
    this.#circle.push(live);
    this.peak = Math.max(this.peak, this.#circle.length);
  }

  /** A range was unmapped. A list of which any part is unmapped is not read any more. */
  remove(domain: number, iova: number, bytes: number): void {
    const placed = this.#placed[domain];
    if (placed === undefined) return;
    const end = iova + bytes;
    for (let id = placed.first(iova, end); id !== NIL; id = placed.first(iova, end)) {
      const live = this.#byStart[domain]?.get(placed.start(id));
      this.#byStart[domain]?.delete(placed.start(id));
      placed.remove(id);
      if (live !== undefined) this.#leave(live);
    }
  }

  /** The next request into `request`; false where no list is live. */
  next(request: LiveRequest): boolean {
    if (this.#turn >= this.#circle.length) this.#turn = 0;
    const live = this.#circle[this.#turn++];
    if (live === undefined) return false;
    request.domain = live.domain;
    request.tables = live.tables;
    request.iova = (live.runs[2 * live.run] as number) + live.offset;
    live.offset += this.#bytes;
    if (live.offset >= (live.runs[2 * live.run + 1] as number)) {
      live.offset = 0;
      live.run = (live.run + 1) % (live.runs.length / 2);
    }
    return true;
  }

  #leave(live: LiveList): void {
    const last = this.#circle.pop();
    if (last === undefined || last === live) return;
    last.place = live.place;
    this.#circle[live.place] = last;
  }
}

function runsOf({ count, starts, lengths }: ListRequests): Float64Array {
  const runs: number[] = [];
  let end = Number.NaN;
  for (let i = 0; i < count; i++) {
    const start = starts[i] as number;
    const length = lengths[i] as number;
    if (start === end) runs.push((runs.pop() ?? 0) + length);
    else runs.push(start, length);
    end = start + length;
  }
  return Float64Array.from(runs);
}
