/**
 * A TLB that keeps what it has until an invalidation is complete: leaves by VMID and ASID (Arm IHI 0062, 2.2 and
 * chapter 5).
 * @module
 */
import type { Leaf } from '../../hardware/walk/types.ts';

/** Whom an entry serves. */
export interface TlbTag {
  readonly vmid: number;
  /** Address space, `undefined` for stage 2 entries. */
  readonly asid: number | undefined;
}

/** One cached translation. */
export interface TlbEntry extends TlbTag {
  /** Global entries (nG = 0) serve every ASID of the VMID. */
  readonly global: boolean;
  readonly leaf: Leaf;
  /** Attribute word of the leaf, to check each access by. */
  readonly attributes: number;
}

/** What an invalidation takes out. */
export interface Invalidation {
  /** `undefined`: every VMID. */
  readonly vmid?: number;
  /** `undefined`: every ASID. */
  readonly asid?: number;
  /** Input address; `undefined`: every address. */
  readonly iova?: bigint;
  /** Stage 2 entries (by intermediate address) rather than stage 1. */
  readonly stage2?: boolean;
  /** Both stages. */
  readonly all?: boolean;
  /** Only leaves: table entries kept by the walk cache stay. */
  readonly lastLevel?: boolean;
}

/** Entries that an invalidation has not yet reached are still served. */
export class Tlb {
  readonly #capacity: number;
  #entries: TlbEntry[] = [];
  /** Lookups that hit and missed. */
  hits = 0;
  misses = 0;

  constructor(capacity: number) {
    this.#capacity = capacity;
  }

  /** Entries held, oldest first. */
  get entries(): readonly TlbEntry[] {
    return this.#entries;
  }

  /** The entry for an address, or `undefined`. */
  find(tag: TlbTag, iova: bigint): TlbEntry | undefined {
    const entry = this.#entries.find((candidate) => serves(candidate, tag) && covers(candidate, iova));
    if (entry === undefined) this.misses++;
    else this.hits++;
    return entry;
  }

  /** Adds an entry; the oldest goes when there is no room. A TLB of no entries keeps none. */
  add(entry: TlbEntry): void {
    if (this.#capacity === 0) return;
    if (this.#entries.length >= this.#capacity) this.#entries.shift();
    this.#entries.push(entry);
  }

  /** Takes out what an invalidation names. */
  invalidate(what: Invalidation): void {
    this.#entries = this.#entries.filter((entry) => !named(entry, what));
  }

  /** Takes out everything. */
  clear(): void {
    this.#entries = [];
  }
}

function covers(entry: TlbEntry, iova: bigint): boolean {
  return iova >= entry.leaf.iova && iova < entry.leaf.iova + BigInt(entry.leaf.size);
}

function serves(entry: TlbEntry, tag: TlbTag): boolean {
  if (entry.vmid !== tag.vmid) return false;
  if (entry.asid === undefined || tag.asid === undefined) return entry.asid === tag.asid;
  return entry.global || entry.asid === tag.asid;
}

function named(entry: TlbEntry, what: Invalidation): boolean {
  if (what.vmid !== undefined && entry.vmid !== what.vmid) return false;
  if (what.all !== true && (entry.asid === undefined) !== (what.stage2 === true)) return false;
  // A global entry goes with any address of its own, but not with an ASID alone (16.5.37)
  if (what.asid !== undefined && entry.asid !== what.asid && !(entry.global && what.iova !== undefined)) return false;
  if (what.asid !== undefined && what.iova === undefined && entry.global) return false;
  return what.iova === undefined || covers(entry, what.iova);
}

/** A table entry that the walker keeps, so that it need not read it again. */
export interface WalkCacheEntry extends TlbTag {
  readonly address: number;
  readonly lo: number;
  /** Upper half of a 64-bit entry. */
  readonly hi: number | undefined;
  /** Input addresses that the entry covers. */
  readonly iova: bigint;
  readonly bytes: number;
}

/**
 * Table entries met on walks (IHI 0062, 2.5: intermediate levels may be cached). They go with an invalidation by address
 * of any address below them, but not with a last-level one.
 */
export class WalkCache {
  readonly #capacity: number;
  #entries: WalkCacheEntry[] = [];

  constructor(capacity: number) {
    this.#capacity = capacity;
  }

  /** The cached entry at a physical address. */
  find(tag: TlbTag, address: number): WalkCacheEntry | undefined {
    return this.#entries.find(
      (entry) => entry.address === address && entry.vmid === tag.vmid && entry.asid === tag.asid,
    );
  }

  /** Keeps an entry; the oldest goes when there is no room. */
  add(entry: WalkCacheEntry): void {
    if (this.find(entry, entry.address) !== undefined || this.#capacity === 0) return;
    if (this.#entries.length >= this.#capacity) this.#entries.shift();
    this.#entries.push(entry);
  }

  /** Takes out what an invalidation names. */
  invalidate(what: Invalidation): void {
    if (what.lastLevel === true) return;
    this.#entries = this.#entries.filter((entry) => {
      if (what.vmid !== undefined && entry.vmid !== what.vmid) return true;
      if (what.all !== true && (entry.asid === undefined) !== (what.stage2 === true)) return true;
      if (what.asid !== undefined && entry.asid !== what.asid) return true;
      if (what.iova === undefined) return false;
      return what.iova < entry.iova || what.iova >= entry.iova + BigInt(entry.bytes);
    });
  }

  /** Takes out everything. */
  clear(): void {
    this.#entries = [];
  }
}
