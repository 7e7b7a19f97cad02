/**
 * The live lists of a traced domain and where a replay put each: found by any address of the trace, in its order.
 * Typed arrays only; adding and removing allocate nothing once they have grown.
 * @module
 */
import { ANCHOR, NIL, RangeTree } from '../dma/range-tree.ts';

const FIRST_ROOM = 256;

/** Lists by number; 0 is none. Ranges of the trace do not overlap. */
export class PlacedLists {
  readonly #ranges = new RangeTree();
  #addresses = new Float64Array(FIRST_ROOM);
  #left = new Float64Array(FIRST_ROOM);

  /** The place for a list, to be given to {@link add}; 0 where part of its range is taken. */
  room(start: number, bytes: number): number {
    const above = this.#ranges.firstReaching(start);
    return this.#ranges.lo(above) >= start + bytes ? above : NIL;
  }

  /** Adds a list that lies at `address` here. */
  add(room: number, start: number, bytes: number, address: number): void {
    const id = this.#ranges.insertBelow(room, start, start + bytes - 1);
    if (id >= this.#left.length) {
      this.#addresses = enlarged(this.#addresses);
      this.#left = enlarged(this.#left);
    }
    this.#addresses[id] = address;
    this.#left[id] = bytes;
  }

  /** Removes a list. */
  remove(id: number): void {
    this.#ranges.remove(id);
  }

  /** The list that begins at `start`. */
  at(start: number): number {
    return this.#ranges.startingAt(start);
  }

  /** The lowest list that reaches beyond `start` and begins below `end`. */
  first(start: number, end: number): number {
    const id = start < end ? this.#ranges.firstReaching(start) : ANCHOR;
    return id !== ANCHOR && this.#ranges.lo(id) < end ? id : NIL;
  }

  /** First address in the trace. */
  start(id: number): number {
    return this.#ranges.lo(id);
  }

  /** Bytes, as it was mapped. */
  bytes(id: number): number {
    return this.#ranges.hi(id) - this.#ranges.lo(id) + 1;
  }

  /** Address here. */
  address(id: number): number {
    return this.#addresses[id] as number;
  }

  /** Bytes that are still mapped. */
  left(id: number): number {
    return this.#left[id] as number;
  }

  /** A part was unmapped. @returns bytes that are still mapped */
  cut(id: number, bytes: number): number {
    const left = this.left(id) - bytes;
    this.#left[id] = left;
    return left;
  }
}

function enlarged(array: Float64Array<ArrayBuffer>): Float64Array<ArrayBuffer> {
  const larger = new Float64Array(array.length * 2);
  larger.set(array);
  return larger;
}
