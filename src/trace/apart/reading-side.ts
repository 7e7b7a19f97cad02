/**
 * The side that reads: bytes in, batches of events out. It knows neither threads nor files; a face gives it both.
 * @module
 */

import { EventBatch, type EventColumns, memoryOf } from '../columns.ts';
import { createNames, type TraceNames } from '../events.ts';
import { createColumnReader, type StreamFormat } from '../readers.ts';
import type { ReadStats } from '../stats.ts';
import { readTraceDat } from '../trace-dat/read.ts';
import { type ByteSource, bytesSource, waiting } from '../trace-dat/source.ts';
import { failureOf } from './failure.ts';
import {
  adoptNames,
  type BothNames,
  type DatPlace,
  namesSince,
  type Progressed,
  type ReadingOrder,
  type ReadingReply,
  type TextPlace,
} from './messages.ts';

/** Batches that wait for the other thread at most. */
const MOST_AHEAD = 8;
/** Events of a batch of trace.dat, about: those of one piece of the file stay together. */
const DAT_EVENTS = 8192;

/** How the face that runs this side opens files. */
export interface Opening {
  /** Opens the file of a trace.dat. */
  readonly source: (path: string) => ByteSource;
  /** The pieces of a text, unpacked; says on the way how much was read. */
  readonly pieces: (place: TextPlace, progress: (read: Progressed) => void) => AsyncIterable<Uint8Array>;
}

/** Carries out the orders of one reading. */
export class ReadingSide {
  readonly #reply: (reply: ReadingReply, memory: ArrayBuffer[]) => void;
  readonly #open: Opening;
  readonly #batch = new EventBatch();
  readonly #names: TraceNames = createNames();
  #tasks = 0;
  #devices = 0;
  readonly #spare: EventColumns[] = [];
  #ahead = 0;
  #resume: (() => void) | undefined;

  /** `reply` sends to the other thread. */
  constructor(reply: (reply: ReadingReply, memory: ArrayBuffer[]) => void, open: Opening) {
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
    if (order.order === 'taken') {
      this.#takeBack(order.columns);
      return;
    }
    this.#begin(order.names);
    if (order.order === 'text') await this.#readText(order.format, order.place);
    else await this.#readDat(order.place);
  }

  #takeBack(columns: readonly EventColumns[]): void {
    this.#spare.push(...columns);
    this.#ahead -= columns.length;
    this.#resume?.();
  }

  #begin(names: BothNames): void {
    adoptNames(this.#names, names);
    this.#tasks = this.#names.tasks.size;
    this.#devices = this.#names.devices.size;
  }

  #send(stats?: ReadStats, read?: Progressed): void {
    const names = namesSince(this.#names, this.#tasks, this.#devices);
    this.#tasks = this.#names.tasks.size;
    this.#devices = this.#names.devices.size;
    const columns = this.#batch.take(this.#spare.pop());
    this.#ahead++;
    this.#reply({ reply: 'batch', columns, names, stats, read }, memoryOf(columns));
  }

  async #readText(format: StreamFormat, place: TextPlace): Promise<void> {
    const reader = createColumnReader(format, this.#batch, this.#names);
    let read: Progressed | undefined;
    const pieces = this.#open.pieces(place, (now) => {
      read = now;
    });
    for await (const piece of pieces) {
      reader.push(piece);
      this.#send(reader.stats, read);
      await this.#room();
    }
    reader.end();
    this.#reply({ reply: 'end', stats: reader.stats }, []);
  }

  async #readDat(place: DatPlace): Promise<void> {
    const source = 'bytes' in place ? bytesSource(place.bytes) : this.#open.source(place.path);
    const stats = await readTraceDat(
      waiting(source, () => this.#datRoom()),
      (event) => this.#batch.event(event),
      this.#names,
    );
    if (this.#batch.count > 0) this.#send();
    this.#reply({ reply: 'end', stats }, []);
  }

  /** Sends a batch that is full, and waits until few are on their way. */
  async #datRoom(): Promise<void> {
    if (this.#batch.count >= DAT_EVENTS) this.#send();
    await this.#room();
  }

  async #room(): Promise<void> {
    while (this.#ahead > MOST_AHEAD) await new Promise<void>((resolve) => (this.#resume = resolve));
  }
}
