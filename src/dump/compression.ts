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
  const unpack = snappyUncompressor();
  return (packed, length) => (snappyLength(packed) === length ? unpack(packed, length) : undefined);
}

async function makeZstd(): Promise<Decompressor> {
  const decoder = new ZSTDDecoder();
  await decoder.init();
  return (packed, length) =>
    ZSTD_MAGIC.every((byte, i) => packed[i] === byte) ? decoder.decode(packed, length) : undefined;
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
