/**
 * Which pages of a domain a device wrote to, as a bitmap: Linux's `read_and_clear_dirty` and the bitmap of iommufd
 * (`IOMMU_HWPT_GET_DIRTY_BITMAP`).
 * @module
 */
import { type Address, checkAddress, hex, isPow2, offsetIn } from '../address.ts';
import type { DomainContext } from '../drivers/contract.ts';
import { checkBytes, checkOptions, IommuError, reading, shown } from '../errors.ts';
import type { Geometry } from '../formats/contract.ts';
import { FORMATS } from '../formats/registry.ts';
import type { Semantics } from '../formats/rules.ts';
import { CleanedEntries } from '../pagetable/cleaned.ts';
import { Gather } from '../pagetable/gather.ts';
import type { PageTable } from '../pagetable/page-table.ts';
import type { ArgumentCheck } from './checks.ts';
import { DirtyBits } from './dirty-bits.ts';
import type { Route } from './route.ts';

/** How dirty bits are read. */
export interface DirtyOptions {
  /** `true` (default) makes clean what was dirty, and invalidates it; `false` only looks. */
  readonly clear?: boolean;
  /** Bytes that a bit of the bitmap stands for: a power of two, at least the smallest page, which is the default. */
  readonly page?: number;
  /** Where bits are added; default a new bitmap. */
  readonly bitmap?: Uint8Array;
}

/** What was read. */
export interface DirtyPages {
  /** Bit `i % 8` of byte `i / 8` is set where something in page `i` of the range is dirty. */
  readonly bitmap: Uint8Array;
  /** Bytes that a bit stands for. */
  readonly page: number;
  /** Bits. */
  readonly pages: number;
  /** Dirty leaves. */
  readonly leaves: number;
  /** Bytes of the dirty leaves that lie in the range. */
  readonly bytes: number;
  /** 0, or under a kernel's semantics a negative errno. */
  readonly errno: number;
}

/** Formats of which some configuration tells what was written to. */
function trackingFormats(): string {
  const tells = FORMATS.filter((format) =>
    format.configurations.some(({ request }) => format.configure(request).dirty !== undefined),
  );
  return tells.map(({ id }) => id).join(', ');
}

function result({ bitmap, pages, leaves, bytes }: DirtyBits, page: number, errno: number): DirtyPages {
  return { bitmap, page, pages, leaves, bytes, errno };
}

/** Reads and marks of one domain. */
export class DirtyCalls {
  readonly #geometry: Geometry;
  readonly #semantics: Semantics;
  readonly #route: Route;
  readonly #table: PageTable;
  readonly #check: ArgumentCheck;

  constructor({ geometry, semantics }: DomainContext, route: Route, check: ArgumentCheck) {
    this.#geometry = geometry;
    this.#semantics = semantics;
    this.#route = route;
    this.#table = route.table;
    this.#check = check;
  }

  /** As `Domain.readDirty`. */
  read(iova: Address, size: Address, given: DirtyOptions): DirtyPages {
    if (this.#isKernels) return this.#readRange(iova, size, optionsOf(given));
    this.#refuseUntracked();
    const { clear, page = this.#check.smallest, bitmap } = optionsOf(given);
    const offset = this.#check.offset(iova);
    const bytes = this.#check.number('size', size);
    this.#check.input(iova, offset, bytes);
    this.#checkPage(page, iova, offset, bytes);
    const bits = new DirtyBits(offset, bytes, page, bitmapFor(bytes / page, bitmap));
    this.#readSafe(offset, bytes, clear === false, bits);
    return result(bits, page, 0);
  }

  /** Whether a kernel's semantics reads dirty bits of this table. */
  get #isKernels(): boolean {
    return this.#semantics !== 'safe' && this.#table.rules.dirtyRange !== 'none';
  }

  /** As `Domain.setDirty`. */
  mark(iova: Address): boolean {
    this.#refuseUntracked();
    this.#check.offset(iova);
    return this.#table.range.setDirty(BigInt(iova)) === 0;
  }

  #readSafe(offset: number, bytes: number, keep: boolean, bits: DirtyBits): void {
    if (keep) {
      this.#table.readDirty(offset, offset + bytes, true, bits.add);
      return;
    }
    const cleaned = this.#route.canFail ? new CleanedEntries() : undefined;
    try {
      this.#route.cleanDirty(offset, offset + bytes, bits.add, cleaned);
      if (bits.leaves > 0) this.#route.sync();
    } catch (error) {
      if (cleaned !== undefined) this.#table.undoClean(cleaned);
      throw error;
    }
  }

