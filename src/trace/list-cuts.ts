/**
 * Lists that the regrouping rule joined too far: two requests of one task at neighbouring addresses look like one list.
 * Their unmaps tell them apart, for a list is unmapped as it was mapped. So calls wait in a queue of bounded length, in
 * their order, and an unmap that takes a part of a waiting list, run by run, cuts it there.
 * @module
 */
import { copyInto, withRoom } from './arrays.ts';
import { type CallSink, createCall, type TraceCall } from './calls.ts';
import { WaitingCalls } from './waiting-calls.ts';

/** Calls that wait at most. */
const MAX_WAITING = 8192;
/** Elements that wait at most, over all calls. */
const MAX_ELEMENTS = 1 << 18;

/** A queue of calls between the tracker and its consumer. */
export class ListCuts {
  readonly #sink: CallSink;
  readonly #onCut: CallSink | undefined;
  readonly #waiting = new WaitingCalls();
  /** Addresses where a list is cut, by its number. */
  readonly #cuts = new Map<number, number[]>();
  readonly #call: TraceCall = createCall();
  readonly #piece: TraceCall = createCall();

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
    const waiting = this.#waiting;
    if (waiting.end === 0 && (call.named || call.kind !== 'mapSg')) {
      this.#sink(call);
      return;
    }
    const unmaps = call.kind === 'unmap';
    if (unmaps) this.#cut(list, call.iova, call.iova + call.size);
    waiting.push(call, unmaps ? 0 : list);
    if (waiting.end - waiting.head > MAX_WAITING || waiting.elements > MAX_ELEMENTS) this.#release();
  }

  /** Whether an unmap that ends at `address` may take a part of a list: 1 yes, 0 no, ½ if the list waits no more. */
  mayEndAt(list: number, address: number): number {
    const place = this.#waiting.placeOf(list);
    if (place < 0) return 0.5;
    return this.#waiting.hasBoundary(place, address) ? 1 : 0;
  }

  /** Lets all calls go. */
  finish(): void {
    while (this.#waiting.head < this.#waiting.end) this.#release();
    this.#waiting.clear();
  }

  #cut(list: number, start: number, end: number): void {
    const waiting = this.#waiting;
    const place = waiting.placeOf(list);
    if (place < 0) return;
    const first = waiting.iova(place);
    const whole = start <= first && end >= first + waiting.size(place);
    if (whole || !waiting.hasBoundary(place, start) || !waiting.hasBoundary(place, end)) return;
    const cuts = this.#cuts.get(list);
    if (cuts === undefined) this.#cuts.set(list, [start, end]);
    else cuts.push(start, end);
  }

  /** Lets the oldest call go, cut where it must be. */
  #release(): void {
    const waiting = this.#waiting;
    const list = waiting.newest(waiting.head);
    const call = this.#call;
    waiting.shift(call);
    const cuts = this.#cuts.size === 0 || call.kind === 'unmap' ? undefined : this.#cuts.get(list);
    if (cuts === undefined) this.#sink(call);
    else {
      this.#cuts.delete(list);
      this.#pieces(call, cuts);
    }
    if (waiting.head > MAX_WAITING) waiting.compact();
  }

  #pieces(call: TraceCall, cuts: readonly number[]): void {
    const piece = this.#piece;
    const isCut = new Set(cuts);
    let first = 0;
    let start = call.iova;
    let end = start;
    for (let run = 0; run < call.count; run++) {
      end += call.length[run] as number;
      if (run + 1 < call.count && !isCut.has(end)) continue;
      copyPiece(call, piece, first, run + 1);
      piece.iova = start;
      piece.size = end - start;
      if (first > 0) this.#onCut?.(piece);
      this.#sink(piece);
      first = run + 1;
      start = end;
    }
  }
}

/** Copies a list with its elements `first … end`. */
function copyPiece(from: TraceCall, to: TraceCall, first: number, end: number): void {
  to.count = end - first;
  to.pa = withRoom(to.pa, to.count);
  to.length = withRoom(to.length, to.count);
  copyInto(from.pa, first, end, to.pa);
  copyInto(from.length, first, end, to.length);
  to.kind = to.count > 1 ? 'mapSg' : 'map';
  to.domain = from.domain;
  to.time = from.time;
  to.task = from.task;
  to.pid = from.pid;
  to.cpu = from.cpu;
  to.device = from.device;
  to.direction = from.direction;
  to.named = from.named;
  to.covered = from.covered;
  to.was = undefined;
  to.cause = from.cause;
}
