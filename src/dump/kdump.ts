/**
 * Compressed kernel dumps: a header, a sub header, two bitmaps, a descriptor a dumped page, the pages.
 * Layout: makedumpfile's IMPLEMENTATION file and diskdump_mod.h; written by makedumpfile and by QEMU.
 * @module
 */
import { hex, isPow2 } from '../address.ts';
import { InputError } from '../errors.ts';
import { FileBitmap } from './bitmap.ts';
import { COMPRESSION, type Decompressor, makeDecompressors } from './compression.ts';
import { type OpenedMemory, pagedMemory } from './memory.ts';
import { NoteCounter } from './notes.ts';
import { type KnownPage, PAGE, type PageSource } from './pages.ts';
import { readExactly } from './source.ts';
import type { ByteSource } from './types.ts';

const SIGNATURE = 'KDUMP   ';
const OLD_SIGNATURE = 'DISKDUMP';
/** struct disk_dump_header: block_size behind a time of two 64-bit or two 32-bit words. */
const BLOCK_SIZE_AT = { wide: 428, narrow: 416 } as const;
const HEADER_BYTES = 464;
/** new_utsname.machine behind signature and version. */
const MACHINE_AT: number = 12 + 4 * 65;
const MACHINE_BYTES = 65;
/** Blocks of a sub header with its notes: 64 MiB of blocks of 4 KiB. */
const MOST_SUB_BLOCKS = 1 << 14;
const DESCRIPTOR_BYTES = 24;
/** Dump level that leaves out nothing but pages of zeros. */
const ZERO_PAGES_ONLY = 1;
const LARGEST_BLOCK = 1 << 20;
const COMPRESSION_BITS: number = Object.values(COMPRESSION).reduce((all, flag) => all | flag, 0);

interface Layout {
  readonly wide: boolean;
  readonly blockSize: number;
  readonly dumpLevel: number;
  readonly maxPfn: number;
  readonly startPfn: number;
  readonly endPfn: number;
  readonly valid: FileBitmap;
  readonly dumped: FileBitmap;
  readonly descriptors: number;
}

/** True if the source starts as a compressed kernel dump. */
export function isKdump(source: ByteSource): boolean {
  const signature = new TextDecoder('latin1').decode(source.read(0, 8));
  return signature === SIGNATURE || signature === OLD_SIGNATURE;
}

function isBlockSize(value: number): boolean {
  return isPow2(value) && value >= PAGE && value <= LARGEST_BLOCK;
}

/** True if block size, sub header and bitmaps fit each other when they start at `at`. */
function isPlausible(header: DataView, at: number): boolean {
  const [blockSize = 0, subBlocks = 0, bitmapBlocks = 0, maxMapnr = 0] = [0, 4, 8, 12].map((offset) =>
    header.getUint32(at + offset, true),
  );
  const needed = Math.ceil(maxMapnr / 8 / blockSize);
  return isBlockSize(blockSize) && subBlocks >= 1 && subBlocks <= MOST_SUB_BLOCKS && bitmapBlocks >= needed;
}

/** The layout of 64-bit machines, unless only that of 32 bits makes sense; where both do, the machine's name decides. */
function isWide(header: DataView): boolean {
  if (!isPlausible(header, BLOCK_SIZE_AT.narrow)) return true;
  const machine = new Uint8Array(header.buffer, header.byteOffset + MACHINE_AT, MACHINE_BYTES);
  return isPlausible(header, BLOCK_SIZE_AT.wide) && new TextDecoder('latin1').decode(machine).includes('64');
}

interface SubHeader {
  readonly dumpLevel: number;
  readonly startPfn: number;
  readonly endPfn: number;
  readonly maxPfn: number;
}

