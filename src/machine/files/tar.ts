/**
 * Tar archives (POSIX.1-2017 pax, ustar, and GNU's long names), piece by piece. Only the wanted files are kept; their
 * number and size are bounded, and so is the whole archive.
 * @module
 */
import { hex } from '../../address.ts';
import { InputError } from '../../errors.ts';
import { checkedPath, type MemoryFile } from './files.ts';

/** How much of an archive is read and kept. */
export interface TarLimits {
  /** Bytes of the unpacked archive. */
  readonly archive: number;
  readonly entries: number;
  /** Bytes of one file that is kept, and of all of them. */
  readonly file: number;
  readonly kept: number;
}

/** Limits that leave room for a sosreport of a large server. */
export const TAR_LIMITS: TarLimits = { archive: 2 ** 32, entries: 1_000_000, file: 2 ** 26, kept: 2 ** 27 };

const BLOCK = 512;
/** Longest pax header or GNU name that is read. */
const LONGEST_HEADER = 1 << 20;

/** Type flags (pax, ustar header block): files, links, headers for the next entry. */
const FILE_TYPES = new Set(['0', '\0', '7']);
const HARD_LINK = '1';
const SYMBOLIC_LINK = '2';
const HEADER_TYPES = new Set(['x', 'g', 'L', 'K']);
/** Keywords of a pax header that are read (pax, extended header keywords). */
const PAX_KEYS = new Set(['path', 'linkpath', 'size']);

interface Header {
  readonly path: string;
  readonly size: number;
  readonly type: string;
  readonly link: string;
}

function field(block: Uint8Array, start: number, length: number): string {
  const bytes = block.subarray(start, start + length);
  const end = bytes.indexOf(0);
  return new TextDecoder().decode(end < 0 ? bytes : bytes.subarray(0, end));
}

/** Octal digits, or GNU's binary form: first bit set. */
function numberField(block: Uint8Array, start: number, length: number): number {
  if (((block[start] ?? 0) & 0x80) === 0) {
    const text = field(block, start, length).trim();
    return text === '' ? 0 : /^[0-7]+$/.test(text) ? Number.parseInt(text, 8) : Number.NaN;
  }
  let value = 0;
  for (let i = 1; i < length; i++) value = value * 256 + (block[start + i] ?? 0);
  return value;
}

function isSound(block: Uint8Array): boolean {
  let sum = 8 * 0x20;
  for (let i = 0; i < BLOCK; i++) if (i < 148 || i >= 156) sum += block[i] ?? 0;
  return numberField(block, 148, 8) === sum;
}

/** True for bytes that begin as a tar archive does. */
export function isTar(start: Uint8Array): boolean {
  return start.length >= BLOCK && isSound(start.subarray(0, BLOCK));
}

/** Records of a pax header, `length key=value\n`: those of {@link PAX_KEYS}. */
function paxRecords(bytes: Uint8Array): Map<string, string> {
  const records = new Map<string, string>();
  for (let at = 0; at < bytes.length; ) {
    const length = Number.parseInt(new TextDecoder().decode(bytes.subarray(at, at + 12)), 10);
    if (!(length > 0) || at + length > bytes.length) break;
    const record = new TextDecoder().decode(bytes.subarray(at, at + length - 1));
    const [, key, value] = /^\d+ ([^=]+)=([\s\S]*)$/.exec(record) ?? [];
    if (key !== undefined && value !== undefined && PAX_KEYS.has(key)) records.set(key, value);
    at += length;
  }
  return records;
}

/** Takes an archive piece by piece, and keeps the files that are wanted. */
export class TarReader {
  readonly files: Map<string, MemoryFile> = new Map();
  /** Wanted files that were longer than the limit. */
  readonly tooLong: string[] = [];
  readonly #source: string;
  readonly #wanted: (path: string) => boolean;
  readonly #limits: TarLimits;
  readonly #hardLinks: [path: string, target: string][] = [];
  #block = new Uint8Array(BLOCK);
  #filled = 0;
  #header: Header | undefined;
  #body: Uint8Array | undefined;
  #left = 0;
  #padding = 0;
  #next = new Map<string, string>();
  #total = 0;
  #entries = 0;
  #kept = 0;
  #ended = false;

