/**
 * The project's own snapshot: pages, registers and geometry in one file that describes itself. Its layout is written down
 * in docs/snapshot-format.md.
 * @module
 */

import { inflateSync } from 'fflate';
import { hex } from '../address.ts';
import { InputError } from '../errors.ts';
import { type OpenedMemory, pagedMemory } from './memory.ts';
import { NoteCounter } from './notes.ts';
import { type KnownPage, mergeExtents, PAGE, type PageSource } from './pages.ts';
import { type Description, readDescription } from './snapshot-description.ts';
import { readExactly } from './source.ts';
import type { ByteSource, Extent } from './types.ts';

/** First and last bytes of a snapshot. */
export const SNAPSHOT_MAGIC = 'IOMMUSNP';
/** Version of the layout. */
export const SNAPSHOT_VERSION = 1;
/** magic, version u32, page bytes u32. */
export const SNAPSHOT_HEADER = 16;
/** index offset u64, runs u64, description offset u64, description bytes u64, magic. */
export const SNAPSHOT_TRAILER = 40;
/** address u64, offset u64, pages u32, bytes u32. */
export const SNAPSHOT_RUN = 24;

const RUNS_A_BLOCK = 256;
const BLOCK = RUNS_A_BLOCK * SNAPSHOT_RUN;
const LARGEST_DESCRIPTION = 1 << 24;

interface Run {
  readonly address: number;
  readonly pages: number;
  readonly offset: number;
  readonly bytes: number;
}

/** True if the source starts as a snapshot. */
export function isSnapshot(source: ByteSource): boolean {
  return new TextDecoder('latin1').decode(source.read(0, SNAPSHOT_MAGIC.length)) === SNAPSHOT_MAGIC;
}

/** The index of runs, read block by block; in memory is the first address of each block. */
class RunIndex {
  readonly #source: ByteSource;
  readonly #offset: number;
  readonly #count: number;
  readonly #firsts: Float64Array;
  readonly extents: readonly Extent[];
  #blockIndex = -1;
  #block: DataView = new DataView(new ArrayBuffer(0));

