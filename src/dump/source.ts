/**
 * Byte sources over memory, gzip included.
 * @module
 */
import { Gunzip } from 'fflate';
import { InputError } from '../errors.ts';
import type { ByteSource, DumpNote } from './types.ts';

const PIECE = 1 << 18;

/** A source over bytes in memory. */
export function memorySource(bytes: Uint8Array): ByteSource {
  return {
    size: bytes.length,
    read: (offset, length) => bytes.subarray(Math.min(offset, bytes.length), Math.min(offset + length, bytes.length)),
  };
}

/** Reads exactly `length` bytes, or throws `InputError` `TRUNCATED` naming what was to be read. */
export function readExactly(source: ByteSource, name: string, what: string, offset: number, length: number): DataView {
  const bytes = offset + length > source.size ? new Uint8Array(0) : source.read(offset, length);
  if (bytes.length !== length) {
    throw new InputError('TRUNCATED', name, `${what} needs ${length} bytes at ${offset}, the file has ${source.size}`, {
      offset,
      length,
      size: source.size,
    });
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

/**
 * Unpacks a gzip source into memory. A broken or cut stream gives what came before the break, and a note.
 * @throws InputError `TOO_LARGE` when more than `limit` bytes come out.
 */
export function gunzipSource(source: ByteSource, name: string, limit: number, notes: DumpNote[]): ByteSource {
  const chunks: Uint8Array[] = [];
  let total = 0;
  const gunzip = new Gunzip((chunk) => {
    total += chunk.length;
    if (total <= limit) chunks.push(chunk);
  });
  try {
    for (let at = 0; at < source.size && total <= limit; at += PIECE) {
      gunzip.push(source.read(at, PIECE), at + PIECE >= source.size);
    }
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    notes.push({ code: 'gzip-cut', count: 1, text: `gzip stream breaks off after ${total} bytes (${why})` });
  }
  if (total > limit) throw new InputError('TOO_LARGE', name, `unpacks to more than ${limit} bytes`, { limit });
  return memorySource(join(chunks, total));
}