  constructor(source: string, wanted: (path: string) => boolean, limits: TarLimits = TAR_LIMITS) {
    this.#source = source;
    this.#wanted = wanted;
    this.#limits = limits;
  }

  /** True once the end of the archive was seen. */
  get ended(): boolean {
    return this.#ended;
  }

  /** Takes the next bytes. @throws InputError `MALFORMED`, `TOO_LARGE`. */
  push(bytes: Uint8Array): void {
    this.#total += bytes.length;
    this.#bound(this.#total, this.#limits.archive, 'bytes unpacked');
    for (let at = 0; at < bytes.length && !this.#ended; ) {
      at += this.#header === undefined ? this.#fill(bytes, at) : this.#take(bytes, at);
    }
  }

  /** Says that there are no more bytes. @throws InputError `TRUNCATED`. */
  end(): void {
    const torn = this.#filled > 0 || this.#header !== undefined || this.#entries === 0;
    if (torn && !this.#ended) {
      throw new InputError(
        'TRUNCATED',
        this.#source,
        `expected the end of an archive, got its middle: it is cut after ${hex(this.#total)} bytes`,
      );
    }
    for (const [path, target] of this.#hardLinks) {
      const file = this.files.get(target);
      if (file !== undefined) this.files.set(path, file);
    }
  }

