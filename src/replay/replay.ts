/**
 * A trace replayed into rows: events in, calls regrouped by domain, the same calls through every row, statistics out.
 * @module
 */

import { CallBatch } from '../trace/call-batch.ts';
import type { CallSink, TraceCall } from '../trace/calls.ts';
import type { TraceDomain } from '../trace/domain-names.ts';
import { DomainTracker } from '../trace/domains.ts';
import { DoubleMaps } from '../trace/double-maps.ts';
import { KIND, type TraceEvent, type TraceNames } from '../trace/events.ts';
import { type PairingReport, pairingReport } from '../trace/pairing.ts';
import type { TrackCounts } from '../trace/track-counts.ts';
import { type Agreement, RegroupWitness } from '../trace/witness.ts';
import type { RowsPort } from './apart/messages.ts';
import { RowsApart } from './apart/rows-apart.ts';
import type { CallFindings } from './call-statistics.ts';
import { protectionOf } from './protection.ts';
import type { RowReport } from './row-report.ts';
import { type CallTaker, RowsHere, type RowsOptions } from './rows-here.ts';

/** Marks remembered, and characters of each. */
const MOST_MARKS = 8;
const MARK_TEXT = 80;

/** Events on which the regrouping rule is judged. */
export const WITNESS_EVENTS = 200_000;

/** Settings of a {@link Replay}. */
export interface ReplayOptions extends Omit<RowsOptions, 'statistics'> {
  /** Names shared with the trace's readers. */
  readonly names: TraceNames;
  /**
   * Another thread that replays the rows, with drivers and a clock of its own. Not used where an observer is to receive calls
   * or lists: it sees each as it runs.
   */
  readonly apart?: RowsPort;
  /** Receives every call of the trace, before it is replayed. */
  readonly watch?: CallSink;
  /** Double maps to keep; default 100. */
  readonly maxDoubleMaps?: number;
  /** Tell of the calls by device, task and address, too; default false. */
  readonly parties?: boolean;
  /** Stop at a mark that contains this text. */
  readonly until?: string;
}

function takerOf({ parties, ...options }: ReplayOptions): CallTaker {
  const { apart, observer, lists } = options;
  const asked = { ...options, statistics: parties === true ? 'all' : 'pairs' } as const;
  const isApart = apart !== undefined && observer === undefined && lists === undefined;
  return isApart ? new RowsApart(apart, asked) : new RowsHere(asked);
}

function atEnd<Found>(found: Found | undefined): Found {
  if (found === undefined) throw new Error('the rows of this replay are not at their end');
  return found;
}

/** Replays while events come in. */
export class Replay {
  /** Events on which the regrouping rule was judged: all, or the first {@link WITNESS_EVENTS}. */
  witnessEvents = 0;
  /** Whether the mark was met. */
  stopped = false;
  /** Times of the first and of the last event that was taken, nanoseconds; NaN without one. */
  firstTime: number = Number.NaN;
  lastTime: number = Number.NaN;
  /** The first different marks, cut to 80 characters. */
  readonly marks: string[] = [];
  /** Calls whose direction no event gave: read-write is assumed for them. */
  assumedProtection = 0;
  /** The first double maps. */
  readonly doubleMaps: DoubleMaps;
  readonly #watch: CallSink | undefined;
  readonly #tracker: DomainTracker;
  readonly #names: TraceNames;
  readonly #witness: RegroupWitness;
  readonly #taker: CallTaker;
  #batch = new CallBatch();
  readonly #until: string | undefined;

  constructor(options: ReplayOptions) {
    this.#taker = takerOf(options);
    this.#until = options.until;
    this.#names = options.names;
    this.#witness = new RegroupWitness(options.names);
    const doubles = new DoubleMaps(options.names, options.maxDoubleMaps ?? 100);
    this.doubleMaps = doubles;
    this.#watch = options.watch;
    this.#tracker = new DomainTracker(
      (call) => this.#call(call),
      options.names,
      (event) => doubles.add(event),
    );
  }

  /** Domains of the trace. */
  get domains(): readonly TraceDomain[] {
    return this.#tracker.domains;
  }

  /** What was decided about domains. */
  get track(): TrackCounts {
    return this.#tracker.counts;
  }

  /** Lifetimes, live bytes, leaks, reuse, with 100 leaks listed. @throws Error where the rows are not at their end. */
  get pairing(): PairingReport {
    return this.pairingReport(100);
  }

  /** The same with at most `maxLeaks` leaks listed. */
  pairingReport(maxLeaks: number): PairingReport {
    return pairingReport(this.findings.pairs, this.#names, this.#tracker, maxLeaks);
  }

  /** What the calls come to. @throws Error where the rows are not at their end. */
  get findings(): CallFindings {
    return atEnd(this.#taker.findings);
  }

  /** Device → its dma events that no map line came before. */
  get untranslated(): ReadonlyMap<number, number> {
    return this.#tracker.untranslated;
  }

  /** How well the regrouping rule agrees with the scatter-list events. */
  get agreement(): Agreement {
    return this.#witness.agreement;
  }

  /** Takes one event; after the mark, events are let pass. */
  event(event: TraceEvent): void {
    if (this.stopped) return;
    if (event.kind === KIND.MARK && this.#mark(event.text)) return;
    if (!(event.time >= this.firstTime)) this.firstTime = event.time;
    if (!(event.time <= this.lastTime)) this.lastTime = event.time;
    this.#judge(event);
    this.#tracker.event(event);
  }

  /** What the rows did. @throws Error where the rows are not at their end. */
  get reports(): readonly RowReport[] {
    return atEnd(this.#taker.reports);
  }

  /** Waits until there is room for further events; at once where the rows are on this thread. @throws what they failed with */
  async room(): Promise<void> {
    await this.#taker.room();
  }

  /** Ends the trace: open lists become calls, queued flushes happen. Rows of another thread are still at work then. */
  finish(): void {
    this.#tracker.finish();
    if (this.witnessEvents < WITNESS_EVENTS) this.#witness.finish();
    this.#runBatch();
    this.#taker.end();
  }

  /** Waits, after {@link Replay.finish}, for the rows of another thread. @throws what they failed with */
  async settled(): Promise<void> {
    await this.#taker.ended();
  }

  /** @returns whether the trace ends here. */
  #mark(text: string): boolean {
    this.stopped = this.#until !== undefined && text.includes(this.#until);
    const shown = text.trim().slice(0, MARK_TEXT);
    if (this.marks.length < MOST_MARKS && !this.marks.includes(shown)) this.marks.push(shown);
    return this.stopped;
  }

  /** The rule is judged on the first events only: judging tracks the trace a second time. */
  #judge(event: TraceEvent): void {
    if (this.witnessEvents >= WITNESS_EVENTS) return;
    this.#witness.event(event);
    this.witnessEvents++;
    if (this.witnessEvents === WITNESS_EVENTS) this.#witness.finish();
  }

  #call(call: TraceCall): void {
    this.#watch?.(call);
    if (call.kind !== 'unmap' && call.direction < 0) this.assumedProtection++;
    this.#batch.add(call, protectionOf(call));
    if (this.#batch.full) this.#runBatch();
  }

  #runBatch(): void {
    this.#batch = this.#taker.take(this.#batch);
  }
}
