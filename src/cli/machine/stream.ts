/**
 * Files that grow while they are read (trace_pipe, /dev/kmsg), without waiting for them.
 * @module
 */
import { closeSync, constants, openSync, readSync } from 'node:fs';
import type { InputError } from '../../errors.ts';
import { unreadable } from '../system-errors.ts';

const PIECE = 1 << 16;

function codeOf(cause: unknown): string {
  return cause instanceof Error && 'code' in cause ? String(cause.code) : '';
}

/** A file that is read as far as it goes, again and again. */
export class GrowingFile {
  /** Times that the kernel had overwritten what was to be read next. */
  lost = 0;
  readonly #path: string;
  readonly #file: number;
  readonly #piece = new Uint8Array(PIECE);

  /** @throws InputError `UNREADABLE`. */
  constructor(path: string) {
    this.#path = path;
    try {
      this.#file = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
    } catch (cause) {
      throw this.#unreadable(cause);
    }
  }

  /**
   * Hands over what there is.
   * @param most - bytes at most
   * @throws InputError `UNREADABLE`.
   */
  drain(most: number, sink: (bytes: Uint8Array) => void): void {
    for (let total = 0; total < most; ) {
      const length = this.#read();
      if (length === undefined) continue;
      if (length === 0) return;
      total += length;
      sink(this.#piece.subarray(0, length));
    }
  }

  close(): void {
    closeSync(this.#file);
  }

  /** Bytes read; 0 where there are none now; undefined where records were lost. */
  #read(): number | undefined {
    try {
      return readSync(this.#file, this.#piece);
    } catch (cause) {
      const code = codeOf(cause);
      if (code === 'EAGAIN' || code === 'EINTR') return 0;
      // /dev/kmsg: the next record was overwritten (Documentation/ABI/testing/dev-kmsg)
      if (code !== 'EPIPE') throw this.#unreadable(cause);
      this.lost++;
      return undefined;
    }
  }

  #unreadable(cause: unknown): InputError {
    return unreadable(this.#path, cause);
  }
}
