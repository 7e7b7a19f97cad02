/**
 * Cuts a stream of bytes into lines. Lines inside one chunk are handed over where they stand; only a line that is
 * split across chunks is copied.
 * @module
 */

/** Lines above this length are not kept. The longest line a kernel prints (128 list elements) is under 8 KiB. */
const MAX_LINE = 1 << 16;
const NEWLINE = 0x0a;

/** Receives one line: `bytes[start … end)` without its newline. */
export type LineSink = (bytes: Uint8Array, start: number, end: number) => void;

/** Reads common lines of a chunk by itself. */
export interface CommonLines {
  /** The next chunk. */
  begin(chunk: Uint8Array): void;
  /** Reads lines of the chunk, whole ones, from `start` on. @returns where the first line begins that it did not read */
  read(start: number): number;
}

/** Splits chunks into lines; memory is bounded by 64 KiB. */
export class LineSplitter {
  readonly #line: LineSink;
  readonly #tooLong: LineSink;
  readonly #common: CommonLines | undefined;
  #carry: Uint8Array = new Uint8Array(1024);
  #carried = 0;
  #overlong = false;

  /** `common` is asked first; `line` gets each other line, `tooLong` the first 64 KiB of each line that is longer. */
  constructor(line: LineSink, tooLong: LineSink, common?: CommonLines) {
    this.#line = line;
    this.#tooLong = tooLong;
    this.#common = common;
  }

  /** Takes the next bytes of the stream. */
  push(chunk: Uint8Array): void {
    let start = 0;
    this.#common?.begin(chunk);
    while (start < chunk.length) {
      if (this.#carried === 0 && this.#common !== undefined) start = this.#common.read(start);
      const newline = chunk.indexOf(NEWLINE, start);
      if (newline < 0) break;
      this.#finish(chunk, start, newline);
      start = newline + 1;
    }
    if (start < chunk.length) this.#keep(chunk, start, chunk.length);
  }

  /** What is left after the last newline: [bytes, length]; length 0 if the stream ended with a newline. */
  rest(): { readonly bytes: Uint8Array; readonly length: number } {
    return { bytes: this.#carry, length: this.#carried };
  }

  #finish(chunk: Uint8Array, start: number, end: number): void {
    if (this.#carried === 0 && end - start <= MAX_LINE) {
      this.#line(chunk, start, end);
      return;
    }
    this.#keep(chunk, start, end);
    const length = this.#carried;
    this.#carried = 0;
    if (this.#overlong) this.#tooLong(this.#carry, 0, length);
    else this.#line(this.#carry, 0, length);
    this.#overlong = false;
  }

  #keep(chunk: Uint8Array, start: number, end: number): void {
    const room = MAX_LINE - this.#carried;
    if (end - start > room) this.#overlong = true;
    const length = Math.min(end - start, room);
    this.#reserve(this.#carried + length);
    this.#carry.set(chunk.subarray(start, start + length), this.#carried);
    this.#carried += length;
  }

  #reserve(length: number): void {
    if (length <= this.#carry.length) return;
    const grown = new Uint8Array(Math.min(MAX_LINE, Math.max(length, this.#carry.length * 2)));
    grown.set(this.#carry.subarray(0, this.#carried));
    this.#carry = grown;
  }
}
