/**
 * Table entries that a walker keeps, so that it need not read them again. They go with an invalidation that covers an
 * address below them and all levels.
 * @module
 */

import type { PhysicalReader } from '../bus.ts';
import { readStructure, type StructureKind, type StructureReader } from '../hardware/bits.ts';
import { ANY, type Scope, STAGES } from '../hardware/command.ts';
import type { DomainTables, TranslationTag } from '../hardware/iommu.ts';
import type { Regime } from '../hardware/walk/regime.ts';
import type { Step } from '../hardware/walk/types.ts';
import { type CacheGeometry, hashOf, longer, Sets } from './sets.ts';
import type { CacheStatistics } from './tlb.ts';

/** A table entry that is kept. */
export interface WalkEntry {
  readonly domain: number;
  readonly space: number;
  readonly stages: number;
  /** Physical address of the entry, and its halves. */
  readonly address: number;
  readonly lo: number;
  readonly hi: number;
  readonly bytes: 4 | 8;
  /** Pages of 4 KiB that it leads to. */
  readonly first: number;
  readonly pages: number;
}

/** Table entries by tag and physical address. */
export class WalkCache implements CacheStatistics {
  hits = 0;
  misses = 0;
  invalidated = 0;
  readonly #sets: Sets;
  #addresses = new Float64Array(0);
  #firsts = new Float64Array(0);
  #pages = new Float64Array(0);
  #lows = new Int32Array(0);
  #highs = new Int32Array(0);
  #domains = new Int32Array(0);
  #spaces = new Int32Array(0);
  /** Stages, and 4 for an entry of 32 bits. */
  #shapes = new Int32Array(0);

  constructor(geometry: CacheGeometry) {
    this.#sets = new Sets('walkCache', geometry, (capacity) => this.#widen(capacity));
  }

  get evictions(): number {
    return this.#sets.evictions;
  }

  get held(): number {
    return this.#sets.used;
  }

