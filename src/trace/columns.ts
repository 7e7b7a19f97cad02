/**
 * Events as columns, so that many of them are read at once, and cross from one thread to another at once.
 * @module
 */
import { copyInto, withRoom } from './arrays.ts';
import {
  type Context,
  clearBody,
  createEvent,
  type EventList,
  type EventSink,
  type Kind,
  type TraceEvent,
} from './events.ts';

const FIRST_EVENTS = 8192;
/** Time, iova, pa, size, unmapped, value, cpu, pid. */
export const NUMBERS = 8;
/** Kind and flags, task, device, direction. */
export const WORDS = 4;
const CONTEXT_SHIFT = 8;
/** A flag beside the kind: the event has a list. */
export const HAS_LIST: number = 1 << 16;
const HAS_TEXT = 1 << 17;
const NO_TEXT = '';
/** Of a list in the column: count, physical count, whether it is truncated. */
export const LIST_HEAD = 3;

/** The columns of a batch; plain data. */
export interface EventColumns {
  /** Events. */
  readonly count: number;
  readonly numbers: Float64Array<ArrayBuffer>;
  readonly words: Int32Array<ArrayBuffer>;
  /** Lists of the events that have one, one behind the other. */
  readonly lists: Float64Array<ArrayBuffer>;
  /** Texts of the events that have one. */
  readonly texts: readonly string[];
}

/** The memory of the columns, which goes to another thread and comes back. */
export function memoryOf({ numbers, words, lists }: EventColumns): ArrayBuffer[] {
  return [numbers.buffer, words.buffer, lists.buffer];
}

/** Takes what a reader reads, in the order of the file: events one by one, or columns of events. */
export interface EventTaker {
  /** The record is valid during the call only. */
  event(event: TraceEvent): void;
  /** Events of which none has a text. The columns are valid during the call only. */
  columns(columns: EventColumns): void;
}

/** Keeps events as they are read. */
export class EventBatch implements EventTaker {
  #count = 0;
  #numbers = new Float64Array(FIRST_EVENTS * NUMBERS);
  #words = new Int32Array(FIRST_EVENTS * WORDS);
  #lists = new Float64Array(0);
  #listEnd = 0;
  #texts: string[] = [];

  /** Events that wait. */
  get count(): number {
    return this.#count;
  }

