/**
 * A position in bytes, with the few reads that trace lines need. Numbers are read without making strings.
 * @module
 */

import { HEX_VALUE } from './digits.ts';

const NO_BYTES = new Uint8Array(0);
const DECODER = new TextDecoder('utf-8', { fatal: false });
const TWO_32 = 4294967296;
/** The bytes of an ASCII literal, to match against. */
export function ascii(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

/** Reads forward in `bytes` from `at` up to `end`. All reads stop at `end`; a number that is not there is NaN. */
export class Cursor {
  bytes: Uint8Array = NO_BYTES;
  at = 0;
  end = 0;

  /** Sets the stretch to read. */
  set(bytes: Uint8Array, at: number, end: number): void {
    this.bytes = bytes;
    this.at = at;
    this.end = end;
  }

  /** The byte here, or −1 at the end. */
  peek(): number {
    return this.at < this.end ? (this.bytes[this.at] as number) : -1;
  }

  skipSpaces(): void {
    const { bytes, end } = this;
    let at = this.at;
    while (at < end && bytes[at] === 0x20) at++;
    this.at = at;
  }

  /** Steps over `literal` if it stands here. */
  match(literal: Uint8Array): boolean {
    const { bytes, at } = this;
    const length = literal.length;
    if (at + length > this.end) return false;
    for (let index = 0; index < length; index++) if (bytes[at + index] !== literal[index]) return false;
    this.at = at + length;
    return true;
  }

  /** Where `byte` stands next, or `end`. */
  find(byte: number): number {
    const { bytes, end } = this;
    let at = this.at;
    while (at < end && bytes[at] !== byte) at++;
    return at;
  }

  /** Hexadecimal digits (1 to 16 of them) as a number; NaN for none or too many. */
  hex(): number {
    const { bytes, end, at: start } = this;
    let at = start;
    let high = 0;
    let low = 0;
    while (at < end) {
      const digit = HEX_VALUE[bytes[at] as number] as number;
      if (digit > 15) break;
      high = (high << 4) | (low >>> 28);
      low = (low << 4) | digit;
      at++;
    }
    this.at = at;
    if (at === start || at - start > 16) return Number.NaN;
    return (high >>> 0) * TWO_32 + (low >>> 0);
  }

  /** Decimal digits (1 to 20 of them) as a number; NaN for none or too many. */
  decimal(): number {
    const { bytes, end, at: start } = this;
    let at = start;
    let value = 0;
    while (at < end) {
      const digit = (bytes[at] as number) - 0x30;
      if (digit < 0 || digit > 9) break;
      value = value * 10 + digit;
      at++;
    }
    this.at = at;
    return at === start || at - start > 20 ? Number.NaN : value;
  }

  /** A size: decimal (`%zu`), or hexadecimal after `0x` as old kernels print it. */
  size(): number {
    if (this.peek() === 0x30 && this.at + 1 < this.end && this.bytes[this.at + 1] === 0x78) {
      this.at += 2;
      return this.hex();
    }
    return this.decimal();
  }

  /** Text of a stretch. */
  text(start: number, end: number): string {
    return DECODER.decode(this.bytes.subarray(start, end));
  }
}
