/**
 * The mappings that are live at a moment, for all domains: one record a list, in typed arrays, found by start address
 * (whatever the domain) and by any address (within a domain). Memory follows the number of live lists.
 * @module
 */
import type { TraceCall } from './calls.ts';
import { hashAddress } from './hash.ts';
import type { UnmapLine } from './held.ts';
import { SortedStarts } from './sorted-starts.ts';

const FIRST_ROOM = 1024;

/** What is kept of a live list besides its place. */
export interface LiveFields {
  /** When it was mapped, nanoseconds. */
  time: number;
  /** Ids of task and device, pid. */
  task: number;
  pid: number;
  device: number;
  /** Bytes of the list as it was mapped; more than what is live once parts are unmapped. */
  total: number;
  /** Number of the list, counted from the start of the trace. */
  list: number;
}

/** Blank fields. */
export function createFields(): LiveFields {
  return { time: 0, task: 0, pid: 0, device: -1, total: 0, list: 0 };
}

/** Of a record, in a column of its own for numbers and for words: a record lies in one cache line of each. */
const NUMBERS = 8;
const START = 0;
const SIZE = 1;
const TOTAL = 2;
const TIME = 3;
const LIST = 4;
const WORDS = 8;
const DOMAIN = 0;
const TASK = 1;
const PID = 2;
const DEVICE = 3;
/** The next record of the same hash, or of the free ones. */
const NEXT = 4;

/** Live lists of all domains. Records are small numbers; −1 is none. */
export class LiveTable {
  readonly #domains: SortedStarts[] = [];
  #numbers = new Float64Array(FIRST_ROOM * NUMBERS);
  #words = new Int32Array(FIRST_ROOM * WORDS);
  #buckets = new Int32Array(FIRST_ROOM).fill(-1);
  #used = 0;
  #free = -1;
  #count = 0;
  #bytes = 0;

  /** Live lists and live bytes, over all domains. */
  get count(): number {
    return this.#count;
  }

  get bytes(): number {
    return this.#bytes;
  }

  start(id: number): number {
    return this.#numbers[id * NUMBERS + START] as number;
  }

  size(id: number): number {
    return this.#numbers[id * NUMBERS + SIZE] as number;
  }

  end(id: number): number {
    return (this.#numbers[id * NUMBERS + START] as number) + (this.#numbers[id * NUMBERS + SIZE] as number);
  }

  domain(id: number): number {
    return this.#words[id * WORDS + DOMAIN] as number;
  }

  time(id: number): number {
    return this.#numbers[id * NUMBERS + TIME] as number;
  }

  /** Number of the list. */
  list(id: number): number {
    return this.#numbers[id * NUMBERS + LIST] as number;
  }

  /** True while no part of the list was unmapped. */
  isWhole(id: number): boolean {
    return this.#numbers[id * NUMBERS + SIZE] === this.#numbers[id * NUMBERS + TOTAL];
  }

  /** A copy of the fields of a record, in `into` if it is given. */
  fields(id: number, into: LiveFields = createFields()): LiveFields {
    const number = id * NUMBERS;
    const word = id * WORDS;
    into.time = this.#numbers[number + TIME] as number;
    into.task = this.#words[word + TASK] as number;
    into.pid = this.#words[word + PID] as number;
    into.device = this.#words[word + DEVICE] as number;
    into.total = this.#numbers[number + TOTAL] as number;
    into.list = this.#numbers[number + LIST] as number;
    return into;
  }

  /** Adds a list that overlaps nothing live in its domain; `list` is its number. */
  addList({ domain, iova, size, time, task, pid, device }: TraceCall, list: number): void {
    const id = this.#take();
    const number = id * NUMBERS;
    const numbers = this.#numbers;
    numbers[number + START] = iova;
    numbers[number + SIZE] = size;
    numbers[number + TOTAL] = size;
    numbers[number + TIME] = time;
    numbers[number + LIST] = list;
    const word = id * WORDS;
    const words = this.#words;
    words[word + DOMAIN] = domain;
    words[word + TASK] = task;
    words[word + PID] = pid;
    words[word + DEVICE] = device;
    this.#link(id);
  }

  /** Adds what is left of a record that was just removed: it is still as it was, whether or not it is in use again. */
  #addRest(of: number, start: number, size: number): void {
    const id = this.#take();
    this.#numbers.copyWithin(id * NUMBERS, of * NUMBERS, (of + 1) * NUMBERS);
    this.#words.copyWithin(id * WORDS, of * WORDS, (of + 1) * WORDS);
    this.#numbers[id * NUMBERS + START] = start;
    this.#numbers[id * NUMBERS + SIZE] = size;
    this.#link(id);
  }

