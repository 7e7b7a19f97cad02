/**
 * What became of each mapping: lifetimes, live bytes over time, leaks, reuse of addresses; in all, and by device and
 * task. Consumes the calls of a {@link DomainTracker}; memory is bounded beyond the live mappings.
 * @module
 */
import type { TraceCall } from './calls.ts';
import type { DomainTracker } from './domains.ts';
import type { TraceNames } from './events.ts';
import { RELATIVE_ERROR } from './log-buckets.ts';
import { REUSE_WINDOW, ReuseDistance } from './reuse.ts';
import { Series, type SeriesPoint } from './series.ts';
import { Sketch, type Summary } from './sketch.ts';

/** Devices and tasks told apart; further ones are counted together. */
const MAX_ROWS = 1024;
const FURTHER = '(further)';

/** Counts for one device or one task; plain data. */
export interface PartyCounts {
  /** Id in the trace's names: of a device, −1 for maps that name none; of a task. */
  readonly id: number;
  readonly name: string;
  maps: number;
  unmaps: number;
  mappedBytes: number;
  unmappedBytes: number;
  /** Bytes live now, and at their highest. */
  liveBytes: number;
  peakBytes: number;
}

/** A list that was never unmapped, as far as the trace goes. */
export interface Leak {
  readonly domain: number;
  readonly iova: number;
  readonly size: number;
  /** When it was mapped, nanoseconds. */
  readonly time: number;
  readonly task: string;
  readonly pid: number;
  /** Empty where no event names it. */
  readonly device: string;
}

/** Everything that pairing finds; plain data. Times in nanoseconds, sizes in bytes. */
export interface PairingReport {
  readonly maps: number;
  readonly unmaps: number;
  readonly mappedBytes: number;
  readonly unmappedBytes: number;
  readonly liveBytes: number;
  readonly peakBytes: number;
  readonly peakTime: number;
  /** Unmaps whose mapping the trace lacks, and inferred ones that the trace lacks themselves. */
  readonly unmapsOfNothing: number;
  readonly inferredUnmaps: number;
  /** Quantiles within this share: of bytes and elements of a list, of bytes of an element, of lifetimes. */
  readonly relativeError: number;
  readonly listBytes: Summary;
  readonly listElements: Summary;
  readonly elementBytes: Summary;
  /** The largest granule (4K, 16K, 64K) of which every address and length of an element is a multiple. */
  readonly granule: number;
  readonly lifetime: Summary;
  /** Maps between two maps of the same address, within the window; `fresh` are those without. */
  readonly reuse: Summary & { readonly window: number; readonly fresh: number };
  /** Live bytes over time, thinned. */
  readonly live: readonly SeriesPoint[];
  readonly devices: readonly PartyCounts[];
  readonly tasks: readonly PartyCounts[];
  /** Lists still live, the oldest first, as many as were asked for; and their number in all. */
  readonly leaks: readonly Leak[];
  readonly leakCount: number;
}

/** Granules of io-pgtable-arm.c: 4K, 16K, 64K. */
const SMALLEST_GRANULE = 0x1000;
const LARGEST_GRANULE = 0x10000;

/** Rows by id, bounded. */
class Parties {
  readonly #rows: PartyCounts[] = [];
  /** By id + 1; the first is for no name. */
  readonly #byId: PartyCounts[] = [];
  readonly #name: (id: number) => string;

  constructor(name: (id: number) => string) {
    this.#name = name;
  }

  row(id: number): PartyCounts {
    const known = this.#byId[id + 1];
    if (known !== undefined) return known;
    if (this.#rows.length >= MAX_ROWS) return this.#rows[MAX_ROWS - 1] as PartyCounts;
    const name = this.#rows.length === MAX_ROWS - 1 ? FURTHER : this.#name(id);
    const row = { id, name, maps: 0, unmaps: 0, mappedBytes: 0, unmappedBytes: 0, liveBytes: 0, peakBytes: 0 };
    this.#rows.push(row);
    this.#byId[id + 1] = row;
    return row;
  }

  /** Most bytes mapped first. */
  sorted(): PartyCounts[] {
    return this.#rows.toSorted((a, b) => b.mappedBytes - a.mappedBytes);
  }
}

function countMap(row: PartyCounts, bytes: number): void {
  row.maps++;
  row.mappedBytes += bytes;
  row.liveBytes += bytes;
  if (row.liveBytes > row.peakBytes) row.peakBytes = row.liveBytes;
}

function countUnmap(row: PartyCounts, bytes: number): void {
  row.unmaps++;
  row.unmappedBytes += bytes;
  row.liveBytes -= bytes;
}

/** Pairs maps with unmaps. Feed every call; ask for the report whenever. */
export class Pairing {
  readonly #names: TraceNames;
  readonly #all: PartyCounts = new Parties(() => 'all').row(0);
  readonly #devices: Parties;
  readonly #tasks: Parties;
  readonly #listBytes = new Sketch();
  readonly #listElements = new Sketch();
  readonly #elementBytes = new Sketch();
  readonly #lifetime = new Sketch();
  readonly #reuse = new ReuseDistance();
  readonly #live = new Series();
  #peakTime = 0;
  #nothing = 0;
  #granule = LARGEST_GRANULE;
  #inferred = 0;

