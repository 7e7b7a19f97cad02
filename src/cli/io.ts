/**
 * Where the program meets the machine: files in, text out, progress. Nothing else of the project touches Node's `fs`,
 * `process` or the console.
 * @module
 */

import { closeSync, createReadStream, openSync, readSync, statSync } from 'node:fs';
import type { Readable } from 'node:stream';
import { gunzipSync } from 'node:zlib';
import { hex } from '../address.ts';
import { readStart } from '../answers/explain/start.ts';
import { cutShort, InputError } from '../errors.ts';
import { showControlsOfLines } from '../report/controls.ts';
import { toJson } from '../report/json.ts';
import { formatUnit } from '../report/number.ts';
import { unreadable } from './system-errors.ts';
import { isCutShort, LONGEST_MAGIC, packingOf, unpacked } from './unpack.ts';

const PROGRESS_DELAY_MS = 500;
const PROGRESS_EVERY_MS = 200;

/** Most bytes of a file that is read as a whole, packed and unpacked: registers, profiles, vectors, map lists. */
const MOST_WHOLE = 1 << 26;
const PIECE = 1 << 18;

function tooLarge(path: string, limit: number): InputError {
  return new InputError('TOO_LARGE', path, `expected at most ${hex(limit)} bytes, got more, packed or unpacked`, {
    limit,
  });
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

/**
 * True for a file that begins as a packed one.
 * @throws InputError `UNREADABLE`.
 */
export function isPacked(path: string): boolean {
  const start = new Uint8Array(LONGEST_MAGIC);
  try {
    const file = openSync(path, 'r');
    try {
      readPiece(file, start);
    } finally {
      closeSync(file);
    }
  } catch (cause) {
    throw unreadable(path, cause);
  }
  return packingOf(start) !== undefined;
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
 * Reads a whole file at once, unpacked if its bytes start as gzip does. {@link readWhole} unpacks zstd and xz too.
 * @param limit most bytes, packed and unpacked
 * @throws InputError `UNREADABLE`, `TOO_LARGE`, `UNSUPPORTED_INPUT` for zstd and xz.
 */
export function readFile(path: string, limit: number = MOST_WHOLE): Uint8Array {
  let bytes: Uint8Array | undefined;
  try {
    bytes = readPlain(path, limit);
    if (bytes !== undefined && packingOf(bytes) === 'gzip') bytes = gunzipSync(bytes, { maxOutputLength: limit });
  } catch (cause) {
    if (cause instanceof Error && 'code' in cause && cause.code === 'ERR_BUFFER_TOO_LARGE') throw tooLarge(path, limit);
    throw isCutShort(cause) ? cutShort(path) : unreadable(path, cause);
  }
  if (bytes === undefined) throw tooLarge(path, limit);
  const packing = packingOf(bytes);
  if (packing === undefined) return bytes;
  throw new InputError('UNSUPPORTED_INPUT', path, `expected a file that is plain or packed with gzip, got ${packing}`);
}

/**
 * Reads a whole file (or standard input, `-`), unpacked if its first bytes say that it is packed.
 * @param limit most bytes, unpacked
 * @throws InputError `UNREADABLE`, `TOO_LARGE`.
 */
export async function readWhole(path: string, limit: number = MOST_WHOLE): Promise<Uint8Array> {
  const bytes = await readStart(readChunks(path), limit + 1);
  if (bytes.length > limit) throw tooLarge(path, limit);
  return bytes;
}

/** The text of a whole file; see {@link readWhole}. */
export async function readText(path: string): Promise<string> {
  return new TextDecoder().decode(await readWhole(path));
}

function sizeOf(path: string): number | undefined {
  const size = path === '-' ? 0 : (statSync(path, { throwIfNoEntry: false })?.size ?? 0);
  return size === 0 ? undefined : size;
}

async function* rawChunks(path: string, progress: ReadProgress | undefined): AsyncGenerator<Uint8Array> {
  const stream: Readable = path === '-' ? process.stdin : createReadStream(path, { highWaterMark: 1 << 20 });
  const total = progress === undefined ? undefined : sizeOf(path);
  let bytes = 0;
  for await (const chunk of stream) {
    bytes += (chunk as Uint8Array).length;
    progress?.update(bytes, total);
    yield chunk as Uint8Array;
  }
}

/** Hears how many bytes of a file were read, as they lie in it, and of how many. */
export interface ReadProgress {
  update(done: number, total: number | undefined): void;
}

/**
 * Reads a file (or standard input, `-`) piece by piece, unpacked on the way if its first bytes say that it is packed.
 * @param progress is told the bytes read, packed, and their total
 * @throws InputError `UNREADABLE`, while it is read.
 */
export async function* readChunks(path: string, progress?: ReadProgress): AsyncGenerator<Uint8Array> {
  try {
    yield* unpacked(rawChunks(path, progress), path);
  } catch (cause) {
    throw cause instanceof InputError ? cause : unreadable(path, cause);
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

/** A line of progress: how much, the rate, and where the total is known the share and the time left. */
export function progressText(
  what: string,
  unit: string,
  done: number,
  total: number | undefined,
  seconds: number,
): string {
  const amount = (value: number): string => formatUnit(value, unit === 'bytes' ? unit : 'count');
  const name = unit === 'bytes' ? '' : ` ${unit}`;
  const rate = `${amount(Math.round(done / seconds))}/s`;
  if (total === undefined || done === 0 || done > total) return `${what}: ${amount(done)}${name}, ${rate}`;
  const left = formatUnit(Math.ceil((seconds * (total - done)) / done), 'seconds');
  return `${what}: ${amount(done)} of ${amount(total)}${name} (${Math.floor((100 * done) / total)} %), ${rate}, ${left} left`;
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
    process.stderr.write(`\r${progressText(this.#what, this.#unit, done, total, (now - this.#start) / 1000)}\u001b[K`);
  }

  /** Removes the line. */
  done(): void {
    if (this.#drawn) process.stderr.write('\r\u001b[K');
  }
}
