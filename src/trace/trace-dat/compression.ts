/**
 * Unpacking of zstd and zlib chunks. What a chunk claims is never believed: both the file's claim and that of the
 * frame's own header are checked and capped before anything is allocated.
 * @module
 */

import { unzlibSync } from 'fflate';
import { hex } from '../../address.ts';
import { InputError } from '../../errors.ts';
import { SOURCE } from './source.ts';

/** No part of a trace.dat that is read for events is larger than this when unpacked. */
export const MAX_UNPACKED = 67_108_864;

/** Bytes that all data of a file may unpack to: as much for each byte of it, and at least {@link MAX_UNPACKED}. */
export const MAX_RATIO = 1024;

/** Unpacks `packed` to exactly `size` bytes. */
export type Unpack = (packed: Uint8Array, size: number) => Uint8Array;

/** RFC 8878, section 3.1.1: magic number, and the frame header descriptor's fields. */
const ZSTD_MAGIC = 0xfd2fb528;
const CONTENT_SIZE_BYTES = [0, 2, 4, 8] as const;
const DICTIONARY_BYTES = [0, 1, 2, 4] as const;

/**
 * The unpacking function for a compression by name (`zstd`, `zlib`, `none`).
 * @throws InputError `UNSUPPORTED_INPUT` for others.
 */
export function unpackerFor(name: string): Unpack | Promise<Unpack> {
  if (name === 'none' || name === '') return (packed) => packed;
  if (name === 'zlib') return unpackZlib;
  if (name === 'zstd') return loadZstd();
  throw new InputError('UNSUPPORTED_INPUT', SOURCE, `expected compression zstd, zlib or none, got '${name}'`);
}

async function loadZstd(): Promise<Unpack> {
  const { ZSTDDecoder } = await import('zstddec');
  const decoder = new ZSTDDecoder();
  await decoder.init();
  return (packed, size) => {
    checkSize(size);
    const claimed = zstdContentSize(packed);
    if (claimed !== undefined && claimed !== size)
      throw malformed(`expected a zstd frame of ${hex(size)} bytes, got one of ${hex(claimed)}`);
    return exactly(decoder.decode(packed, size), size);
  };
}

function unpackZlib(packed: Uint8Array, size: number): Uint8Array {
  checkSize(size);
  try {
    return exactly(unzlibSync(packed, { out: new Uint8Array(size) }), size);
  } catch (cause) {
    if (cause instanceof InputError) throw cause;
    throw malformed(
      `expected a zlib chunk, got one that cannot be unpacked: ${cause instanceof Error ? cause.message : String(cause)}`,
    );
  }
}

function checkSize(size: number): void {
  if (size <= MAX_UNPACKED) return;
  throw new InputError(
    'TOO_LARGE',
    SOURCE,
    `expected a packed part of at most ${hex(MAX_UNPACKED)} bytes, got one of ${hex(size)}`,
  );
}

function exactly(bytes: Uint8Array, size: number): Uint8Array {
  if (bytes.length !== size) throw malformed(`expected ${hex(size)} bytes of a packed part, got ${hex(bytes.length)}`);
  return bytes;
}

function malformed(message: string): InputError {
  return new InputError('MALFORMED', SOURCE, message);
}

/** The size that a frame's header states; undefined if it states none. Reads frames, skippable ones are refused. */
function zstdContentSize(packed: Uint8Array): number | undefined {
  if (packed.length < 6) throw malformed('expected a whole zstd frame, got one that is too short');
  const view = new DataView(packed.buffer, packed.byteOffset, packed.byteLength);
  if (view.getUint32(0, true) !== ZSTD_MAGIC)
    throw malformed('expected a zstd frame in a compressed section, got other bytes');
  const descriptor = view.getUint8(4);
  const single = (descriptor & 0x20) !== 0;
  const flag = descriptor >> 6;
  const width = flag === 0 && single ? 1 : (CONTENT_SIZE_BYTES[flag] ?? 0);
  const at = 5 + (single ? 0 : 1) + (DICTIONARY_BYTES[descriptor & 3] ?? 0);
  if (width === 0) return undefined;
  if (at + width > packed.length) throw malformed('expected a whole zstd frame, got one that is too short');
  if (width === 1) return view.getUint8(at);
  if (width === 2) return view.getUint16(at, true) + 256;
  if (width === 4) return view.getUint32(at, true);
  return view.getUint32(at, true) + view.getUint32(at + 4, true) * 4294967296;
}