  /** As the kernel does it: arguments are refused by an errno. */
  #readRange(iova: Address, size: Address, options: DirtyOptions): DirtyPages {
    const { clear, page = this.#check.smallest, bitmap } = options;
    checkAddress('iova', iova);
    checkAddress('size', size);
    const offset = Number(BigInt.asUintN(this.#geometry.ias, BigInt(iova)));
    this.#checkPage(page, iova, offset, Number(size));
    const bits = new DirtyBits(offset, Number(size), page, bitmapFor(Number(size) / page, bitmap));
    const gather = new Gather(false);
    const errno = this.#table.range.readDirty(BigInt(iova), BigInt(size), clear === false, bits.add, gather);
    if (this.#table.rules.request === 'range') this.#route.finish(gather);
    else if (gather.wantsSync) this.#route.sync();
    return result(bits, page, errno);
  }

  #checkPage(page: number, iova: Address, offset: number, bytes: number): void {
    const { smallest } = this.#check;
    if (!(typeof page === 'number' && isPow2(page) && page >= smallest)) {
      const expected = `a power of two of at least the smallest page ${hex(smallest)}`;
      throw new IommuError('BAD_OPTION', 'page', `expected ${expected}, got ${shown(page)}`);
    }
    for (const [argument, value, got] of [
      ['iova', offset, hex(iova)],
      ['size', bytes, hex(bytes)],
    ] as const) {
      if (offsetIn(value, page) === 0) continue;
      const message = `expected a multiple of the page of a bit ${hex(page)}, got ${got}`;
      throw new IommuError('UNALIGNED', argument, message, { got, page: hex(page) });
    }
  }

  #refuseUntracked(): void {
    const { format, dirty } = this.#geometry;
    if (dirty === undefined) {
      const message = `expected a format whose entries tell what was written (${trackingFormats()}), got ${format} as configured`;
      throw new IommuError('UNSUPPORTED', 'format', message, { format });
    }
    if (this.#semantics === 'safe' || this.#isKernels) return;
    const message = `expected a kernel with dirty tracking, got ${this.#semantics} for ${format}`;
    throw new IommuError('UNSUPPORTED', 'semantics', message, { semantics: this.#semantics, format });
  }
}

function optionsOf(given: DirtyOptions): DirtyOptions {
  checkOptions('options', given);
  const options = reading('options', () => ({ ...given }));
  const { clear } = options;
  if (clear === undefined || typeof clear === 'boolean') return options;
  throw new IommuError('BAD_OPTION', 'clear', `expected true or false, got ${shown(clear)}`);
}

/** Bits of a bitmap, at most: 512 MiB of them. */
const MOST_PAGES = 2 ** 32;

function bitmapFor(pages: number, given: Uint8Array | undefined): Uint8Array {
  if (pages > MOST_PAGES) {
    const message = `expected at most ${MOST_PAGES} pages in one read, got ${pages}`;
    throw new IommuError('OUT_OF_RANGE', 'size', message, { got: pages, limit: MOST_PAGES });
  }
  const bytes = Math.ceil(pages / 8);
  if (given === undefined) return new Uint8Array(bytes);
  checkBytes('bitmap', given);
  if (given.length >= bytes) return given;
  throw new IommuError('BAD_OPTION', 'bitmap', `expected ${bytes} bytes for ${pages} pages, got ${given.length}`);
}
