/**
 * A TLB: leaves of all sizes in sets, tagged by numbers. It serves what it holds until an invalidation takes it out,
 * whatever has become of the tables.
 * @module
 */

import { pow2 } from '../address.ts';
import { ANY, type Scope, STAGES } from '../hardware/command.ts';
import { type CacheGeometry, hashOf, longer, Sets } from './sets.ts';

/** What one entry of a TLB is. */
export interface TlbLeaf {
  readonly domain: number;
  /** −1 where entries are not tagged by an address space. */
  readonly space: number;
  /** {@link STAGES.first} or {@link STAGES.second}. */
  readonly stages: number;
  /** Serves every address space of its domain. */
  readonly global: boolean;
  /** Both stages of a nested translation in one entry. */
  readonly nested: boolean;
  /** First page (4 KiB) of the leaf, aligned to its size. */
  readonly page: number;
  /** log2 of its pages. */
  readonly log2Pages: number;
  /** Level in the architecture's counting. */
  readonly level: number;
  /** log2 of the granule of its tables. */
  readonly granuleBits: number;
  /** Attribute word (`ATTR`); 0 for an entry that says that nothing is mapped. */
  readonly attributes: number;
  /** Output address of the leaf's first byte. */
  readonly base: number;
  /** An entry kept although it was not present (VT-d with CAP.CM, AMD with NpCache). */
  readonly absent: boolean;
}

/** Lookups and what became of them. */
export interface CacheStatistics {
  hits: number;
  misses: number;
  /** Entries that gave way to others. */
  readonly evictions: number;
  /** Entries taken out by invalidations. */
  invalidated: number;
  /** Entries held. */
  readonly held: number;
}

const FLAG = { global: 1, nested: 2, absent: 4 } as const;
const SIZES = 53;

/** Translations by tag and page. */
export class Tlb implements CacheStatistics {
  hits = 0;
  misses = 0;
  invalidated = 0;
  readonly #sets: Sets;
  #keys = new Float64Array(0);
  #bases = new Float64Array(0);
  #domains = new Int32Array(0);
  #spaces = new Int32Array(0);
  /** log2 of the pages, level, log2 of the granule, stages, flags: 6, 4, 6, 2 and 3 bits. */
  #shapes = new Int32Array(0);
  #attributes = new Int32Array(0);
  /** log2 of the sizes held now, and how many entries have each. */
  #sizes: number[] = [];
  readonly #sizeCounts = new Int32Array(SIZES);

  constructor(geometry: CacheGeometry) {
    this.#sets = new Sets('tlb', geometry, (capacity) => this.#widen(capacity));
  }

  get evictions(): number {
    return this.#sets.evictions;
  }

  get held(): number {
    return this.#sets.used;
  }

  /** The slot that serves a page, or −1. Allocates nothing. */
  find(domain: number, space: number, stages: number, page: number): number {
    const sizes = this.#sizes;
    for (let i = 0; i < sizes.length; i++) {
      const log2 = sizes[i] as number;
      const slot = this.#probe(domain, space, stages, log2, log2 === 0 ? page : Math.floor(page / pow2(log2)));
      if (slot >= 0) {
        this.hits++;
        return slot;
      }
    }
    this.misses++;
    return -1;
  }

  /** Attribute word of a slot. */
  attributesOf(slot: number): number {
    return this.#attributes[slot] as number;
  }