  /** Adds a copy of an event. */
  event(event: TraceEvent): void {
    if (this.#count * WORDS === this.#words.length) this.#grow(this.#count + 1);
    const numbers = this.#numbers;
    const at = this.#count * NUMBERS;
    numbers[at] = event.time;
    numbers[at + 1] = event.iova;
    numbers[at + 2] = event.pa;
    numbers[at + 3] = event.size;
    numbers[at + 4] = event.unmapped;
    numbers[at + 5] = event.value;
    numbers[at + 6] = event.cpu;
    numbers[at + 7] = event.pid;
    this.#addWords(event);
    this.#count++;
  }

  /** Adds copies of events. */
  columns({ count, numbers, words, lists }: EventColumns): void {
    if ((this.#count + count) * WORDS > this.#words.length) this.#grow(this.#count + count);
    this.#numbers.set(numbers.subarray(0, count * NUMBERS), this.#count * NUMBERS);
    this.#words.set(words.subarray(0, count * WORDS), this.#count * WORDS);
    this.#count += count;
    if (lists.length === 0) return;
    this.#reserveLists(this.#listEnd + lists.length);
    this.#lists.set(lists, this.#listEnd);
    this.#listEnd += lists.length;
  }

  /** The columns so far, and an empty batch behind them; `spare`: columns that are not used any more. */
  take(spare?: EventColumns): EventColumns {
    const lists = this.#lists.slice(0, this.#listEnd);
    const columns = { count: this.#count, numbers: this.#numbers, words: this.#words, lists, texts: this.#texts };
    this.#numbers = spare?.numbers ?? new Float64Array(FIRST_EVENTS * NUMBERS);
    this.#words = spare?.words ?? new Int32Array(FIRST_EVENTS * WORDS);
    this.#count = 0;
    this.#listEnd = 0;
    this.#texts = [];
    return columns;
  }

  #addWords(event: TraceEvent): void {
    const { list, text } = event;
    const words = this.#words;
    const at = this.#count * WORDS;
    let flags = event.kind | (event.context << CONTEXT_SHIFT);
    if (list.count > 0 || list.physicalCount > 0 || list.truncated) {
      flags |= HAS_LIST;
      this.#addList(list);
    }
    if (text !== NO_TEXT) {
      flags |= HAS_TEXT;
      this.#texts.push(text);
    }
    words[at] = flags;
    words[at + 1] = event.task;
    words[at + 2] = event.device;
    words[at + 3] = event.direction;
  }

  #addList({ dma, lengths, physical, count, physicalCount, truncated }: EventList): void {
    let at = this.#listEnd;
    const end = at + LIST_HEAD + 2 * count + physicalCount;
    this.#reserveLists(end);
    const lists = this.#lists;
    lists[at++] = count;
    lists[at++] = physicalCount;
    lists[at++] = Number(truncated);
    for (let i = 0; i < count; i++) lists[at++] = dma[i] as number;
    for (let i = 0; i < count; i++) lists[at++] = lengths[i] as number;
    for (let i = 0; i < physicalCount; i++) lists[at++] = physical[i] as number;
    this.#listEnd = end;
  }

  #reserveLists(end: number): void {
    if (end > this.#lists.length) this.#lists = longer(this.#lists, end);
  }

  #grow(events: number): void {
    this.#numbers = longer(this.#numbers, events * NUMBERS);
    const words = new Int32Array((this.#numbers.length / NUMBERS) * WORDS);
    words.set(this.#words);
    this.#words = words;
  }
}

function longer(array: Float64Array<ArrayBuffer>, least: number): Float64Array<ArrayBuffer> {
  const grown = new Float64Array(Math.max(least, array.length * 2));
  grown.set(array);
  return grown;
}

/** Gives events to a sink, those of columns in one record that is reused. */
export class EventDelivery implements EventTaker {
  readonly event: EventSink;
  readonly #record: TraceEvent = createEvent();
  #listAt = 0;

  constructor(sink: EventSink) {
    this.event = sink;
  }

  /** Gives all events of columns, texts included. */
  columns({ count, numbers, words, lists, texts }: EventColumns): void {
    const sink = this.event;
    const event = this.#record;
    let text = 0;
    this.#listAt = 0;
    clearBody(event);
    for (let index = 0; index < count; index++) {
      const flags = words[index * WORDS] as number;
      fill(event, numbers, words, index);
      if (flags >= HAS_LIST) {
        if (flags & HAS_LIST) this.#readList(lists, event);
        if (flags & HAS_TEXT) event.text = texts[text++] as string;
      }
      sink(event);
      if (flags >= HAS_LIST) clearBody(event);
    }
  }

  #readList(lists: Float64Array, { list }: TraceEvent): void {
    const head = this.#listAt;
    const count = lists[head] as number;
    const physicalCount = lists[head + 1] as number;
    const at = head + LIST_HEAD;
    this.#listAt = at + 2 * count + physicalCount;
    list.dma = withRoom(list.dma, count);
    list.lengths = withRoom(list.lengths, count);
    list.physical = withRoom(list.physical, physicalCount);
    copyInto(lists, at, at + count, list.dma);
    copyInto(lists, at + count, at + 2 * count, list.lengths);
    copyInto(lists, at + 2 * count, this.#listAt, list.physical);
    list.count = count;
    list.physicalCount = physicalCount;
    list.truncated = lists[head + 2] === 1;
  }
}

/** All of an event but its list and text. */
function fill(event: TraceEvent, numbers: Float64Array, words: Int32Array, index: number): void {
  const at = index * NUMBERS;
  event.time = numbers[at] as number;
  event.iova = numbers[at + 1] as number;
  event.pa = numbers[at + 2] as number;
  event.size = numbers[at + 3] as number;
  event.unmapped = numbers[at + 4] as number;
  event.value = numbers[at + 5] as number;
  event.cpu = numbers[at + 6] as number;
  event.pid = numbers[at + 7] as number;
  const word = index * WORDS;
  const flags = words[word] as number;
  event.kind = (flags & 0xff) as Kind;
  event.context = ((flags >> CONTEXT_SHIFT) & 0xff) as Context;
  event.task = words[word + 1] as number;
  event.device = words[word + 2] as number;
  event.direction = words[word + 3] as number;
}
