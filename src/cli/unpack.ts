/**
 * Packed input, recognised by its first bytes: gzip (RFC 1952), Zstandard (RFC 8878), xz (the .xz file format 1.2).
 * @module
 */
import { Readable } from 'node:stream';
import { createGunzip, gunzipSync } from 'node:zlib';
import { readStart, startingWith } from '../answers/explain/start.ts';
import { cutShort, InputError } from '../errors.ts';

type Packing = 'gzip' | 'zstd' | 'xz';

const MAGIC: Readonly<Record<Packing, readonly number[]>> = {
  gzip: [0x1f, 0x8b],
  zstd: [0x28, 0xb5, 0x2f, 0xfd],
  xz: [0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00],
};
/** Bytes that tell how a file is packed. */
export const LONGEST_MAGIC = 6;

/** Most packed bytes of zstd that are held: its decoder cannot wait for more. */
const MOST_PACKED = 2 ** 30;
const PIECE = 1 << 18;
/** Pieces without a byte that a sound stream may give in a row; a damaged one gives no other. */
const MOST_EMPTY = 64;

/** How bytes are packed; `undefined` for plain ones. */
export function packingOf(start: Uint8Array): Packing | undefined {
  const names = Object.keys(MAGIC) as Packing[];
  return names.find((name) => MAGIC[name].every((byte, i) => start[i] === byte));
}

/**
 * What gzip bytes unpack to; `undefined` where they are cut or damaged, where anything follows them, where the result would be
 * longer than `limit`, or where it is packed again.
 */
export function soundGzip(packed: Uint8Array, limit: number): Uint8Array | undefined {
  try {
    const options = { info: true, maxOutputLength: limit, chunkSize: PIECE };
    const { buffer, engine } = gunzipSync(packed, options) as unknown as Unpacked;
    return engine.bytesWritten === packed.length && packingOf(buffer) === undefined ? buffer : undefined;
  } catch {
    return undefined;
  }
}

/** What `gunzipSync` gives with `info`. */
interface Unpacked {
  readonly buffer: Uint8Array;
  /** `bytesWritten`: packed bytes that were used. */
  readonly engine: { readonly bytesWritten: number };
}

/** True for what zlib throws where packed data ends early. */
export function isCutShort(cause: unknown): boolean {
  return cause instanceof Error && 'code' in cause && cause.code === 'Z_BUF_ERROR';
}

async function* gunzip(packed: AsyncGenerator<Uint8Array>, name: string): AsyncGenerator<Uint8Array> {
  const source = Readable.from(packed);
  const plain = source.pipe(createGunzip({ chunkSize: PIECE }));
  source.on('error', (cause) => plain.destroy(cause));
  try {
    yield* plain as AsyncIterable<Uint8Array>;
  } catch (cause) {
    throw isCutShort(cause) ? cutShort(name) : cause;
  } finally {
    source.destroy();
  }
}

async function allPacked(packed: AsyncGenerator<Uint8Array>, name: string): Promise<Uint8Array> {
  const bytes = await readStart(packed, MOST_PACKED + 1);
  if (bytes.length <= MOST_PACKED) return bytes;
  throw new InputError('TOO_LARGE', name, `expected at most ${MOST_PACKED} bytes of zstd, got more`, {
    limit: MOST_PACKED,
  });
}

function* pieces(bytes: Uint8Array): Generator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += PIECE) yield bytes.subarray(at, at + PIECE);
}

async function* unzstd(packed: AsyncGenerator<Uint8Array>, name: string): AsyncGenerator<Uint8Array> {
  const { ZSTDDecoder } = await import('zstddec/stream');
  const decoder = new ZSTDDecoder();
  await decoder.init();
  let empty = 0;
  for (const piece of decoder.decodeStreaming(pieces(await allPacked(packed, name)))) {
    empty = piece.length === 0 ? empty + 1 : 0;
    if (empty > MOST_EMPTY) throw new Error('damaged zstd data');
    if (piece.length > 0) yield piece;
  }
}

async function* unxz(packed: AsyncGenerator<Uint8Array>): AsyncGenerator<Uint8Array> {
  const { default: xz } = await import('xz-decompress');
  const plain = new xz.XzReadableStream(Readable.toWeb(Readable.from(packed)) as ReadableStream<Uint8Array>);
  const reader = plain.getReader();
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      yield value;
    }
  } finally {
    await reader.cancel().catch(() => undefined);
  }
}

/** The plain bytes of a stream, unpacked on the way if its first bytes say that it is packed. */
export async function* unpacked(chunks: AsyncGenerator<Uint8Array>, name: string): AsyncGenerator<Uint8Array> {
  const start = await readStart(chunks, LONGEST_MAGIC);
  const whole = startingWith(start, chunks);
  switch (packingOf(start)) {
    case 'gzip':
      yield* gunzip(whole, name);
      return;
    case 'zstd':
      yield* unzstd(whole, name);
      return;
    case 'xz':
      yield* unxz(whole);
      return;
    default:
      yield* whole;
  }
}
