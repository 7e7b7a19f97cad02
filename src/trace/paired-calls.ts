/**
 * What became of each mapping, as plain numbers: lifetimes, live bytes over time, reuse of addresses; in all, and by device
 * and task. Consumes the calls of a {@link DomainTracker}, on whichever thread; memory is bounded.
 * @module
 */
import { BatchValues } from './batch-values.ts';
import type { CallColumns } from './call-batch.ts';
import { REUSE_WINDOW, ReuseDistance } from './reuse.ts';
import { Series, type SeriesPoint } from './series.ts';
import { Sketch, type Summary } from './sketch.ts';

/** Devices and tasks told apart; further ones are counted together. */
const MAX_ROWS = 1024;

/** Counts for one device or one task; plain data. */
export interface PartyTotals {
  /** Id in the trace's names: of a device, −1 for maps that name none; of a task. */
  readonly id: number;
  /** Whether it stands for all that came after the first 1,023, the one with the id included. */
  readonly isFurther: boolean;
  maps: number;
  unmaps: number;
  mappedBytes: number;
  unmappedBytes: number;
  /** Bytes live now, and at their highest. */
  liveBytes: number;
  peakBytes: number;
}

/** What the calls of a trace come to; plain data. Times in nanoseconds, sizes in bytes. */
export interface PairTotals {
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
  /** Bytes and elements of a list, bytes of an element. */
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
  /** Most bytes mapped first. */
  readonly devices: readonly PartyTotals[];
  readonly tasks: readonly PartyTotals[];
}

/** Granules of io-pgtable-arm.c: 4K, 16K, 64K. */
const SMALLEST_GRANULE = 0x1000;
const LARGEST_GRANULE = 0x10000;

/** Rows by id, bounded. */
class Parties {
  readonly #rows: PartyTotals[] = [];
  /** By id + 1; the first is for no name. */
  readonly #byId: PartyTotals[] = [];

  row(id: number): PartyTotals {
    const known = this.#byId[id + 1];
    if (known !== undefined) return known;
    if (this.#rows.length >= MAX_ROWS) return this.#rows[MAX_ROWS - 1] as PartyTotals;
    const isFurther = this.#rows.length === MAX_ROWS - 1;
    const row = { id, isFurther, maps: 0, unmaps: 0, mappedBytes: 0, unmappedBytes: 0, liveBytes: 0, peakBytes: 0 };
    this.#rows.push(row);
    this.#byId[id + 1] = row;
    return row;
  }

  /** Most bytes mapped first. */
  sorted(): PartyTotals[] {
    return this.#rows.toSorted((a, b) => b.mappedBytes - a.mappedBytes);
  }
}

function countMap(row: PartyTotals, bytes: number): void {
  row.maps++;
  row.mappedBytes += bytes;
  row.liveBytes += bytes;
  if (row.liveBytes > row.peakBytes) row.peakBytes = row.liveBytes;
}

function countUnmap(row: PartyTotals, bytes: number): void {
  row.unmaps++;
  row.unmappedBytes += bytes;
  row.liveBytes -= bytes;
}

/** Adds up maps and the unmaps that end them. Feed every batch of calls; ask for the totals whenever. */
export class PairedCalls {
  readonly #all: PartyTotals = new Parties().row(0);
  readonly #devices = new Parties();
  readonly #tasks = new Parties();
  readonly #listBytes = new Sketch();
  readonly #listElements = new Sketch();
  readonly #elementBytes = new Sketch();
  readonly #lifetime = new Sketch();
  readonly #reuse = new ReuseDistance();
  readonly #live = new Series();
  readonly #values = new BatchValues();
  #peakTime = 0;
  #nothing = 0;
  #granule = LARGEST_GRANULE;
  #inferred = 0;

  /** Takes the calls of a batch. @returns what was gathered of them, for other statistics */
  take(calls: CallColumns): BatchValues {
    const { count, maps, time } = calls;
    const all = this.#all;
    for (let i = 0; i < count; i++) {
      if (maps[i] === 1) this.#map(calls, i);
      else this.#unmap(calls, i);
      this.#live.add(time[i] as number, all.liveBytes);
    }
    if (this.#granule > SMALLEST_GRANULE) this.#narrowGranule(calls);
    this.#reuse.take(calls);
    return this.#sketch(calls);
  }

  /** What was found so far. */
  totals(): PairTotals {
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
      listBytes: this.#listBytes.summary(),
      listElements: this.#listElements.summary(),
      elementBytes: this.#elementBytes.summary(),
      granule: this.#granule,
      lifetime: this.#lifetime.summary(),
      reuse: { ...this.#reuse.distances.summary(), window: REUSE_WINDOW, fresh: this.#reuse.fresh },
      live: this.#live.points(),
      devices: this.#devices.sorted(),
      tasks: this.#tasks.sorted(),
    };
  }

  #sketch(calls: CallColumns): BatchValues {
    const values = this.#values;
    values.gather(calls);
    const { bytes, elements, lived } = values;
    this.#listBytes.addAll(bytes.value, 0, bytes.count);
    this.#listElements.addAll(elements, 0, bytes.count);
    this.#elementBytes.addAll(calls.lengths, 0, calls.first[calls.count] as number);
    this.#lifetime.addAll(lived.value, 0, lived.count);
    return values;
  }

  #map({ size, time, device, task }: CallColumns, i: number): void {
    const all = this.#all;
    const bytes = size[i] as number;
    const before = all.peakBytes;
    countMap(all, bytes);
    if (all.peakBytes > before) this.#peakTime = time[i] as number;
    countMap(this.#devices.row(device[i] as number), bytes);
    countMap(this.#tasks.row(task[i] as number), bytes);
  }

  #narrowGranule({ count, maps, iova, first, addresses, lengths }: CallColumns): void {
    for (let i = 0; i < count; i++) if (maps[i] === 1) this.#fit(iova[i] as number);
    const elements = first[count] as number;
    for (let at = 0; at < elements; at++) {
      this.#fit(addresses[at] as number);
      this.#fit(lengths[at] as number);
    }
  }

  /** Takes the largest granule of which a value, too, is a multiple. */
  #fit(value: number): void {
    while (this.#granule > SMALLEST_GRANULE && value % this.#granule !== 0) this.#granule /= 4;
  }

  /** What goes is taken from those who mapped it: unmaps run in whatever task is interrupted. */
  #unmap({ covered, mappedAt, inferred, device, task }: CallColumns, i: number): void {
    if (inferred[i] === 1) this.#inferred++;
    if (Number.isNaN(mappedAt[i])) {
      this.#nothing++;
      this.#all.unmaps++;
      return;
    }
    const bytes = covered[i] as number;
    countUnmap(this.#all, bytes);
    countUnmap(this.#devices.row(device[i] as number), bytes);
    countUnmap(this.#tasks.row(task[i] as number), bytes);
  }
}
