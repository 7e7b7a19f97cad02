/**
 * Byte sources over memory, gzip included.
 * @module
 */

import { Gunzip } from 'fflate';
import { hex } from '../address.ts';
import { checkBytes, InputError } from '../errors.ts';
import { crc32 } from './crc32.ts';
import type { ByteSource, DumpNote } from './types.ts';

const PIECE = 1 << 18;
/** CRC32 and ISIZE behind each gzip member. */
const TRAILER = 8;
/** Zeros behind the last member that are passed over. */
const PADDING = 1 << 16;

/** A source over bytes in memory. */
export function memorySource(bytes: Uint8Array): ByteSource {
  checkBytes('bytes', bytes);
  return {
    size: bytes.length,
    read: (offset, length) => bytes.subarray(Math.min(offset, bytes.length), Math.min(offset + length, bytes.length)),
  };
}

/** Reads exactly `length` bytes, or throws `InputError` `TRUNCATED` naming what was to be read. */
export function readExactly(source: ByteSource, name: string, what: string, offset: number, length: number): DataView {
  const bytes = offset + length > source.size ? new Uint8Array(0) : source.read(offset, length);
  if (bytes.length !== length) {
    throw new InputError(
      'TRUNCATED',
      name,
      `${what}: expected ${hex(length)} bytes at ${hex(offset)}, got a file of ${hex(source.size)}`,
      {
        offset,
        length,
        size: source.size,
      },
    );
  }
  return new DataView(bytes.buffer, bytes.byteOffset, length);
}

/** True if the source starts as gzip does. */
export function isGzip(source: ByteSource): boolean {
  const [first, second] = source.read(0, 2);
  return first === 0x1f && second === 0x8b;
}

function join(chunks: readonly Uint8Array[], total: number): Uint8Array {
  const whole = new Uint8Array(total);
  let at = 0;
  for (const chunk of chunks) {
    whole.set(chunk, at);
    at += chunk.length;
  }
  return whole;
}

/** Checksum and length of what a gzip member unpacks to, and where they are compared with its trailer (RFC 1952, 2.3.1). */
class MemberCheck {
  readonly #source: ByteSource;
  #crc = 0;
  #length = 0;

  constructor(source: ByteSource) {
    this.#source = source;
  }

  add(chunk: Uint8Array): void {
    this.#crc = crc32(chunk, this.#crc);
    this.#length += chunk.length;
  }

  /** Ends a member whose trailer ends at `end`; false if the trailer says otherwise. */
  end(end: number): boolean {
    const bytes = this.#source.read(Math.max(0, end - TRAILER), TRAILER);
    if (bytes.length < TRAILER) return false;
    const view = new DataView(bytes.buffer, bytes.byteOffset, TRAILER);
    const same = view.getUint32(0, true) === this.#crc && view.getUint32(4, true) === this.#length % 2 ** 32;
    if (same) this.#crc = this.#length = 0;
    return same;
  }
}

/** Where the last member ends: zeros behind it are padding of the medium. */
function endOfMembers(source: ByteSource, limit: number): number {
  let end = source.size;
  while (end > 0 && source.size - end < limit && source.read(end - 1, 1)[0] === 0) end--;
  return end;
}

/**
 * Unpacks a gzip source into memory. A cut stream gives what came before the break, and a note.
 * @throws InputError `TOO_LARGE` when more than `limit` bytes come out, `MALFORMED` if a checksum says that they are not
 * those that were packed.
 */
export function gunzipSource(source: ByteSource, name: string, limit: number, notes: DumpNote[]): ByteSource {
  const chunks: Uint8Array[] = [];
  const check = new MemberCheck(source);
  let total = 0;
  let sound = true;
  const gunzip = new Gunzip((chunk) => {
    total += chunk.length;
    check.add(chunk);
    if (total <= limit) chunks.push(chunk);
  });
  gunzip.onmember = (start) => {
    sound = check.end(start) && sound;
  };
  try {
    for (let at = 0; at < source.size && total <= limit; at += PIECE) {
      gunzip.push(source.read(at, PIECE), at + PIECE >= source.size);
    }
    if (total <= limit) sound = (check.end(source.size) || check.end(endOfMembers(source, PADDING))) && sound;
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    notes.push({ code: 'gzip-cut', count: 1, text: `gzip stream breaks off after ${total} bytes (${why})` });
  }
  if (total > limit)
    throw new InputError('TOO_LARGE', name, `expected at most ${hex(limit)} bytes unpacked, got more`, { limit });
  if (!sound)
    throw new InputError(
      'MALFORMED',
      name,
      'expected the checksum and length of its data at the end of the gzip stream, got others',
    );
  return memorySource(join(chunks, total));
}
