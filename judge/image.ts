/**
 * The emulated machine's memory as both sides see it: bytes here, sent to the emulator where they changed.
 * @module
 */
import type { PhysicalMemory } from '../src/bus.ts';
import type { Qtest } from './qtest.ts';

const PAGE = 4096;

/** Memory of the emulator from `base` on. Each word of the data pages holds its own address. */
export class Image implements PhysicalMemory {
  readonly base: number;
  readonly bytes: Uint8Array;
  readonly #view: DataView;
  readonly #changed = new Set<number>();

  constructor(base: number, bytes: number) {
    this.base = base;
    this.bytes = new Uint8Array(bytes);
    this.#view = new DataView(this.bytes.buffer);
  }

  /** Whether all of a piece lies in this memory. */
  holds(address: number, bytes: number): boolean {
    return address >= this.base && address + bytes <= this.base + this.bytes.length;
  }

  read32(address: number): number | undefined {
    return this.holds(address, 4) ? this.#view.getUint32(address - this.base, true) : undefined;
  }

  read64(address: number): bigint | undefined {
    return this.holds(address, 8) ? this.#view.getBigUint64(address - this.base, true) : undefined;
  }

  write32(address: number, value: number): boolean {
    if (!this.holds(address, 4)) return false;
    this.#view.setUint32(address - this.base, value, true);
    this.#changed.add(Math.floor((address - this.base) / PAGE));
    return true;
  }

  write64(address: number, value: bigint): boolean {
    if (!this.holds(address, 8)) return false;
    this.#view.setBigUint64(address - this.base, value, true);
    this.#changed.add(Math.floor((address - this.base) / PAGE));
    return true;
  }

  /** Copies bytes in. */
  set(address: number, bytes: Uint8Array): void {
    this.bytes.set(bytes, address - this.base);
    for (let at = address; at < address + bytes.length; at += PAGE)
      this.#changed.add(Math.floor((at - this.base) / PAGE));
  }

  /** Lets every word of a piece hold its own address. */
  nameWords(address: number, bytes: number): void {
    for (let at = address; at < address + bytes; at += 4) this.write32(at, at);
  }

  /** Sends what changed since the last time. */
  async send(qtest: Qtest): Promise<void> {
    const pages = [...this.#changed].sort((a, b) => a - b);
    this.#changed.clear();
    for (let i = 0; i < pages.length; ) {
      const first = pages[i] as number;
      let count = 1;
      while (pages[i + count] === first + count) count++;
      await qtest.write(this.base + first * PAGE, this.bytes.subarray(first * PAGE, (first + count) * PAGE));
      i += count;
    }
  }
}
