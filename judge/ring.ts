/**
 * A ring of commands of two quadwords in the emulated machine's memory.
 * @module
 */
import type { Qtest } from './qtest.ts';

const COMMAND_BYTES = 16;

/** Writes commands one behind the other; `count` is the number written so far. */
export class Ring {
  count = 0;
  readonly #qtest: Qtest;
  readonly #base: number;
  readonly #entries: number;

  constructor(qtest: Qtest, base: number, entries: number) {
    this.#qtest = qtest;
    this.#base = base;
    this.#entries = entries;
  }

  /** Byte offset behind the last command, as a tail register has it. */
  get tail(): number {
    return (this.count % this.#entries) * COMMAND_BYTES;
  }

  /** Writes one command. */
  async push(w0: bigint, w1: bigint): Promise<void> {
    const at = this.#base + this.tail;
    await Promise.all([this.#qtest.write64(at, w0), this.#qtest.write64(at + 8, w1)]);
    this.count++;
  }
}
