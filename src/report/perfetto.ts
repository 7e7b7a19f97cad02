/**
 * Traces for the Perfetto viewer: TrackEvent packets (protos/perfetto/trace in google/perfetto), written piece by
 * piece. One process a device, a track a layer, counters beside them. Slices on a track nest: the writer refuses
 * those that do not.
 * @module
 */
import { hex } from '../address.ts';
import { IommuError } from '../errors.ts';
import { plainText } from './plain.ts';
import { ProtoWriter } from './proto.ts';

/** Trace: field of a packet. */
const TRACE_PACKET = 1;

/** TracePacket. */
const PACKET = {
  timestamp: 8,
  sequenceId: 10,
  trackEvent: 11,
  internedData: 12,
  sequenceFlags: 13,
  trackDescriptor: 60,
} as const;

/** TracePacket.SequenceFlags. */
const STATE_CLEARED = 1;
const NEEDS_STATE = 2;

/** InternedData and EventName. */
const INTERNED = { eventNames: 2, iid: 1, name: 2 } as const;

/** TrackDescriptor, ProcessDescriptor and CounterDescriptor. */
const DESCRIPTOR = { uuid: 1, name: 2, process: 3, parentUuid: 5, counter: 8 } as const;
const PROCESS = { pid: 1, processName: 6 } as const;
const COUNTER = { unit: 3 } as const;

/** CounterDescriptor.Unit. */
const COUNTER_UNIT = { ns: 1, count: 2, bytes: 3 } as const;

/** TrackEvent and DebugAnnotation. */
const EVENT = {
  annotations: 4,
  type: 9,
  nameIid: 10,
  trackUuid: 11,
  name: 23,
  counterValue: 30,
  doubleValue: 44,
} as const;
const ANNOTATION = { integer: 4, double: 5, text: 6, name: 10 } as const;

/** TrackEvent.Type. */
const TYPE = { begin: 1, end: 2, instant: 3, counter: 4 } as const;

const SEQUENCE = 1;
const MOST_NAMES = 4096;
const CHUNK = 1 << 16;

/** A time in nanoseconds: a bigint, or a whole number below 2^53. */
export type Nanoseconds = number | bigint;

/** A value shown beside a slice; 64-bit values as `0x…` text. */
export type Detail = string | number | bigint;

/** A track or counter of a {@link PerfettoWriter}. */
export interface TrackId {
  readonly uuid: number;
}

interface TrackState {
  readonly kind: 'process' | 'track' | 'counter';
  readonly name: string;
  last: Nanoseconds;
  depth: number;
}

/**
 * Writes a trace. Calls append packets; {@link take} hands the bytes over, as often as one likes, so that a trace
 * of any length needs little memory.
 */
export class PerfettoWriter {
  readonly #out = new ProtoWriter();
  readonly #packet = new ProtoWriter();
  readonly #event = new ProtoWriter();
  readonly #inner = new ProtoWriter();
  readonly #innermost = new ProtoWriter();
  readonly #tracks: TrackState[] = [];
  readonly #names = new Map<string, number>();
  #started = false;

  /** A process: what belongs to one device. `pid` only sorts and must differ from others. */
  process(name: string, pid: number): TrackId {
    const track = this.#add('process', name);
    this.#inner.integer(PROCESS.pid, pid).text(PROCESS.processName, plainText(name));
    this.#describe(track, name, (packet) => packet.message(DESCRIPTOR.process, this.#inner));
    return track;
  }

  /** A track for slices below a process. */
  track(process: TrackId, name: string): TrackId {
    const track = this.#add('track', name);
    this.#describe(track, name, (packet) => packet.integer(DESCRIPTOR.parentUuid, process.uuid));
    return track;
  }

  /** A counter below a process. */
  counter(process: TrackId, name: string, unit: keyof typeof COUNTER_UNIT): TrackId {
    const track = this.#add('counter', name);
    this.#inner.integer(COUNTER.unit, COUNTER_UNIT[unit]);
    this.#describe(track, name, (packet) =>
      packet.integer(DESCRIPTOR.parentUuid, process.uuid).message(DESCRIPTOR.counter, this.#inner),
    );
    return track;
  }

  /**
   * Begins a slice.
   * @throws IommuError `OUT_OF_RANGE` if the time is before the track's last event; `UNSAFE_NUMBER` if it was rounded.
   */
  begin(track: TrackId, time: Nanoseconds, name: string, details: Readonly<Record<string, Detail>> = {}): void {
    const state = this.#advance(track, time, 'track');
    state.depth++;
    this.#named(track, TYPE.begin, name);
    for (const [key, value] of Object.entries(details)) this.#annotate(key, value);
    this.#emit(time);
  }

  /**
   * Ends the slice that was begun last on the track.
   * @throws IommuError `BAD_OPTION` if none is open; as {@link begin} for the time.
   */
  end(track: TrackId, time: Nanoseconds): void {
    const state = this.#advance(track, time, 'track');
    if (state.depth === 0)
      throw new IommuError('BAD_OPTION', 'track', `expected an open slice on '${state.name}', got none`);
    state.depth--;
    this.#event.integer(EVENT.type, TYPE.end).integer(EVENT.trackUuid, track.uuid);
    this.#emit(time);
  }

