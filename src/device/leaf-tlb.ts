/**
 * A TLB in front of tables that exist: a miss fetches the leaf behind the address, of whatever size it is.
 * @module
 */
import { ANY, emptyScope, type Scope, STAGES } from '../hardware/command.ts';
import type { CacheGeometry } from './sets.ts';
import { type CacheStatistics, Tlb } from './tlb.ts';

const PAGE = 4096;

/** Tables that can say how large a leaf is. */
export interface LeafTables {
  /** Bytes of the leaf behind an address, 0 where nothing is mapped. */
  leafSize(iova: number): number;
}

/** Leaves of several domains in one TLB, without address spaces and a second stage. */
export class LeafTlb {
  readonly #tlb: Tlb;
  readonly #scope: Scope = {
    ...emptyScope(),
    kind: 'tlb',
    space: ANY,
    stages: STAGES.first,
    level: ANY,
    globals: true,
  };

  /** @throws IommuError `BAD_OPTION`. */
  constructor(geometry: CacheGeometry) {
    this.#tlb = new Tlb(geometry);
  }

  /** Hits, misses and what became of the entries. */
  get statistics(): CacheStatistics {
    return this.#tlb;
  }

  /** A device reads an address. @returns whether its leaf was held; it is afterwards, where there is one */
  access(domain: number, iova: number, tables: LeafTables): boolean {
    const page = Math.floor(iova / PAGE);
    if (this.#tlb.find(domain, ANY, STAGES.first, page) >= 0) return true;
    const size = tables.leafSize(iova);
    if (size > 0) this.#add(domain, page, size);
    return false;
  }

  /** Takes out the leaves that hold any byte of a range. @returns how many */
  invalidate(domain: number, iova: number, bytes: number): number {
    const first = Math.floor(iova / PAGE);
    this.#scope.domain = domain;
    this.#scope.first = first;
    this.#scope.pages = Math.ceil((iova + bytes) / PAGE) - first;
    return this.#tlb.invalidate(this.#scope);
  }

  /** Takes out everything. */
  clear(): void {
    this.#tlb.clear();
  }

  #add(domain: number, page: number, size: number): void {
    const pages = size / PAGE;
    this.#tlb.add({
      domain,
      space: ANY,
      stages: STAGES.first,
      global: false,
      nested: false,
      absent: false,
      page: page - (page % pages),
      log2Pages: Math.log2(pages),
      level: 0,
      granuleBits: 12,
      attributes: 0,
      base: 0,
    });
  }
}
