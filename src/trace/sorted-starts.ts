/**
 * Live ranges of one domain in the order of their addresses: blocks of at most 512 ids, each block sorted. Insertion,
 * removal and look-up are a binary search and a short move, without allocation but for new blocks.
 * @module
 */

import { closeGap, openGap } from './arrays.ts';

const BLOCK = 512;

interface Block {
  readonly ids: Int32Array;
  readonly starts: Float64Array;
  readonly ends: Float64Array;
  count: number;
}

function newBlock(): Block {
  return { ids: new Int32Array(BLOCK), starts: new Float64Array(BLOCK), ends: new Float64Array(BLOCK), count: 0 };
}

/** Index of the last start that is not above `address`, −1 if there is none. */
function floorIndex(block: Block, address: number): number {
  const { starts } = block;
  let low = 0;
  let high = block.count;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((starts[middle] as number) <= address) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}

/** Ids sorted by the start addresses of their ranges, which do not overlap. */
export class SortedStarts {
  readonly #blocks: Block[] = [newBlock()];

  /** Adds the id of a range that overlaps no other. */
  insert(start: number, end: number, id: number): void {
    const at = this.#blockAt(start);
    const block = this.#blocks[at] as Block;
    if (block.count === BLOCK) {
      this.#split(at);
      this.insert(start, end, id);
      return;
    }
    const index = floorIndex(block, start) + 1;
    openGap(block.ids, index, block.count);
    openGap(block.starts, index, block.count);
    openGap(block.ends, index, block.count);
    block.ids[index] = id;
    block.starts[index] = start;
    block.ends[index] = end;
    block.count++;
  }

  /** Removes the id at a start. */
  remove(start: number): void {
    const at = this.#blockAt(start);
    const block = this.#blocks[at] as Block;
    const index = floorIndex(block, start);
    if (index < 0 || block.starts[index] !== start) return;
    closeGap(block.ids, index, block.count);
    closeGap(block.starts, index, block.count);
    closeGap(block.ends, index, block.count);
    block.count--;
    if (block.count === 0 && this.#blocks.length > 1) this.#blocks.splice(at, 1);
  }

  /** The lowest id whose range overlaps [start, end), or −1. */
  overlap(start: number, end: number): number {
    const at = this.#blockAt(start);
    const block = this.#blocks[at] as Block;
    const index = floorIndex(block, start);
    if (index >= 0 && (block.ends[index] as number) > start) return block.ids[index] as number;
    if (index + 1 < block.count) return firstBelow(block, index + 1, end);
    const next = this.#blocks[at + 1];
    return next === undefined ? -1 : firstBelow(next, 0, end);
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
      if (block.count > 0 && (block.starts[0] as number) <= address) low = middle + 1;
      else high = middle;
    }
    return low > 0 ? low - 1 : 0;
  }

  #split(at: number): void {
    const block = this.#blocks[at] as Block;
    const upper = newBlock();
    const half = BLOCK >> 1;
    upper.ids.set(block.ids.subarray(half));
    upper.starts.set(block.starts.subarray(half));
    upper.ends.set(block.ends.subarray(half));
    upper.count = BLOCK - half;
    block.count = half;
    this.#blocks.splice(at + 1, 0, upper);
  }
}

/** The id at an index if its range starts below `end`, else −1. */
function firstBelow(block: Block, index: number, end: number): number {
  return (block.starts[index] as number) < end ? (block.ids[index] as number) : -1;
}
