/**
 * Calls of a trace, kept for a while in typed arrays: statistics take them batch by batch, and every row of a replay runs over
 * the same calls and is timed apart from the reading.
 * @module
 */
import type { TraceCall } from './calls.ts';

const FIRST_ELEMENTS = 1 << 14;

/** Calls of a batch: as many are replayed or counted at a time. */
export const BATCH_CALLS = 4096;
/** Bytes of a call in all columns but those of elements. */
const CALL_BYTES = 5 * 8 + 4 * 4 + 3;

/** The columns of calls; plain data, whose memory can go from one thread to another. */
export interface CallColumns {
  /** Calls. */
  readonly count: number;
  /** 1 where the call maps, 0 where it unmaps. */
  readonly maps: Uint8Array<ArrayBuffer>;
  /** Domain of each call. */
  readonly domain: Int32Array<ArrayBuffer>;
  /** Input address of each call. */
  readonly iova: Float64Array<ArrayBuffer>;
  /** Bytes of each call. */
  readonly size: Float64Array<ArrayBuffer>;
  /** For unmaps: bytes of it that were live. */
  readonly covered: Float64Array<ArrayBuffer>;
  /** Index of the first element; the next call's index ends it. */
  readonly first: Uint32Array<ArrayBuffer>;
  /** Protection flags. */
  readonly prot: Uint8Array<ArrayBuffer>;
  /** Time of the call, nanoseconds of the trace. */
  readonly time: Float64Array<ArrayBuffer>;
  /** Who mapped: task and device by their ids in the trace's names, −1 where that is not known. */
  readonly task: Int32Array<ArrayBuffer>;
  readonly device: Int32Array<ArrayBuffer>;
  /** For unmaps: when what they end was mapped, nanoseconds; NaN where nothing was. */
  readonly mappedAt: Float64Array<ArrayBuffer>;
  /** 1 for an unmap that the trace lacks. */
  readonly inferred: Uint8Array<ArrayBuffer>;
  /** Addresses of the elements. */
  readonly addresses: Float64Array<ArrayBuffer>;
  /** Lengths of the elements. */
  readonly lengths: Float64Array<ArrayBuffer>;
}

/** The memory of columns: one buffer but for the elements. */
export function callMemory({ iova, addresses, lengths }: CallColumns): ArrayBuffer[] {
  return [iova.buffer, addresses.buffer, lengths.buffer];
}

/** Columns that lie behind one another in one buffer, those of wider numbers first. */
function emptyColumns(): CallColumns {
  const buffer = new ArrayBuffer(BATCH_CALLS * CALL_BYTES + Uint32Array.BYTES_PER_ELEMENT);
  let at = 0;
  const next = <Column>(
    make: new (buffer: ArrayBuffer, at: number, length: number) => Column,
    bytes: number,
    more = 0,
  ) => {
    const from = at;
    at += bytes * (BATCH_CALLS + more);
    return new make(buffer, from, BATCH_CALLS + more);
  };
  return {
    count: 0,
    iova: next(Float64Array<ArrayBuffer>, 8),
    size: next(Float64Array<ArrayBuffer>, 8),
    covered: next(Float64Array<ArrayBuffer>, 8),
    time: next(Float64Array<ArrayBuffer>, 8),
    mappedAt: next(Float64Array<ArrayBuffer>, 8),
    domain: next(Int32Array<ArrayBuffer>, 4),
    task: next(Int32Array<ArrayBuffer>, 4),
    device: next(Int32Array<ArrayBuffer>, 4),
    first: next(Uint32Array<ArrayBuffer>, 4, 1),
    maps: next(Uint8Array<ArrayBuffer>, 1),
    prot: next(Uint8Array<ArrayBuffer>, 1),
    inferred: next(Uint8Array<ArrayBuffer>, 1),
    addresses: new Float64Array(FIRST_ELEMENTS),
    lengths: new Float64Array(FIRST_ELEMENTS),
  };
}

/** Calls that wait to be replayed. */
export class CallBatch implements CallColumns {
  count = 0;
  readonly maps: CallColumns['maps'];
  readonly domain: CallColumns['domain'];
  readonly iova: CallColumns['iova'];
  readonly size: CallColumns['size'];
  readonly covered: CallColumns['covered'];
  readonly first: CallColumns['first'];
  readonly prot: CallColumns['prot'];
  readonly time: CallColumns['time'];
  readonly task: CallColumns['task'];
  readonly device: CallColumns['device'];
  readonly mappedAt: CallColumns['mappedAt'];
  readonly inferred: CallColumns['inferred'];
  addresses: CallColumns['addresses'];
  lengths: CallColumns['lengths'];

  /** @param spare columns of a batch that is not used any more */
  constructor(spare: CallColumns = emptyColumns()) {
    this.maps = spare.maps;
    this.domain = spare.domain;
    this.iova = spare.iova;
    this.size = spare.size;
    this.covered = spare.covered;
    this.first = spare.first;
    this.prot = spare.prot;
    this.time = spare.time;
    this.task = spare.task;
    this.device = spare.device;
    this.mappedAt = spare.mappedAt;
    this.inferred = spare.inferred;
    this.addresses = spare.addresses;
    this.lengths = spare.lengths;
  }

  /** The calls as plain data, which share this batch's memory. */
  get columns(): CallColumns {
    return { ...this };
  }

  /** Whether no further call fits. */
  get full(): boolean {
    return this.count === BATCH_CALLS;
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
    this.inferred[i] = call.cause === 'inferred' ? 1 : 0;
    this.#addMapper(call, i);
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

  #addMapper(call: TraceCall, i: number): void {
    const { was } = call;
    const by = call.kind === 'unmap' ? was : call;
    this.task[i] = by === undefined ? -1 : by.task;
    this.device[i] = by === undefined ? -1 : by.device;
    this.mappedAt[i] = was === undefined ? Number.NaN : was.time;
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
