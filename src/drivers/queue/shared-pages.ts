/**
 * Memory that a driver shares with its device beside the page tables: queues, completion slots, configuration structures.
 * @module
 */
import { hex } from '../../address.ts';
import { IommuError } from '../../errors.ts';
import type { TableMemory } from '../../memory/table-memory.ts';

const LOW = 0xffffffffn;
/** Smallest piece that the memory hands out. */
const UNIT = 1024;

/** Pieces of one unit, given back together. Addresses are physical. */
export class SharedPages {
  /** Where the pieces lie. */
  readonly memory: TableMemory;
  readonly #pieces: [offset: number, bytes: number][] = [];

  constructor(memory: TableMemory) {
    this.memory = memory;
  }

  /**
   * Takes zeroed memory, aligned to its size rounded up to a power of two.
   * @returns its physical address
   * @throws IommuError `NO_MEMORY`; nothing is taken then.
   */
  take(bytes: number): number {
    const size = 2 ** Math.ceil(Math.log2(Math.max(UNIT, bytes)));
    const offset = this.memory.allocate(size);
    if (offset === -1)
      throw new IommuError('NO_MEMORY', 'memory', `expected ${hex(size)} bytes that the device reads, got none`);
    this.#pieces.push([offset, size]);
    this.#count(1, size);
    return offset + this.memory.base;
  }

  /** Writes 64 bits. */
  write64(address: number, value: bigint): void {
    const word = this.word(address);
    this.memory.u32[word] = Number(value & LOW);
    this.memory.u32[word + 1] = Number((value >> 32n) & LOW);
  }

  /** The 64 bits at an address. */
  read64(address: number): bigint {
    const word = this.word(address);
    return (BigInt(this.memory.u32[word + 1] as number) << 32n) | BigInt(this.memory.u32[word] as number);
  }

  /** Index in `memory.u32` of the word at an address. */
  word(address: number): number {
    return (address - this.memory.base) >>> 2;
  }

  /** Gives all of it back. */
  free(): void {
    for (const [offset, bytes] of this.#pieces) {
      this.memory.free(offset, bytes);
      this.#count(-1, -bytes);
    }
    this.#pieces.length = 0;
  }

  #count(pieces: number, bytes: number): void {
    this.memory.deviceTables += pieces;
    this.memory.deviceBytes += bytes;
  }
}