  /** A slice with its end known: {@link begin} and {@link end}. */
  slice(
    track: TrackId,
    from: Nanoseconds,
    to: Nanoseconds,
    name: string,
    details?: Readonly<Record<string, Detail>>,
  ): void {
    this.begin(track, from, name, details);
    this.end(track, to);
  }

  /** A mark without duration. */
  instant(track: TrackId, time: Nanoseconds, name: string): void {
    this.#advance(track, time, 'track');
    this.#named(track, TYPE.instant, name);
    this.#emit(time);
  }

  /** A counter's new value. */
  count(counter: TrackId, time: Nanoseconds, value: number | bigint): void {
    this.#advance(counter, time, 'counter');
    this.#event.integer(EVENT.type, TYPE.counter).integer(EVENT.trackUuid, counter.uuid);
    if (typeof value === 'bigint' || Number.isSafeInteger(value)) this.#event.integer(EVENT.counterValue, value);
    else this.#event.double(EVENT.doubleValue, value);
    this.#emit(time);
  }

  /** True if enough has gathered to be written away. */
  get full(): boolean {
    return this.#out.length >= CHUNK;
  }

  /** The bytes since the last call. All pieces one after the other are the trace. */
  take(): Uint8Array {
    return this.#out.take();
  }

  /** Ends every open slice at the last time of its track, and hands over the rest of the bytes. */
  finish(): Uint8Array {
    this.#tracks.forEach((state, index) => {
      while (state.depth > 0) this.end({ uuid: index + 1 }, state.last);
    });
    return this.take();
  }

  #add(kind: TrackState['kind'], name: string): TrackId {
    this.#tracks.push({ kind, name, last: Number.NEGATIVE_INFINITY, depth: 0 });
    return { uuid: this.#tracks.length };
  }

  #describe(track: TrackId, name: string, more: (descriptor: ProtoWriter) => void): void {
    const descriptor = this.#innermost.integer(DESCRIPTOR.uuid, track.uuid).text(DESCRIPTOR.name, plainText(name));
    more(descriptor);
    this.#send(this.#packet.message(PACKET.trackDescriptor, descriptor));
  }

  #advance(track: TrackId, time: Nanoseconds, kind: TrackState['kind']): TrackState {
    const state = this.#tracks[track.uuid - 1];
    if (state?.kind !== kind)
      throw new IommuError('BAD_OPTION', 'track', `expected a ${kind}, got ${state?.kind ?? 'none'}`);
    if (typeof time === 'number' && (!Number.isSafeInteger(time) || time < 0)) {
      throw new IommuError(
        'UNSAFE_NUMBER',
        'time',
        `expected a whole number of nanoseconds from 0 to 2^53 − 1, or a bigint, got ${time}`,
      );
    }
    if (time < state.last) {
      const fields = { got: hex(time), last: hex(state.last) };
      throw new IommuError(
        'OUT_OF_RANGE',
        'time',
        `expected a time from ${state.last} ns on, that of the last event on '${state.name}', got ${time} ns`,
        fields,
      );
    }
    state.last = time;
    return state;
  }

  #named(track: TrackId, type: number, name: string): void {
    const event = this.#event.integer(EVENT.type, type).integer(EVENT.trackUuid, track.uuid);
    const clean = plainText(name);
    const iid = this.#names.get(clean) ?? this.#intern(clean);
    if (iid === undefined) event.text(EVENT.name, clean);
    else event.integer(EVENT.nameIid, iid);
  }

  /** Names are sent once, then called by number; beyond a bound of distinct ones they are spelled out. */
  #intern(name: string): number | undefined {
    if (this.#names.size >= MOST_NAMES) return undefined;
    const iid = this.#names.size + 1;
    this.#names.set(name, iid);
    this.#innermost.integer(INTERNED.iid, iid).text(INTERNED.name, name);
    this.#inner.message(INTERNED.eventNames, this.#innermost);
    this.#packet.message(PACKET.internedData, this.#inner);
    return iid;
  }

  #annotate(name: string, value: Detail): void {
    const annotation = this.#inner.text(ANNOTATION.name, plainText(name));
    if (typeof value === 'string') annotation.text(ANNOTATION.text, plainText(value));
    else if (typeof value === 'bigint') annotation.text(ANNOTATION.text, hex(value));
    else if (Number.isSafeInteger(value)) annotation.integer(ANNOTATION.integer, value);
    else annotation.double(ANNOTATION.double, value);
    this.#event.message(EVENT.annotations, annotation);
  }

  #emit(time: Nanoseconds): void {
    this.#send(this.#packet.integer(PACKET.timestamp, time).message(PACKET.trackEvent, this.#event));
  }

  #send(packet: ProtoWriter): void {
    packet.integer(PACKET.sequenceId, SEQUENCE);
    packet.integer(PACKET.sequenceFlags, this.#started ? NEEDS_STATE : STATE_CLEARED);
    this.#started = true;
    this.#out.message(TRACE_PACKET, packet);
  }
}
