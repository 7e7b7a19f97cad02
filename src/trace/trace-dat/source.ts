/**
 * Random access to a file, and reading numbers and strings from pieces of it with every length checked.
 * @module
 */
import { hex } from '../../address.ts';
import { InputError } from '../../errors.ts';

/** A file: anything that can hand out stretches of bytes. */
export interface ByteSource {
  /** Bytes in the file. */
  readonly size: number;
  /** The bytes from `offset` on, `length` of them or as many as there are. */
  read(offset: number, length: number): Uint8Array | Promise<Uint8Array>;
}

/** A source over bytes in memory. */
export function bytesSource(bytes: Uint8Array): ByteSource {
  return { size: bytes.length, read: (offset, length) => bytes.subarray(offset, offset + length) };
}

/** A source that waits before it hands out bytes. */
export function waiting(source: ByteSource, room: () => Promise<void>): ByteSource {
  const { size } = source;
  return {
    size,
    read: async (offset, length) => {
      await room();
      return await source.read(offset, length);
    },
  };
}

const DECODER = new TextDecoder('utf-8', { fatal: false });
const TWO_32 = 4294967296;

/** The name under which problems of the file are reported. */
export const SOURCE = 'trace.dat';

/** Something in the file that cannot be: too short, or a length beyond its bounds. */
export function truncated(what: string, offset: number): InputError {
  return new InputError('TRUNCATED', SOURCE, `expected ${what} at offset ${hex(offset)}, got the end of the file`, {
    offset,
    what,
  });
}

/** Reads fields one after the other. Every read beyond the end is an InputError `TRUNCATED`. */
export class Fields {
  readonly bytes: Uint8Array;
  readonly #view: DataView;
  readonly #little: boolean;
  readonly #what: string;
  at = 0;

  /** `what` names the part of the file, for messages. */
  constructor(bytes: Uint8Array, little: boolean, what: string) {
    this.bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#little = little;
    this.#what = what;
  }

  get left(): number {
    return this.bytes.length - this.at;
  }

  u8(): number {
    return this.#view.getUint8(this.#step(1));
  }

  u16(): number {
    return this.#view.getUint16(this.#step(2), this.#little);
  }

  u32(): number {
    return this.#view.getUint32(this.#step(4), this.#little);
  }

  /** A 64-bit size or offset; above 2^53 it is beyond any file. */
  u64(): number {
    const at = this.#step(8);
    const first = this.#view.getUint32(at, this.#little);
    const second = this.#view.getUint32(at + 4, this.#little);
    return this.#little ? second * TWO_32 + first : first * TWO_32 + second;
  }

  /** A string up to its NUL byte. */
  string(): string {
    const end = this.bytes.indexOf(0, this.at);
    if (end < 0) throw truncated(this.#what, this.at);
    const text = DECODER.decode(this.bytes.subarray(this.at, end));
    this.at = end + 1;
    return text;
  }

  /** `length` bytes, as a part of these. */
  take(length: number): Uint8Array {
    const at = this.#step(length);
    return this.bytes.subarray(at, at + length);
  }

  /** `length` bytes as text. */
  text(length: number): string {
    return DECODER.decode(this.take(length));
  }

  #step(length: number): number {
    const { at } = this;
    if (!(length <= this.left)) throw truncated(this.#what, at);
    this.at = at + length;
    return at;
  }
}

/** Reads exactly `length` bytes. @throws InputError `TRUNCATED`. */
export async function readExactly(
  source: ByteSource,
  offset: number,
  length: number,
  what: string,
): Promise<Uint8Array> {
  if (!(offset + length <= source.size)) throw truncated(what, offset);
  const bytes = await source.read(offset, length);
  if (bytes.length !== length) throw truncated(what, offset);
  return bytes;
}
