/**
 * Maps of an address that the trace shows as mapped already: in the same domain, so that an unmap is missing from the trace,
 * or in the unnamed domain, so that it probably was another domain.
 * @module
 */
import type { TraceNames } from './events.ts';
import type { LiveFields } from './live.ts';

/**
 * `same domain`: the unmap between the two maps is missing, and the replay adds it. `another domain`: no event names the
 * device of either map, and the second one probably belongs to another domain.
 */
export type DoubleMapKind = 'same domain' | 'another domain';

/** A double map as the tracker sees it; ids, not names. Valid during the callback only. */
export interface DoubleMapEvent {
  readonly kind: DoubleMapKind;
  readonly domain: number;
  readonly iova: number;
  readonly size: number;
  readonly time: number;
  readonly task: number;
  readonly pid: number;
  /** Device that a dma event named, or −1. */
  readonly device: number;
  /** The mapping that was there: its place and what is known of it. */
  readonly wasIova: number;
  readonly wasSize: number;
  readonly was: LiveFields;
}

/** Receives double maps one by one. */
export type DoubleMapSink = (event: DoubleMapEvent) => void;

/** One of the two mappings of a {@link DoubleMap}; plain data. */
export interface MappedBy {
  readonly iova: number;
  readonly size: number;
  /** Nanoseconds of the trace. */
  readonly time: number;
  readonly task: string;
  readonly pid: number;
  /** Empty where no event names it. */
  readonly device: string;
}

/** A double map with names; plain data. */
export interface DoubleMap extends MappedBy {
  readonly kind: DoubleMapKind;
  readonly domain: number;
  /** The mapping that was there before. */
  readonly over: MappedBy;
}

/** Keeps the first double maps of a trace and counts all. */
export class DoubleMaps {
  /** The first ones, in the order of the trace. */
  readonly first: DoubleMap[] = [];
  /** All of them. */
  count = 0;
  readonly #names: TraceNames;
  readonly #limit: number;

  /** `limit`: how many are kept. */
  constructor(names: TraceNames, limit: number) {
    this.#names = names;
    this.#limit = limit;
  }

  /** Takes one. */
  add(event: DoubleMapEvent): void {
    this.count++;
    if (this.first.length >= this.#limit) return;
    const { kind, domain, iova, size, was, wasIova, wasSize } = event;
    const over = { iova: wasIova, size: wasSize, ...this.#mappedBy(was) };
    this.first.push({ kind, domain, iova, size, ...this.#mappedBy(event), over });
  }

  #mappedBy({ time, task, pid, device }: Pick<LiveFields, 'time' | 'task' | 'pid' | 'device'>) {
    return {
      time,
      pid,
      task: this.#names.tasks.text(task),
      device: device < 0 ? '' : this.#names.devices.text(device),
    };
  }
}
