/**
 * Memory for page tables: one growable WebAssembly memory, seen by software as byte offsets and by a device as
 * physical addresses (`physical = base + offset`).
 * @module
 */
import { alignUp, hex, isPow2 } from '../address.ts';
import type { PhysicalMemory } from '../bus.ts';
import { checkOptions, IommuError, reading, shown } from '../errors.ts';
import type { Kernels } from './kernel-contract.ts';
import { kernelsFor } from './kernels.ts';
import { type AllocationMode, PageAllocator, REFUSED, STATE, UNIT_BYTES, UNIT_SHIFT } from './page-allocator.ts';
import { LIST_KEY, retireList, ScatterList } from './scatter-list.ts';

const WASM_PAGE = 0x10000;
const MAX_BYTES = 2 ** 32;
const MAX_GROWTH = 2 ** 26;

function noRoom(count: number, bytes: number): IommuError {
  return new IommuError(
    'MEMORY_LIMIT',
    'count',
    `expected a list that fits in the memory, got ${count} elements (${hex(bytes)} bytes)`,
  );
}

/** The options, each read once. */
function optionsOf(given: TableMemoryOptions): TableMemoryOptions {
  checkOptions('options', given);
  const options = reading('options', () => ({ ...given }));
  if (options.mode === undefined || options.mode === 'reuse' || options.mode === 'bump') return options;
  throw new IommuError('BAD_OPTION', 'mode', `expected reuse or bump, got ${shown(options.mode)}`);
}

/** @throws IommuError `NO_MEMORY` where the engine has no room for another memory. */
function makeMemory(initial: number, maximum: number): WebAssembly.Memory {
  try {
    return new WebAssembly.Memory({ initial, maximum });
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new IommuError(
      'NO_MEMORY',
      'memory',
      `expected room for another memory of ${hex(initial * WASM_PAGE)} to ${hex(maximum * WASM_PAGE)} bytes, got none: ${why}`,
    );
  }
}

/** Elements of a caller's list that are copied in, below the tables, so that tables lie where they lie without a copy. */
export const STAGED_ELEMENTS = 16384;
const STAGED_BYTES = 16 * STAGED_ELEMENTS;
const STAGED_OFFSET = WASM_PAGE;

/** Room for answers of kernels, in the page left to them, above what they know: byte offset and bytes. */
export const SCRATCH: Readonly<{ offset: number; bytes: number }> = { offset: 4096, bytes: WASM_PAGE - 4096 };

/** The first WebAssembly page is left to kernels (static data of a module would land there), the next to staged lists. */
const FIRST_OFFSET = STAGED_OFFSET + STAGED_BYTES;

/** How a {@link TableMemory} is made. */
export interface TableMemoryOptions {
  /** Physical address of the first table byte handed out; a multiple of 64 KiB. Default `0x80000000`. */
  readonly base?: number;
  /** `reuse` (default): freed tables are handed out again; `bump`: never, as golden vectors were recorded. */
  readonly mode?: AllocationMode;
  /** Limit on the memory in bytes, at most (and by default) 4 GiB. */
  readonly limit?: number;
  /** Loops in plain TypeScript even where WebAssembly SIMD is at hand. */
  readonly plainKernels?: boolean;
}

/** State of a piece of memory, as a device may see it. */
export type PageState = 'free' | 'live' | 'queued' | 'list';

/**
 * Table pages in one WebAssembly memory. Growing detaches views: read {@link TableMemory.u32} anew after every
 * allocation. Equal calls give equal addresses and bytes. The memory never shrinks.
 */
export class TableMemory implements PhysicalMemory {
  /** The WebAssembly memory, for kernels. */
  readonly wasm: WebAssembly.Memory;
  /** Physical address of offset 0. */
  readonly base: number;
  /** The memory as 32-bit words; detached by growth. */
  u32: Uint32Array;
  /** The memory as doubles; detached by growth. */
  f64: Float64Array;
  /** Loops over this memory. */
  readonly kernels: Kernels;
  /** Whose tree the kernel `follow` knows; whoever walks another one sets it. */
  walker: object | undefined = undefined;
  readonly #allocator: PageAllocator;
  readonly #limit: number;
  #entries: Uint32Array;