  #link(id: number): void {
    const start = this.start(id);
    this.#rehash(id, start);
    this.#sorted(this.domain(id)).insert(start, id);
    this.#count++;
    this.#bytes += this.size(id);
  }

  /** Removes a record. */
  remove(id: number): void {
    const start = this.start(id);
    this.#unlink(id, start);
    this.#sorted(this.domain(id)).remove(start, id);
    this.#count--;
    this.#bytes -= this.size(id);
    this.#words[id * WORDS + NEXT] = this.#free;
    this.#free = id;
  }

  /** The newest record of any domain that starts at `start`, or −1; go on with {@link nextAt}. */
  firstAt(start: number): number {
    return this.#sameStart(this.#buckets[hashAddress(start) & (this.#buckets.length - 1)] as number, start);
  }

  /** The next older record with the same start as `id`, or −1. */
  nextAt(id: number): number {
    return this.#sameStart(this.#words[id * WORDS + NEXT] as number, this.start(id));
  }

  /** True if a list of just this range is live. */
  hasJust(start: number, size: number): boolean {
    let id = this.firstAt(start);
    while (id >= 0 && this.size(id) !== size) id = this.nextAt(id);
    return id >= 0;
  }

  /** True if a record is what an unmap takes, from end to end. */
  isJust(id: number, { iova, size }: UnmapLine): boolean {
    return this.start(id) === iova && this.size(id) === size;
  }

  /** The lowest record of a domain that an unmap takes from, or −1: mostly one begins where the unmap does. */
  overlapAt(domain: number, { iova, size }: UnmapLine): number {
    let id = this.firstAt(iova);
    while (id >= 0 && this.domain(id) !== domain) id = this.nextAt(id);
    return id >= 0 ? id : this.overlap(domain, iova, iova + size);
  }

  /** The lowest record of a domain that overlaps [start, end), or −1. */
  overlap(domain: number, start: number, end: number): number {
    if (end <= start) return -1;
    const sorted = this.#sorted(domain);
    const below = sorted.floor(start);
    if (below >= 0 && this.end(below) > start) return below;
    const above = sorted.next();
    return above >= 0 && this.start(above) < end ? above : -1;
  }

  /** Bytes of [start, end) that are live in a domain. */
  covered(domain: number, start: number, end: number): number {
    let bytes = 0;
    let at = start;
    while (at < end) {
      const id = this.overlap(domain, at, end);
      if (id < 0) break;
      const to = Math.min(end, this.end(id));
      bytes += to - Math.max(at, this.start(id));
      at = to;
    }
    return bytes;
  }

  /** Takes [start, end) out of one record that overlaps it; what stands on either side stays live. */
  cut(id: number, start: number, end: number): void {
    const from = this.start(id);
    const to = this.end(id);
    this.remove(id);
    if (from < start) this.#addRest(id, from, start - from);
    if (to > end) this.#addRest(id, end, to - end);
  }

  /** Records of a domain, lowest address first. */
  records(domain: number): Iterable<number> {
    return this.#sorted(domain).ids();
  }

  #sorted(domain: number): SortedStarts {
    return this.#domains[domain] ?? this.#open(domain);
  }

  #open(domain: number): SortedStarts {
    for (let made = this.#domains.length; made <= domain; made++) this.#domains.push(new SortedStarts());
    return this.#domains[domain] as SortedStarts;
  }

  #sameStart(first: number, start: number): number {
    let id = first;
    while (id >= 0 && this.#numbers[id * NUMBERS + START] !== start) id = this.#words[id * WORDS + NEXT] as number;
    return id;
  }

  #unlink(id: number, start: number): void {
    const words = this.#words;
    const next = words[id * WORDS + NEXT] as number;
    const bucket = hashAddress(start) & (this.#buckets.length - 1);
    let before = this.#buckets[bucket] as number;
    if (before === id) {
      this.#buckets[bucket] = next;
      return;
    }
    while (words[before * WORDS + NEXT] !== id) before = words[before * WORDS + NEXT] as number;
    words[before * WORDS + NEXT] = next;
  }

  #take(): number {
    const id = this.#free;
    if (id >= 0) {
      this.#free = this.#words[id * WORDS + NEXT] as number;
      return id;
    }
    if (this.#used === this.#buckets.length) this.#grow();
    return this.#used++;
  }

  /** Only called when every record is in use. */
  #grow(): void {
    const room = this.#buckets.length * 2;
    const numbers = new Float64Array(room * NUMBERS);
    const words = new Int32Array(room * WORDS);
    numbers.set(this.#numbers);
    words.set(this.#words);
    this.#numbers = numbers;
    this.#words = words;
    this.#buckets = new Int32Array(room).fill(-1);
    for (const sorted of this.#domains) for (const id of sorted.ids()) this.#rehash(id, this.start(id));
  }

  #rehash(id: number, start: number): void {
    const bucket = hashAddress(start) & (this.#buckets.length - 1);
    this.#words[id * WORDS + NEXT] = this.#buckets[bucket] as number;
    this.#buckets[bucket] = id;
  }
}
