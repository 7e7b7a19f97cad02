/**
 * Lists that the regrouping rule joined too far: two requests of one task at neighbouring addresses look like one list.
 * Their unmaps tell them apart, for a list is unmapped as it was mapped. So calls wait in a queue of bounded length, in
 * their order, and an unmap that takes a part of a waiting list, run by run, cuts it there.
 * @module
 */
import { copyInto, withRoom } from './arrays.ts';
import { type CallSink, createCall, type TraceCall } from './calls.ts';
import { copyFields, createFields, type LiveFields } from './live.ts';

/** Calls that wait at most. */
const MAX_WAITING = 8192;
/** Elements that wait at most, over all calls. */
const MAX_ELEMENTS = 1 << 18;

interface Waiting {
  readonly call: TraceCall;
  /** Where the call keeps what it unmaps. */
  readonly was: LiveFields;
  /** Number of the list, for map and mapSg. */
  list: number;
  /** Addresses where the list is cut. */
  readonly cuts: number[];
}

/** A queue of calls between the tracker and its consumer. */
export class ListCuts {
  readonly #sink: CallSink;
  readonly #onCut: CallSink | undefined;
  readonly #waiting: Waiting[] = [];
  readonly #spare: Waiting[] = [];
  readonly #lists = new Map<number, Waiting>();
  readonly #piece: TraceCall = createCall();
  #head = 0;
  #elements = 0;

  /** `onCut` receives each piece of a list behind its first: so many lists there are more. */
  constructor(sink: CallSink, onCut?: CallSink) {
    this.#sink = sink;
    this.#onCut = onCut;
  }

  /**
   * Takes a call. `list` is the number of the list that it maps, or that an unmap takes from; lists that a dma event
   * named are not cut.
   */
  push(call: TraceCall, list: number): void {
    const mayCut = call.kind === 'mapSg' && !call.named;
    if (this.#waiting.length === 0 && !mayCut) {
      this.#sink(call);
      return;
    }
    if (call.kind === 'unmap') this.#cut(list, call.iova, call.iova + call.size);
    this.#wait(call, list);
    if (this.#waiting.length - this.#head > MAX_WAITING || this.#elements > MAX_ELEMENTS) this.#release();
  }

  /** Whether an unmap that ends at `address` may take a part of a list: 1 yes, 0 no, ½ if the list waits no more. */
  mayEndAt(list: number, address: number): number {
    const waiting = this.#lists.get(list);
    if (waiting === undefined) return 0.5;
    return hasBoundary(waiting.call, address) ? 1 : 0;
  }

  /** Lets all calls go. */
  finish(): void {
    while (this.#head < this.#waiting.length) this.#release();
    this.#waiting.length = 0;
    this.#head = 0;
  }

  #cut(list: number, start: number, end: number): void {
    const waiting = this.#lists.get(list);
    if (waiting === undefined) return;
    const { call, cuts } = waiting;
    const whole = start <= call.iova && end >= call.iova + call.size;
    if (whole || !hasBoundary(call, start) || !hasBoundary(call, end)) return;
    cuts.push(start, end);
  }

  #wait(call: TraceCall, list: number): void {
    const waiting = this.#spare.pop() ?? { call: createCall(), was: createFields(), list: 0, cuts: [] };
    copyCall(call, waiting.call, waiting.was);
    waiting.list = list;
    if (waiting.cuts.length > 0) waiting.cuts.length = 0;
    this.#elements += call.count;
    this.#waiting.push(waiting);
    if (call.kind !== 'unmap' && !call.named) this.#lists.set(list, waiting);
  }

  /** Lets the oldest call go, cut where it must be. */
  #release(): void {
    const waiting = this.#waiting[this.#head] as Waiting;
    this.#head++;
    this.#elements -= waiting.call.count;
    this.#lists.delete(waiting.list);
    if (waiting.cuts.length === 0) this.#sink(waiting.call);
    else this.#pieces(waiting);
    this.#spare.push(waiting);
    if (this.#head > MAX_WAITING) this.#compact();
  }

  #compact(): void {
    this.#waiting.splice(0, this.#head);
    this.#head = 0;
  }

  #pieces({ call, cuts }: Waiting): void {
    const piece = this.#piece;
    const isCut = new Set(cuts);
    let first = 0;
    let start = call.iova;
    let end = start;
    for (let run = 0; run < call.count; run++) {
      end += call.length[run] as number;
      if (run + 1 < call.count && !isCut.has(end)) continue;
      copyCall(call, piece, undefined, first, run + 1);
      piece.iova = start;
      piece.size = end - start;
      if (first > 0) this.#onCut?.(piece);
      this.#sink(piece);
      first = run + 1;
      start = end;
    }
  }
}

/** True if an address is where a run of the list begins or ends. */
function hasBoundary(call: TraceCall, address: number): boolean {
  let at = call.iova;
  for (let run = 0; run < call.count && at < address; run++) at += call.length[run] as number;
  return at === address || address <= call.iova;
}

/** Copies a call with its elements `first … end`; what an unmap takes from is copied into `was`. */
function copyCall(from: TraceCall, to: TraceCall, was: LiveFields | undefined, first = 0, end = from.count): void {
  to.count = end - first;
  to.pa = withRoom(to.pa, to.count);
  to.length = withRoom(to.length, to.count);
  copyInto(from.pa, first, end, to.pa);
  copyInto(from.length, first, end, to.length);
  to.kind = from.kind === 'unmap' ? 'unmap' : to.count > 1 ? 'mapSg' : 'map';
  to.domain = from.domain;
  to.iova = from.iova;
  to.size = from.size;
  to.time = from.time;
  to.task = from.task;
  to.pid = from.pid;
  to.cpu = from.cpu;
  to.device = from.device;
  to.direction = from.direction;
  to.named = from.named;
  to.covered = from.covered;
  to.was = from.was === undefined || was === undefined ? undefined : copyFields(from.was, was);
  to.cause = from.cause;
}
