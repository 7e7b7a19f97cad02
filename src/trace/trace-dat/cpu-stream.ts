/**
 * One processor's records, page by page and chunk by chunk: only one unpacked chunk is in memory.
 * @module
 */
import { hex } from '../../address.ts';
import { InputError } from '../../errors.ts';
import { MAX_RATIO, MAX_UNPACKED } from './compression.ts';
import type { CpuData, DatBuffer, DatFile } from './container.ts';
import { PageWalker } from './ring-buffer.ts';
import { type ByteSource, Fields, readExactly, SOURCE } from './source.ts';

/** Uncompressed pages read at once. */
const PAGES_AT_ONCE = 64;

/** Largest chunk; trace-cmd packs a few pages at a time. */
const MAX_CHUNK = 1 << 24;

/** Counts what is unpacked of a file: many processors may claim the same few packed bytes. */
export class UnpackBudget {
  readonly #limit: number;
  #left: number;

  constructor(source: ByteSource) {
    this.#limit = MAX_UNPACKED + MAX_RATIO * source.size;
    this.#left = this.#limit;
  }

  /** Takes bytes of it. @throws InputError `TOO_LARGE`. */
  take(bytes: number): void {
    this.#left -= bytes;
    if (this.#left >= 0) return;
    throw new InputError('TOO_LARGE', SOURCE, `expected data of at most ${hex(this.#limit)} bytes unpacked, got more`, {
      limit: this.#limit,
    });
  }
}

/** Reads the pages of one processor in their order. */
export class CpuStream {
  readonly cpu: number;
  readonly walker: PageWalker;
  /** The chunk that the current record lies in. */
  view: DataView = new DataView(new ArrayBuffer(0));
  /** Events lost, and places; by the pages' own notes. */
  missedEvents = 0;
  missedGaps = 0;
  damagedPages = 0;
  readonly #source: ByteSource;
  readonly #file: DatFile;
  readonly #buffer: DatBuffer;
  #next: number;
  #end: number;
  #chunksLeft = -1;
  readonly #budget: UnpackBudget;
  #page = 0;

  /** `budget`: what all processors of the file may unpack to. */
  constructor(source: ByteSource, file: DatFile, buffer: DatBuffer, data: CpuData, budget: UnpackBudget) {
    this.#budget = budget;
    this.cpu = data.cpu;
    this.walker = new PageWalker(file.little, file.long);
    this.#source = source;
    this.#file = file;
    this.#buffer = buffer;
    this.#next = data.offset;
    this.#end = Math.min(source.size, data.offset + data.size);
  }

  /** Goes to the next record that is in memory. False if pages must be loaded first: see {@link load}. */
  next(): boolean {
    for (;;) {
      if (this.walker.next()) return true;
      if (this.walker.damaged) {
        this.damagedPages++;
        this.walker.damaged = false;
      }
      if (!this.#openPage()) return false;
    }
  }

  /** Loads the next pages. False if there are none. */
  async load(): Promise<boolean> {
    const bytes = this.#buffer.packed ? await this.#loadPacked() : await this.#loadPlain();
    if (bytes === undefined) return false;
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#page = 0;
    return true;
  }

  #openPage(): boolean {
    const { pageSize } = this.#buffer;
    if (this.#page + pageSize > this.view.byteLength) return false;
    this.walker.open(this.view, this.#page, pageSize);
    this.#page += pageSize;
    if (this.walker.missed !== 0) {
      this.missedGaps++;
      this.missedEvents += Math.max(0, this.walker.missed);
    }
    return true;
  }

  async #loadPlain(): Promise<Uint8Array | undefined> {
    const { pageSize } = this.#buffer;
    const length = Math.min(this.#end - this.#next, pageSize * PAGES_AT_ONCE);
    if (length < pageSize) return undefined;
    const bytes = await readExactly(this.#source, this.#next, length - (length % pageSize), 'pages');
    this.#next += bytes.length;
    return bytes;
  }

  /** u32 count of chunks, then each: u32 packed size, u32 unpacked size, data. The count decides, not the size. */
  async #loadPacked(): Promise<Uint8Array | undefined> {
    if (this.#chunksLeft < 0) {
      this.#chunksLeft = (await this.#fields(4)).u32();
      this.#next += 4;
    }
    if (this.#chunksLeft === 0) return undefined;
    this.#chunksLeft--;
    const header = await this.#fields(8);
    const packed = header.u32();
    const unpacked = header.u32();
    if (packed > MAX_UNPACKED || unpacked > MAX_CHUNK || unpacked % this.#buffer.pageSize !== 0) {
      const message = `expected a chunk of whole pages, at most ${hex(MAX_CHUNK)} bytes unpacked, got ${hex(packed)} bytes that unpack to ${hex(unpacked)}`;
      throw new InputError('MALFORMED', SOURCE, message, { offset: this.#next });
    }
    this.#budget.take(unpacked);
    const data = await readExactly(this.#source, this.#next + 8, packed, 'chunk');
    this.#next += 8 + packed;
    return this.#file.unpack(data, unpacked);
  }

  async #fields(length: number): Promise<Fields> {
    return new Fields(await readExactly(this.#source, this.#next, length, 'chunk'), this.#file.little, 'chunk');
  }
}
