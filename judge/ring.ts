/**
 * A ring of commands in the emulated machine's memory.
 * @module
 */
import type { Qtest } from './qtest.ts';

/** Writes commands one behind the other; `count` is the number written so far. */
export class Ring {
  count = 0;
  readonly #qtest: Qtest;
  readonly #base: number;
  readonly #entries: number;
  readonly #bytes: number;

  /** @param bytes of one command, of which the first two quadwords are written */
  constructor(qtest: Qtest, base: number, entries: number, bytes = 16) {
    this.#qtest = qtest;
    this.#base = base;
    this.#entries = entries;
    this.#bytes = bytes;
  }

  /** Byte offset behind the last command, as a tail register has it. */
  get tail(): number {
    return (this.count % this.#entries) * this.#bytes;
  }

  /** Writes one command. */
  async push(w0: bigint, w1: bigint): Promise<void> {
    const at = this.#base + this.tail;
    this.count++;
    await Promise.all([this.#qtest.write64(at, w0), this.#qtest.write64(at + 8, w1)]);
  }
}
