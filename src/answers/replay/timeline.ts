/**
 * A replay for the Perfetto viewer: a process for each domain, a track for each layer, a slice for each call, counters of live
 * bytes and table pages. A trace of events has instants, no durations: a slice begins at the traced time and is as many
 * nanoseconds long as the call has crossings in that layer, so that a length is a count.
 * @module
 */
import type { Counts } from '../../meter/meter.ts';
import { PerfettoWriter, type TrackId } from '../../report/perfetto.ts';
import type { CallColumns } from '../../trace/call-batch.ts';
import { LAYERS } from './layers.ts';

interface DomainTracks {
  readonly calls: TrackId;
  readonly layers: readonly TrackId[];
  readonly bytes: TrackId;
  liveBytes: number;
  /** Where the next slice may begin: calls do not overlap. */
  free: number;
}

/** What each slice says of itself. */
const NOTE = '1 ns = 1 crossing';

/** Writes the calls of one row. Pieces go to `sink` as they become full. */
export class ReplayTimeline {
  readonly #writer = new PerfettoWriter();
  readonly #sink: (bytes: Uint8Array) => void;
  readonly #title: (domain: number) => string;
  readonly #tables: TrackId;
  readonly #domains: (DomainTracks | undefined)[] = [];
  readonly #before: number[] = LAYERS.map(() => 0);
  #tablesTime = 0;
  #tablesLast = -1;

  /** `row`: what is replayed, in words; `title`: the name of a domain. */
  constructor(row: string, title: (domain: number) => string, sink: (bytes: Uint8Array) => void) {
    this.#sink = sink;
    this.#title = title;
    this.#tables = this.#writer.counter(this.#writer.process(row, 1), 'table pages', 'count');
  }

  /** Takes a call that ran. */
  call(batch: CallColumns, index: number, counts: Readonly<Counts>, tables: number): void {
    const tracks = this.#tracks(batch.domain[index] as number);
    const traced = Math.max(0, Math.round(batch.time[index] as number));
    const start = Math.max(traced, tracks.free);
    const lengths = LAYERS.map(([, names], layer) => this.#crossings(counts, names, layer));
    const length = lengths.reduce((sum, one) => sum + one, 0);
    const name = batch.maps[index] === 1 ? 'map' : 'unmap';
    this.#writer.slice(tracks.calls, start, start + length, name, this.#details(batch, index, start - traced));
    lengths.forEach((crossings, layer) => {
      const track = tracks.layers[layer];
      if (crossings > 0 && track !== undefined)
        this.#writer.slice(track, start, start + crossings, name, { crossings });
    });
    tracks.free = start + length;
    this.#count(tracks, batch, index, start, tables);
    if (this.#writer.full) this.#sink(this.#writer.take());
  }

  /** Hands over the rest. */
  finish(): void {
    this.#sink(this.#writer.finish());
  }

  #crossings(counts: Readonly<Counts>, names: readonly (keyof Counts)[], layer: number): number {
    const total = names.reduce((sum, name) => sum + counts[name], 0);
    const crossings = total - (this.#before[layer] as number);
    this.#before[layer] = total;
    return crossings;
  }

  #details(batch: CallColumns, index: number, late: number): Record<string, string | number | bigint> {
    const elements = (batch.first[index + 1] as number) - (batch.first[index] as number);
    return {
      iova: BigInt(batch.iova[index] as number),
      bytes: BigInt(batch.size[index] as number),
      ...(batch.maps[index] === 1 ? { elements } : {}),
      length: NOTE,
      ...(late > 0 ? { 'begins later than traced, ns': late } : {}),
    };
  }

  #count(tracks: DomainTracks, batch: CallColumns, index: number, time: number, tables: number): void {
    tracks.liveBytes += batch.maps[index] === 1 ? (batch.size[index] as number) : -(batch.covered[index] as number);
    this.#writer.count(tracks.bytes, time, tracks.liveBytes);
    this.#tablesTime = Math.max(this.#tablesTime, time);
    if (tables !== this.#tablesLast) this.#writer.count(this.#tables, this.#tablesTime, tables);
    this.#tablesLast = tables;
  }

  #tracks(domain: number): DomainTracks {
    const known = this.#domains[domain];
    if (known !== undefined) return known;
    const process = this.#writer.process(`domain ${domain}: ${this.#title(domain)}`, domain + 2);
    const tracks = {
      calls: this.#writer.track(process, 'calls'),
      layers: LAYERS.map(([name]) => this.#writer.track(process, name)),
      bytes: this.#writer.counter(process, 'live bytes', 'bytes'),
      liveBytes: 0,
      free: 0,
    };
    this.#domains[domain] = tracks;
    return tracks;
  }
}
