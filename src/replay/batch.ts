/**
 * Calls of a trace, kept for a while in typed arrays, so that every row of a replay runs over the same calls and is timed
 * apart from the reading.
 * @module
 */
import type { TraceCall } from '../trace/calls.ts';

const FIRST_ELEMENTS = 1 << 14;

/** Calls that wait to be replayed. */
export class CallBatch {
  /** Calls held at most. */
  readonly capacity: number;
  /** Calls held. */
  count = 0;
  /** 1 where the call maps, 0 where it unmaps. */
  readonly maps: Uint8Array;
  /** Domain of each call. */
  readonly domain: Int32Array;
  /** Input address of each call. */
  readonly iova: Float64Array;
  /** Bytes of each call. */
  readonly size: Float64Array;
  /** For unmaps: bytes of it that were live. */
  readonly covered: Float64Array;
  /** Index of the first element; the next call's index ends it. */
  readonly first: Uint32Array;
  /** Protection flags. */
  readonly prot: Uint8Array;
  /** Time of the call, nanoseconds of the trace. */
  readonly time: Float64Array;
  /** Addresses of the elements. */
  addresses: Float64Array<ArrayBuffer> = new Float64Array(FIRST_ELEMENTS);
  /** Lengths of the elements. */
  lengths: Float64Array<ArrayBuffer> = new Float64Array(FIRST_ELEMENTS);

  constructor(capacity: number) {
    this.capacity = capacity;
    this.maps = new Uint8Array(capacity);
    this.domain = new Int32Array(capacity);
    this.iova = new Float64Array(capacity);
    this.size = new Float64Array(capacity);
    this.covered = new Float64Array(capacity);
    this.first = new Uint32Array(capacity + 1);
    this.prot = new Uint8Array(capacity);
    this.time = new Float64Array(capacity);
  }

  /** Whether no further call fits. */
  get full(): boolean {
    return this.count === this.capacity;
  }

  /** Adds a copy of a call. */
  add(call: TraceCall, prot: number): void {
    const i = this.count++;
    this.maps[i] = call.kind === 'unmap' ? 0 : 1;
    this.domain[i] = call.domain;
    this.iova[i] = call.iova;
    this.size[i] = call.size;
    this.covered[i] = call.covered;
    this.prot[i] = prot;
    this.time[i] = call.time;
    const from = this.first[i] as number;
    const end = from + call.count;
    this.first[i + 1] = end;
    if (end > this.addresses.length) this.#grow(end);
    for (let k = 0; k < call.count; k++) {
      this.addresses[from + k] = call.pa[k] as number;
      this.lengths[from + k] = call.length[k] as number;
    }
  }

  /** Forgets all calls. */
  clear(): void {
    this.count = 0;
  }

  #grow(end: number): void {
    const size = Math.max(end, this.addresses.length * 2);
    const addresses = new Float64Array(size);
    const lengths = new Float64Array(size);
    addresses.set(this.addresses);
    lengths.set(this.lengths);
    this.addresses = addresses;
    this.lengths = lengths;
  }
}
