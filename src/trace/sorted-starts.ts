/**
 * Live ranges of one domain in the order of their addresses: blocks of at most 512 ids, each block sorted. Insertion,
 * removal and look-up are a binary search and a short move, without allocation but for new blocks.
 * @module
 */

import { closeGap, openGap } from './arrays.ts';

const BLOCK = 512;

interface Block {
  readonly ids: Int32Array;
  count: number;
}

function newBlock(): Block {
  return { ids: new Int32Array(BLOCK), count: 0 };
}

/** Where the ranges lie that ids stand for; the end is exclusive. */
export interface Ranges {
  start(id: number): number;
  end(id: number): number;
}

/** Ids sorted by the start addresses of their ranges, which do not overlap. */
export class SortedStarts {
  readonly #ranges: Ranges;
  readonly #blocks: Block[] = [newBlock()];

  constructor(ranges: Ranges) {
    this.#ranges = ranges;
  }

  /** Adds the id of a range that overlaps no other. */
  insert(id: number): void {
    const start = this.#ranges.start(id);
    const at = this.#blockAt(start);
    const block = this.#blocks[at] as Block;
    if (block.count === BLOCK) {
      this.#split(at);
      this.insert(id);
      return;
    }
    const index = this.#floorIndex(block, start) + 1;
    openGap(block.ids, index, block.count);
    block.ids[index] = id;
    block.count++;
  }

  /** Removes an id. */
  remove(id: number): void {
    const start = this.#ranges.start(id);
    const at = this.#blockAt(start);
    const block = this.#blocks[at] as Block;
    const index = this.#floorIndex(block, start);
    if (block.ids[index] !== id) return;
    closeGap(block.ids, index, block.count);
    block.count--;
    if (block.count === 0 && this.#blocks.length > 1) this.#blocks.splice(at, 1);
  }

  /** The lowest id whose range overlaps [start, end), or −1. */
  overlap(start: number, end: number): number {
    const at = this.#blockAt(start);
    const block = this.#blocks[at] as Block;
    const index = this.#floorIndex(block, start);
    const below = index < 0 ? -1 : (block.ids[index] as number);
    if (below >= 0 && this.#ranges.end(below) > start) return below;
    const above = index + 1 < block.count ? (block.ids[index + 1] as number) : (this.#blocks[at + 1]?.ids[0] ?? -1);
    return above >= 0 && this.#ranges.start(above) < end ? above : -1;
  }

  /** All ids, lowest start first. */
  *ids(): Generator<number> {
    for (const block of this.#blocks)
      for (let index = 0; index < block.count; index++) yield block.ids[index] as number;
  }

  /** The block whose range `address` belongs to. */
  #blockAt(address: number): number {
    const blocks = this.#blocks;
    let low = 0;
    let high = blocks.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      const block = blocks[middle] as Block;
      if (block.count > 0 && this.#ranges.start(block.ids[0] as number) <= address) low = middle + 1;
      else high = middle;
    }
    return low > 0 ? low - 1 : 0;
  }

  /** Index of the last start that is not above `address`, −1 if there is none. */
  #floorIndex({ ids, count }: Block, address: number): number {
    const ranges = this.#ranges;
    let low = 0;
    let high = count;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (ranges.start(ids[middle] as number) <= address) low = middle + 1;
      else high = middle;
    }
    return low - 1;
  }

  #split(at: number): void {
    const block = this.#blocks[at] as Block;
    const upper = newBlock();
    const half = BLOCK >> 1;
    upper.ids.set(block.ids.subarray(half));
    upper.count = BLOCK - half;
    block.count = half;
    this.#blocks.splice(at + 1, 0, upper);
  }
}