  constructor(names: TraceNames) {
    this.#names = names;
    this.#devices = new Parties((id) => names.devices.text(id) || '(not named)');
    this.#tasks = new Parties((id) => names.tasks.text(id));
  }

  /** Takes a call. */
  call(call: TraceCall): void {
    if (call.kind === 'unmap') this.#unmap(call);
    else this.#map(call);
    this.#live.add(call.time, this.#all.liveBytes);
  }

  /** What was found so far; the tracker knows what is live. At most `maxLeaks` lists are listed. */
  report(tracker: DomainTracker, maxLeaks = 100): PairingReport {
    const all = this.#all;
    return {
      maps: all.maps,
      unmaps: all.unmaps,
      mappedBytes: all.mappedBytes,
      unmappedBytes: all.unmappedBytes,
      liveBytes: all.liveBytes,
      peakBytes: all.peakBytes,
      peakTime: this.#peakTime,
      unmapsOfNothing: this.#nothing,
      inferredUnmaps: this.#inferred,
      relativeError: RELATIVE_ERROR,
      listBytes: this.#listBytes.summary(),
      listElements: this.#listElements.summary(),
      elementBytes: this.#elementBytes.summary(),
      granule: this.#granule,
      lifetime: this.#lifetime.summary(),
      reuse: { ...this.#reuse.distances.summary(), window: REUSE_WINDOW, fresh: this.#reuse.fresh },
      live: this.#live.points(),
      devices: this.#devices.sorted(),
      tasks: this.#tasks.sorted(),
      leaks: this.#leaks(tracker, maxLeaks),
      leakCount: tracker.live.count,
    };
  }

  #map(call: TraceCall): void {
    const before = this.#all.peakBytes;
    countMap(this.#all, call.size);
    if (this.#all.peakBytes > before) this.#peakTime = call.time;
    countMap(this.#devices.row(call.device), call.size);
    countMap(this.#tasks.row(call.task), call.size);
    this.#listBytes.add(call.size);
    this.#listElements.add(call.count);
    for (let index = 0; index < call.count; index++) this.#elementBytes.add(call.length[index] as number);
    if (this.#granule > SMALLEST_GRANULE) this.#narrowGranule(call);
    this.#reuse.map(call.domain, call.iova);
  }

  #narrowGranule({ iova, count, pa, length }: TraceCall): void {
    const fits = (value: number | undefined): boolean => (value ?? 0) % this.#granule === 0;
    for (let index = 0; index < count; index++)
      while (this.#granule > SMALLEST_GRANULE && !(fits(iova) && fits(pa[index]) && fits(length[index])))
        this.#granule /= 4;
  }

  /** What goes is taken from those who mapped it: unmaps run in whatever task is interrupted. */
  #unmap(call: TraceCall): void {
    const { was } = call;
    if (call.cause === 'inferred') this.#inferred++;
    if (was === undefined) {
      this.#nothing++;
      this.#all.unmaps++;
      return;
    }
    countUnmap(this.#all, call.covered);
    countUnmap(this.#devices.row(was.device), call.covered);
    countUnmap(this.#tasks.row(was.task), call.covered);
    if (call.cause === 'traced') this.#lifetime.add(call.time - was.time);
  }

  /** The oldest first: the longer a list has been mapped, the less it looks like a transfer that is under way. */
  #leaks({ live, domains }: DomainTracker, most: number): Leak[] {
    const ids = domains.flatMap(({ id }) => [...live.records(id)]);
    ids.sort((a, b) => live.time(a) - live.time(b) || live.start(a) - live.start(b));
    return ids.slice(0, most).map((id) => {
      const { time, task, pid, device } = live.fields(id);
      const names = { task: this.#names.tasks.text(task), device: device < 0 ? '' : this.#names.devices.text(device) };
      return { domain: live.domain(id), iova: live.start(id), size: live.size(id), time, pid, ...names };
    });
  }
}
