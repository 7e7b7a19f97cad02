/**
 * Rows that are replayed on this thread.
 * @module
 */
import type { DriverFactory } from '../drivers/contract.ts';
import type { CallBatch, CallColumns } from '../trace/call-batch.ts';
import { type CallFindings, CallStatistics, type StatisticsAsked } from './call-statistics.ts';
import type { ListObserver } from './list-observer.ts';
import { type CallObserver, ReplayRow, type RowSpec } from './row.ts';
import type { RowReport } from './row-report.ts';

/** What the rows of a replay are asked for; plain data. */
export interface RowsAsked {
  /** What to replay into. */
  readonly rows: readonly RowSpec[];
  /** Keep the work of maps and unmaps apart, so that it can be priced; default false. */
  readonly splitWork?: boolean;
  /** Report the ranges that are mapped at the end, of the first row that keeps the traced addresses; default false. */
  readonly ranges?: boolean;
  /** What is told of the calls themselves; default none. */
  readonly statistics?: StatisticsAsked;
}

/** Settings of {@link RowsHere}. */
export interface RowsOptions extends RowsAsked {
  /** Driver of the domains of a row. */
  readonly driver: (row: RowSpec) => DriverFactory;
  /** The time in milliseconds; rows are timed with it. */
  readonly clock: () => number;
  /** Receives every call of the first row. */
  readonly observer?: CallObserver;
  /** What receives the lists of each row, by its number. */
  readonly lists?: readonly ListObserver[];
}

/** Where the calls of a replay go: rows on this thread or on another. */
export interface CallTaker {
  /** Takes the calls of a batch. @returns an empty batch for the next ones, which may be the same */
  take(batch: CallBatch): CallBatch;
  /** Waits until there is room for further batches. */
  room(): Promise<void>;
  /** Says that there are no further calls. */
  end(): void;
  /** Waits until the rows are at their end, too. */
  ended(): Promise<void>;
  /** What the rows did; undefined before they are at their end. */
  readonly reports: readonly RowReport[] | undefined;
  /** What was found about the calls; undefined before the rows are at their end, and unless it was asked for. */
  readonly findings: CallFindings | undefined;
}

/** Rows with their times. */
export class RowsHere implements CallTaker {
  reports: readonly RowReport[] | undefined;
  findings: CallFindings | undefined;
  readonly #statistics: CallStatistics | undefined;
  readonly #rows: readonly { readonly row: ReplayRow; milliseconds: number }[];
  readonly #clock: () => number;
  readonly #wantsRanges: boolean;

  constructor({ rows, driver, clock, splitWork, ranges, observer, lists, statistics = 'none' }: RowsOptions) {
    this.#statistics = statistics === 'none' ? undefined : new CallStatistics(statistics === 'all');
    this.#rows = rows.map((spec, i) => ({
      row: new ReplayRow(spec, driver(spec), splitWork, i === 0 ? observer : undefined, lists?.[i]),
      milliseconds: 0,
    }));
    this.#clock = clock;
    this.#wantsRanges = ranges === true;
  }

  /** Replays calls in every row. */
  run(calls: CallColumns): void {
    this.#statistics?.take(calls);
    for (const timed of this.#rows) {
      const start = this.#clock();
      timed.row.run(calls);
      timed.milliseconds += this.#clock() - start;
    }
  }

  take(batch: CallBatch): CallBatch {
    this.run(batch);
    batch.clear();
    return batch;
  }

  /** Counts from here on, as {@link ReplayRow.restart}. */
  restart(): void {
    for (const timed of this.#rows) {
      timed.row.restart();
      timed.milliseconds = 0;
    }
  }

  room(): Promise<void> {
    return Promise.resolve();
  }

  end(): void {
    this.findings = this.#statistics?.findings();
    for (const { row } of this.#rows) row.finish();
    const keeps = this.#wantsRanges ? this.#rows.findIndex(({ row }) => row.spec.iova === 'keep') : -1;
    this.reports = this.#rows.map(({ row, milliseconds }, i) => row.report(milliseconds, i === keeps));
  }

  ended(): Promise<void> {
    return Promise.resolve();
  }
}
