/**
 * Memory as a RISC-V IOMMU reads and updates it: in either byte order, absent or corrupted, with the A and D bits that
 * the request itself has set.
 * @module
 */
import { type StructureKind, type StructureReader, wideBits } from '../bits.ts';

/** Why a value could not be read: the access fails, or its data are corrupted. */
export type LoadFailure = 'access' | 'corrupt';

/** An update of a page table entry: A and D bits set. Values are in memory's byte order as 64-bit little-endian. */
export interface TableUpdate {
  readonly address: bigint;
  readonly bytes: 4 | 8;
  readonly before: bigint;
  readonly after: bigint;
}

/** 64 bits with their bytes in the other order. */
export function swapBytes(value: bigint, bytes: number): bigint {
  let out = 0n;
  for (let i = 0; i < bytes; i++) out = (out << 8n) | ((value >> BigInt(8 * i)) & 0xffn);
  return out;
}

/** Reads of one request, and the updates that it made. */
export class RequestMemory {
  /** Updates in order. */
  readonly updates: TableUpdate[] = [];
  readonly #reader: StructureReader;
  readonly #physicalBits: bigint;
  readonly #written: Map<bigint, bigint> = new Map();

  /** @param physicalBits width of the addresses that the IOMMU can put out (capabilities.PAS): an access beyond it fails */
  constructor(reader: StructureReader, physicalBits: number) {
    this.#reader = reader;
    this.#physicalBits = BigInt(physicalBits);
  }

  /** Whether the IOMMU can put out an address. */
  reaches(address: bigint): boolean {
    return address >> this.#physicalBits === 0n;
  }

  /** A value of 4 or 8 bytes. */
  load(address: bigint, bytes: 4 | 8, bigEndian: boolean): bigint | LoadFailure {
    const raw = this.#raw(address, bytes);
    return typeof raw === 'string' || !bigEndian ? raw : swapBytes(raw, bytes);
  }

  /** Doublewords from an address on. */
  doublewords(address: bigint, count: number, bigEndian: boolean): bigint[] | LoadFailure {
    const words: bigint[] = [];
    for (let i = 0; i < count; i++) {
      const word = this.load(address + BigInt(8 * i), 8, bigEndian);
      if (typeof word === 'string') return word;
      words.push(word);
    }
    return words;
  }

  /** Doublewords of a part of the configuration, which the reader may hold in a cache. */
  structure(kind: StructureKind, address: bigint, count: number, bigEndian: boolean): bigint[] | LoadFailure {
    if (this.#reader.structure === undefined) return this.doublewords(address, count, bigEndian);
    if (!this.#isReadable(address)) return 'access';
    const words = this.#reader.structure(kind, Number(address), 8 * count);
    if (words === undefined)
      return this.#reader.corrupted?.(Number(address), 8 * count) === true ? 'corrupt' : 'access';
    return Array.from({ length: count }, (_, i) => {
      const raw = wideBits(words, 64 * i, 64);
      return bigEndian ? swapBytes(raw, 8) : raw;
    });
  }

  /** Sets bits of an entry that was read before. */
  update(address: bigint, bytes: 4 | 8, bigEndian: boolean, value: bigint): void {
    const before = this.#raw(address, bytes);
    const after = bigEndian ? swapBytes(value, bytes) : value;
    if (typeof before === 'string') return;
    this.updates.push({ address, bytes, before, after });
    this.#written.set(address, after);
  }

  #isReadable(address: bigint): boolean {
    return this.reaches(address) && address <= BigInt(Number.MAX_SAFE_INTEGER);
  }

  #raw(address: bigint, bytes: 4 | 8): bigint | LoadFailure {
    const written = this.#written.get(address);
    if (written !== undefined) return written;
    if (!this.#isReadable(address)) return 'access';
    const at = Number(address);
    const value = bytes === 8 ? this.#reader.read64(at) : this.#reader.read32(at);
    if (value !== undefined) return BigInt(value);
    return this.#reader.corrupted?.(at, bytes) === true ? 'corrupt' : 'access';
  }
}
