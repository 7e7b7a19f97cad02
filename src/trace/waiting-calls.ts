/**
 * Calls that wait, oldest first, in columns: what a call is copied into and out of lies in one place, call behind call.
 * @module
 */
import { copyInto, withRoom } from './arrays.ts';
import type { TraceCall } from './calls.ts';
import { createFields, type LiveFields } from './live.ts';

const KINDS: readonly TraceCall['kind'][] = ['map', 'mapSg', 'unmap'];
const UNMAP = 2;

/** Of a call: numbers. */
const NUMBERS = 10;
const IOVA = 0;
const SIZE = 1;
const TIME = 2;
const COVERED = 3;
/** What an unmap takes from: when it was mapped, its bytes, its list. */
const WAS_TIME = 4;
const WAS_TOTAL = 5;
const WAS_LIST = 6;
/** The newest list up to this call: its own, if it maps. */
const NEWEST = 7;
const PID = 8;
const CPU = 9;

/** Of a call: words. */
const WORDS = 10;
const WHAT = 0;
const DOMAIN = 1;
const TASK = 2;
const DEVICE = 3;
const DIRECTION = 4;
const WAS_TASK = 5;
const WAS_PID = 6;
const WAS_DEVICE = 7;
/** Where its elements begin and end. */
const FIRST = 8;
const END = 9;

/** Kind in two bits, and flags. */
const KIND_MASK = 3;
const NAMED = 4;
const INFERRED = 8;
const HAS_WAS = 16;

const FIRST_CALLS = 256;
const FIRST_ELEMENTS = 1024;

/** Calls by their place: the oldest is at {@link head}, the newest below {@link end}. */
export class WaitingCalls {
  /** Place of the oldest call, and the place behind the newest. */
  head = 0;
  end = 0;
  /** Elements of the calls that wait. */
  elements = 0;
  #numbers = new Float64Array(FIRST_CALLS * NUMBERS);
  #words = new Int32Array(FIRST_CALLS * WORDS);
  #pa: Float64Array = new Float64Array(FIRST_ELEMENTS);
  #length: Float64Array = new Float64Array(FIRST_ELEMENTS);
  #elementEnd = 0;
  #newest = 0;
  readonly #was: LiveFields = createFields();

