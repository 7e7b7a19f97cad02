/**
 * Tables of one domain taken from memory and given back, counted; and those set aside so that a later step cannot fail.
 * @module
 */
import type { Geometry, Level } from '../formats/contract.ts';
import type { TableMemory } from '../memory/table-memory.ts';
import type { Meter } from '../meter/meter.ts';

/** Tables by depth: those below the root are all of one size. */
export class TablePool {
  readonly #geometry: Geometry;
  readonly #memory: TableMemory;
  readonly #meter: Meter;
  readonly #limit: number;
  readonly #reserve: number[] = [];

  constructor(geometry: Geometry, memory: TableMemory, meter: Meter) {
    this.#geometry = geometry;
    this.#memory = memory;
    this.#meter = meter;
    this.#limit = geometry.tableLimit;
  }

  /**
   * Takes a table for a depth.
   * @param zero false where the caller writes all of it
   * @returns its byte offset; −1 where there is no memory
   */
  take(depth: number, zero: boolean): number {
    const memory = this.#memory;
    const meter = this.#meter;
    const bytes = this.#bytesAt(depth);
    if (this.#reserve.length > 0) return this.#reserved(bytes, zero);
    const before = memory.zeroedBytes;
    const offset = memory.allocate(bytes, this.#limit, zero);
    if (offset === -1) return -1;
    meter.tablesAllocated++;
    if (zero) meter.zeroedBytes += memory.zeroedBytes - before;
    return offset;
  }

  /** Gives one table back. */
  release(depth: number, table: number): void {
    this.#memory.free(table, this.#bytesAt(depth));
    this.#meter.tablesFreed++;
  }

  /** Sets aside tables so that later splits cannot fail; false, with nothing kept, where there is no memory. */
  reserve(count: number): boolean {
    const taken: number[] = [];
    for (let i = 0; i < count; i++) {
      const table = this.take(1, false);
      if (table === -1) {
        for (const offset of taken) this.release(1, offset);
        return false;
      }
      taken.push(table);
    }
    this.#reserve.push(...taken.reverse());
    return true;
  }

  /** Gives back what was set aside and not used. */
  releaseReserve(): void {
    while (this.#reserve.length > 0) this.release(1, this.#reserve.pop() as number);
  }

  #reserved(bytes: number, zero: boolean): number {
    const table = this.#reserve.pop() as number;
    if (zero) this.#memory.kernels.clear(table, bytes);
    return table;
  }

  #bytesAt(depth: number): number {
    return (this.#geometry.levels[depth] as Level).allocBytes;
  }
}
