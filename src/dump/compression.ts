/**
 * Decompression of the pages of a kdump file.
 * @module
 */
import { unzlibSync } from 'fflate';
import { snappyUncompressor } from 'hysnappy';
import { ZSTDDecoder } from 'zstddec';
import { decompressLzo } from './lzo.ts';

/** Unpacks a block of known length, or gives `undefined` where the bytes are broken. */
export type Decompressor = (packed: Uint8Array, length: number) => Uint8Array | undefined;

/** Compression flags of a page descriptor (makedumpfile, diskdump_mod.h: DUMP_DH_COMPRESSED_*). */
export const COMPRESSION = { zlib: 0x01, lzo: 0x02, snappy: 0x04, zstd: 0x20 } as const;

const ZSTD_MAGIC = [0x28, 0xb5, 0x2f, 0xfd];

function orUndefined(unpack: Decompressor): Decompressor {
  return (packed, length) => {
    try {
      const bytes = unpack(packed, length);
      return bytes?.length === length ? bytes : undefined;
    } catch {
      return undefined;
    }
  };
}

/** The length that a snappy block says it has: a little-endian base-128 number. */
function snappyLength(packed: Uint8Array): number {
  let length = 0;
  for (let i = 0; i < 5; i++) {
    const byte = packed[i] ?? 0;
    length += (byte & 0x7f) * 2 ** (7 * i);
    if (byte < 0x80) break;
  }
  return length;
}

function makeSnappy(): Decompressor {
  let unpack = snappyUncompressor();
  return (packed, length) => {
    if (snappyLength(packed) !== length) return undefined;
    try {
      return unpack(packed, length);
    } catch {
      // What a broken block left in the decoder's memory must not meet the next block.
      unpack = snappyUncompressor();
      return undefined;
    }
  };
}

/** RFC 8878, 3.1.1.1: window and content of a frame, in bytes; `undefined` for a header that is cut. */
function zstdClaims(packed: Uint8Array): { window: number; content: number | undefined } | undefined {
  const descriptor = packed[4] ?? 0;
  const single = (descriptor & 0x20) !== 0;
  const width = [single ? 1 : 0, 2, 4, 8][descriptor >> 6] ?? 0;
  const at = (single ? 5 : 6) + ([0, 1, 2, 4][descriptor & 3] ?? 0);
  if (packed.length < at + width) return undefined;
  let content = width === 2 ? 256 : 0;
  for (let i = 0; i < width; i++) content += (packed[at + i] ?? 0) * 2 ** (8 * i);
  const exponent = (packed[5] ?? 0) >> 3;
  const window = single ? content : 2 ** (10 + exponent) * (1 + ((packed[5] ?? 0) & 7) / 8);
  return { window, content: width === 0 ? undefined : content };
}

/** Windows above this are refused: a page needs none, and the decoder would take memory for it. */
const LARGEST_WINDOW = 1 << 23;

/** True if a frame claims to be what a page of `length` bytes is packed to. */
function isPageFrame(packed: Uint8Array, length: number): boolean {
  if (!ZSTD_MAGIC.every((byte, i) => packed[i] === byte)) return false;
  const claims = zstdClaims(packed);
  return claims !== undefined && claims.window <= LARGEST_WINDOW && (claims.content ?? length) === length;
}

async function makeZstd(): Promise<Decompressor> {
  const decoder = new ZSTDDecoder();
  await decoder.init();
  return (packed, length) => (isPageFrame(packed, length) ? decoder.decode(packed, length) : undefined);
}

/** All decompressors by flag, those of `flags` made ready. */
export async function makeDecompressors(): Promise<ReadonlyMap<number, Decompressor>> {
  return new Map<number, Decompressor>([
    [COMPRESSION.zlib, orUndefined((packed, length) => unzlibSync(packed, { out: new Uint8Array(length) }))],
    [COMPRESSION.lzo, decompressLzo],
    [COMPRESSION.snappy, orUndefined(makeSnappy())],
    [COMPRESSION.zstd, orUndefined(await makeZstd())],
  ]);
}
