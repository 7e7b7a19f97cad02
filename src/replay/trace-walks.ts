/**
 * What a trace's mappings cost an IOMMU in reads of tables, with caches of stated sizes: as traced, with kept tables, and with
 * addresses that lie together. Each page is taken to be accessed once, in order, when it is mapped: a trace of maps does not say.
 * @module
 */
import { IovaAllocator } from '../dma/iova-allocator.ts';
import type { TraceCall } from '../trace/calls.ts';
import { type CacheSizes, WalkCaches, type WalkCounts } from './walk-caches.ts';

const PAGE = 4096;
/** Pages of one domain's addresses: 48 bits. */
const DOMAIN_PAGES = 2 ** 36;
const MAX_DOMAINS = 1024;

/** What is varied. */
export interface WalkChoice {
  /** Whether invalidations keep what is cached of tables. */
  readonly keepsTables: boolean;
  /** Whether addresses are handed out one below the other, freed ones first. */
  readonly together: boolean;
}

/** A range in its place here. */
interface Place {
  readonly first: number;
  readonly pages: number;
}

/** The caches under one choice. */
export class TraceWalks {
  readonly choice: WalkChoice;
  readonly #caches: WalkCaches;
  readonly #spaces: (IovaAllocator | undefined)[] = [];
  readonly #places = new Map<number, Place>();

  constructor(choice: WalkChoice, sizes: CacheSizes) {
    this.choice = choice;
    this.#caches = new WalkCaches(sizes);
  }

  /** Misses so far; `accesses` are pages. */
  get counts(): WalkCounts {
    return this.#caches.counts;
  }

  /** Takes one call. */
  call({ kind, domain, iova, size }: TraceCall): void {
    if (domain >= MAX_DOMAINS || size <= 0) return;
    const base = domain * DOMAIN_PAGES;
    const page = Math.floor(iova / PAGE) % DOMAIN_PAGES;
    const pages = Math.ceil((iova + size) / PAGE) - Math.floor(iova / PAGE);
    if (kind === 'unmap') this.#unmap(domain, base, page, pages);
    else this.#map(domain, base, page, pages);
  }

  #map(domain: number, base: number, page: number, pages: number): void {
    const first = this.choice.together ? this.#space(domain).alloc(pages, DOMAIN_PAGES - 1, false) : page;
    if (this.choice.together) this.#places.set(base + page, { first, pages });
    for (let i = 0; i < pages; i++) this.#caches.access(base + first + i);
  }

  #unmap(domain: number, base: number, page: number, pages: number): void {
    const place = this.#places.get(base + page);
    if (this.choice.together && place === undefined) return;
    this.#caches.invalidate(
      base + (place?.first ?? page),
      Math.min(pages, place?.pages ?? pages),
      !this.choice.keepsTables,
    );
    if (place === undefined || place.pages > pages) return;
    this.#places.delete(base + page);
    this.#space(domain).free(place.first);
  }

  #space(domain: number): IovaAllocator {
    const known = this.#spaces[domain];
    if (known !== undefined) return known;
    const space = new IovaAllocator({ granule: PAGE });
    this.#spaces[domain] = space;
    return space;
  }
}

/** The four what-ifs, as traced first. */
export function walkChoices(sizes: CacheSizes): TraceWalks[] {
  return [
    new TraceWalks({ keepsTables: false, together: false }, sizes),
    new TraceWalks({ keepsTables: true, together: false }, sizes),
    new TraceWalks({ keepsTables: false, together: true }, sizes),
    new TraceWalks({ keepsTables: true, together: true }, sizes),
  ];
}
