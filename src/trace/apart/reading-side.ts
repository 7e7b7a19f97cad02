/**
 * The side that reads: bytes in, batches of events out. It knows neither threads nor files; a face gives it both.
 * @module
 */

import { EventBatch, type EventColumns, memoryOf } from '../columns.ts';
import { createNames, type TraceNames } from '../events.ts';
import { createColumnReader } from '../readers.ts';
import type { ReadStats } from '../stats.ts';
import type { TraceReader } from '../text-reader.ts';
import { readTraceDat } from '../trace-dat/read.ts';
import { type ByteSource, bytesSource, waiting } from '../trace-dat/source.ts';
import { failureOf } from './failure.ts';
import { adoptNames, type DatPlace, namesSince, type ReadingOrder, type ReadingReply } from './messages.ts';

/** Batches of a trace.dat that wait for the other thread at most. */
const MOST_AHEAD = 4;
/** Events of such a batch, about: those of one piece of the file stay together. */
const DAT_EVENTS = 8192;

/** Opens the file of a trace.dat. */
export type OpenSource = (path: string) => ByteSource;

/** Carries out the orders of one reading. */
export class ReadingSide {
  readonly #reply: (reply: ReadingReply, memory: ArrayBuffer[]) => void;
  readonly #open: OpenSource;
  readonly #batch = new EventBatch();
  readonly #names: TraceNames = createNames();
  #tasks = 0;
  #devices = 0;
  #reader: TraceReader | undefined;
  #spare: EventColumns | undefined;
  #ahead = 0;
  #resume: (() => void) | undefined;

  /** `reply` sends to the other thread. */
  constructor(reply: (reply: ReadingReply, memory: ArrayBuffer[]) => void, open: OpenSource) {
    this.#reply = reply;
    this.#open = open;
    reply({ reply: 'ready' }, []);
  }

  /** Carries out an order; what goes wrong is a reply. */
  async take(order: ReadingOrder): Promise<void> {
    try {
      await this.#carryOut(order);
    } catch (cause) {
      this.#reply({ reply: 'failure', failure: failureOf(cause) }, []);
    }
  }

  async #carryOut(order: ReadingOrder): Promise<void> {
    switch (order.order) {
      case 'stream':
        this.#begin(order.names);
        this.#reader = createColumnReader(order.format, this.#batch, this.#names);
        break;
      case 'dat':
        this.#begin(order.names);
        await this.#readDat(order.place);
        break;
      case 'bytes':
        this.#reader?.push(order.bytes);
        if (this.#reader !== undefined) this.#send(this.#reader.stats);
        break;
      case 'taken':
        this.#spare = order.columns;
        this.#ahead--;
        this.#resume?.();
        break;
      default:
        this.#reader?.end();
        if (this.#reader !== undefined) this.#reply({ reply: 'end', stats: this.#reader.stats }, []);
    }
  }

  #begin(names: Parameters<typeof adoptNames>[1]): void {
    adoptNames(this.#names, names);
    this.#tasks = this.#names.tasks.size;
    this.#devices = this.#names.devices.size;
  }

  #send(stats: ReadStats | undefined): void {
    const names = namesSince(this.#names, this.#tasks, this.#devices);
    this.#tasks = this.#names.tasks.size;
    this.#devices = this.#names.devices.size;
    const columns = this.#batch.take(this.#spare);
    this.#spare = undefined;
    this.#ahead++;
    this.#reply({ reply: 'batch', columns, names, stats }, memoryOf(columns));
  }

  async #readDat(place: DatPlace): Promise<void> {
    const source = 'bytes' in place ? bytesSource(place.bytes) : this.#open(place.path);
    const stats = await readTraceDat(
      waiting(source, () => this.#room()),
      (event) => this.#batch.event(event),
      this.#names,
    );
    if (this.#batch.count > 0) this.#send(undefined);
    this.#reply({ reply: 'end', stats }, []);
  }

  /** Sends a batch that is full, and waits until few are on their way. */
  async #room(): Promise<void> {
    if (this.#batch.count >= DAT_EVENTS) this.#send(undefined);
    while (this.#ahead > MOST_AHEAD) await new Promise<void>((resolve) => (this.#resume = resolve));
  }
}
