/**
 * Where the program meets the machine: files in, text out, progress. Nothing else of the project touches Node's `fs`,
 * `process` or the console.
 * @module
 */
import { closeSync, createReadStream, openSync, readSync } from 'node:fs';
import type { Readable } from 'node:stream';
import { createGunzip, gunzipSync } from 'node:zlib';
import { InputError } from '../errors.ts';
import { showControlsOfLines } from '../report/controls.ts';
import { toJson } from '../report/json.ts';

const PROGRESS_DELAY_MS = 500;
const PROGRESS_EVERY_MS = 200;

function unreadable(path: string, cause: unknown): InputError {
  const why = cause instanceof Error ? cause.message : String(cause);
  return new InputError('UNREADABLE', path, why);
}

/** Most bytes of a file that is read as a whole, packed and unpacked: registers, profiles, vectors, map lists. */
const MOST_WHOLE = 1 << 26;
const PIECE = 1 << 18;

function tooLarge(path: string, limit: number): InputError {
  return new InputError('TOO_LARGE', path, `more than ${limit} bytes, packed or unpacked`, { limit });
}

function readPiece(file: number, piece: Uint8Array): number {
  for (;;) {
    try {
      return readSync(file, piece, 0, piece.length, null);
    } catch (cause) {
      const code = cause instanceof Error && 'code' in cause ? cause.code : '';
      if (code === 'EOF') return 0;
      if (code !== 'EAGAIN') throw cause;
    }
  }
}

/** All bytes of an open file; `undefined` if there are more than `limit`. */
function readAll(file: number, limit: number): Uint8Array | undefined {
  const parts: Uint8Array[] = [];
  for (let total = 0; ; ) {
    const piece = new Uint8Array(PIECE);
    const count = readPiece(file, piece);
    if (count === 0) return Buffer.concat(parts);
    parts.push(piece.subarray(0, count));
    total += count;
    if (total > limit) return undefined;
  }
}

function readPlain(path: string, limit: number): Uint8Array | undefined {
  if (path === '-') return readAll(0, limit);
  const file = openSync(path, 'r');
  try {
    return readAll(file, limit);
  } finally {
    closeSync(file);
  }
}

/**
 * Reads a whole file, unpacked if its bytes start as gzip does.
 * @param limit most bytes, packed and unpacked
 * @throws InputError `UNREADABLE`, `TOO_LARGE`.
 */
export function readFile(path: string, limit: number = MOST_WHOLE): Uint8Array {
  let bytes: Uint8Array | undefined;
  try {
    bytes = readPlain(path, limit);
    if (bytes?.[0] === 0x1f && bytes[1] === 0x8b) bytes = gunzipSync(bytes, { maxOutputLength: limit });
  } catch (cause) {
    if (cause instanceof Error && 'code' in cause && cause.code === 'ERR_BUFFER_TOO_LARGE') throw tooLarge(path, limit);
    throw unreadable(path, cause);
  }
  if (bytes === undefined) throw tooLarge(path, limit);
  return bytes;
}

/**
 * Reads a file (or standard input, `-`) piece by piece; a name that ends in `.gz` is unpacked on the way.
 * @throws InputError `UNREADABLE`, while it is read.
 */
export async function* readChunks(path: string): AsyncGenerator<Uint8Array> {
  const raw: Readable = path === '-' ? process.stdin : createReadStream(path, { highWaterMark: 1 << 20 });
  const stream = path.endsWith('.gz') ? raw.pipe(createGunzip({ chunkSize: 1 << 18 })) : raw;
  raw.on('error', (cause) => stream.destroy(cause));
  try {
    for await (const chunk of stream) yield chunk as Uint8Array;
  } catch (cause) {
    throw unreadable(path, cause);
  }
}

function asLines(text: string, styled: boolean): string {
  const shown = showControlsOfLines(text, styled);
  return shown.endsWith('\n') ? shown : `${shown}\n`;
}

/**
 * Writes text to standard output; control characters that came from an input are shown by their code.
 * @param styled true if the program itself coloured the text
 */
export function print(text: string, styled = false): void {
  process.stdout.write(asLines(text, styled));
}

/** Writes a script to standard output, byte for byte: words that it quotes must stay as they are. */
export function printScript(text: string): void {
  process.stdout.write(text);
}

/** Writes talk (notes, warnings) to standard error, control characters shown by their code. */
export function say(text: string): void {
  process.stderr.write(asLines(text, false));
}

/** Prints one JSON answer. 64-bit values must already be `0x…` text. */
export function printJson(answer: object): void {
  print(toJson(answer));
}

/** Progress on standard error: nothing for the first half second, nothing off a terminal. */
export class Progress {
  readonly #what: string;
  readonly #unit: string;
  readonly #off: boolean;
  readonly #start = performance.now();
  #shown = this.#start + PROGRESS_DELAY_MS - PROGRESS_EVERY_MS;
  #drawn = false;

  constructor(what: string, unit: string, quiet = false) {
    this.#what = what;
    this.#unit = unit;
    this.#off = quiet || !process.stderr.isTTY;
  }

  /** Reports how much is done; `total` where it is known. */
  update(done: number, total?: number): void {
    const now = performance.now();
    if (this.#off || now - this.#shown < PROGRESS_EVERY_MS) return;
    this.#shown = now;
    this.#drawn = true;
    const rate = Math.round(done / ((now - this.#start) / 1000));
    const share = total === undefined ? '' : ` (${Math.floor((100 * done) / total)} %)`;
    process.stderr.write(`\r${this.#what}: ${done} ${this.#unit}${share}, ${rate}/s `);
  }

  /** Removes the line. */
  done(): void {
    if (this.#drawn) process.stderr.write('\r\u001b[K');
  }
}
