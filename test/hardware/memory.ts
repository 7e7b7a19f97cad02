import type { PhysicalReader } from '../../src/bus.ts';

const PAGE = 4096;

/** Sparse memory of 4 KiB pages; pages never put are unknown. */
export class PagesReader implements PhysicalReader {
  readonly pages: Map<number, Uint32Array> = new Map();
  /** Addresses [from, end) that read as zero where no page was put. */
  zeros: readonly [number, number] = [0, 0];
  /** Reads made, of either width. */
  reads = 0;

  put(address: number, bytes: Uint8Array): void {
    const copy = new Uint8Array(PAGE);
    copy.set(bytes.subarray(0, PAGE));
    this.pages.set(address, new Uint32Array(copy.buffer));
  }

  /** Makes pages known, all zero. */
  clear(address: number, bytes: number): void {
    for (let at = address - (address % PAGE); at < address + bytes; at += PAGE) {
      this.pages.set(at, new Uint32Array(PAGE / 4));
    }
  }

  write32(address: number, value: number): void {
    const page = address - (address % PAGE);
    if (!this.pages.has(page)) this.pages.set(page, new Uint32Array(PAGE / 4));
    const words = this.pages.get(page);
    if (words !== undefined) words[(address % PAGE) / 4] = value;
  }

  write64(address: number, value: bigint): void {
    this.write32(address, Number(value & 0xffffffffn));
    this.write32(address + 4, Number(value >> 32n));
  }

  read32(address: number): number | undefined {
    this.reads++;
    const word = this.pages.get(address - (address % PAGE))?.[(address % PAGE) / 4];
    return word === undefined && address >= this.zeros[0] && address < this.zeros[1] ? 0 : word;
  }

  read64(address: number): bigint | undefined {
    const lo = this.read32(address);
    const hi = this.read32(address + 4);
    return lo === undefined || hi === undefined ? undefined : (BigInt(hi) << 32n) | BigInt(lo);
  }

  view(address: number, bytes: number): Uint32Array | undefined {
    const at = (address % PAGE) / 4;
    if ((address % PAGE) + bytes > PAGE) return undefined;
    return this.pages.get(address - (address % PAGE))?.subarray(at, at + bytes / 4);
  }
}
