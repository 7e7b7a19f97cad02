/**
 * The side that takes the events of a trace that another thread reads: in the order of the file, with the same names,
 * statistics and errors as if they were read here.
 * @module
 */

import { type EventColumns, EventDelivery, memoryOf } from '../columns.ts';
import type { EventSink, TraceNames } from '../events.ts';
import type { StreamFormat } from '../readers.ts';
import type { ReadStats } from '../stats.ts';
import { errorOf } from './failure.ts';
import {
  adoptNames,
  type DatPlace,
  namesSince,
  type Progressed,
  type ReadingPort,
  type ReadingReply,
  type TextPlace,
} from './messages.ts';

/** Batches whose columns go back at once. */
const RETURNED = 4;

/** What takes the events. */
export interface Taking {
  readonly port: ReadingPort;
  readonly sink: EventSink;
  readonly names: TraceNames;
  /** Waits until the sink has room for another batch; where it is left out there always is. */
  readonly room?: () => Promise<void>;
  /** Hears how much was read of what the last events stood in. */
  readonly progress?: (read: Progressed) => void;
}

type Batch = Extract<ReadingReply, { reply: 'batch' }>;

/** Gives the events of replies to the sink. */
class Taker {
  readonly #taking: Taking;
  readonly #delivery: EventDelivery;
  #taken: EventColumns[] = [];

  constructor(taking: Taking) {
    this.#taking = taking;
    this.#delivery = new EventDelivery(taking.sink);
  }

  /** The next reply. @throws what the other thread failed with. */
  async next(): Promise<Exclude<ReadingReply, { reply: 'failure' }>> {
    const reply = await this.#taking.port.next();
    if (reply.reply === 'failure') throw errorOf(reply.failure);
    return reply;
  }

  async deliver({ columns, names, read }: Batch): Promise<void> {
    const { progress, room } = this.#taking;
    adoptNames(this.#taking.names, names);
    this.#delivery.columns(columns);
    this.#giveBack(columns);
    if (read !== undefined) progress?.(read);
    await room?.();
  }

  #giveBack(columns: EventColumns): void {
    this.#taken.push(columns);
    if (this.#taken.length < RETURNED) return;
    this.#taking.port.post({ order: 'taken', columns: this.#taken }, this.#taken.flatMap(memoryOf));
    this.#taken = [];
  }
}

/**
 * Takes the events of a text that another thread reads; stops early when `stopped` says so, at the end of a piece, as on one
 * thread: the piece behind it is read, and not taken.
 * @throws what reading the pieces or the sink throws, in the order of the file
 */
export async function takeText(
  format: StreamFormat,
  place: TextPlace,
  stopped: () => boolean,
  taking: Taking,
): Promise<ReadStats> {
  const { port, names } = taking;
  port.post({ order: 'text', format, place, names: namesSince(names, 0, 0) }, []);
  const taker = new Taker(taking);
  let stats: ReadStats | undefined;
  for (;;) {
    const reply = await taker.next();
    if (stats !== undefined && stopped()) return stats;
    if (reply.reply === 'end') return reply.stats;
    if (reply.reply !== 'batch') continue;
    await taker.deliver(reply);
    stats = reply.stats;
  }
}

/**
 * Takes the events of a trace.dat that another thread reads.
 * @throws InputError as `readTraceDat`; what the sink throws
 */
export async function takeDat(place: DatPlace, taking: Taking): Promise<ReadStats> {
  const { port, names } = taking;
  const memory = 'bytes' in place ? [place.bytes.buffer] : [];
  port.post({ order: 'dat', place, names: namesSince(names, 0, 0) }, memory);
  const taker = new Taker(taking);
  for (;;) {
    const reply = await taker.next();
    if (reply.reply === 'end') return reply.stats;
    if (reply.reply === 'batch') await taker.deliver(reply);
  }
}
