/**
 * A bitmap in a file: which bits are set, how many before a given one, and the runs of set bits. The bitmap itself stays
 * in the file; kept in memory is one count a block.
 * @module
 */
import type { ByteSource, Extent } from './types.ts';

const BLOCK = 4096;
const BLOCK_BITS = BLOCK * 8;
const PIECE_BLOCKS = 64;
/** Runs kept apart; where there are more, those with the smallest gaps between them are joined. */
const MOST_RUNS = 1 << 15;

const BITS_SET: Uint8Array = Uint8Array.from({ length: 256 }, (_, byte) => {
  let count = 0;
  for (let rest = byte; rest > 0; rest >>= 1) count += rest & 1;
  return count;
});

/** Runs of numbers, joined over ever larger gaps once there are too many. */
class Runs {
  #runs: { start: number; bytes: number }[] = [];
  #gap = 0;

  add(from: number, count: number): void {
    const last = this.#runs.at(-1);
    if (last !== undefined && from - (last.start + last.bytes) <= this.#gap) last.bytes = from + count - last.start;
    else this.#runs.push({ start: from, bytes: count });
    if (this.#runs.length > MOST_RUNS) this.#coarsen();
  }

  get coarse(): boolean {
    return this.#gap > 0;
  }

  list(): readonly Extent[] {
    return this.#runs;
  }

  #coarsen(): void {
    const runs = this.#runs;
    this.#runs = [];
    this.#gap = Math.max(1, this.#gap * 2);
    for (const run of runs) this.add(run.start, run.bytes);
  }
}

/** Set bits of a bitmap of `bits` bits at `offset` of a file, least significant bit first. */
export class FileBitmap {
  readonly #source: ByteSource;
  readonly #offset: number;
  readonly #bits: number;
  readonly #before: Float64Array;
  readonly #runs = new Runs();
  #blockIndex = -1;
  #block: Uint8Array = new Uint8Array(0);

  constructor(source: ByteSource, offset: number, bits: number) {
    this.#source = source;
    this.#offset = offset;
    this.#bits = bits;
    this.#before = new Float64Array(Math.ceil(bits / BLOCK_BITS) + 1);
    this.#scan();
  }

  /** Runs of set bits: first bit and count. Where `coarse`, runs may hold clear bits. */
  runs(): readonly Extent[] {
    return this.#runs.list();
  }

  /** True if runs were joined over clear bits. */
  get coarse(): boolean {
    return this.#runs.coarse;
  }

  /** Number of set bits. */
  get count(): number {
    return this.#before.at(-1) ?? 0;
  }

  /** True if the bit is set. */
  has(bit: number): boolean {
    if (bit < 0 || bit >= this.#bits) return false;
    const byte = this.#blockOf(bit)[Math.floor((bit % BLOCK_BITS) / 8)] ?? 0;
    return ((byte >> (bit % 8)) & 1) === 1;
  }

  /** Number of set bits below `bit`. */
  rank(bit: number): number {
    const capped = Math.min(bit, this.#bits);
    const block = this.#blockOf(capped);
    const inside = capped % BLOCK_BITS;
    let count = this.#before[Math.floor(capped / BLOCK_BITS)] ?? 0;
    for (let i = 0; i < Math.floor(inside / 8); i++) count += BITS_SET[block[i] ?? 0] ?? 0;
    const rest = (block[Math.floor(inside / 8)] ?? 0) & ((1 << (inside % 8)) - 1);
    return count + (BITS_SET[rest] ?? 0);
  }

  #blockOf(bit: number): Uint8Array {
    const index = Math.floor(bit / BLOCK_BITS);
    if (index !== this.#blockIndex) {
      this.#block = this.#source.read(this.#offset + index * BLOCK, BLOCK);
      this.#blockIndex = index;
    }
    return this.#block;
  }

  #scan(): void {
    const blocks = this.#before.length - 1;
    for (let first = 0; first < blocks; first += PIECE_BLOCKS) {
      const piece = this.#source.read(this.#offset + first * BLOCK, PIECE_BLOCKS * BLOCK);
      for (let i = 0; i < PIECE_BLOCKS && first + i < blocks; i++) {
        this.#scanBlock(first + i, piece.subarray(i * BLOCK, (i + 1) * BLOCK));
      }
    }
  }

  #scanBlock(index: number, bytes: Uint8Array): void {
    let count = 0;
    for (let i = 0; i < bytes.length; i++) {
      const byte = bytes[i] ?? 0;
      const first = index * BLOCK_BITS + i * 8;
      if (byte === 0 || first >= this.#bits) continue;
      count += this.#scanByte(first, byte);
    }
    this.#before[index + 1] = (this.#before[index] ?? 0) + count;
  }

  #scanByte(first: number, byte: number): number {
    const bits = Math.min(8, this.#bits - first);
    if (byte === 0xff && bits === 8) {
      this.#runs.add(first, 8);
      return 8;
    }
    let count = 0;
    for (let bit = 0; bit < bits; bit++) {
      if (((byte >> bit) & 1) === 0) continue;
      this.#runs.add(first + bit, 1);
      count++;
    }
    return count;
  }
}
