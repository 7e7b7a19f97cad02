/**
 * The side that replays: batches of calls in, reports of rows out. It knows no threads; a face gives it a port.
 * @module
 */
import { failureOf } from '../../trace/apart/failure.ts';
import { callMemory } from '../../trace/call-batch.ts';
import { RowsHere, type RowsOptions } from '../rows-here.ts';
import type { RowsOrder, RowsReply } from './messages.ts';

/** Carries out the orders of one replay. */
export class RowsSide {
  readonly #reply: (reply: RowsReply, memory: ArrayBuffer[]) => void;
  readonly #own: Pick<RowsOptions, 'driver' | 'clock'>;
  #rows: RowsHere | undefined;

  /** `reply` sends to the other thread; `own` is what cannot be sent. */
  constructor(reply: (reply: RowsReply, memory: ArrayBuffer[]) => void, own: Pick<RowsOptions, 'driver' | 'clock'>) {
    this.#reply = reply;
    this.#own = own;
    reply({ reply: 'ready' }, []);
  }

  /** Carries out an order; what goes wrong is a reply. */
  take(order: RowsOrder): void {
    try {
      this.#carryOut(order);
    } catch (cause) {
      this.#reply({ reply: 'failure', failure: failureOf(cause) }, []);
    }
  }

  #carryOut(order: RowsOrder): void {
    if (order.order === 'rows') this.#rows = new RowsHere({ ...order.asked, ...this.#own });
    else if (this.#rows === undefined) throw new Error(`expected rows first, got ${order.order}`);
    else if (order.order === 'calls') this.#run(this.#rows, order);
    else this.#end(this.#rows);
  }

  #run(rows: RowsHere, { batches }: Extract<RowsOrder, { order: 'calls' }>): void {
    for (const batch of batches) rows.run(batch);
    this.#reply({ reply: 'taken', batches }, batches.flatMap(callMemory));
  }

  #end(rows: RowsHere): void {
    rows.end();
    this.#reply({ reply: 'end', reports: rows.reports ?? [], findings: rows.findings }, []);
  }
}
