/**
 * In which order a device might read a list that was mapped for it. A trace records maps, not accesses: every order is an
 * assumption.
 * @module
 */
import type { MappedList } from './list-observer.ts';
import type { Random } from './random.ts';

/**
 * `in-order`: one element after the other. `by-element`: the first request of each element, then the second of each, and so on.
 * `interleaved`: one request of each live list in turn. `random`: the requests of a list in a seeded order.
 */
export type AccessOrder = 'in-order' | 'by-element' | 'interleaved' | 'random';

/** All orders. */
export const ACCESS_ORDERS: readonly AccessOrder[] = ['in-order', 'by-element', 'interleaved', 'random'];

/** Requests of one list at most: 64 MiB at 512 bytes. */
export const MOST_LIST_REQUESTS: number = 2 ** 17;

/** The elements of one list at their addresses, and how many requests read them. Reused for the next list. */
export class ListRequests {
  /** Elements. */
  count = 0;
  /** Requests that read all of them, or as many as are made at most. */
  requests = 0;
  /** Whether the list is longer than what is read of it. */
  isCut = false;
  starts: Float64Array<ArrayBuffer> = new Float64Array(64);
  lengths: Float64Array<ArrayBuffer> = new Float64Array(64);
  #order = new Int32Array(64);
  readonly #bytes: number;

  /** @param bytes of one request */
  constructor(bytes: number) {
    this.#bytes = bytes;
  }

  /** Takes the elements of a list, and of them no more than `most` requests read. */
  take({ iova, lengths, offsets, from, to }: MappedList, most: number): void {
    if (to - from > this.starts.length) this.#grow(to - from);
    this.count = 0;
    this.requests = 0;
    this.isCut = false;
    let behind = 0;
    for (let i = from; i < to; i++) {
      const length = lengths[i] as number;
      this.#push(iova + (offsets === undefined ? behind : (offsets[i - from] as number)), length, most);
      behind += length;
    }
  }

  /** Visits each request's address, one element after the other. */
  inOrder(visit: (iova: number) => void): void {
    for (let i = 0; i < this.count; i++) {
      const start = this.starts[i] as number;
      const end = start + (this.lengths[i] as number);
      for (let at = start; at < end; at += this.#bytes) visit(at);
    }
  }

  /** Visits the first request's address of each element, then the second of each, and so on. */
  byElement(visit: (iova: number) => void): void {
    const order = this.#order;
    for (let i = 0; i < this.count; i++) order[i] = i;
    let left = this.count;
    for (let at = 0; left > 0; at += this.#bytes) {
      let kept = 0;
      for (let i = 0; i < left; i++) {
        const element = order[i] as number;
        visit((this.starts[element] as number) + at);
        if (at + this.#bytes < (this.lengths[element] as number)) order[kept++] = element;
      }
      left = kept;
    }
  }

  /** Visits each request's address in an order of the generator's choice. */
  shuffled(visit: (iova: number) => void, random: Random): void {
    const addresses = new Float64Array(this.requests);
    let count = 0;
    this.inOrder((iova) => {
      addresses[count++] = iova;
    });
    random.shuffle(addresses);
    for (const iova of addresses) visit(iova);
  }

  #push(start: number, length: number, most: number): void {
    const needed = Math.ceil(length / this.#bytes);
    const made = Math.min(needed, most - this.requests);
    if (made < needed) this.isCut = true;
    if (made <= 0) return;
    this.starts[this.count] = start;
    this.lengths[this.count] = Math.min(length, made * this.#bytes);
    this.count++;
    this.requests += made;
  }

  #grow(count: number): void {
    this.starts = new Float64Array(2 * count);
    this.lengths = new Float64Array(2 * count);
    this.#order = new Int32Array(2 * count);
  }
}
