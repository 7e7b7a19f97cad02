/**
 * Stretches of bytes that many lines have in common, with what the general reader made of them. Bounded: a hostile file
 * cannot make them grow. They lie in the memory that the kernel of lines reads.
 * @module
 */
import type { TraceEvent } from '../events.ts';
import { ENTRY, ENTRY_BYTES, type EntryTable, LONGEST, SCRATCH, TABLES } from './layout.ts';

const SET_BYTES = 2 * ENTRY_BYTES;
const BRACKET = 0x5d;
const EQUALS = 0x3d;
const SPACE = 0x20;
/** Of heads bytes are hashed by the last ones: pid and processor stand there. */
const HASHED = 16;
const SHORTEST_HEAD = 12;
const SHORTEST_START = 40;
const SHORTEST_NAME = 4;
const NOWHERE = 0;

function mixed(a: number, b: number, c: number, d: number): number {
  const low = Math.imul(a, 0x9e3779b1) + Math.imul(b, 0x85ebca6b);
  const high = Math.imul(c, 0xc2b2ae35) + Math.imul(d, 0x27d4eb2f);
  return ((low + high) | 0) >>> 20;
}

/** Behind the first `byte` in [at, at + LONGEST), or 0. */
function endBehind(bytes: Uint8Array, at: number, byte: number): number {
  const end = at + LONGEST;
  while (at < end && bytes[at] !== byte) at++;
  return at < end ? at + 1 : NOWHERE;
}

function setOf({ at, sets }: EntryTable, hash: number): number {
  return at + (hash & (sets - 1)) * SET_BYTES;
}

/** Tables of remembered bytes in a memory. Byte offsets throughout; 0 stands for "nowhere". */
export class Remembered {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;

  constructor(memory: ArrayBuffer) {
    this.#bytes = new Uint8Array(memory);
    this.#view = new DataView(memory);
  }

  /** The entry of the head that stands at `at`: up to the bracket behind the processor. */
  headAt(at: number): number {
    const end = this.#headEnd(at);
    return end === NOWHERE ? NOWHERE : this.#find(this.#setOfHead(at, end), at, end - at);
  }

  /** The entry of the start of a dma body that stands at `at`: up to its second equals sign, behind the direction. */
  startAt(at: number): number {
    const end = this.#startEnd(at);
    return end === NOWHERE ? NOWHERE : this.#find(this.#setOfStart(at, end), at, end - at);
  }

