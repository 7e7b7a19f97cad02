/**
 * Walks that take table entries from the walk cache where it has them.
 * @module
 */
import type { PhysicalReader } from '../../bus.ts';
import type { Regime } from '../../hardware/walk/regime.ts';
import type { Access, Fault, Leaf, Step } from '../../hardware/walk/types.ts';
import { Walker } from '../../hardware/walk/walker.ts';
import type { TlbTag, WalkCache } from './tlb.ts';

/** Memory as one address space's walks see it: cached table entries hide what memory has become. */
export class CachedTables implements PhysicalReader {
  readonly #reader: PhysicalReader;
  readonly #cache: WalkCache;
  readonly #tag: TlbTag;

  constructor(reader: PhysicalReader, cache: WalkCache, tag: TlbTag) {
    this.#reader = reader;
    this.#cache = cache;
    this.#tag = tag;
  }

  read32(address: number): number | undefined {
    const first = this.#cache.find(this.#tag, address);
    if (first !== undefined) return first.lo;
    return this.#cache.find(this.#tag, address - 4)?.hi ?? this.#reader.read32(address);
  }

  read64(address: number): bigint | undefined {
    const lo = this.read32(address);
    const hi = this.read32(address + 4);
    return lo === undefined || hi === undefined ? undefined : (BigInt(hi) << 32n) | BigInt(lo);
  }

  /** Translates, and keeps the table entries of a walk that found a page. */
  translate(regime: Regime, iova: bigint, access: Access): Leaf | Fault {
    const { steps, result } = new Walker(this, regime).walk(iova, access);
    if (result.ok) for (const step of steps) this.#keep(regime, step, iova);
    return result;
  }

  #keep(regime: Regime, { kind, level, entry, entryAddress }: Step, iova: bigint): void {
    const region = regime.regions.find(({ base, size }) => iova >= base && iova < base + BigInt(size));
    const d = region?.descriptors;
    const unit = d?.levels.find((one) => one.level === level)?.unit;
    if (kind !== 'table' || unit === undefined || d === undefined) return;
    this.#cache.add({
      ...this.#tag,
      address: entryAddress,
      lo: Number(entry & 0xffff_ffffn),
      hi: d.entryBytes === 8 ? Number(entry >> 32n) : undefined,
      iova: iova - (iova % BigInt(unit)),
      bytes: unit,
    });
  }
}
