/**
 * The common lines of a chunk, many at a time, by the kernel; the other lines are left to the general reader, which tells what it
 * read so that lines like it are known from then on.
 * @module
 */
import { type EventColumns, NUMBERS, WORDS } from '../columns.ts';
import { KIND, type TraceEvent } from '../events.ts';
import type { CommonLines } from '../lines.ts';
import { type KernelWithMemory, lineKernel } from './kernel.ts';
import {
  LEFT_AT,
  LISTS_AT,
  LISTS_BYTES,
  LONGEST,
  MOST_EVENTS,
  NUMBERS_AT,
  WINDOW_AT,
  WINDOW_BYTES,
  WORDS_AT,
} from './layout.ts';
import { Remembered } from './remembered.ts';

/** Nearer to the end of the window a line may be cut off by it. */
const NEAR = 16384;
/** Zeros behind the window: no kernel reads further where no newline comes. */
const BEHIND = 256;
/** Reasons that lines are passed over for, at most. */
const MOST_REASONS = 64;
const NO_BYTES = new Uint8Array(0);
const NO_LISTS = new Float64Array(0);
const NO_TEXTS: readonly string[] = [];
/** Start of a dma body up to the first field behind the direction, perf's name of the system before it or not. */
const DMA_START =
  /^(?:dma:)?dma_(?:(?:un)?map_(?:page|phys|resource): +[^ ]+ dir=[A-Z_]+ dma_addr|map_sg: +[^ ]+ dir=[A-Z_]+ (?:nents|dma_addrs)|unmap_sg: +[^ ]+ dir=[A-Z_]+ phys_addrs)=/;
/** Name of an event, the same, and the space behind it. */
const NAME = /^(?:\w+:)?\w+: /;
const LATIN = new TextDecoder('latin1');

/** What takes the events of common lines. */
export interface LineTaker {
  /** Events whose numbers are exact and lists complete, without texts. The columns are valid during the call only. */
  columns(columns: EventColumns): void;
  /** Lines that were passed over, as they were before for that reason. */
  passed(reason: string, lines: number): void;
}

/** Where the parts of a line begin and end. */
export interface LineParts {
  readonly start: number;
  /** Behind the bracket that follows the processor; −1 where there is none. */
  readonly headEnd: number;
  /** Where the event's name stands, behind the time. */
  readonly body: number;
}

/** What {@link FastLines} keeps once it knows a line. */
interface Parts extends KernelWithMemory {
  readonly remembered: Remembered;
  readonly numbers: Float64Array<ArrayBuffer>;
  readonly words: Int32Array<ArrayBuffer>;
  readonly lists: Float64Array<ArrayBuffer>;
  readonly left: Int32Array;
  readonly window: Uint8Array;
}

function partsOf(plain: boolean): Parts {
  const { kernel, memory } = lineKernel(plain);
  return {
    kernel,
    memory,
    remembered: new Remembered(memory),
    numbers: new Float64Array(memory, NUMBERS_AT, MOST_EVENTS * NUMBERS),
    words: new Int32Array(memory, WORDS_AT, MOST_EVENTS * WORDS),
    lists: new Float64Array(memory, LISTS_AT, LISTS_BYTES / Float64Array.BYTES_PER_ELEMENT),
    left: new Int32Array(memory, LEFT_AT, 4),
    window: new Uint8Array(memory, WINDOW_AT, WINDOW_BYTES + BEHIND),
  };
}

/** Reads common lines. */
export class FastLines implements CommonLines {
  readonly #taker: LineTaker;
  readonly #plain: boolean;
  /** Made when the first line is known: many readers never know one. */
  #parts: Parts | undefined;
  readonly #reasons: string[] = [];
  #chunk: Uint8Array = NO_BYTES;
  /** Of the chunk, what lies in the window. */
  #from = 0;
  #to = 0;

  /** `plain`: by the plain twin of the kernel. */
  constructor(taker: LineTaker, plain = false) {
    this.#taker = taker;
    this.#plain = plain;
  }

  begin(chunk: Uint8Array): void {
    this.#chunk = chunk;
    this.#from = 0;
    this.#to = 0;
  }

  read(start: number): number {
    const parts = this.#parts;
    if (parts === undefined) return start;
    for (;;) {
      if (start >= this.#to || start < this.#from) this.#fill(parts, start);
      start = this.#run(parts, start);
      const isCut = this.#to < this.#chunk.length && this.#to - start < NEAR && start > this.#from;
      if (!isCut && parts.left[0] !== MOST_EVENTS) return start;
      if (isCut) this.#fill(parts, start);
    }
  }

  /** Remembers a line's head and, of a dma event, the start of its body, as they were read into the event. */
  remember(line: Uint8Array, parts: LineParts, event: TraceEvent): void {
    const remembered = this.#rememberHead(line, parts, event);
    if (event.kind < KIND.DMA_MAP || event.kind > KIND.DMA_UNMAP_SG) return;
    remembered?.addStart(stretchOf(line, parts.body, DMA_START), event);
  }

  /** Remembers a line's head and the name of its event, which is not used for a reason. */
  rememberUnused(line: Uint8Array, parts: LineParts, event: TraceEvent, reason: string): void {
    const number = this.#numberOf(reason);
    if (number >= MOST_REASONS) return;
    this.#rememberHead(line, parts, event)?.addName(stretchOf(line, parts.body, NAME), number);
  }

  #rememberHead(line: Uint8Array, { start, headEnd }: LineParts, event: TraceEvent): Remembered | undefined {
    if (headEnd < 0) return undefined;
    this.#parts ??= partsOf(this.#plain);
    const { remembered, left } = this.#parts;
    if (left[2] === 0) remembered.addHead(line.subarray(start, headEnd), event);
    return remembered;
  }

  #numberOf(reason: string): number {
    const known = this.#reasons.indexOf(reason);
    if (known >= 0 || this.#reasons.length === MOST_REASONS) return known >= 0 ? known : MOST_REASONS;
    return this.#reasons.push(reason) - 1;
  }

  #fill({ window }: Parts, start: number): void {
    const end = Math.min(this.#chunk.length, start + WINDOW_BYTES);
    window.set(this.#chunk.subarray(start, end));
    window.fill(0, end - start, end - start + BEHIND);
    this.#from = start;
    this.#to = end;
  }

  /** Reads as many lines as it can. @returns where the line begins that it could not read */
  #run(parts: Parts, start: number): number {
    const { kernel, left, numbers, words, remembered } = parts;
    const offset = WINDOW_AT - this.#from;
    const next = kernel.readLines(start + offset, this.#to + offset, MOST_EVENTS) - offset;
    const count = left[0] as number;
    if (count > 0) this.#taker.columns({ count, numbers, words, lists: this.#lists(parts), texts: NO_TEXTS });
    if (left[1] !== 0) {
      remembered.takePassed((reason, lines) => this.#taker.passed(this.#reasons[reason] as string, lines));
    }
    return next;
  }

  #lists({ lists, left }: Parts): Float64Array<ArrayBuffer> {
    const end = left[3] as number;
    return end === LISTS_AT ? NO_LISTS : lists.subarray(0, (end - LISTS_AT) / lists.BYTES_PER_ELEMENT);
  }
}

/** The bytes from `at` on that a text of ASCII matches, none where it does not. */
function stretchOf(line: Uint8Array, at: number, text: RegExp): Uint8Array {
  const [found = ''] = text.exec(LATIN.decode(line.subarray(at, at + LONGEST + 1))) ?? [];
  return line.subarray(at, at + found.length);
}
