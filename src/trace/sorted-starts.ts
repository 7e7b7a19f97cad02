/**
 * Live ranges of one domain in the order of their addresses: blocks of at most 512 ranges, each block sorted. Insertion,
 * removal and look-up are a binary search and a short move, without allocation but for new blocks.
 * @module
 */

const BLOCK = 512;
/** Room of the first block of a domain; most domains have few live lists. */
const FIRST_ROOM = 16;
/** Moves up to this many ranges one by one: below it, a call into the engine costs more than the loop. */
const FEW = 48;

/** Starts of ranges and what they are called, in the order of the starts. */
interface Block {
  starts: Float64Array;
  ids: Int32Array;
  count: number;
}

function newBlock(room: number): Block {
  return { starts: new Float64Array(room), ids: new Int32Array(room), count: 0 };
}

/** Ids sorted by the start addresses of their ranges, which do not overlap. */
export class SortedStarts {
  readonly #blocks: Block[] = [newBlock(FIRST_ROOM)];
  /** What was looked for last: its block, and how many starts of that are not above it. */
  #block: Block = this.#blocks[0] as Block;
  #at = 0;
  #index = 0;

  /** Adds the id of a range that overlaps no other. */
  insert(start: number, id: number): void {
    this.floor(start);
    if (this.#block.count === this.#block.ids.length) this.#makeRoom(start);
    const block = this.#block;
    const index = this.#index;
    openGap(block, index);
    block.starts[index] = start;
    block.ids[index] = id;
    block.count++;
    this.#index = index + 1;
  }

  /** Removes a range by its start and id. */
  remove(start: number, id: number): void {
    this.floor(start);
    const block = this.#block;
    const index = this.#index - 1;
    if (index < 0 || block.ids[index] !== id) return;
    closeGap(block, index);
    block.count--;
    this.#index = index;
    if (block.count === 0 && this.#blocks.length > 1) this.#drop();
  }

  /** The id of the last range that begins at `address` or below, or −1. */
  floor(address: number): number {
    if (!this.#isHere(address)) this.#find(address);
    return this.#index === 0 ? -1 : (this.#block.ids[this.#index - 1] as number);
  }

  /** The id of the range behind the one that {@link floor} gave, or −1; nothing was added or removed since. */
  next(): number {
    const block = this.#block;
    if (this.#index < block.count) return block.ids[this.#index] as number;
    return this.#blocks[this.#at + 1]?.ids[0] ?? -1;
  }

  /** All ids, lowest start first. */
  *ids(): Generator<number> {
    for (const { ids, count } of this.#blocks) for (let index = 0; index < count; index++) yield ids[index] as number;
  }

  /** True if the place that was found last is that of `address`, too: what is mapped, looked at and unmapped is one place. */
  #isHere(address: number): boolean {
    const { starts, count } = this.#block;
    const index = this.#index;
    const isAbove = index === 0 ? this.#at === 0 : (starts[index - 1] as number) <= address;
    if (!isAbove) return false;
    return index === count ? this.#at === this.#blocks.length - 1 : address < (starts[index] as number);
  }

  #find(address: number): void {
    const at = this.#blocks.length === 1 ? 0 : this.#blockAt(address);
    const block = this.#blocks[at] as Block;
    const { starts } = block;
    let low = 0;
    let high = block.count;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((starts[middle] as number) <= address) low = middle + 1;
      else high = middle;
    }
    this.#at = at;
    this.#block = block;
    this.#index = low;
  }

  /** The block whose range `address` belongs to. */
  #blockAt(address: number): number {
    const blocks = this.#blocks;
    let low = 0;
    let high = blocks.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      const { starts, count } = blocks[middle] as Block;
      if (count > 0 && (starts[0] as number) <= address) low = middle + 1;
      else high = middle;
    }
    return low > 0 ? low - 1 : 0;
  }

  #makeRoom(start: number): void {
    const block = this.#block;
    if (block.count < BLOCK) {
      const { starts, ids } = newBlock(block.count * 2);
      starts.set(block.starts);
      ids.set(block.ids);
      block.starts = starts;
      block.ids = ids;
      return;
    }
    this.#split(this.#at);
    this.floor(start);
  }

  #split(at: number): void {
    const block = this.#blocks[at] as Block;
    const upper = newBlock(BLOCK);
    const half = BLOCK >> 1;
    upper.starts.set(block.starts.subarray(half));
    upper.ids.set(block.ids.subarray(half));
    upper.count = BLOCK - half;
    block.count = half;
    this.#blocks.splice(at + 1, 0, upper);
    this.#index = 0;
  }

  /** Takes the block that is empty out. */
  #drop(): void {
    this.#blocks.splice(this.#at, 1);
    this.#at = 0;
    this.#block = this.#blocks[0] as Block;
    this.#index = 0;
  }
}

/** Moves what stands at `index` and behind it up by one place. */
function openGap({ starts, ids, count }: Block, index: number): void {
  if (count - index > FEW) {
    starts.copyWithin(index + 1, index, count);
    ids.copyWithin(index + 1, index, count);
    return;
  }
  for (let at = count; at > index; at--) {
    starts[at] = starts[at - 1] as number;
    ids[at] = ids[at - 1] as number;
  }
}

/** Moves what stands behind `index` down by one place. */
function closeGap({ starts, ids, count }: Block, index: number): void {
  if (count - index > FEW) {
    starts.copyWithin(index, index + 1, count);
    ids.copyWithin(index, index + 1, count);
    return;
  }
  for (let at = index + 1; at < count; at++) {
    starts[at - 1] = starts[at] as number;
    ids[at - 1] = ids[at] as number;
  }
}
