import type { PhysicalMemory } from '../../src/bus.ts';

const PAGE = 4096;

/** Sparse memory: pages that were never made are unknown, and refuse writes. */
export class Ram implements PhysicalMemory {
  readonly #pages: Map<number, Uint32Array> = new Map();
  #next = 0x10_0000;

  /** Fresh pages of zeros, aligned to their number. */
  page(pages = 1): number {
    while (this.#next % (pages * PAGE) !== 0) this.#next += PAGE;
    const at = this.#next;
    this.#next += pages * PAGE;
    for (let i = 0; i < pages; i++) this.#pages.set(at + i * PAGE, new Uint32Array(PAGE / 4));
    return at;
  }

  /** Takes a page away: reads of it fail. */
  drop(address: number): void {
    this.#pages.delete(address);
  }

  read32(address: number): number | undefined {
    return this.#pages.get(address - (address % PAGE))?.[(address % PAGE) / 4];
  }

  read64(address: number): bigint | undefined {
    const [lo, hi] = [this.read32(address), this.read32(address + 4)];
    return lo === undefined || hi === undefined ? undefined : (BigInt(hi) << 32n) | BigInt(lo);
  }

  write32(address: number, value: number): boolean {
    const page = this.#pages.get(address - (address % PAGE));
    if (page === undefined) return false;
    page[(address % PAGE) / 4] = value;
    return true;
  }

  write64(address: number, value: bigint): boolean {
    const low = this.write32(address, Number(value & 0xffff_ffffn));
    return this.write32(address + 4, Number((value >> 32n) & 0xffff_ffffn)) && low;
  }

  /** Quadwords from an address on. */
  put(address: number, ...quads: bigint[]): void {
    for (const [i, quad] of quads.entries()) this.write64(address + 8 * i, quad);
  }
}
