/**
 * What a reader did: events, bytes, time spanned, and everything that was not understood, counted and named. Bounded:
 * a hostile file cannot make it grow.
 * @module
 */
import { type EventColumns, NUMBERS, WORDS } from './columns.ts';
import type { TraceEvent } from './events.ts';

const MAX_REASONS = 64;
const MAX_TEXT = 200;
const OVERFLOW_REASONS = { understood: 'other events not used', not: 'other reasons' } as const;
const KIND_BITS = 0xff;

/** Lines or records left out for one reason. */
export interface Skipped {
  readonly reason: string;
  count: number;
  /** The first of them, cut to 200 characters. */
  readonly firstLine: string;
  /** Its number in its file, from 1; 0 where the file has no lines. */
  readonly line: number;
  /** True for events that were understood and are not used; false for lines and records that were not understood. */
  readonly understood: boolean;
}

/** Where something that was left out stands: the number of its line (0: none), and whether it was understood. */
export type SkippedPlace = Pick<Skipped, 'line' | 'understood'>;

/** What was lost before it reached the file. */
export interface LostEvents {
  /** Events said to be lost (`[LOST n EVENTS]`, overruns recorded in the file). */
  events: number;
  /** Places where events were lost, their number unknown or known. */
  gaps: number;
  /** Events overwritten in a wrapped buffer (written minus still there). */
  overwritten: number;
}

/** Statistics of one reader; plain data. */
export interface ReadStats {
  /** Name of the reader. */
  readonly reader: string;
  /** Processors that the file's header names; undefined where it names none. */
  processors: number | undefined;
  /** The traced system as `uname` describes it; undefined where the file does not say. */
  system: string | undefined;
  /** Bytes of input. */
  bytes: number;
  /** Lines of text, headers and empty ones among them; records of a trace.dat, and places of damage between them. */
  lines: number;
  /** Events delivered. */
  events: number;
  /** Events delivered, by kind number. */
  readonly kinds: Float64Array;
  /** Smallest and largest time in nanoseconds; NaN while there is none. */
  firstTime: number;
  lastTime: number;
  /** Stamps earlier than their predecessor, and the largest step back in nanoseconds. */
  unordered: number;
  largestStepBack: number;
  /** Lists that the kernel cut off. */
  truncatedLists: number;
  /** Events with an address or size that a number cannot hold exactly. */
  rounded: number;
  /** True where stamps have no decimal point: ticks of the trace's clock, taken as nanoseconds. */
  ticks: boolean;
  readonly lost: LostEvents;
  readonly skipped: Skipped[];
}

/** Empty statistics. */
export function createStats(reader: string): ReadStats {
  return {
    reader,
    processors: undefined,
    system: undefined,
    bytes: 0,
    lines: 0,
    events: 0,
    kinds: new Float64Array(16),
    firstTime: Number.NaN,
    lastTime: Number.NaN,
    unordered: 0,
    largestStepBack: 0,
    truncatedLists: 0,
    rounded: 0,
    ticks: false,
    lost: { events: 0, gaps: 0, overwritten: 0 },
    skipped: [],
  };
}

/** Seconds between the smallest and the largest stamp, 0 without events. */
export function secondsSpanned(stats: ReadStats): number {
  return stats.events === 0 ? 0 : (stats.lastTime - stats.firstTime) / 1e9;
}

/** How many lines or records were left out. */
export function skippedCount(stats: ReadStats): number {
  return stats.skipped.reduce((sum, row) => sum + row.count, 0);
}

/** Counts what was left out, by reason; the number of reasons and the text kept are bounded. */
export class SkipCounter {
  readonly #rows: Skipped[];
  readonly #byReason = new Map<string, Skipped>();

  constructor(rows: Skipped[]) {
    this.#rows = rows;
  }

  /** Counts one; `text` is called for the first of a reason only. */
  add(reason: string, place: SkippedPlace, text: () => string): void {
    this.#row(reason, place, text).count++;
  }

  /** Counts more events that are not used, for a reason that was counted before. */
  addUnused(reason: string, count: number): void {
    this.#row(reason, { line: 0, understood: true }, () => '').count += count;
  }

  #row(reason: string, place: SkippedPlace, text: () => string): Skipped {
    return this.#byReason.get(reason) ?? this.#open(reason, place, text);
  }

  #open(reason: string, { line, understood }: SkippedPlace, text: () => string): Skipped {
    const full = this.#rows.length >= MAX_REASONS - 2;
    const name = full ? OVERFLOW_REASONS[understood ? 'understood' : 'not'] : reason.slice(0, MAX_TEXT);
    const known = this.#byReason.get(name);
    if (known !== undefined) return known;
    const row: Skipped = { reason: name, count: 0, firstLine: text().slice(0, MAX_TEXT), line, understood };
    this.#byReason.set(name, row);
    this.#rows.push(row);
    return row;
  }
}

/** Counts delivered events, in the order of one stream. */
export class EventCounter {
  readonly #stats: ReadStats;
  #previous = Number.NEGATIVE_INFINITY;

  constructor(stats: ReadStats) {
    this.#stats = stats;
  }

  /** Counts one. The event is passed, not its time: a double that is passed is boxed. */
  count(event: TraceEvent): void {
    const { kind, time } = event;
    const stats = this.#stats;
    if (!isExact(event.iova, event.pa, event.size)) stats.rounded++;
    if (event.list.truncated) stats.truncatedLists++;
    stats.events++;
    stats.kinds[kind] = (stats.kinds[kind] as number) + 1;
    if (time < this.#previous) this.#stepBack(this.#previous - time);
    this.#previous = time;
    if (!(time >= stats.firstTime)) stats.firstTime = time;
    if (!(time <= stats.lastTime)) stats.lastTime = time;
  }

  /** Counts those of columns, all of whose numbers are exact and whose lists are complete. */
  countColumns({ count, numbers, words }: EventColumns): void {
    const { kinds } = this.#stats;
    let previous = this.#previous;
    let first = Number.POSITIVE_INFINITY;
    let last = Number.NEGATIVE_INFINITY;
    for (let index = 0; index < count; index++) {
      const time = numbers[index * NUMBERS] as number;
      const kind = (words[index * WORDS] as number) & KIND_BITS;
      kinds[kind] = (kinds[kind] as number) + 1;
      if (time < previous) this.#stepBack(previous - time);
      if (time < first) first = time;
      if (time > last) last = time;
      previous = time;
    }
    this.#previous = previous;
    this.#extend(count, first, last);
  }

  #extend(count: number, first: number, last: number): void {
    const stats = this.#stats;
    stats.events += count;
    if (count === 0) return;
    if (!(first >= stats.firstTime)) stats.firstTime = first;
    if (!(last <= stats.lastTime)) stats.lastTime = last;
  }

  #stepBack(step: number): void {
    const stats = this.#stats;
    stats.unordered++;
    if (step > stats.largestStepBack) stats.largestStepBack = step;
  }
}

/** False if a number was rounded: above 2^53, where only multiples of 2048 and more are sure to be exact. */
function isExact(iova: number, pa: number, size: number): boolean {
  return isSafe(iova) && isSafe(pa) && size <= Number.MAX_SAFE_INTEGER;
}

function isSafe(address: number): boolean {
  return address <= Number.MAX_SAFE_INTEGER || address % 4096 === 0;
}