  /** The entry of the name, of an event that is not used, that stands at `at` with a space behind it. */
  nameAt(at: number): number {
    const end = endBehind(this.#bytes, at, SPACE);
    return end < at + SHORTEST_NAME ? NOWHERE : this.#find(this.#setOfName(at, end), at, end - at);
  }

  /** Remembers a head that is not yet here and ends where {@link headAt} would look. */
  addHead(bytes: Uint8Array, { task, pid, cpu }: TraceEvent): void {
    if (!this.#lay(bytes) || this.#headEnd(SCRATCH) !== SCRATCH + bytes.length) return;
    if (this.headAt(SCRATCH) !== NOWHERE) return;
    const entry = this.#open(this.#setOfHead(SCRATCH, SCRATCH + bytes.length), bytes.length);
    this.#view.setInt32(entry + ENTRY.task, task, true);
    this.#view.setFloat64(entry + ENTRY.pid, pid, true);
    this.#view.setFloat64(entry + ENTRY.cpu, cpu, true);
  }

  /** Remembers the start of a dma body that is not yet here and ends where {@link startAt} would look. */
  addStart(bytes: Uint8Array, { kind, device, direction }: TraceEvent): void {
    if (!this.#lay(bytes) || this.#startEnd(SCRATCH) !== SCRATCH + bytes.length) return;
    if (this.startAt(SCRATCH) !== NOWHERE) return;
    const entry = this.#open(this.#setOfStart(SCRATCH, SCRATCH + bytes.length), bytes.length);
    this.#view.setInt32(entry + ENTRY.kind, kind, true);
    this.#view.setInt32(entry + ENTRY.device, device, true);
    this.#view.setInt32(entry + ENTRY.direction, direction, true);
  }

  /** Remembers a name, with the space behind it, for whose events the reason of that number is counted. */
  addName(bytes: Uint8Array, reason: number): void {
    if (bytes.length < SHORTEST_NAME || !this.#lay(bytes) || this.nameAt(SCRATCH) !== NOWHERE) return;
    const entry = this.#open(this.#setOfName(SCRATCH, SCRATCH + bytes.length), bytes.length);
    this.#view.setInt32(entry + ENTRY.lines, 0, true);
    this.#view.setInt32(entry + ENTRY.reason, reason, true);
  }

  /** Gives for each name how many lines were passed over since the last call, and forgets it. */
  takePassed(take: (reason: number, lines: number) => void): void {
    const { at, sets } = TABLES.names;
    const view = this.#view;
    for (let entry = at; entry < at + sets * SET_BYTES; entry += ENTRY_BYTES) {
      const lines = view.getInt32(entry + ENTRY.lines, true);
      if (lines === 0) continue;
      take(view.getInt32(entry + ENTRY.reason, true), lines);
      view.setInt32(entry + ENTRY.lines, 0, true);
    }
  }

  #headEnd(at: number): number {
    return endBehind(this.#bytes, at + SHORTEST_HEAD - 1, BRACKET);
  }

  #startEnd(at: number): number {
    const first = endBehind(this.#bytes, at, EQUALS);
    const end = first === NOWHERE ? NOWHERE : endBehind(this.#bytes, first, EQUALS);
    return end < at + SHORTEST_START ? NOWHERE : end;
  }

  #setOfHead(at: number, end: number): number {
    const view = this.#view;
    const first = view.getInt32(Math.max(at, end - HASHED), true);
    const second = view.getInt32(end - 12, true);
    return setOf(TABLES.heads, mixed(first, second, view.getInt32(end - 8, true), view.getInt32(end - 4, true)));
  }

  /** By the name's middle, which tells map from unmap, and the bytes where device and direction stand. */
  #setOfStart(at: number, end: number): number {
    const view = this.#view;
    const first = view.getInt32(at + 8, true) ^ view.getInt32(end - 40, true);
    const second = view.getInt32(end - 36, true) ^ view.getInt32(end - 24, true);
    const third = view.getInt32(end - 32, true) ^ view.getInt32(end - 20, true);
    return setOf(TABLES.starts, mixed(first, second, third, view.getInt32(end - 28, true)));
  }

  #setOfName(at: number, end: number): number {
    const view = this.#view;
    return setOf(TABLES.names, mixed(view.getInt32(at, true), view.getInt32(end - 4, true), end - at, 0));
  }

  #find(set: number, at: number, length: number): number {
    if (this.#stands(set, at, length)) return set;
    return this.#stands(set + ENTRY_BYTES, at, length) ? set + ENTRY_BYTES : NOWHERE;
  }

  #stands(entry: number, at: number, length: number): boolean {
    if (this.#view.getInt32(entry + ENTRY.length, true) !== length) return false;
    const bytes = this.#bytes;
    let index = length - 1;
    while (index >= 0 && bytes[entry + index] === bytes[at + index]) index--;
    return index < 0;
  }

  /** Copies bytes to where they are hashed, zeros behind them. False where there are too many. */
  #lay(bytes: Uint8Array): boolean {
    if (bytes.length === 0 || bytes.length > LONGEST) return false;
    this.#bytes.fill(0, SCRATCH, SCRATCH + 2 * LONGEST);
    this.#bytes.set(bytes, SCRATCH);
    return true;
  }

  /** The first entry of a set, for the bytes that were laid; what was there becomes the second, which is forgotten. */
  #open(set: number, length: number): number {
    this.#bytes.copyWithin(set + ENTRY_BYTES, set, set + ENTRY_BYTES);
    this.#bytes.fill(0, set, set + ENTRY_BYTES);
    this.#bytes.copyWithin(set, SCRATCH, SCRATCH + length);
    this.#view.setInt32(set + ENTRY.length, length, true);
    return set;
  }
}
