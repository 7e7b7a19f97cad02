/**
 * Stretches of bytes that many lines have in common, with what the general reader made of them. Bounded: a hostile file
 * cannot make them grow.
 * @module
 */
import type { Kind, TraceEvent } from './events.ts';
import { Literal } from './literal.ts';

/** Remembered bytes are no longer than this. */
export const LONGEST = 96;
/** Bytes that a head is hashed by, its last ones: pid and processor stand there. */
const HASHED = 16;
const SHORTEST_HEAD = 12;
const SLOTS = 1024;
const LENGTHS = 4;
const STARTS = 16;

/** Bytes met before, with what they mean. */
interface Remembered {
  readonly bytes: Literal;
  readonly pid: number;
  readonly task: number;
  readonly cpu: number;
  readonly kind: Kind;
  readonly device: number;
  readonly direction: number;
}

function remembered(bytes: Uint8Array, event: TraceEvent): Remembered {
  const { pid, task, cpu, kind, device, direction } = event;
  return { bytes: new Literal(bytes), pid, task, cpu, kind, device, direction };
}

/** Heads of lines by task and processor: nearly all of a trace have one length. A later head may take an earlier one's place. */
export class LineHeads {
  readonly #slots: (Remembered | undefined)[] = new Array<Remembered | undefined>(SLOTS).fill(undefined);
  /** Lengths of heads, the one met last first. */
  readonly #lengths: number[] = [];

  /** The head that stands at `at`, where {@link LONGEST} bytes are. */
  find(view: DataView, at: number): Remembered | undefined {
    const lengths = this.#lengths;
    for (let index = 0; index < lengths.length; index++) {
      const length = lengths[index] as number;
      const head = this.#slots[slotOf(view, at, at + length)];
      if (head === undefined || head.bytes.length !== length || !head.bytes.stands(view, at)) continue;
      if (index > 0) this.#prefer(length);
      return head;
    }
    return undefined;
  }

  /** Remembers a head that is not here, if its length allows. */
  add(bytes: Uint8Array, event: TraceEvent): void {
    const { length } = bytes;
    if (length < SHORTEST_HEAD || length > LONGEST) return;
    this.#prefer(length);
    const view = new DataView(bytes.buffer, bytes.byteOffset, length);
    this.#slots[slotOf(view, 0, length)] = remembered(bytes, event);
  }

  #prefer(length: number): void {
    const lengths = this.#lengths;
    const index = lengths.indexOf(length);
    if (index >= 0) lengths.splice(index, 1);
    lengths.unshift(length);
    if (lengths.length > LENGTHS) lengths.pop();
  }
}

/** The slot of a head that stands in [start, end). */
function slotOf(view: DataView, start: number, end: number): number {
  const first = Math.max(start, end - HASHED);
  const low = Math.imul(view.getInt32(first, true), 0x9e3779b1) ^ view.getInt32(end - 12, true);
  const high = Math.imul(view.getInt32(end - 8, true), 0x85ebca6b) ^ view.getInt32(end - 4, true);
  const hash = Math.imul(low ^ Math.imul(high, 0xc2b2ae35), 0x9e3779b1);
  return (hash >>> 15) & (SLOTS - 1);
}

/** A few stretches of bytes of any length: the one met last is looked at first, the one not met for longest is forgotten. */
export class LineStarts {
  readonly #entries: Remembered[] = [];

  /** The entry whose bytes stand at `at`, where {@link LONGEST} bytes are. */
  find(view: DataView, at: number): Remembered | undefined {
    const entries = this.#entries;
    for (let index = 0; index < entries.length; index++) {
      const entry = entries[index] as Remembered;
      if (!entry.bytes.stands(view, at)) continue;
      if (index > 0) this.#moveToFront(entry, index);
      return entry;
    }
    return undefined;
  }

  /** Adds bytes that are not yet here and have a length that can be compared. */
  add(bytes: Uint8Array, event: TraceEvent): void {
    if (bytes.length < 4 || bytes.length > LONGEST) return;
    const padded = new Uint8Array(LONGEST);
    padded.set(bytes);
    if (this.find(new DataView(padded.buffer), 0) !== undefined) return;
    this.#entries.unshift(remembered(bytes, event));
    this.#entries.length = Math.min(this.#entries.length, STARTS);
  }

  #moveToFront(entry: Remembered, index: number): void {
    const entries = this.#entries;
    for (let at = index; at > 0; at--) entries[at] = entries[at - 1] as Remembered;
    entries[0] = entry;
  }
}
