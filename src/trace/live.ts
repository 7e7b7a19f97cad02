/**
 * The mappings that are live at a moment, for all domains: one record a list, in typed arrays, found by start address
 * (whatever the domain) and by any address (within a domain). Memory follows the number of live lists.
 * @module
 */
import { hashAddress } from './hash.ts';
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

/** Copies fields into `to`, which is returned. */
export function copyFields(from: LiveFields, to: LiveFields): LiveFields {
  to.time = from.time;
  to.task = from.task;
  to.pid = from.pid;
  to.device = from.device;
  to.total = from.total;
  to.list = from.list;
  return to;
}

/** Live lists of all domains. Records are small numbers; −1 is none. */
export class LiveTable {
  readonly #domains: SortedStarts[] = [];
  #start = new Float64Array(FIRST_ROOM);
  #size = new Float64Array(FIRST_ROOM);
  #total = new Float64Array(FIRST_ROOM);
  #time = new Float64Array(FIRST_ROOM);
  #list = new Float64Array(FIRST_ROOM);
  #domain = new Int32Array(FIRST_ROOM);
  #task = new Int32Array(FIRST_ROOM);
  #pid = new Int32Array(FIRST_ROOM);
  #device = new Int32Array(FIRST_ROOM);
  #next = new Int32Array(FIRST_ROOM);
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
    return this.#start[id] as number;
  }

  size(id: number): number {
    return this.#size[id] as number;
  }

  end(id: number): number {
    return (this.#start[id] as number) + (this.#size[id] as number);
  }

  domain(id: number): number {
    return this.#domain[id] as number;
  }

  time(id: number): number {
    return this.#time[id] as number;
  }

  /** Number of the list. */
  list(id: number): number {
    return this.#list[id] as number;
  }

  /** True while no part of the list was unmapped. */
  isWhole(id: number): boolean {
    return this.#size[id] === this.#total[id];
  }

  /** A copy of the fields of a record, in `into` if it is given. */
  fields(id: number, into: LiveFields = createFields()): LiveFields {
    into.time = this.time(id);
    into.task = this.#task[id] as number;
    into.pid = this.#pid[id] as number;
    into.device = this.#device[id] as number;
    into.total = this.#total[id] as number;
    into.list = this.#list[id] as number;
    return into;
  }

  /** Adds a range that overlaps nothing live in its domain. */
  insert(domain: number, start: number, size: number, fields: LiveFields): number {
    const id = this.#take();
    this.#start[id] = start;
    this.#size[id] = size;
    this.#total[id] = fields.total;
    this.#list[id] = fields.list;
    this.#time[id] = fields.time;
    this.#domain[id] = domain;
    this.#task[id] = fields.task;
    this.#pid[id] = fields.pid;
    this.#device[id] = fields.device;
    const bucket = hashAddress(start) & (this.#buckets.length - 1);
    this.#next[id] = this.#buckets[bucket] as number;
    this.#buckets[bucket] = id;
    this.#sorted(domain).insert(id);
    this.#count++;
    this.#bytes += size;
    return id;
  }

  /** Removes a record. */
  remove(id: number): void {
    const start = this.start(id);
    this.#unlink(id, start);
    this.#sorted(this.domain(id)).remove(id);
    this.#count--;
    this.#bytes -= this.size(id);
    this.#next[id] = this.#free;
    this.#free = id;
  }

  /** The newest record of any domain that starts at `start`, or −1; go on with {@link nextAt}. */
  firstAt(start: number): number {
    return this.#sameStart(this.#buckets[hashAddress(start) & (this.#buckets.length - 1)] as number, start);
  }

  /** The next older record with the same start as `id`, or −1. */
  nextAt(id: number): number {
    return this.#sameStart(this.#next[id] as number, this.start(id));
  }

  /** The lowest record of a domain that overlaps [start, end), or −1. */
  overlap(domain: number, start: number, end: number): number {
    return this.#sorted(domain).overlap(start, end);
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
    const domain = this.domain(id);
    const fields = this.fields(id);
    this.remove(id);
    if (from < start) this.insert(domain, from, start - from, fields);
    if (to > end) this.insert(domain, end, to - end, fields);
  }

  /** Records of a domain, lowest address first. */
  records(domain: number): Iterable<number> {
    return this.#sorted(domain).ids();
  }

  #sorted(domain: number): SortedStarts {
    return this.#domains[domain] ?? this.#open(domain);
  }

  #open(domain: number): SortedStarts {
    for (let made = this.#domains.length; made <= domain; made++) this.#domains.push(new SortedStarts(this));
    return this.#domains[domain] as SortedStarts;
  }

  #sameStart(id: number, start: number): number {
    while (id >= 0 && this.#start[id] !== start) id = this.#next[id] as number;
    return id;
  }

  #unlink(id: number, start: number): void {
    const bucket = hashAddress(start) & (this.#buckets.length - 1);
    if (this.#buckets[bucket] === id) {
      this.#buckets[bucket] = this.#next[id] as number;
      return;
    }
    let before = this.#buckets[bucket] as number;
    while (this.#next[before] !== id) before = this.#next[before] as number;
    this.#next[before] = this.#next[id] as number;
  }

  #take(): number {
    if (this.#free >= 0) {
      const id = this.#free;
      this.#free = this.#next[id] as number;
      return id;
    }
    if (this.#used === this.#start.length) this.#grow();
    return this.#used++;
  }

  #grow(): void {
    const room = this.#start.length * 2;
    this.#start = grown(this.#start, new Float64Array(room));
    this.#size = grown(this.#size, new Float64Array(room));
    this.#total = grown(this.#total, new Float64Array(room));
    this.#time = grown(this.#time, new Float64Array(room));
    this.#list = grown(this.#list, new Float64Array(room));
    this.#domain = grown(this.#domain, new Int32Array(room));
    this.#task = grown(this.#task, new Int32Array(room));
    this.#pid = grown(this.#pid, new Int32Array(room));
    this.#device = grown(this.#device, new Int32Array(room));
    this.#next = grown(this.#next, new Int32Array(room));
    this.#rehash(room);
  }

  /** Only called when every record is in use. */
  #rehash(room: number): void {
    this.#buckets = new Int32Array(room).fill(-1);
    for (const sorted of this.#domains) {
      for (const id of sorted.ids()) {
        const bucket = hashAddress(this.start(id)) & (room - 1);
        this.#next[id] = this.#buckets[bucket] as number;
        this.#buckets[bucket] = id;
      }
    }
  }
}

function grown<T extends Float64Array | Int32Array>(from: T, to: T): T {
  to.set(from);
  return to;
}
