/**
 * The calls of a trace, kept in typed arrays, so that a stretch of time can be looked at again without reading the files
 * again. Memory is bounded; calls beyond the bound are counted.
 * @module
 */
import { createCall, type TraceCall } from './calls.ts';
import { createFields } from './live.ts';

/** Calls and elements that are kept by default: about 400 MB at most. */
const MOST_CALLS = 2 ** 22;
const MOST_ELEMENTS = 2 ** 23;
const FIRST_CALLS = 2 ** 12;

type Column = Float64Array<ArrayBuffer> | Int32Array<ArrayBuffer> | Uint8Array<ArrayBuffer>;

function grown<T extends Column>(column: T, longer: T): T {
  longer.set(column);
  return longer;
}

/** What kind of call; an inferred unmap stands in no line of the trace. */
const KINDS = ['map', 'mapSg', 'unmap'] as const;

/** Keeps calls in the order in which the tracker gives them, which is that of their ends. */
export class CallLog {
  /** Calls that came after the log was full. */
  dropped = 0;
  readonly #mostCalls: number;
  readonly #mostElements: number;
  #count = 0;
  #elements = 0;
  #time = new Float64Array(FIRST_CALLS);
  #iova = new Float64Array(FIRST_CALLS);
  #size = new Float64Array(FIRST_CALLS);
  #covered = new Float64Array(FIRST_CALLS);
  /** When the mapping of an unmap was mapped; NaN where nothing was. */
  #mappedAt = new Float64Array(FIRST_CALLS);
  #first = new Int32Array(FIRST_CALLS + 1);
  #domain = new Int32Array(FIRST_CALLS);
  #task = new Int32Array(FIRST_CALLS);
  #pid = new Int32Array(FIRST_CALLS);
  #cpu = new Int32Array(FIRST_CALLS);
  #device = new Int32Array(FIRST_CALLS);
  /** Kind, direction + 1, inferred: 2, 3 and 1 bits. */
  #what = new Uint8Array(FIRST_CALLS);
  #pa = new Float64Array(FIRST_CALLS);
  #length = new Float64Array(FIRST_CALLS);

  /** `calls`, `elements`: how many are kept. */
  constructor(calls: number = MOST_CALLS, elements: number = MOST_ELEMENTS) {
    this.#mostCalls = calls;
    this.#mostElements = elements;
  }

  /** Calls kept. */
  get count(): number {
    return this.#count;
  }

  /** Keeps a copy of a call, or counts it where the log is full: then all later ones are counted, too. */
  add(call: TraceCall): void {
    if (this.dropped > 0 || this.#count === this.#mostCalls || this.#elements + call.count > this.#mostElements) {
      this.dropped++;
      return;
    }
    const i = this.#count++;
    if (i === this.#time.length) this.#grow(Math.min(this.#mostCalls, i * 2));
    this.#time[i] = call.time;
    this.#iova[i] = call.iova;
    this.#size[i] = call.size;
    this.#covered[i] = call.covered;
    this.#mappedAt[i] = call.was?.time ?? Number.NaN;
    this.#domain[i] = call.domain;
    this.#task[i] = call.task;
    this.#pid[i] = call.pid;
    this.#cpu[i] = call.cpu;
    this.#device[i] = call.device;
    this.#what[i] = KINDS.indexOf(call.kind) | ((call.direction + 1) << 2) | (call.cause === 'inferred' ? 32 : 0);
    this.#addElements(call);
    this.#first[i + 1] = this.#elements;
  }

  /** Time of a call, nanoseconds. */
  time(i: number): number {
    return this.#time[i] as number;
  }

  /** Domain of a call. */
  domain(i: number): number {
    return this.#domain[i] as number;
  }

  /** True for an unmap. */
  unmaps(i: number): boolean {
    return ((this.#what[i] as number) & 3) === 2;
  }

  /** First input address. */
  iova(i: number): number {
    return this.#iova[i] as number;
  }

  /** Bytes of the call. */
  size(i: number): number {
    return this.#size[i] as number;
  }

  /** Bytes by which the call changes what is mapped: below 0 for an unmap. */
  change(i: number): number {
    return this.unmaps(i) ? -(this.#covered[i] as number) : (this.#size[i] as number);
  }

  /** A call as the tracker gave it, in `into`; of the mapping that an unmap ends, only its time is known. */
  read(i: number, into: TraceCall = createCall()): TraceCall {
    const what = this.#what[i] as number;
    const from = this.#first[i] as number;
    const mappedAt = this.#mappedAt[i] as number;
    into.kind = KINDS[what & 3] ?? 'unmap';
    into.direction = ((what >> 2) & 7) - 1;
    into.cause = (what & 32) === 0 ? 'traced' : 'inferred';
    into.time = this.time(i);
    into.iova = this.iova(i);
    into.size = this.size(i);
    into.covered = this.#covered[i] as number;
    into.was = Number.isNaN(mappedAt) ? undefined : { ...createFields(), time: mappedAt };
    into.domain = this.domain(i);
    into.task = this.#task[i] as number;
    into.pid = this.#pid[i] as number;
    into.cpu = this.#cpu[i] as number;
    into.device = this.#device[i] as number;
    into.count = (this.#first[i + 1] as number) - from;
    into.pa = this.#pa.subarray(from, from + into.count);
    into.length = this.#length.subarray(from, from + into.count);
    return into;
  }

  #addElements({ count, pa, length }: TraceCall): void {
    const end = this.#elements + count;
    if (end > this.#pa.length) {
      const room = Math.min(this.#mostElements, Math.max(end, this.#pa.length * 2));
      this.#pa = grown(this.#pa, new Float64Array(room));
      this.#length = grown(this.#length, new Float64Array(room));
    }
    for (let k = 0; k < count; k++) {
      this.#pa[this.#elements + k] = pa[k] as number;
      this.#length[this.#elements + k] = length[k] as number;
    }
    this.#elements = end;
  }

  #grow(room: number): void {
    this.#time = grown(this.#time, new Float64Array(room));
    this.#iova = grown(this.#iova, new Float64Array(room));
    this.#size = grown(this.#size, new Float64Array(room));
    this.#covered = grown(this.#covered, new Float64Array(room));
    this.#mappedAt = grown(this.#mappedAt, new Float64Array(room));
    this.#first = grown(this.#first, new Int32Array(room + 1));
    this.#domain = grown(this.#domain, new Int32Array(room));
    this.#task = grown(this.#task, new Int32Array(room));
    this.#pid = grown(this.#pid, new Int32Array(room));
    this.#cpu = grown(this.#cpu, new Int32Array(room));
    this.#device = grown(this.#device, new Int32Array(room));
    this.#what = grown(this.#what, new Uint8Array(room));
  }
}
