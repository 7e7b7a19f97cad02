/**
 * `replay`: what a system mapped, and what other paths, formats and granules make of it. Events go in as they are read;
 * when they end, the answer comes out.
 * @module
 */
import type { Profile } from '../cost/profile.ts';
import { IommuError } from '../errors.ts';
import { MachineNames } from '../machine/names.ts';
import type { RowsPort } from '../replay/apart/messages.ts';
import { Replay } from '../replay/replay.ts';
import type { CallObserver, RowSpec } from '../replay/row.ts';
import type { Answer } from '../report/answer.ts';
import type { CallSink } from '../trace/calls.ts';
import type { TraceDomain } from '../trace/domain-names.ts';
import type { TraceEvent, TraceNames } from '../trace/events.ts';
import type { ReadStats } from '../trace/stats.ts';
import { withNotUnderstood } from './not-understood.ts';
import { type ReplayChoices, specsOf } from './replay/choices.ts';
import { type Asked, type ReplayData, replayData } from './replay/data.ts';
import { rowDriver } from './replay/hardware.ts';
import { checkMark } from './replay/mark.ts';
import { replayNotes } from './replay/notes.ts';
import { rowsCsv } from './replay/rows.ts';
import { replaySections } from './replay/sections.ts';
import { isUsable, replayVerdict } from './replay/verdict.ts';

/** Mappings that an answer lists at most, unless it is asked for more. */
export const DEFAULT_LIMIT = 100;

/** A question about a trace. */
export interface ReplayQuestion extends ReplayChoices {
  /** Names that the trace's readers share. */
  readonly names: TraceNames;
  /** The time in milliseconds; rows are timed with it. */
  readonly clock: () => number;
  /** Stop at the first mark that contains this text. */
  readonly until?: string;
  /** Add the ranges that are mapped at the end to the data. */
  readonly ranges?: boolean;
  /** Ask for mappings that are never unmapped: they are findings then. */
  readonly leaks?: boolean;
  /** Ask for maps of addresses that are mapped already: they are findings then. */
  readonly doubleMaps?: boolean;
  /** Mappings listed at most; their numbers are exact all the same. Default {@link DEFAULT_LIMIT}. */
  readonly limit?: number;
  /** Prices to predict times with. */
  readonly profile?: Profile | null;
  /** Names of devices and memory. */
  readonly machine?: MachineNames;
  /** Receives every call of the first row after it ran. */
  readonly observer?: CallObserver;
  /** Receives every call of the trace, before it is replayed. */
  readonly watch?: CallSink;
  /** Another thread that replays the rows. Not used where an observer receives their calls. */
  readonly apart?: RowsPort;
}

function checkLimit(limit: number): number {
  if (Number.isSafeInteger(limit) && limit >= 0) return limit;
  throw new IommuError('BAD_OPTION', 'limit', `expected a whole number of at least 0, got ${limit}`);
}

/** A replay under way. */
export class ReplayRun {
  /** The rows that it replays into. */
  readonly specs: readonly RowSpec[];
  readonly #question: ReplayQuestion;
  readonly #replay: Replay;
  readonly #limit: number;
  #isFinished = false;

  /** @throws IommuError `BAD_OPTION`, `UNKNOWN_FORMAT`. */
  constructor(question: ReplayQuestion) {
    const { names, clock, observer, watch, until, apart, profile = null } = question;
    this.#question = question;
    this.#limit = checkLimit(question.limit ?? DEFAULT_LIMIT);
    this.specs = specsOf(question);
    this.#replay = new Replay({
      names,
      clock,
      rows: this.specs,
      driver: rowDriver,
      splitWork: profile !== null,
      ranges: needsRanges(question),
      maxDoubleMaps: this.#limit,
      parties: true,
      ...(watch === undefined ? {} : { watch }),
      ...(observer === undefined ? {} : { observer }),
      ...(until === undefined ? {} : { until }),
      ...(apart === undefined ? {} : { apart }),
    });
  }

  /** True once the mark was met: further events are let pass. */
  get stopped(): boolean {
    return this.#replay.stopped;
  }

  /** The domains of the trace, as far as they are known by now. */
  get domains(): readonly TraceDomain[] {
    return this.#replay.domains;
  }

  /** The name of a domain of the trace, as far as it is known by now. */
  domainTitle(id: number): string {
    return this.#replay.domains[id]?.title ?? '';
  }

  /** Takes one event. */
  event(event: TraceEvent): void {
    this.#replay.event(event);
  }

  /** Waits until there is room for further events; at once where the rows are on this thread. @throws what they failed with */
  async room(): Promise<void> {
    await this.#replay.room();
  }

  /** Ends the trace, and waits for rows of another thread: they are to be at their end before they are answered from. */
  async finish(): Promise<void> {
    this.#end();
    await this.#replay.settled();
  }

  /**
   * Answers, and ends the trace before where that was not done.
   * @param stats - what the readers say, one for each file
   * @param wanted - what else the trace is asked for; may be asked again with others
   * @throws IommuError `BAD_OPTION` where the mark of `until` never came.
   */
  answer(stats: readonly ReadStats[], wanted: Partial<Asked> = this.#question): Answer<ReplayData> {
    this.#end();
    checkMark(this.#replay, this.#question.until);
    const { profile = null, ranges = false, machine = new MachineNames() } = this.#question;
    const replay = this.#replay;
    const data = replayData({
      replay,
      names: this.#question.names,
      stats,
      machine,
      profile,
      ranges,
      limit: this.#limit,
      hardware: this.#question.hardware,
    });
    const asked = { leaks: wanted.leaks === true, doubleMaps: wanted.doubleMaps === true };
    const answer: Answer<ReplayData> = {
      schema: 'iommu.replay',
      version: 1,
      outcome: outcomeOf(data, asked),
      verdict: replayVerdict(data, machine, asked),
      data,
      sections: replaySections(data, replay.findings.shape, asked),
      notes: replayNotes(data, replay, stats, asked, this.#question.hardware),
      records: data.rows,
      csv: rowsCsv(data.rows),
    };
    return withNotUnderstood(answer, data.trace.notUnderstood);
  }

  #end(): void {
    if (!this.#isFinished) this.#replay.finish();
    this.#isFinished = true;
  }
}

/** The ranges at the end say what memory a mapping leads to, where the use of memory is known. */
function needsRanges({ ranges, machine }: ReplayQuestion): boolean {
  return ranges === true || (machine?.memory.regions.length ?? 0) > 0;
}

/** A trace that maps and unmaps as it should is fine; what stays mapped is a finding only where it was asked for. */
function outcomeOf(data: ReplayData, { leaks, doubleMaps }: Asked): Answer['outcome'] {
  if (!isUsable(data)) return 'unusable';
  return (leaks && data.live.leaks > 0) || (doubleMaps && data.live.doubleMaps > 0) ? 'findings' : 'fine';
}
