/**
 * LZO1X decompression. No library of it for browsers is kept up, and the format is small: the kernel's page
 * "LZO stream format as understood by Linux' LZO decompressor" (Documentation/staging/lzo.rst) describes it.
 * @module
 */

/** First byte: below 18 an instruction, from there a run of literals of this much less 17. */
const FIRST_LITERAL = 17;
/** Runs that follow at most three literals have an extra distance, or copy two bytes only. */
const FAR_SHORT_DISTANCE = 2049;
const FAR_DISTANCE = 16384;

class BadStream extends Error {}

/** Position in the packed bytes and in the unpacked ones. */
class Cursor {
  readonly #from: Uint8Array;
  readonly #to: Uint8Array;
  #in = 0;
  /** Bytes written so far. */
  out = 0;

  constructor(from: Uint8Array, to: Uint8Array) {
    this.#from = from;
    this.#to = to;
  }

  next(): number {
    const byte = this.#from[this.#in++];
    if (byte === undefined) throw new BadStream('input ends');
    return byte;
  }

  next16(): number {
    const low = this.next();
    return low | (this.next() << 8);
  }

  /** A length of `bits` bits in the instruction; 0 means that more bytes of it follow. */
  length(instruction: number, bits: number): number {
    const most = (1 << bits) - 1;
    if ((instruction & most) !== 0) return instruction & most;
    let length = most;
    let byte = this.next();
    while (byte === 0) {
      length += 255;
      byte = this.next();
    }
    return length + byte;
  }

  literals(count: number): void {
    if (this.#in + count > this.#from.length || this.out + count > this.#to.length) throw new BadStream('literals');
    this.#to.set(this.#from.subarray(this.#in, this.#in + count), this.out);
    this.#in += count;
    this.out += count;
  }

  /** Copies bytes written before; source and target may overlap, byte by byte. */
  copy(distance: number, count: number): void {
    if (distance > this.out || this.out + count > this.#to.length) throw new BadStream('copy');
    for (let i = 0; i < count; i++, this.out++) this.#to[this.out] = this.#to[this.out - distance] ?? 0;
  }
}

/** Instructions below 16; what they mean depends on the number of literals just copied (4: a run of them). */
function low(at: Cursor, instruction: number, literals: number): number {
  if (literals === 0) {
    at.literals(at.length(instruction, 4) + 3);
    return 4;
  }
  const distance = (at.next() << 2) + (instruction >> 2);
  if (literals === 4) at.copy(distance + FAR_SHORT_DISTANCE, 3);
  else at.copy(distance + 1, 2);
  at.literals(instruction & 3);
  return instruction & 3;
}

/** Runs one instruction; returns the literals that the next one must know of, or -1 at the end of the stream. */
function step(at: Cursor, instruction: number, literals: number): number {
  if (instruction < 16) return low(at, instruction, literals);
  let state: number;
  if (instruction >= 64) {
    const distance = (at.next() << 3) + ((instruction >> 2) & 7) + 1;
    at.copy(distance, instruction >= 128 ? 5 + ((instruction >> 5) & 3) : 3 + ((instruction >> 5) & 1));
    state = instruction & 3;
  } else {
    const near = instruction >= 32;
    const length = at.length(instruction, near ? 5 : 3) + 2;
    const tail = at.next16();
    const distance = near ? (tail >> 2) + 1 : FAR_DISTANCE + ((instruction & 8) << 11) + (tail >> 2);
    if (!near && distance === FAR_DISTANCE) return -1;
    at.copy(distance, length);
    state = tail & 3;
  }
  at.literals(state);
  return state;
}

/** Unpacks a stream of exactly `length` bytes; `undefined` where it is broken or of another length. */
export function decompressLzo(packed: Uint8Array, length: number): Uint8Array | undefined {
  const unpacked = new Uint8Array(length);
  const at = new Cursor(packed, unpacked);
  try {
    let instruction = at.next();
    let literals = 0;
    if (instruction > FIRST_LITERAL) {
      literals = Math.min(4, instruction - FIRST_LITERAL);
      at.literals(instruction - FIRST_LITERAL);
      instruction = at.next();
    }
    for (literals = step(at, instruction, literals); literals >= 0; ) literals = step(at, at.next(), literals);
  } catch (cause) {
    if (cause instanceof BadStream) return undefined;
    throw cause;
  }
  return at.out === length ? unpacked : undefined;
}
