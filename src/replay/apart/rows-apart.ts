/**
 * Rows that another thread replays. Few batches of calls are on their way at once, so that memory does not grow.
 * @module
 */
import { errorOf } from '../../trace/apart/failure.ts';
import { CallBatch, type CallColumns, callMemory } from '../../trace/call-batch.ts';
import { type CallFindings, CallStatistics } from '../call-statistics.ts';
import type { RowReport } from '../row-report.ts';
import type { CallTaker, RowsAsked } from '../rows-here.ts';
import type { RowsPort } from './messages.ts';

/** Batches that go to the other thread at once. */
const SENT = 4;
/** Batches that the other thread may have while further events are read. */
const MOST_AHEAD = 16;

/** From so many rows on their thread is the busier one, and this one takes the statistics. */
const MANY_ROWS = 3;

/** The rows behind a port. */
export class RowsApart implements CallTaker {
  reports: readonly RowReport[] | undefined;
  findings: CallFindings | undefined;
  readonly #port: RowsPort;
  readonly #statistics: CallStatistics | undefined;
  readonly #spare: CallColumns[] = [];
  #waiting: CallColumns[] = [];
  #ahead = 0;

  constructor(port: RowsPort, { rows, splitWork = false, ranges = false, statistics = 'none' }: RowsAsked) {
    this.#port = port;
    const keeps = rows.length >= MANY_ROWS && statistics !== 'none';
    this.#statistics = keeps ? new CallStatistics(statistics === 'all') : undefined;
    port.post({ order: 'rows', asked: { rows, splitWork, ranges, statistics: keeps ? 'none' : statistics } }, []);
  }

  take(batch: CallBatch): CallBatch {
    this.#statistics?.take(batch);
    this.#waiting.push(batch.columns);
    if (this.#waiting.length === SENT) this.#send();
    return new CallBatch(this.#spare.pop());
  }

  /** @throws what the other thread failed with */
  async room(): Promise<void> {
    while (this.#ahead > MOST_AHEAD) await this.#next();
  }

  end(): void {
    this.#send();
    this.#port.post({ order: 'end' }, []);
  }

  /** @throws what the other thread failed with */
  async ended(): Promise<void> {
    while (this.reports === undefined) await this.#next();
  }

  async #next(): Promise<void> {
    const reply = await this.#port.next();
    if (reply.reply === 'failure') throw errorOf(reply.failure);
    if (reply.reply === 'end') {
      this.findings = this.#statistics?.findings() ?? reply.findings;
      this.reports = reply.reports;
    }
    if (reply.reply !== 'taken') return;
    this.#ahead -= reply.batches.length;
    this.#spare.push(...reply.batches);
  }

  #send(): void {
    const batches = this.#waiting;
    this.#port.post({ order: 'calls', batches }, batches.flatMap(callMemory));
    this.#ahead += batches.length;
    this.#waiting = [];
  }
}
