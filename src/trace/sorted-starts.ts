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
  count: number;
}

function newBlock(): Block {
  return { ids: new Int32Array(BLOCK), starts: new Float64Array(BLOCK), count: 0 };
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

/** Ids sorted by their start addresses; starts are different from each other. */
export class SortedStarts {
  readonly #blocks: Block[] = [newBlock()];

  /** Adds an id at a start that is not yet in use. */
  insert(start: number, id: number): void {
    const at = this.#blockAt(start);
    const block = this.#blocks[at] as Block;
    if (block.count === BLOCK) {
      this.#split(at);
      this.insert(start, id);
      return;
    }
    const index = floorIndex(block, start) + 1;
    openGap(block.ids, index, block.count);
    openGap(block.starts, index, block.count);
    block.ids[index] = id;
    block.starts[index] = start;
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
    block.count--;
    if (block.count === 0 && this.#blocks.length > 1) this.#blocks.splice(at, 1);
  }

  /** The id with the largest start that is not above `address`, or −1. */
  floor(address: number): number {
    const block = this.#blocks[this.#blockAt(address)] as Block;
    const index = floorIndex(block, address);
    return index < 0 ? -1 : (block.ids[index] as number);
  }

  /** The id with the smallest start above `address`, or −1. */
  above(address: number): number {
    const at = this.#blockAt(address);
    const block = this.#blocks[at] as Block;
    const index = floorIndex(block, address) + 1;
    if (index < block.count) return block.ids[index] as number;
    return this.#blocks[at + 1]?.ids[0] ?? -1;
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
    upper.count = BLOCK - half;
    block.count = half;
    this.#blocks.splice(at + 1, 0, upper);
  }
}