/** struct kdump_sub_header; from version 6 on, page numbers stand there once more in 64 bits. */
function readSubHeader(view: DataView, wide: boolean, version: number, maxMapnr: number): SubHeader {
  const dumpLevel = view.getUint32(wide ? 8 : 4, true);
  const split = version >= 2 && view.getUint32(wide ? 12 : 8, true) !== 0;
  const at = (offset: number): number => Number(view.getBigUint64(offset, true));
  const maxPfn = wide && version >= 6 ? at(96) : maxMapnr;
  if (!split) return { dumpLevel, startPfn: 0, endPfn: maxPfn, maxPfn };
  if (!wide) return { dumpLevel, startPfn: view.getUint32(12, true), endPfn: view.getUint32(16, true), maxPfn };
  return { dumpLevel, startPfn: at(version >= 6 ? 80 : 16), endPfn: at(version >= 6 ? 88 : 24), maxPfn };
}

function readLayout(source: ByteSource, name: string): Layout {
  const header = readExactly(source, name, 'kdump header', 0, HEADER_BYTES);
  const wide = isWide(header);
  const at = wide ? BLOCK_SIZE_AT.wide : BLOCK_SIZE_AT.narrow;
  const [blockSize = 0, subBlocks = 0, bitmapBlocks = 0, maxMapnr = 0] = [0, 4, 8, 12].map((offset) =>
    header.getUint32(at + offset, true),
  );
  if (!isBlockSize(blockSize)) {
    throw new InputError('MALFORMED', name, `block size: expected a power of two from 4096 on, got ${blockSize}`, {
      blockSize,
    });
  }
  const sub = readExactly(source, name, 'kdump sub header', blockSize, 104);
  const fields = readSubHeader(sub, wide, header.getUint32(8, true), maxMapnr);
  const bitmapAt = blockSize * (1 + subBlocks);
  const bitmapBytes = bitmapBlocks * blockSize;
  if (bitmapAt + bitmapBytes > source.size || Math.ceil(fields.maxPfn / 8) > bitmapBytes) {
    throw new InputError(
      'TRUNCATED',
      name,
      `expected bitmaps of ${fields.maxPfn} pages within ${hex(source.size)} bytes, got ${hex(bitmapBytes)} bytes at ${hex(bitmapAt)}`,
      {
        pages: fields.maxPfn,
        bitmapBytes,
        size: source.size,
      },
    );
  }
  const two = bitmapBytes >= 2 * blockSize * Math.ceil(fields.maxPfn / 8 / blockSize);
  const half = two ? bitmapBytes / 2 : 0;
  const valid = new FileBitmap(source, bitmapAt, fields.maxPfn);
  const dumped = two ? new FileBitmap(source, bitmapAt + half, fields.maxPfn) : valid;
  return { wide, blockSize, ...fields, valid, dumped, descriptors: bitmapAt + bitmapBytes };
}

/** Reads dumped blocks through their descriptors. */
class BlockReader {
  readonly #source: ByteSource;
  readonly #layout: Layout;
  readonly #decompressors: ReadonlyMap<number, Decompressor>;
  readonly #first: number;
  readonly #notes: NoteCounter;

  constructor(
    source: ByteSource,
    layout: Layout,
    decompressors: ReadonlyMap<number, Decompressor>,
    notes: NoteCounter,
  ) {
    this.#source = source;
    this.#layout = layout;
    this.#decompressors = decompressors;
    this.#first = layout.dumped.rank(layout.startPfn);
    this.#notes = notes;
    const last = layout.dumped.count - 1 - this.#first;
    if (last >= 0 && !this.#holds(last)) notes.add('file-cut', 'end of the file before its last page');
  }

  /** Whether the file reaches to the end of a block, which the last one has to. */
  #holds(index: number): boolean {
    const place = this.#place(index);
    return place !== undefined && place.offset + place.size <= this.#source.size;
  }

