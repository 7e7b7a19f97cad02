/**
 * A small protobuf writer: the wire types that traces need (protobuf's "Encoding" page).
 * @module
 */

const VARINT = 0;
const FIXED64 = 1;
const BYTES = 2;

const encoder = new TextEncoder();

/** Collects one message, or a stream of messages. */
export class ProtoWriter {
  #bytes = new Uint8Array(256);
  #length = 0;

  /** Bytes written and not yet taken. */
  get length(): number {
    return this.#length;
  }

  /** A whole number, signed or not, as a varint; negative ones take ten bytes, as `int64` does. */
  integer(field: number, value: number | bigint): this {
    this.#varint(field * 8 + VARINT);
    if (typeof value === 'number' && value >= 0) this.#varint(value);
    else this.#varint64(BigInt.asUintN(64, BigInt(value)));
    return this;
  }

  /** A `double`. */
  double(field: number, value: number): this {
    this.#varint(field * 8 + FIXED64);
    this.#room(8);
    new DataView(this.#bytes.buffer).setFloat64(this.#length, value, true);
    this.#length += 8;
    return this;
  }

  /** A text. */
  text(field: number, value: string): this {
    return this.#block(field, encoder.encode(value));
  }

  /** A message inside this one; the inner writer is emptied. */
  message(field: number, inner: ProtoWriter): this {
    this.#block(field, inner.#bytes.subarray(0, inner.#length));
    inner.#length = 0;
    return this;
  }

  /** The bytes so far, copied; the writer is empty afterwards. */
  take(): Uint8Array {
    const bytes = this.#bytes.slice(0, this.#length);
    this.#length = 0;
    return bytes;
  }

  #block(field: number, bytes: Uint8Array): this {
    this.#varint(field * 8 + BYTES);
    this.#varint(bytes.length);
    this.#room(bytes.length);
    this.#bytes.set(bytes, this.#length);
    this.#length += bytes.length;
    return this;
  }

  #varint(value: number): void {
    this.#room(10);
    while (value >= 128) {
      this.#bytes[this.#length++] = (value % 128) + 128;
      value = Math.floor(value / 128);
    }
    this.#bytes[this.#length++] = value;
  }

  #varint64(value: bigint): void {
    this.#room(10);
    while (value >= 128n) {
      this.#bytes[this.#length++] = Number(value & 127n) + 128;
      value >>= 7n;
    }
    this.#bytes[this.#length++] = Number(value);
  }

  #room(more: number): void {
    if (this.#length + more <= this.#bytes.length) return;
    const grown = new Uint8Array(Math.max(this.#bytes.length * 2, this.#length + more));
    grown.set(this.#bytes.subarray(0, this.#length));
    this.#bytes = grown;
  }
}