  /** Half of a kept entry: the word at `address`; undefined where it is not kept. */
  word(tag: TranslationTag, address: number): number | undefined {
    const low = this.#find(tag, address);
    if (low >= 0) return (this.#lows[low] as number) >>> 0;
    const high = this.#find(tag, address - 4);
    return high < 0 || (this.#shapes[high] as number) >= 4 ? undefined : (this.#highs[high] as number) >>> 0;
  }

  /** Keeps an entry, unless it is kept already or nothing is. */
  add(entry: WalkEntry): void {
    if (this.#sets.none || this.#find(entry, entry.address) >= 0) return;
    const slot = this.#sets.place(hashOf(entry.address / 4));
    this.#addresses[slot] = entry.address;
    this.#firsts[slot] = entry.first;
    this.#pages[slot] = entry.pages;
    this.#lows[slot] = entry.lo;
    this.#highs[slot] = entry.hi;
    this.#domains[slot] = entry.domain;
    this.#spaces[slot] = entry.space;
    this.#shapes[slot] = entry.stages | (entry.bytes === 4 ? 4 : 0);
  }

  /** Takes out what a scope names; a scope of leaves only names nothing here. */
  invalidate(scope: Scope): number {
    if (!scope.walk || this.#sets.used === 0) return 0;
    const before = this.#sets.used;
    this.#sets.each((slot) => {
      if (this.#named(slot, scope)) this.#sets.remove(slot);
    });
    const gone = before - this.#sets.used;
    this.invalidated += gone;
    return gone;
  }

  /** Takes out everything. */
  clear(): void {
    this.#sets.each((slot) => this.#sets.remove(slot));
  }

  #named(slot: number, { domain, space, stages, first, pages }: Scope): boolean {
    if (domain !== ANY && this.#domains[slot] !== domain) return false;
    if (space !== ANY && this.#spaces[slot] !== space) return false;
    if (((this.#shapes[slot] as number) & stages) === 0) return false;
    const from = this.#firsts[slot] as number;
    return pages === Number.POSITIVE_INFINITY || (from < first + pages && from + (this.#pages[slot] as number) > first);
  }

  #find({ domain, space, stages }: TranslationTag, address: number): number {
    const hash = hashOf(address / 4);
    let before = -1;
    for (let slot = this.#sets.first(hash); slot >= 0; slot = this.#sets.after(slot)) {
      const same = this.#addresses[slot] === address && this.#domains[slot] === domain;
      if (same && this.#spaces[slot] === space && ((this.#shapes[slot] as number) & 3) === stages) {
        this.#sets.touch(hash, before, slot);
        return slot;
      }
      before = slot;
    }
    return -1;
  }

  #widen(capacity: number): void {
    this.#addresses = longer(this.#addresses, new Float64Array(capacity));
    this.#firsts = longer(this.#firsts, new Float64Array(capacity));
    this.#pages = longer(this.#pages, new Float64Array(capacity));
    this.#lows = longer(this.#lows, new Int32Array(capacity));
    this.#highs = longer(this.#highs, new Int32Array(capacity));
    this.#domains = longer(this.#domains, new Int32Array(capacity));
    this.#spaces = longer(this.#spaces, new Int32Array(capacity));
    this.#shapes = longer(this.#shapes, new Int32Array(capacity));
  }
}

/** Memory as the walks of one address space see it: kept table entries hide what memory has become. */
export class CachedTables implements StructureReader {
  readonly #reader: StructureReader;
  readonly #cache: WalkCache;
  readonly #tag: TranslationTag;
  /** Tag of entries of a second stage behind it, which serve every address space of the domain. */
  readonly #second: TranslationTag;

  constructor(reader: PhysicalReader, cache: WalkCache, tag: TranslationTag) {
    this.#reader = reader;
    this.#cache = cache;
    this.#tag = tag;
    this.#second = { domain: tag.domain, space: ANY, stages: STAGES.second };
  }

  read32(address: number): number | undefined {
    const kept = this.#cache.word(this.#tag, address) ?? this.#kept2(address);
    if (kept === undefined) {
      this.#cache.misses++;
      return this.#reader.read32(address);
    }
    this.#cache.hits++;
    return kept;
  }

  read64(address: number): bigint | undefined {
    const lo = this.read32(address);
    const hi = this.read32(address + 4);
    return lo === undefined || hi === undefined ? undefined : (BigInt(hi) << 32n) | BigInt(lo);
  }

  structure(kind: StructureKind, address: number, bytes: number): Uint32Array | undefined {
    return readStructure(this.#reader, kind, address, bytes);
  }

  corrupted(address: number, bytes: number): boolean {
    return this.#reader.corrupted?.(address, bytes) ?? false;
  }

  /** Keeps the table entries of a walk that found a page. */
  keep(tables: DomainTables, steps: readonly Step[], iova: bigint): void {
    const nested = tables.stage2 !== undefined;
    for (const step of steps) {
      if (step.kind !== 'table') continue;
      const behind = nested && step.stage === 2;
      const regime = behind ? tables.stage2 : tables.regime;
      if (regime !== undefined) this.#keepStep(regime, step, behind ? undefined : iova);
    }
  }

  #kept2(address: number): number | undefined {
    return this.#tag.stages === STAGES.second ? undefined : this.#cache.word(this.#second, address);
  }

  /** Of a second stage behind a first one, a step does not say which addresses it covers: any invalidation takes it. */
  #keepStep(regime: Regime, { level, entry, entryAddress }: Step, iova: bigint | undefined): void {
    const inside = (base: bigint, size: number) => iova !== undefined && iova >= base && iova < base + BigInt(size);
    const region = regime.regions.find(({ base, size }) => inside(base, size)) ?? regime.regions[0];
    const unit = region?.descriptors.levels.find((one) => one.level === level)?.unit;
    if (region === undefined || unit === undefined) return;
    const all = { first: 0, pages: Number.POSITIVE_INFINITY };
    this.#cache.add({
      ...(iova === undefined ? { ...this.#second, ...all } : { ...this.#tag, ...coverage(iova, unit) }),
      address: entryAddress,
      lo: Number(entry & 0xffff_ffffn),
      hi: Number(entry >> 32n),
      bytes: region.descriptors.entryBytes,
    });
  }
}

function coverage(iova: bigint, unit: number): { first: number; pages: number } {
  const pages = Math.max(1, unit / 4096);
  const page = Number(BigInt.asUintN(64, iova) >> 12n);
  return { first: page - (page % pages), pages };
}