  /** Adds a copy of a call; `list` is the number of the list that it maps, above all before it, or 0. */
  push(call: TraceCall, list: number): void {
    const number = this.end * NUMBERS;
    const word = this.end * WORDS;
    if (number === this.#numbers.length) this.#grow();
    if (list > 0) this.#newest = list;
    const numbers = this.#numbers;
    numbers[number + IOVA] = call.iova;
    numbers[number + SIZE] = call.size;
    numbers[number + TIME] = call.time;
    numbers[number + COVERED] = call.covered;
    numbers[number + NEWEST] = this.#newest;
    numbers[number + PID] = call.pid;
    numbers[number + CPU] = call.cpu;
    const words = this.#words;
    words[word + WHAT] = whatIs(call);
    words[word + DOMAIN] = call.domain;
    words[word + TASK] = call.task;
    words[word + DEVICE] = call.device;
    words[word + DIRECTION] = call.direction;
    this.#pushElements(call, word);
    if (call.was !== undefined) this.#pushWas(call.was, number, word);
    this.end++;
  }

  /** The oldest call, in `into`; it waits no more. */
  shift(into: TraceCall): void {
    const number = this.head * NUMBERS;
    const word = this.head * WORDS;
    const numbers = this.#numbers;
    const words = this.#words;
    const what = words[word + WHAT] as number;
    const first = words[word + FIRST] as number;
    const end = words[word + END] as number;
    into.kind = KINDS[what & KIND_MASK] as TraceCall['kind'];
    into.domain = words[word + DOMAIN] as number;
    into.iova = numbers[number + IOVA] as number;
    into.size = numbers[number + SIZE] as number;
    into.time = numbers[number + TIME] as number;
    into.task = words[word + TASK] as number;
    into.pid = numbers[number + PID] as number;
    into.cpu = numbers[number + CPU] as number;
    into.device = words[word + DEVICE] as number;
    into.direction = words[word + DIRECTION] as number;
    into.named = (what & NAMED) !== 0;
    into.covered = numbers[number + COVERED] as number;
    into.cause = (what & INFERRED) === 0 ? 'traced' : 'inferred';
    into.was = (what & HAS_WAS) === 0 ? undefined : this.#readWas(number, word);
    into.count = end - first;
    into.pa = withRoom(into.pa, into.count);
    into.length = withRoom(into.length, into.count);
    copyInto(this.#pa, first, end, into.pa);
    copyInto(this.#length, first, end, into.length);
    this.elements -= into.count;
    this.head++;
  }

  /** Forgets all calls. */
  clear(): void {
    this.head = 0;
    this.end = 0;
    this.elements = 0;
    this.#elementEnd = 0;
  }

  /** The place of the call that maps a list, if it waits and no dma event named it; else −1. */
  placeOf(list: number): number {
    const numbers = this.#numbers;
    let low = this.head;
    let high = this.end;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((numbers[middle * NUMBERS + NEWEST] as number) < list) low = middle + 1;
      else high = middle;
    }
    if (low === this.end || numbers[low * NUMBERS + NEWEST] !== list) return -1;
    return ((this.#words[low * WORDS + WHAT] as number) & (NAMED | UNMAP)) === 0 ? low : -1;
  }

  /** True if an address is where an element of a call begins or ends, or lies at its start or below. */
  hasBoundary(place: number, address: number): boolean {
    const word = place * WORDS;
    const end = this.#words[word + END] as number;
    const start = this.iova(place);
    let at = start;
    for (let index = this.#words[word + FIRST] as number; index < end && at < address; index++)
      at += this.#length[index] as number;
    return at === address || address <= start;
  }

  /** First address of a call. */
  iova(place: number): number {
    return this.#numbers[place * NUMBERS + IOVA] as number;
  }

  /** Bytes of a call. */
  size(place: number): number {
    return this.#numbers[place * NUMBERS + SIZE] as number;
  }

  /** Moves the calls to the front, so that the oldest has place 0. */
  compact(): void {
    this.#dropElements();
    this.#numbers.copyWithin(0, this.head * NUMBERS, this.end * NUMBERS);
    this.#words.copyWithin(0, this.head * WORDS, this.end * WORDS);
    this.end -= this.head;
    this.head = 0;
  }

  /** The number of the list that a call maps, or of the newest one before it. */
  newest(place: number): number {
    return this.#numbers[place * NUMBERS + NEWEST] as number;
  }

  #pushElements({ count, pa, length }: TraceCall, word: number): void {
    if (this.#elementEnd + count > this.#pa.length) this.#makeRoom(count);
    const first = this.#elementEnd;
    for (let index = 0; index < count; index++) {
      this.#pa[first + index] = pa[index] as number;
      this.#length[first + index] = length[index] as number;
    }
    this.#words[word + FIRST] = first;
    this.#words[word + END] = first + count;
    this.#elementEnd = first + count;
    this.elements += count;
  }

  #pushWas(was: LiveFields, number: number, word: number): void {
    this.#numbers[number + WAS_TIME] = was.time;
    this.#numbers[number + WAS_TOTAL] = was.total;
    this.#numbers[number + WAS_LIST] = was.list;
    this.#words[word + WAS_TASK] = was.task;
    this.#words[word + WAS_PID] = was.pid;
    this.#words[word + WAS_DEVICE] = was.device;
  }

  #readWas(number: number, word: number): LiveFields {
    const was = this.#was;
    was.time = this.#numbers[number + WAS_TIME] as number;
    was.total = this.#numbers[number + WAS_TOTAL] as number;
    was.list = this.#numbers[number + WAS_LIST] as number;
    was.task = this.#words[word + WAS_TASK] as number;
    was.pid = this.#words[word + WAS_PID] as number;
    was.device = this.#words[word + WAS_DEVICE] as number;
    return was;
  }

  #grow(): void {
    const numbers = new Float64Array(this.#numbers.length * 2);
    const words = new Int32Array(this.#words.length * 2);
    numbers.set(this.#numbers);
    words.set(this.#words);
    this.#numbers = numbers;
    this.#words = words;
  }

  /** Room for `count` elements more, half of it free at least. */
  #makeRoom(count: number): void {
    this.#dropElements();
    const needed = (this.#elementEnd + count) * 2;
    this.#pa = withRoom(this.#pa, needed);
    this.#length = withRoom(this.#length, needed);
  }

  /** Moves the elements of the calls that wait to the front. */
  #dropElements(): void {
    const words = this.#words;
    const first = this.head < this.end ? (words[this.head * WORDS + FIRST] as number) : this.#elementEnd;
    this.#pa.copyWithin(0, first, this.#elementEnd);
    this.#length.copyWithin(0, first, this.#elementEnd);
    this.#elementEnd -= first;
    for (let word = this.head * WORDS; word < this.end * WORDS; word += WORDS) {
      (words[word + FIRST] as number) -= first;
      (words[word + END] as number) -= first;
    }
  }
}

function whatIs({ kind, count, named, cause, was }: TraceCall): number {
  const what = kind === 'unmap' ? UNMAP : Number(count > 1);
  return what | (named ? NAMED : 0) | (cause === 'inferred' ? INFERRED : 0) | (was === undefined ? 0 : HAS_WAS);
}
