/**
 * The floor: what storing the entries alone costs, in the same memory, at the same time.
 * @module
 */
import type { TableMemory } from '../memory/table-memory.ts';
import { FLOOR_BASE64 } from './floor.generated.ts';
import { type Clock, nanoseconds } from './timer.ts';

/** Entries of one pass: those of 32M in 4K pages. */
export const FLOOR_ENTRIES = 8192;
const ENTRY_BYTES = 8;
const PAGE_ENTRY_LOW = 0x12345f47;
const STRIDE = 4096;

type StoreEntries = (at: number, entries: number, lo: number, hi: number, stride: number) => void;

let module: WebAssembly.Module | undefined;

function instantiate(memory: WebAssembly.Memory): StoreEntries {
  module ??= new WebAssembly.Module(Uint8Array.from(atob(FLOOR_BASE64), (character) => character.charCodeAt(0)));
  return new WebAssembly.Instance(module, { env: { memory } }).exports['storeEntries'] as StoreEntries;
}

/** A loop with one 64-bit store an entry of a value that it computes, without SIMD, over warm memory. */
export class Floor {
  readonly #memory: TableMemory;
  readonly #store: StoreEntries;
  readonly #offset: number;
  #repeats = 1;

  /** Takes 64 KiB of `memory` until {@link Floor.free}. */
  constructor(memory: TableMemory) {
    this.#memory = memory;
    this.#store = instantiate(memory.wasm);
    this.#offset = memory.allocate(FLOOR_ENTRIES * ENTRY_BYTES);
  }

  /** Warms up, and repeats the pass within a sample until it lasts `leastNs` or a thousand passes. */
  tune(clock: Clock, leastNs: number): void {
    for (let i = 0; i < 2000; i++) this.#pass();
    while (this.#repeats < 1000 && this.sample(clock) * FLOOR_ENTRIES * this.#repeats < leastNs) this.#repeats *= 2;
  }

  /** One sample, in nanoseconds an entry. */
  sample(clock: Clock): number {
    const start = nanoseconds(clock);
    for (let i = 0; i < this.#repeats; i++) this.#pass();
    return (nanoseconds(clock) - start) / (FLOOR_ENTRIES * this.#repeats);
  }

  /** Gives the memory back. */
  free(): void {
    this.#memory.free(this.#offset, FLOOR_ENTRIES * ENTRY_BYTES);
  }

  #pass(): void {
    this.#store(this.#offset, FLOOR_ENTRIES, PAGE_ENTRY_LOW, 0, STRIDE);
  }
}
