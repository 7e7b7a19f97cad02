/**
 * Calls as they are known: a list goes into what is live, an unmap takes out of it, and both go to the consumer.
 * @module
 */
import { type CallSink, createCall, type TraceCall, type UnmapCause } from './calls.ts';
import type { UnmapLine } from './held.ts';
import { ListCuts } from './list-cuts.ts';
import { createFields, type LiveFields, LiveTable } from './live.ts';
import type { Chain } from './regroup.ts';
import type { TrackCounts } from './track-counts.ts';

/** Makes the calls of all domains, in their order. */
export class CallMaker {
  /** What is live now, all domains. */
  readonly live: LiveTable = new LiveTable();
  readonly #counts: TrackCounts;
  readonly #queue: ListCuts;
  readonly #call: TraceCall = createCall();
  readonly #was: LiveFields = createFields();

  /** `sink` receives the calls; lists and unmaps of what is not live are counted in `counts`. */
  constructor(sink: CallSink, counts: TrackCounts) {
    this.#counts = counts;
    this.#queue = new ListCuts(sink, (piece) => this.#countPiece(piece));
  }

  /** Maps a list where nothing is live. */
  map(chain: Chain, domain: number, device: number, direction: number, named: boolean): void {
    const call = this.#call;
    const list = this.#counts.lists + 1;
    this.#counts.lists = list;
    call.kind = chain.count > 1 ? 'mapSg' : 'map';
    call.domain = domain;
    call.iova = chain.start;
    call.size = chain.end - chain.start;
    call.count = chain.count;
    call.pa = chain.pa;
    call.length = chain.length;
    call.device = device;
    call.direction = direction;
    call.covered = 0;
    call.was = undefined;
    setOrigin(call, chain, named);
    call.cause = 'traced';
    this.live.addList(call, list);
    this.#queue.push(call, list);
  }

  /** Unmaps what is live of a range. */
  unmap(unmap: UnmapLine, domain: number, named: boolean, cause: UnmapCause): void {
    const { live } = this;
    const call = this.#call;
    const first = live.overlapAt(domain, unmap);
    const was = first < 0 ? undefined : live.fields(first, this.#was);
    call.kind = 'unmap';
    call.domain = domain;
    call.iova = unmap.iova;
    call.size = unmap.size;
    call.count = 0;
    call.direction = -1;
    call.was = was;
    call.device = was === undefined ? -1 : was.device;
    call.covered =
      first >= 0 && live.isJust(first, unmap) ? this.#removeWhole(first) : this.#remove(domain, first, unmap);
    setOrigin(call, unmap, named);
    call.cause = cause;
    if (call.covered !== call.size) this.#countCovered(call);
    this.#queue.push(call, was === undefined ? 0 : was.list);
  }

  /** Whether an unmap that ends at `address` may take a part of a list: 1 yes, 0 no, ½ if that is not known. */
  mayEndAt(list: number, address: number): number {
    return this.#queue.mayEndAt(list, address);
  }

  /** Lets all calls go. */
  finish(): void {
    this.#queue.finish();
  }

  /** A list that its unmaps cut is several: each piece counts as a list. Named lists are not cut. */
  #countPiece({ device }: TraceCall): void {
    this.#counts.lists++;
    if (device >= 0) this.#counts.attached++;
  }

  #countCovered(call: TraceCall): void {
    if (call.covered === 0) this.#counts.unmapsOfNothing++;
    else this.#counts.unmapsOfPart++;
    this.#counts.bytesOfNothing += call.size - call.covered;
  }

  #removeWhole(id: number): number {
    const size = this.live.size(id);
    this.live.remove(id);
    return size;
  }

  /** Takes a range out of what is live, from the first record in it on. @returns the bytes that were. */
  #remove(domain: number, first: number, unmap: UnmapLine): number {
    const { live } = this;
    const start = unmap.iova;
    const end = start + unmap.size;
    let bytes = 0;
    for (let id = first; id >= 0; ) {
      const from = live.start(id);
      const to = live.end(id);
      bytes += Math.min(end, to) - Math.max(start, from);
      if (from === start && to === end) live.remove(id);
      else live.cut(id, start, end);
      id = to < end ? live.overlap(domain, to, end) : -1;
    }
    return bytes;
  }
}

function setOrigin(call: TraceCall, from: Chain | UnmapLine, named: boolean): void {
  call.time = from.time;
  call.task = from.task;
  call.pid = from.pid;
  call.cpu = from.cpu;
  call.named = named;
}
