/**
 * The engine under the readers of trace text: lines in, events out. What the tools print beside events (headers, notes
 * of lost events) is understood here too, for their outputs are often pasted together.
 * @module
 */
import { BodyReader } from './bodies.ts';
import { Cursor } from './cursor.ts';
import {
  clearBody,
  createEvent,
  createNames,
  EVENT_KINDS,
  type EventSink,
  type Kind,
  type TraceEvent,
  type TraceNames,
} from './events.ts';
import { FastLines } from './fast-line.ts';
import { LineHead } from './line-head.ts';
import { LineSplitter } from './lines.ts';
import { NameTable } from './names.ts';
import { readNote, readPerfLost } from './notes.ts';
import { createStats, EventCounter, type ReadStats, SkipCounter } from './stats.ts';

const COLON = 0x3a;
const SPACE = 0x20;
const RETURN = 0x0d;
const UNUSED = 0;

/** A reader that is fed with chunks of bytes, cut anywhere. */
export interface TraceReader {
  /** What was read so far. */
  readonly stats: ReadStats;
  /** Takes the next bytes; events go to the sink before it returns. */
  push(chunk: Uint8Array): void;
  /** Says that there are no more bytes. */
  end(): void;
}

/** Reads trace text of any of the forms that {@link LineHead} knows. Memory does not grow with the input. */
export class TextReader implements TraceReader {
  readonly stats: ReadStats;
  readonly #sink: EventSink;
  readonly #skip: SkipCounter;
  readonly #counter: EventCounter;
  readonly #head: LineHead;
  readonly #bodies: BodyReader;
  readonly #event: TraceEvent = createEvent();
  readonly #cursor = new Cursor();
  readonly #eventNames = new NameTable();
  readonly #kinds: number[] = [];
  readonly #lines: LineSplitter;
  readonly #fast: FastLines;
  /** Reasons by event-name id, for events that are not used. */
  readonly #unused: string[] = [];
  #nameId = -1;

  /** `reader` is the name to report, `names` the tables to intern into. */
  constructor(reader: string, sink: EventSink, names: TraceNames = createNames()) {
    this.stats = createStats(reader);
    this.#sink = sink;
    this.#skip = new SkipCounter(this.stats.skipped);
    this.#counter = new EventCounter(this.stats);
    this.#head = new LineHead(names);
    this.#bodies = new BodyReader(names);
    const fast = new FastLines(this.#event, () => this.#deliver());
    this.#fast = fast;
    this.#lines = new LineSplitter(
      (bytes, start, end) => this.#line(bytes, start, end),
      (bytes, start, end) => this.#leave('line longer than 64 KiB', bytes, start, end),
      (bytes, start) => fast.read(bytes, start),
    );
  }

  push(chunk: Uint8Array): void {
    this.stats.bytes += chunk.length;
    this.#lines.push(chunk);
  }

  end(): void {
    const { bytes, length } = this.#lines.rest();
    if (length > 0) this.#leave('last line has no newline: the file is cut off', bytes, 0, length);
  }

  #line(bytes: Uint8Array, start: number, end: number): void {
    if (end > start && bytes[end - 1] === RETURN) end--;
    if (end === start) return;
    const cursor = this.#cursor;
    cursor.set(bytes, start, end);
    if (readNote(cursor, this.stats)) return;
    cursor.at = start;
    if (!this.#head.read(cursor, this.#event)) {
      this.#leave('no event line', bytes, start, end);
      return;
    }
    if (this.#head.ticks) this.stats.ticks = true;
    const kind = this.#readKind(cursor);
    if (kind === UNUSED) this.#leaveUnused(cursor, bytes, start, end);
    else this.#body(kind as Kind, bytes, start, end);
  }

  /** Reads `name:` or `system:name:`; leaves the cursor at the body. @returns a kind or UNUSED. */
  #readKind(cursor: Cursor): number {
    let start = cursor.at;
    let end = this.#nameEnd(cursor);
    this.#nameId = -1;
    if (cursor.bytes[end] === COLON && end + 1 < cursor.end && cursor.bytes[end + 1] !== SPACE) {
      start = end + 1;
      cursor.at = start;
      end = this.#nameEnd(cursor);
    }
    if (end >= cursor.end || cursor.bytes[end] !== COLON) {
      cursor.at = start;
      return UNUSED;
    }
    const id = this.#eventNames.id(cursor.bytes, start, end);
    this.#nameId = id;
    const kind = this.#kinds[id] ?? this.#learn(id);
    cursor.at = kind === UNUSED ? start : end + 1;
    if (kind !== UNUSED) cursor.skipSpaces();
    return kind;
  }

  #nameEnd(cursor: Cursor): number {
    const { bytes, end } = cursor;
    let at = cursor.at;
    while (at < end && bytes[at] !== COLON && bytes[at] !== SPACE) at++;
    return at;
  }

  #learn(id: number): number {
    const kind = EVENT_KINDS.get(this.#eventNames.text(id)) ?? UNUSED;
    this.#kinds[id] = kind;
    return kind;
  }

  #body(kind: Kind, bytes: Uint8Array, start: number, end: number): void {
    const event = this.#event;
    clearBody(event);
    event.kind = kind;
    const problem = this.#bodies.read(kind, this.#cursor, event);
    if (problem !== '') {
      this.#leave(problem, bytes, start, end);
      return;
    }
    this.#fast.remember(bytes, start, this.#head.fixedEnd);
    this.#deliver();
  }

  #deliver(): void {
    const event = this.#event;
    this.#counter.count(event);
    if (event.list.truncated) this.stats.truncatedLists++;
    if (!isExact(event)) this.stats.rounded++;
    this.#sink(event);
  }

  #leaveUnused(cursor: Cursor, bytes: Uint8Array, start: number, end: number): void {
    const reason = this.#unused[this.#nameId] ?? this.#unusedReason(cursor, end);
    if (reason !== '') this.#leave(reason, bytes, start, end);
  }

  /** Why the event is not used; '' for a note of lost events, which is counted as such. */
  #unusedReason(cursor: Cursor, end: number): string {
    const to = this.#nameEnd(cursor);
    const text = cursor.text(cursor.at, Math.min(end, cursor.at + 64));
    if (readPerfLost(text, this.stats)) return '';
    const name = text.slice(0, to - cursor.at);
    const isName = this.#nameId >= 0 && /^\w+$/.test(name);
    const reason = isName ? `event not used: ${name}` : 'no event line';
    if (isName) this.#unused[this.#nameId] = reason;
    return reason;
  }

  #leave(reason: string, bytes: Uint8Array, start: number, end: number): void {
    const cut = Math.min(end, start + 400);
    this.#skip.add(reason, () => new TextDecoder().decode(bytes.subarray(start, cut)));
  }
}

/** False if an address was rounded: above 2^53, where only multiples of 2048 and more are sure to be exact. */
function isExact(event: TraceEvent): boolean {
  return isSafe(event.iova) && isSafe(event.pa) && event.size <= Number.MAX_SAFE_INTEGER;
}

function isSafe(address: number): boolean {
  return address <= Number.MAX_SAFE_INTEGER || address % 4096 === 0;
}
