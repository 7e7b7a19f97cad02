/**
 * Writes snapshots, page by page.
 * @module
 */
import { deflateSync } from 'fflate';
import { hex } from '../address.ts';
import { IommuError } from '../errors.ts';
import { PAGE } from './pages.ts';
import { SNAPSHOT_HEADER, SNAPSHOT_MAGIC, SNAPSHOT_RUN, SNAPSHOT_TRAILER, SNAPSHOT_VERSION } from './snapshot.ts';
import { type KnownParts, writeDescription } from './snapshot-description.ts';
import type { Dump, RegisterFile, SnapshotGeometry } from './types.ts';

const COMPRESSION_LEVEL = 6;
/** A run's count of pages has 32 bits. */
const MOST_PAGES = 2 ** 32 - 1;

/**
 * A page for a snapshot: its address, a multiple of 4096, its 4096 bytes, and which are known if not all are; or a run of
 * such pages that are all zeros.
 */
export interface SnapshotPage {
  readonly address: number;
  readonly bytes: Uint8Array;
  /** Pages of zeros in the run; 1 unless given. */
  readonly pages?: number | undefined;
  readonly known?: KnownParts | undefined;
}

/** What goes into a snapshot. Pages come in ascending order. */
export interface SnapshotInput {
  readonly pages: Iterable<SnapshotPage>;
  readonly registers?: RegisterFile | undefined;
  readonly geometry?: SnapshotGeometry | undefined;
}

function isZero(bytes: Uint8Array): boolean {
  const aligned = bytes.byteOffset % 4 === 0 && bytes.length % 4 === 0;
  const words = aligned ? new Uint32Array(bytes.buffer, bytes.byteOffset, bytes.length / 4) : bytes;
  for (let i = 0; i < words.length; i++) if (words[i] !== 0) return false;
  return true;
}

/** The index as it grows; runs of zero pages are one entry. */
class IndexWriter {
  readonly #runs: { address: number; offset: number; pages: number; bytes: number }[] = [];
  #end = 0;

  add(address: number, offset: number, bytes: number, pages: number): void {
    if (!Number.isSafeInteger(address) || address % PAGE !== 0 || address < this.#end) {
      throw new IommuError(
        'BAD_OPTION',
        'pages',
        `expected an aligned page from ${hex(this.#end)} on, got ${hex(address)}`,
      );
    }
    if (!Number.isInteger(pages) || pages < 1 || pages > MOST_PAGES || (bytes > 0 && pages > 1)) {
      throw new IommuError('BAD_OPTION', 'pages', `expected 1 to ${MOST_PAGES} pages of zeros, got ${pages}`);
    }
    const last = this.#runs.at(-1);
    const touches = bytes === 0 && last?.bytes === 0 && last.address + last.pages * PAGE === address;
    if (touches && last.pages + pages <= MOST_PAGES) last.pages += pages;
    else this.#runs.push({ address, offset, pages, bytes });
    this.#end = address + pages * PAGE;
  }

  get count(): number {
    return this.#runs.length;
  }

  bytes(): Uint8Array {
    const bytes = new Uint8Array(this.#runs.length * SNAPSHOT_RUN);
    const view = new DataView(bytes.buffer);
    for (const [i, run] of this.#runs.entries()) {
      view.setBigUint64(i * SNAPSHOT_RUN, BigInt(run.address), true);
      view.setBigUint64(i * SNAPSHOT_RUN + 8, BigInt(run.offset), true);
      view.setUint32(i * SNAPSHOT_RUN + 16, run.pages, true);
      view.setUint32(i * SNAPSHOT_RUN + 20, run.bytes, true);
    }
    return bytes;
  }
}

function header(): Uint8Array {
  const bytes = new Uint8Array(SNAPSHOT_HEADER);
  bytes.set(new TextEncoder().encode(SNAPSHOT_MAGIC));
  const view = new DataView(bytes.buffer);
  view.setUint32(8, SNAPSHOT_VERSION, true);
  view.setUint32(12, PAGE, true);
  return bytes;
}

function trailer(fields: readonly number[]): Uint8Array {
  const bytes = new Uint8Array(SNAPSHOT_TRAILER);
  const view = new DataView(bytes.buffer);
  for (const [i, field] of fields.entries()) view.setBigUint64(8 * i, BigInt(field), true);
  bytes.set(new TextEncoder().encode(SNAPSHOT_MAGIC), SNAPSHOT_TRAILER - SNAPSHOT_MAGIC.length);
  return bytes;
}

/** The stored form of a page: nothing for zeros, deflated, or as it is where that is shorter. */
function packPage(bytes: Uint8Array): Uint8Array {
  if (isZero(bytes)) return new Uint8Array(0);
  const packed = deflateSync(bytes, { level: COMPRESSION_LEVEL });
  return packed.length < PAGE ? packed : bytes;
}

/**
 * Writes a snapshot as pieces in the order of the file.
 * @throws IommuError `BAD_OPTION` for pages that are not aligned or not in ascending order.
 */
export function* writeSnapshot(input: SnapshotInput): Generator<Uint8Array> {
  yield header();
  let offset = SNAPSHOT_HEADER;
  const index = new IndexWriter();
  const partial = new Map<number, KnownParts>();
  for (const page of input.pages) {
    const packed = packPage(page.bytes);
    index.add(page.address, offset, packed.length, page.pages ?? 1);
    if (page.known !== undefined) partial.set(page.address, page.known);
    offset += packed.length;
    if (packed.length > 0) yield packed;
  }
  const about = new TextEncoder().encode(
    writeDescription({ registers: input.registers, geometry: input.geometry, partial }),
  );
  const runs = index.bytes();
  yield runs;
  yield about;
  yield trailer([offset, index.count, offset + runs.length, about.length]);
}

const ZEROS: Uint8Array = new Uint8Array(PAGE);

/** Every page that a dump holds, for {@link writeSnapshot}; runs of zeros that the dump holds as runs stay runs. */
export function* dumpPages(dump: Dump): Generator<SnapshotPage> {
  let next = 0;
  for (const { start, bytes } of dump.extents) {
    for (let address = Math.max(next, start - (start % PAGE)); address < start + bytes; address = next) {
      const pages = Math.min(dump.zeroPages?.(address) ?? 0, MOST_PAGES);
      const page = pages > 0 ? ZEROS : dump.page(address);
      if (pages > 0) yield { address, bytes: ZEROS, pages };
      else if (page !== undefined) yield { address, bytes: page, known: dump.knownParts(address) };
      next = address + Math.max(1, pages) * PAGE;
    }
  }
}