  constructor(source: ByteSource, name: string, offset: number, count: number) {
    this.#source = source;
    this.#offset = offset;
    this.#count = count;
    this.#firsts = new Float64Array(Math.ceil(count / RUNS_A_BLOCK));
    this.extents = mergeExtents(this.#scan(name));
  }

  /** The run that holds the page at `address`. */
  find(address: number): Run | undefined {
    const block = lastNotAbove(this.#firsts.length, (i) => this.#firsts[i] ?? 0, address);
    const runs = Math.min(RUNS_A_BLOCK, this.#count - block * RUNS_A_BLOCK);
    if (block < 0) return undefined;
    this.#load(block);
    const at = lastNotAbove(runs, (i) => this.#address(i), address);
    const run = at < 0 ? undefined : this.#run(at);
    return run !== undefined && address < run.address + run.pages * PAGE ? run : undefined;
  }

  *#scan(name: string): Generator<Extent> {
    let end = 0;
    for (let i = 0; i < this.#count; i++) {
      if (i % RUNS_A_BLOCK === 0) this.#load(i / RUNS_A_BLOCK);
      const run = this.#run(i % RUNS_A_BLOCK);
      const bytes = run.pages * PAGE;
      const sound = run.address >= end && run.address % PAGE === 0 && Number.isSafeInteger(run.address + bytes);
      if (!sound || run.pages === 0 || run.bytes > PAGE) {
        const got = `got ${run.pages} pages of ${hex(run.bytes)} bytes at ${hex(run.address)}`;
        const expected = `expected aligned pages from ${hex(end)} on, each of at most ${hex(PAGE)} bytes`;
        throw new InputError('MALFORMED', name, `run ${i} of its index: ${expected}, ${got}`, { run: i });
      }
      if (run.pages > 1 && run.bytes > 0) {
        const got = `got ${run.pages} pages of ${run.bytes} bytes`;
        throw new InputError('MALFORMED', name, `run ${i} of its index: expected one page, or pages of zeros, ${got}`, {
          run: i,
        });
      }
      if (i % RUNS_A_BLOCK === 0) this.#firsts[i / RUNS_A_BLOCK] = run.address;
      end = run.address + bytes;
      yield { start: run.address, bytes };
    }
  }

  #load(block: number): void {
    if (block === this.#blockIndex) return;
    const bytes = this.#source.read(this.#offset + block * BLOCK, BLOCK);
    this.#block = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    this.#blockIndex = block;
  }

  #address(i: number): number {
    return Number(this.#block.getBigUint64(i * SNAPSHOT_RUN, true));
  }

  #run(i: number): Run {
    const at = i * SNAPSHOT_RUN;
    const offset = Number(this.#block.getBigUint64(at + 8, true));
    const [pages, bytes] = [this.#block.getUint32(at + 16, true), this.#block.getUint32(at + 20, true)];
    return { address: this.#address(i), pages, offset, bytes };
  }
}

/** Index of the last of `count` ascending values that is not above `value`, or -1. */
function lastNotAbove(count: number, at: (index: number) => number, value: number): number {
  let low = 0;
  let high = count;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (at(middle) <= value) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}

function inflatePage(packed: Uint8Array): Uint8Array | undefined {
  try {
    const page = inflateSync(packed, { out: new Uint8Array(PAGE) });
    return page.length === PAGE ? page : undefined;
  } catch {
    return undefined;
  }
}

function snapshotPages(source: ByteSource, index: RunIndex, about: Description, notes: NoteCounter): PageSource {
  return (address): KnownPage | undefined => {
    const run = index.find(address);
    if (run === undefined) return undefined;
    const known = about.partial.get(address);
    if (run.bytes === 0) return { bytes: new Uint8Array(PAGE), known };
    const stored = source.read(run.offset, run.bytes);
    const bytes = run.bytes === PAGE && stored.length === PAGE ? stored : inflatePage(stored);
    if (bytes !== undefined) return { bytes, known };
    notes.add('pages-unreadable', 'pages whose packed bytes are broken');
    return undefined;
  };
}

/** How many pages of zeros follow an address in its run; a page of which only a part is known ends them. */
function zeroRuns(index: RunIndex, about: Description): (address: number) => number {
  const partial = Float64Array.from(about.partial.keys()).sort();
  return (address) => {
    const run = index.find(address);
    if (run === undefined || run.bytes !== 0) return 0;
    const next = partial[lastNotAbove(partial.length, (i) => partial[i] ?? 0, address - 1) + 1] ?? Infinity;
    return Math.max(0, Math.floor((Math.min(run.address + run.pages * PAGE, next) - address) / PAGE));
  };
}

/**
 * Opens a snapshot.
 * @throws InputError `TRUNCATED`, `MALFORMED`, or `UNSUPPORTED_INPUT` for a version that is not known.
 */
export function openSnapshot(source: ByteSource, name: string): OpenedMemory {
  const header = readExactly(source, name, 'snapshot header', 0, SNAPSHOT_HEADER);
  const [version, page] = [header.getUint32(8, true), header.getUint32(12, true)];
  if (version !== SNAPSHOT_VERSION || page !== PAGE) {
    throw new InputError(
      'UNSUPPORTED_INPUT',
      name,
      `expected a snapshot of version ${SNAPSHOT_VERSION} with pages of ${hex(PAGE)} bytes, got version ${version} with pages of ${hex(page)}`,
      {
        version,
        page,
      },
    );
  }
  const trailer = readExactly(source, name, 'snapshot trailer', source.size - SNAPSHOT_TRAILER, SNAPSHOT_TRAILER);
  const [indexAt = 0, runs = 0, aboutAt = 0, aboutBytes = 0] = [0, 8, 16, 24].map((at) =>
    Number(trailer.getBigUint64(at, true)),
  );
  const tail = new TextDecoder('latin1').decode(source.read(source.size - 8, 8));
  if (tail !== SNAPSHOT_MAGIC || indexAt + runs * SNAPSHOT_RUN > source.size || aboutBytes > LARGEST_DESCRIPTION) {
    throw new InputError(
      'TRUNCATED',
      name,
      `expected the end of a snapshot at ${hex(source.size)}, got other bytes: it is cut or damaged`,
      { size: source.size },
    );
  }
  const text = readExactly(source, name, 'snapshot description', aboutAt, aboutBytes);
  const about = readDescription(new TextDecoder().decode(text), name);
  const index = new RunIndex(source, name, indexAt, runs);
  const notes = new NoteCounter();
  const memory = pagedMemory('snapshot', snapshotPages(source, index, about, notes), index.extents, notes);
  const zeroPages = zeroRuns(index, about);
  return { ...memory, zeroPages, registers: about.registers, geometry: about.geometry };
}