  /** Whether a slot says that nothing is mapped. */
  isAbsent(slot: number): boolean {
    return (((this.#shapes[slot] as number) >>> 18) & FLAG.absent) !== 0;
  }

  /** Output address of a page of a slot. */
  pageOutput(slot: number, page: number): number {
    const pages = pow2((this.#shapes[slot] as number) & 63);
    return (this.#bases[slot] as number) + (page - (this.#keys[slot] as number) * pages) * 4096;
  }

  /** The entry of a slot. */
  leafOf(slot: number): TlbLeaf {
    const shape = this.#shapes[slot] as number;
    const log2Pages = shape & 63;
    return {
      domain: this.#domains[slot] as number,
      space: this.#spaces[slot] as number,
      stages: (shape >>> 16) & 3,
      global: ((shape >>> 18) & FLAG.global) !== 0,
      nested: ((shape >>> 18) & FLAG.nested) !== 0,
      absent: ((shape >>> 18) & FLAG.absent) !== 0,
      page: (this.#keys[slot] as number) * pow2(log2Pages),
      log2Pages,
      level: (shape >>> 6) & 15,
      granuleBits: (shape >>> 10) & 63,
      attributes: this.#attributes[slot] as number,
      base: this.#bases[slot] as number,
    };
  }

  /** Keeps an entry, unless the TLB has no entries at all. */
  add(leaf: TlbLeaf): void {
    if (this.#sets.none) return;
    const { log2Pages } = leaf;
    const key = Math.floor(leaf.page / pow2(log2Pages));
    const held = this.#sets.used;
    const slot = this.#sets.place(hashOf(key));
    if (this.#sets.used === held) this.#countSize((this.#shapes[slot] as number) & 63, -1);
    const flags = (leaf.global ? FLAG.global : 0) | (leaf.nested ? FLAG.nested : 0) | (leaf.absent ? FLAG.absent : 0);
    this.#keys[slot] = key;
    this.#bases[slot] = leaf.base;
    this.#domains[slot] = leaf.domain;
    this.#spaces[slot] = leaf.space;
    this.#attributes[slot] = leaf.attributes;
    this.#shapes[slot] = log2Pages | (leaf.level << 6) | (leaf.granuleBits << 10) | (leaf.stages << 16) | (flags << 18);
    this.#countSize(log2Pages, 1);
  }

  /**
   * Takes out the entries that a scope names and no others. With `nested`, a scope of stage 2 takes nested entries of its
   * domain, whatever their address.
   * @returns entries taken out
   */
  invalidate(scope: Scope, nested = false): number {
    const before = this.#sets.used;
    const few = scope.pages * this.#sizes.length <= before;
    if (few && !(nested && scope.stages === STAGES.second)) this.#invalidatePages(scope);
    else this.#sets.each((slot) => this.#drop(slot, scope, nested));
    const gone = before - this.#sets.used;
    this.invalidated += gone;
    return gone;
  }

  /** Takes out everything. */
  clear(): void {
    this.#sets.each((slot) => this.#remove(slot));
  }

  /** Entries held, in no order that means anything. */
  entries(): TlbLeaf[] {
    const leaves: TlbLeaf[] = [];
    this.#sets.each((slot) => leaves.push(this.leafOf(slot)));
    return leaves;
  }

  #probe(domain: number, space: number, stages: number, log2: number, key: number): number {
    const hash = hashOf(key);
    let before = -1;
    for (let slot = this.#sets.first(hash); slot >= 0; slot = this.#sets.after(slot)) {
      if (this.#keys[slot] === key && this.#domains[slot] === domain) {
        const shape = this.#shapes[slot] as number;
        const ours = this.#spaces[slot] === space || ((shape >>> 18) & FLAG.global) !== 0;
        if (ours && (shape & 63) === log2 && ((shape >>> 16) & 3) === stages) {
          this.#sets.touch(hash, before, slot);
          return slot;
        }
      }
      before = slot;
    }
    return -1;
  }

  /** Few pages: look where each of them may be held. */
  #invalidatePages(scope: Scope): void {
    const last = scope.first + scope.pages - 1;
    const sizes = this.#sizes;
    for (let i = 0; i < sizes.length; i++) {
      const unit = pow2(sizes[i] as number);
      const end = Math.floor(last / unit);
      for (let key = Math.floor(scope.first / unit); key <= end; key++) {
        for (let slot = this.#sets.first(hashOf(key)); slot >= 0; ) {
          const after = this.#sets.after(slot);
          if (this.#keys[slot] === key) this.#drop(slot, scope, false);
          slot = after;
        }
      }
    }
  }

  #drop(slot: number, scope: Scope, nested: boolean): void {
    if (scope.domain !== ANY && this.#domains[slot] !== scope.domain) return;
    const shape = this.#shapes[slot] as number;
    const both = nested && scope.stages === STAGES.second && ((shape >>> 18) & FLAG.nested) !== 0;
    if (both || (this.#isTagged(slot, shape, scope) && this.#meets(slot, shape & 63, scope))) this.#remove(slot);
  }

  /** Whether stage, address space, level and granule are those that a scope names. */
  #isTagged(slot: number, shape: number, { stages, space, globals, level, granule }: Scope): boolean {
    if (((shape >>> 16) & stages) === 0) return false;
    const isGlobal = ((shape >>> 18) & FLAG.global) !== 0;
    if (space !== ANY && (isGlobal ? !globals : this.#spaces[slot] !== space)) return false;
    if (level !== ANY && ((shape >>> 6) & 15) !== level) return false;
    return granule === 0 || pow2((shape >>> 10) & 63) === granule;
  }

  #meets(slot: number, log2: number, { first, pages }: Scope): boolean {
    if (pages === Number.POSITIVE_INFINITY) return true;
    const span = pow2(log2);
    const from = (this.#keys[slot] as number) * span;
    return from < first + pages && from + span > first;
  }

  #remove(slot: number): void {
    this.#countSize((this.#shapes[slot] as number) & 63, -1);
    this.#sets.remove(slot);
  }

  #countSize(log2: number, by: number): void {
    const count = (this.#sizeCounts[log2] as number) + by;
    this.#sizeCounts[log2] = count;
    if (count === 0) this.#sizes = this.#sizes.filter((one) => one !== log2);
    else if (by > 0 && count === by) this.#sizes = [...this.#sizes, log2];
  }

  #widen(capacity: number): void {
    this.#keys = longer(this.#keys, new Float64Array(capacity));
    this.#bases = longer(this.#bases, new Float64Array(capacity));
    this.#domains = longer(this.#domains, new Int32Array(capacity));
    this.#spaces = longer(this.#spaces, new Int32Array(capacity));
    this.#shapes = longer(this.#shapes, new Int32Array(capacity));
    this.#attributes = longer(this.#attributes, new Int32Array(capacity));
  }
}
