/**
 * `replay --tlb-size`: reach and hit rate of TLBs over the leaves that a replay makes, by granule, memory and order of accesses.
 * @module
 */
import { Replay } from '../replay/replay.ts';
import { type TlbSettings, TlbWhatIf } from '../replay/tlb-what-if.ts';
import type { Answer } from '../report/answer.ts';
import type { TraceEvent, TraceNames } from '../trace/events.ts';
import type { ReadStats } from '../trace/stats.ts';
import { notUnderstoodOf, withNotUnderstood } from './not-understood.ts';
import type { ReplayChoices } from './replay/choices.ts';
import { rowDriver } from './replay/hardware.ts';
import { checkMark } from './replay/mark.ts';
import { type TlbChoices, tlbSettingsOf, tlbSpecs } from './replay/tlb-choices.ts';
import { type ReplayTlbData, tlbData, tlbRowData } from './replay/tlb-data.ts';
import { tlbCsv, tlbSections } from './replay/tlb-sections.ts';
import { tlbNotes, tlbVerdict } from './replay/tlb-verdict.ts';

/** A question about TLBs. */
export interface ReplayTlbQuestion extends ReplayChoices, TlbChoices {
  /** Names that the trace's readers share. */
  readonly names: TraceNames;
  /** Stop at the first mark that contains this text. */
  readonly until?: string;
}

/** A replay under way. */
export class ReplayTlbRun {
  readonly #settings: TlbSettings;
  readonly #models: readonly TlbWhatIf[];
  readonly #replay: Replay;
  readonly #until: string | undefined;

  /** @throws IommuError `BAD_OPTION`, `UNKNOWN_FORMAT`, `UNSUPPORTED`. */
  constructor(question: ReplayTlbQuestion) {
    const { names, until } = question;
    this.#settings = tlbSettingsOf(question);
    const rows = tlbSpecs(question, this.#settings);
    this.#models = rows.map((spec) => new TlbWhatIf(spec, this.#settings));
    this.#until = until;
    this.#replay = new Replay({
      names,
      rows,
      driver: rowDriver,
      clock: () => 0,
      lists: this.#models,
      ...(until === undefined ? {} : { until }),
    });
  }

  /** True once the mark was met: further events are let pass. */
  get stopped(): boolean {
    return this.#replay.stopped;
  }

  /** Takes one event. */
  event(event: TraceEvent): void {
    this.#replay.event(event);
  }

  /**
   * Ends the trace.
   * @param stats - what the readers say, one for each file
   * @throws IommuError `BAD_OPTION` where the mark of `until` never came.
   */
  answer(stats: readonly ReadStats[]): Answer<ReplayTlbData> {
    this.#replay.finish();
    checkMark(this.#replay, this.#until);
    const models = this.#models;
    const rows = this.#replay.reports.flatMap((row, i) => {
      const model = models[i];
      return model === undefined ? [] : [tlbRowData(row, model)];
    });
    const notUnderstood = notUnderstoodOf(stats);
    const data = tlbData(rows, this.#settings, notUnderstood);
    const isEmpty = rows.every(({ lists }) => lists === 0);
    const answer: Answer<ReplayTlbData> = {
      schema: 'iommu.replay-tlb',
      version: 1,
      outcome: isEmpty ? 'unusable' : 'fine',
      verdict: tlbVerdict(data),
      data,
      sections: isEmpty ? [] : tlbSections(data),
      notes: tlbNotes(data),
      records: rows,
      csv: tlbCsv(data),
    };
    return withNotUnderstood(answer, notUnderstood);
  }
}