  /** What a descriptor says: where a block lies in the file, its packed size and its flags. */
  #place(index: number): { offset: number; size: number; flags: number } | undefined {
    const bytes = this.#source.read(this.#layout.descriptors + index * DESCRIPTOR_BYTES, DESCRIPTOR_BYTES);
    if (bytes.length < DESCRIPTOR_BYTES) return undefined;
    const view = new DataView(bytes.buffer, bytes.byteOffset, DESCRIPTOR_BYTES);
    return {
      offset: Number(view.getBigUint64(0, true)),
      size: view.getUint32(8, true),
      flags: view.getUint32(12, true),
    };
  }

  read(pfn: number): Uint8Array | undefined {
    const { startPfn, endPfn, dumped, valid, dumpLevel, blockSize } = this.#layout;
    if (pfn < startPfn || pfn >= endPfn) return undefined;
    if (dumped.has(pfn)) return this.#block(dumped.rank(pfn) - this.#first);
    return dumpLevel === ZERO_PAGES_ONLY && valid.has(pfn) ? new Uint8Array(blockSize) : undefined;
  }

  #block(index: number): Uint8Array | undefined {
    const place = this.#place(index);
    if (place === undefined) return this.#bad();
    const { offset, size } = place;
    const { blockSize } = this.#layout;
    if (size > 2 * blockSize || offset + size > this.#source.size) return this.#bad();
    const packed = this.#source.read(offset, size);
    const flag = place.flags & COMPRESSION_BITS;
    if (flag === 0) return size === blockSize ? packed : this.#bad();
    return this.#decompressors.get(flag)?.(packed, blockSize) ?? this.#bad();
  }

  #bad(): undefined {
    this.#notes.add('pages-unreadable', 'pages with a broken descriptor or broken packed bytes');
    return undefined;
  }
}

function blockPages(blocks: BlockReader, blockSize: number): PageSource {
  let lastPfn = -1;
  let last: Uint8Array | undefined;
  return (address): KnownPage | undefined => {
    const pfn = Math.floor(address / blockSize);
    if (pfn !== lastPfn) last = blocks.read(pfn);
    lastPfn = pfn;
    return last && { bytes: last.subarray(address % blockSize, (address % blockSize) + PAGE), known: undefined };
  };
}

/** Says of one part of several that it is no more than that, and how the parts become one file (makedumpfile(8)). */
function notePart({ startPfn, endPfn, maxPfn, blockSize }: Layout, notes: NoteCounter): void {
  if (startPfn === 0 && endPfn >= maxPfn) return;
  const [start, end] = [startPfn, endPfn].map((pfn) => hex(pfn * blockSize));
  const join = 'makedumpfile --reassemble PART1 PART2 … WHOLE';
  notes.add('split-part', `part of a split dump, which holds ${start} to ${end} only: join the parts with ${join}`);
}

/**
 * Opens a compressed kernel dump. Pages that the dump left out read as unknown, but for a dump that left out nothing but
 * pages of zeros.
 * @throws InputError `TRUNCATED` or `MALFORMED`.
 */
export async function openKdump(source: ByteSource, name: string): Promise<OpenedMemory> {
  const layout = readLayout(source, name);
  const notes = new NoteCounter();
  notePart(layout, notes);
  const left = layout.valid.count - layout.dumped.count;
  if (left > 0 && layout.dumpLevel !== ZERO_PAGES_ONLY) {
    notes.add('pages-left-out', `pages that the dump left out (level ${layout.dumpLevel}); they read as unknown`, left);
  }
  const bitmap = layout.dumpLevel === ZERO_PAGES_ONLY ? layout.valid : layout.dumped;
  if (bitmap.coarse) notes.add('extents-coarse', 'list of memory too scattered to be kept exactly');
  const blocks = new BlockReader(source, layout, await makeDecompressors(), notes);
  const extents = bitmap
    .runs()
    .map((run) => ({ start: run.start * layout.blockSize, bytes: run.bytes * layout.blockSize }));
  return pagedMemory('kdump', blockPages(blocks, layout.blockSize), extents, notes);
}