  /** @throws IommuError `BAD_OPTION` for a base or limit that cannot be. */
  constructor(given: TableMemoryOptions = {}) {
    const options = optionsOf(given);
    const first = options.base ?? 0x80000000;
    if (!Number.isSafeInteger(first) || first < 0 || first % WASM_PAGE !== 0 || first + MAX_BYTES > 2 ** 53) {
      throw new IommuError(
        'BAD_OPTION',
        'base',
        `expected a multiple of 64 KiB below 2^53 − 2^32, got ${shown(first)}`,
      );
    }
    const { limit = MAX_BYTES } = options;
    this.#limit = typeof limit === 'number' ? Math.min(limit, MAX_BYTES) : Number.NaN;
    if (!(this.#limit >= FIRST_OFFSET + WASM_PAGE)) {
      throw new IommuError(
        'BAD_OPTION',
        'limit',
        `expected ${FIRST_OFFSET + WASM_PAGE} bytes or more, got ${shown(limit)}`,
      );
    }
    this.wasm = makeMemory(FIRST_OFFSET / WASM_PAGE + 1, Math.floor(this.#limit / WASM_PAGE));
    this.base = first - FIRST_OFFSET;
    this.#allocator = new PageAllocator(FIRST_OFFSET, this.base, options.mode ?? 'reuse');
    this.u32 = new Uint32Array(this.wasm.buffer);
    this.f64 = new Float64Array(this.wasm.buffer);
    this.#entries = new Uint32Array(this.byteLength / UNIT_BYTES);
    this.kernels = kernelsFor(this.wasm, options.plainKernels ?? false);
  }

  /** Tables that are not free. */
  get liveTables(): number {
    return this.#allocator.liveTables;
  }

  /** Bytes of tables and lists that are not free. */
  get liveBytes(): number {
    return this.#allocator.liveBytes;
  }

  /** Of the tables that are not free, those that hold other things: queues and structures that a driver shares with its device. */
  deviceTables = 0;
  /** Bytes of those. */
  deviceBytes = 0;

  /** Bytes of WebAssembly memory in use or once used. */
  get byteLength(): number {
    return this.wasm.buffer.byteLength;
  }

  /** Bytes zeroed because a table was handed out again. */
  zeroedBytes = 0;

  /**
   * Makes allocation fail, for tests: `count` more succeed, all later ones fail; −1 ends it.
   */
  failAfter(count: number): void {
    this.#allocator.failAfter(count);
  }

  /**
   * Allocates a table, aligned to its size in physical memory.
   * @param bytes power of two, at least 1 KiB
   * @param limit first physical address that the table must stay below
   * @param zero false where the caller writes the whole table
   * @returns byte offset, or −1 where there is no memory; a failure takes nothing
   */
  allocate(bytes: number, limit: number = Number.MAX_SAFE_INTEGER, zero = true): number {
    const offset = this.#allocator.reuse(bytes, limit);
    if (offset < 0) return offset === REFUSED ? -1 : this.#allocateFresh(bytes, limit);
    if (zero) this.#zero(offset, bytes);
    this.#entries[offset >>> UNIT_SHIFT] = 0;
    return offset;
  }

  /** Whether `count` tables of one size below a physical limit can be allocated one after the other, and none of them makes memory grow. */
  holds(count: number, bytes: number, limit: number): boolean {
    const { byteLength } = this;
    return this.base + byteLength <= limit && this.#allocator.holds(count, bytes, byteLength);
  }

  /** Byte offset of the table that is allocated when `index` others were: of those, all of one size, that {@link TableMemory.holds} tells of. */
  ahead(index: number, bytes: number): number {
    return this.#allocator.ahead(index, bytes);
  }

  /** Marks a table as unlinked, waiting for the TLB invalidation after which it may be freed. */
  queue(offset: number, bytes: number): void {
    this.#allocator.mark(offset, bytes, STATE.queued);
  }

  /** Marks a queued table as linked again. */
  relink(offset: number, bytes: number): void {
    this.#allocator.mark(offset, bytes, STATE.live);
  }

  /**
   * Frees a table.
   * @throws IommuError `BAD_FREE` where it is not live or queued.
   */
  free(offset: number, bytes: number): void {
    this.#allocator.release(offset, bytes);
  }

  /** Frees `count` tables of one size, whose byte offsets are the words from the byte offset `list` on. */
  freeAll(list: number, count: number, bytes: number): void {
    this.#allocator.releaseAll(this.u32, list >>> 2, count, bytes);
  }

  /** Whether each of `count` last-level tables, whose byte offsets are the words from `list` on, has `entries` entries in use. */
  haveEntries(list: number, count: number, entries: number): boolean {
    const { u32 } = this;
    const inUse = this.#entries;
    const first = list >>> 2;
    for (let i = first; i < first + count; i++) {
      if (inUse[(u32[i] as number) >>> UNIT_SHIFT] !== entries) return false;
    }
    return true;
  }

  /** Entries in use of a last-level table. */
  entriesIn(offset: number): number {
    return this.#entries[offset >>> UNIT_SHIFT] as number;
  }

  /** Counts entries of a last-level table that came into use (or, negative, went out of it). */
  addEntries(offset: number, count: number): void {
    const entries = this.#entries;
    const at = offset >>> UNIT_SHIFT;
    entries[at] = (entries[at] as number) + count;
  }

  /** State of the memory at a physical address. */
  stateAt(physical: number): PageState {
    return this.#allocator.stateAt(physical - this.base);
  }

  /**
   * A scatter list of `count` elements in this memory, which kernels read where it lies.
   * @throws IommuError `BAD_OPTION` or `MEMORY_LIMIT`.
   */
  list(count: number): ScatterList {
    if (!Number.isInteger(count) || count < 0) {
      throw new IommuError('BAD_OPTION', 'count', `expected a whole number of elements, got ${shown(count)}`);
    }
    const bytes = Math.max(UNIT_BYTES, 2 ** Math.ceil(Math.log2(Math.max(1, count) * 16)));
    if (bytes > this.#limit) throw noRoom(count, bytes);
    const recycled = this.#allocator.recycled(bytes, Number.MAX_SAFE_INTEGER);
    const fresh = recycled === -1 ? this.#fresh(bytes, Number.MAX_SAFE_INTEGER) : recycled;
    const offset = fresh === -1 ? this.#allocator.lastResort(bytes, Number.MAX_SAFE_INTEGER) : fresh;
    if (offset === -1) throw noRoom(count, bytes);
    this.#allocator.take(offset, bytes, STATE.list);
    return new ScatterList(LIST_KEY, this, offset, count, bytes);
  }

  /** Whether the room for copies holds a list that is being mapped. */
  staging = false;

  /** A list of up to {@link STAGED_ELEMENTS} elements in the room for copies; the next one takes the same room. */
  stagedList(count: number): ScatterList {
    return new ScatterList(LIST_KEY, this, STAGED_OFFSET, count, STAGED_BYTES);
  }

  /**
   * Gives back the memory of a list.
   * @throws IommuError `BAD_FREE` for anything but a list of this memory that was not freed before.
   */
  freeList(list: ScatterList): void {
    const place = retireList(list, this);
    if (place === undefined) {
      throw new IommuError(
        'BAD_FREE',
        'list',
        'expected a live list of this memory, got one of another memory, or one that was freed',
      );
    }
    this.#allocator.release(place.offset, place.bytes);
  }

  /** A device's read: unknown where no table is live or queued. */
  read32(address: number): number | undefined {
    const offset = address - this.base;
    return this.#readable(offset, 4) ? this.u32[offset >>> 2] : undefined;
  }

  /** A device's read: unknown where no table is live or queued. */
  read64(address: number): bigint | undefined {
    const offset = address - this.base;
    if (!this.#readable(offset, 8)) return undefined;
    const low = this.u32[offset >>> 2] ?? 0;
    const high = this.u32[(offset >>> 2) + 1] ?? 0;
    return (BigInt(high) << 32n) | BigInt(low);
  }

  /** A write of either side of the bus: refused where no table or queue is live. */
  write32(address: number, value: number): boolean {
    const offset = address - this.base;
    if (!this.#readable(offset, 4)) return false;
    this.u32[offset >>> 2] = value;
    return true;
  }

  /** As {@link TableMemory.write32}, of 64 bits. */
  write64(address: number, value: bigint): boolean {
    const offset = address - this.base;
    if (!this.#readable(offset, 8)) return false;
    this.u32[offset >>> 2] = Number(value & 0xffff_ffffn);
    this.u32[(offset >>> 2) + 1] = Number((value >> 32n) & 0xffff_ffffn);
    return true;
  }

  /** A device's read of many words at once; a window that the next allocation may detach. */
  view(address: number, bytes: number): Uint32Array | undefined {
    const offset = address - this.base;
    if (!this.#readable(offset, 4) || !this.#readable(offset + bytes - 4, 4)) return undefined;
    return this.u32.subarray(offset >>> 2, (offset + bytes) >>> 2);
  }

  #zero(offset: number, bytes: number): void {
    this.kernels.clear(offset, bytes);
    this.zeroedBytes += bytes;
  }

  #allocateFresh(bytes: number, limit: number): number {
    const offset = this.#fresh(bytes, limit);
    if (offset === -1) return this.#allocateLast(bytes, limit);
    this.#allocator.take(offset, bytes, STATE.live);
    this.#entries[offset >>> UNIT_SHIFT] = 0;
    return offset;
  }

  /** From what was freed in other sizes: zeroed always, which costs little beside the search. */
  #allocateLast(bytes: number, limit: number): number {
    const offset = this.#allocator.lastResort(bytes, limit);
    if (offset === -1) return -1;
    this.#allocator.take(offset, bytes, STATE.live);
    this.#zero(offset, bytes);
    this.#entries[offset >>> UNIT_SHIFT] = 0;
    return offset;
  }

  #readable(offset: number, bytes: number): boolean {
    return offset % bytes === 0 && this.#allocator.isReadable(offset);
  }

  #fresh(bytes: number, limit: number): number {
    if (!isPow2(bytes) || bytes < UNIT_BYTES) {
      throw new IommuError('BAD_OPTION', 'bytes', `expected a power of two from 1 KiB on, got ${hex(bytes)}`);
    }
    const offset = this.#allocator.next(bytes);
    if (this.base + offset + bytes > limit || !this.#grow(offset + bytes)) return -1;
    return offset;
  }

  #grow(end: number): boolean {
    const size = this.wasm.buffer.byteLength;
    if (end <= size) return true;
    const most = this.#limit - (this.#limit % WASM_PAGE);
    if (end > most) return false;
    const wanted = Math.min(Math.max(end, size + Math.min(size, MAX_GROWTH)), most);
    if (!this.#growBy(alignUp(wanted, WASM_PAGE) - size) && !this.#growBy(alignUp(end, WASM_PAGE) - size)) return false;
    this.u32 = new Uint32Array(this.wasm.buffer);
    this.f64 = new Float64Array(this.wasm.buffer);
    const entries = new Uint32Array(this.byteLength / UNIT_BYTES);
    entries.set(this.#entries);
    this.#entries = entries;
    return true;
  }

  #growBy(bytes: number): boolean {
    try {
      this.wasm.grow(Math.min(bytes, MAX_BYTES) / WASM_PAGE);
      return true;
    } catch {
      return false;
    }
  }
}
