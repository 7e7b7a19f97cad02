/**
 * The engine under the readers of trace text: lines in, events out. What the tools print beside events (headers, notes
 * of lost events) is understood here too, for their outputs are often pasted together.
 * @module
 */
import { BodyReader } from './bodies.ts';
import { EventDelivery, type EventTaker } from './columns.ts';
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
import { FastLines, type LineParts, type LineTaker } from './fast/fast-lines.ts';
import { LineHead } from './line-head.ts';
import { LineSplitter } from './lines.ts';
import { NameTable } from './names.ts';
import { readNote, readPerfLost } from './notes.ts';
import { createStats, EventCounter, type ReadStats, SkipCounter } from './stats.ts';

const COLON = 0x3a;
const SPACE = 0x20;
const RETURN = 0x0d;
const UNUSED = 0;

/** Why a last line without a newline is left out. */
export const CUT_OFF = 'last line has no newline: the file is cut off';

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
  readonly #taker: EventTaker;
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
  /** Where the event's name begins, that of its system before it. */
  #bodyAt = 0;

  /** `reader` is the name to report, `names` the tables to intern into, `plain`: without WebAssembly. */
  constructor(reader: string, sink: EventSink | EventTaker, names: TraceNames = createNames(), plain = false) {
    this.stats = createStats(reader);
    this.#taker = typeof sink === 'function' ? new EventDelivery(sink) : sink;
    this.#skip = new SkipCounter(this.stats.skipped);
    this.#counter = new EventCounter(this.stats);
    this.#head = new LineHead(names);
    this.#bodies = new BodyReader(names);
    this.#fast = new FastLines(this.#commonTaker(), plain);
    this.#lines = new LineSplitter(
      (bytes, start, end) => this.#line(bytes, start, end),
      (bytes, start, end) => this.#unended('line longer than 64 KiB', bytes, start, end),
      this.#fast,
    );
  }

  push(chunk: Uint8Array): void {
    this.stats.bytes += chunk.length;
    this.#lines.push(chunk);
  }

  end(): void {
    const { bytes, length } = this.#lines.rest();
    if (length > 0) this.#unended(CUT_OFF, bytes, 0, length);
  }

  /** Counts what the reader of common lines read, and passes it on. */
  #commonTaker(): LineTaker {
    return {
      columns: (columns) => {
        this.stats.lines += columns.count;
        this.#counter.countColumns(columns);
        this.#taker.columns(columns);
      },
      passed: (reason, lines) => {
        this.stats.lines += lines;
        this.#skip.addUnused(reason, lines);
      },
    };
  }

  #line(bytes: Uint8Array, start: number, end: number): void {
    this.stats.lines++;
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
    this.#bodyAt = start;
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
    this.#fast.remember(bytes, this.#parts(start), event);
    this.#deliver();
  }

  #deliver(): void {
    const event = this.#event;
    this.#counter.count(event);
    this.#taker.event(event);
  }

  #parts(start: number): LineParts {
    return { start, headEnd: this.#head.fixedEnd, body: this.#bodyAt };
  }

  #leaveUnused(cursor: Cursor, bytes: Uint8Array, start: number, end: number): void {
    const known = this.#unused[this.#nameId];
    const reason = known ?? this.#unusedReason(cursor, end);
    const isName = this.#unused[this.#nameId] !== undefined;
    if (reason !== '') this.#leave(reason, bytes, start, end, isName);
    if (known !== undefined) this.#fast.rememberUnused(bytes, this.#parts(start), this.#event, known);
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

  /** Leaves a line that was not read up to its newline. */
  #unended(reason: string, bytes: Uint8Array, start: number, end: number): void {
    this.stats.lines++;
    this.#leave(reason, bytes, start, end);
  }

  #leave(reason: string, bytes: Uint8Array, start: number, end: number, understood = false): void {
    const cut = Math.min(end, start + 400);
    this.#skip.add(reason, { line: this.stats.lines, understood }, () =>
      new TextDecoder().decode(bytes.subarray(start, cut)),
    );
  }
}