  #bound(value: number, limit: number, what: string): void {
    if (value <= limit) return;
    throw new InputError('TOO_LARGE', this.#source, `expected an archive of at most ${limit} ${what}, got more`, {
      limit,
    });
  }

  /** Fills the block of the next header; how many bytes were used. */
  #fill(bytes: Uint8Array, at: number): number {
    const used = Math.min(BLOCK - this.#filled, bytes.length - at);
    this.#block.set(bytes.subarray(at, at + used), this.#filled);
    this.#filled += used;
    if (this.#filled === BLOCK) {
      this.#filled = 0;
      this.#open();
    }
    return used;
  }

  #open(): void {
    const block = this.#block;
    if (block.every((byte) => byte === 0)) {
      this.#ended = this.#entries > 0;
      return;
    }
    if (!isSound(block)) {
      throw new InputError('MALFORMED', this.#source, 'expected a tar header, got a block with a wrong checksum');
    }
    this.#bound(++this.#entries, this.#limits.entries, 'entries');
    const header = this.#headerOf(block);
    this.#header = header;
    this.#left = header.size;
    this.#padding = (BLOCK - (header.size % BLOCK)) % BLOCK;
    this.#body = this.#room(header);
    if (this.#left + this.#padding === 0) this.#close();
  }

  #headerOf(block: Uint8Array): Header {
    const type = String.fromCharCode(block[156] ?? 0);
    const ustar = field(block, 257, 5) === 'ustar' && (block[262] ?? 0) === 0;
    const prefix = ustar ? field(block, 345, 155) : '';
    const name = field(block, 0, 100);
    const own = HEADER_TYPES.has(type);
    const paxSize = own ? undefined : this.#next.get('size');
    const size =
      paxSize === undefined ? numberField(block, 124, 12) : /^\d+$/.test(paxSize) ? Number(paxSize) : Number.NaN;
    if (!Number.isSafeInteger(size) || size < 0) {
      throw new InputError('MALFORMED', this.#source, `expected the size of '${name}', got a field without digits`);
    }
    const path = this.#next.get('path') ?? (prefix === '' ? name : `${prefix}/${name}`);
    const link = this.#next.get('linkpath') ?? field(block, 157, 100);
    if (own) return { path: '', size, type, link };
    this.#next = new Map();
    const hasBody = FILE_TYPES.has(type) || !['1', '2', '3', '4', '5', '6'].includes(type);
    return { path: checkedPath(path.replace(/\/+$/, ''), this.#source), size: hasBody ? size : 0, type, link };
  }

  /** Where the body of an entry goes; undefined for one that is passed over. */
  #room({ path, size, type }: Header): Uint8Array | undefined {
    if (HEADER_TYPES.has(type)) {
      this.#bound(size, LONGEST_HEADER, 'bytes in one header');
      return new Uint8Array(size);
    }
    if (!(FILE_TYPES.has(type) && this.#wanted(path))) return undefined;
    if (size > this.#limits.file) {
      this.#keep(path.length);
      this.tooLong.push(path);
      return undefined;
    }
    this.#keep(size + path.length);
    return new Uint8Array(size);
  }

  /** Takes bytes of a body and of the zeros behind it; how many were used. */
  #take(bytes: Uint8Array, at: number): number {
    const piece = bytes.subarray(at, at + this.#left);
    const { size } = this.#header ?? { size: 0 };
    this.#body?.set(piece, size - this.#left);
    this.#left -= piece.length;
    const zeros = Math.min(this.#padding, bytes.length - at - piece.length);
    if (this.#left === 0) this.#padding -= zeros;
    if (this.#left + this.#padding === 0) this.#close();
    return piece.length + (this.#left === 0 ? zeros : 0);
  }

  #close(): void {
    const { header, body } = { header: this.#header, body: this.#body };
    this.#header = undefined;
    this.#body = undefined;
    if (header === undefined) return;
    const { type, path, link } = header;
    if (type === 'x' && body !== undefined) this.#next = new Map([...this.#next, ...paxRecords(body)]);
    else if (type === 'L' && body !== undefined) this.#next.set('path', field(body, 0, body.length));
    else if (type === 'K' && body !== undefined) this.#next.set('linkpath', field(body, 0, body.length));
    else if (!this.#wanted(path)) return;
    else if (type === SYMBOLIC_LINK) this.#keepLink(path, link);
    else if (type === HARD_LINK) this.#keepHardLink(path, link);
    else if (body !== undefined) this.files.set(path, { bytes: body });
  }

  #keep(bytes: number): void {
    this.#kept += bytes;
    this.#bound(this.#kept, this.#limits.kept, 'bytes of files that are read');
  }

  #keepLink(path: string, link: string): void {
    this.#keep(path.length + link.length);
    this.files.set(path, { link });
  }

  #keepHardLink(path: string, link: string): void {
    this.#keep(path.length + link.length);
    this.#hardLinks.push([path, checkedPath(link, this.#source)]);
  }
}

function octal(value: number, digits: number): string {
  return `${value.toString(8).padStart(digits, '0')}\0`;
}

function headerBlock(path: string, type: string, size: number, link: string): Uint8Array {
  const block = new Uint8Array(BLOCK);
  const put = (text: string, at: number): void => block.set(new TextEncoder().encode(text), at);
  put(path, 0);
  put(octal(0o644, 7), 100);
  put(octal(0, 7), 108);
  put(octal(0, 7), 116);
  put(octal(size, 11), 124);
  put(octal(0, 11), 136);
  put('        ', 148);
  put(type, 156);
  put(link, 157);
  put('ustar\x0000', 257);
  put(
    `${octal(
      block.reduce((sum, byte) => sum + byte, 0),
      6,
    )} `,
    148,
  );
  return block;
}

function padded(bytes: Uint8Array): Uint8Array {
  const whole = new Uint8Array(Math.ceil(bytes.length / BLOCK) * BLOCK);
  whole.set(bytes);
  return whole;
}

/** GNU's header for a path or a link that does not fit. */
function longName(type: 'L' | 'K', text: string): Uint8Array[] {
  const bytes = new TextEncoder().encode(`${text}\0`);
  return bytes.length <= 100 ? [] : [headerBlock('././@LongLink', type, bytes.length, ''), padded(bytes)];
}

function entryBlocks(path: string, file: MemoryFile): Uint8Array[] {
  const cut = (text: string): string => new TextDecoder().decode(new TextEncoder().encode(text).subarray(0, 96));
  const long = [...longName('L', path), ...('link' in file ? longName('K', file.link) : [])];
  if ('link' in file) return [...long, headerBlock(cut(path), SYMBOLIC_LINK, 0, cut(file.link))];
  return [...long, headerBlock(cut(path), '0', file.bytes.length, ''), padded(file.bytes)];
}

/** An archive with these files; owner, times and modes are left at fixed values. */
export function writeTar(files: ReadonlyMap<string, MemoryFile>): Uint8Array {
  const blocks = [...[...files].flatMap(([path, file]) => entryBlocks(path, file)), new Uint8Array(2 * BLOCK)];
  const whole = new Uint8Array(blocks.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const block of blocks) {
    whole.set(block, at);
    at += block.length;
  }
  return whole;
}
