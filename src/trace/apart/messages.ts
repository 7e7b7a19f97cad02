/**
 * What passes between the thread that reads a trace and the thread that takes its events.
 * @module
 */
import type { EventColumns } from '../columns.ts';
import type { TraceNames } from '../events.ts';
import type { NewNames } from '../names.ts';
import type { StreamFormat } from '../readers.ts';
import type { ReadStats } from '../stats.ts';
import type { ThreadFailure } from './failure.ts';

/** Where a trace.dat lies: a file that the reading thread can open, or bytes. */
export type DatPlace = { readonly path: string } | { readonly bytes: Uint8Array<ArrayBuffer> };

/** Names of both kinds. */
export interface BothNames {
  readonly tasks: NewNames;
  readonly devices: NewNames;
}

/** To the reading thread. The first order says what is read. */
export type ReadingOrder =
  | { readonly order: 'stream'; readonly format: StreamFormat; readonly names: BothNames }
  | { readonly order: 'dat'; readonly place: DatPlace; readonly names: BothNames }
  /** The next bytes of a stream. */
  | { readonly order: 'bytes'; readonly bytes: Uint8Array<ArrayBuffer> }
  /** A batch was taken: its columns come back. */
  | { readonly order: 'taken'; readonly columns: EventColumns }
  /** There are no more bytes. */
  | { readonly order: 'end' };

/** From the reading thread. */
export type ReadingReply =
  | { readonly reply: 'ready' }
  /**
   * Events and the names that they brought. A stream has a batch for each order `bytes`, with the statistics up to there;
   * those of a trace.dat are known at its end.
   */
  | {
      readonly reply: 'batch';
      readonly columns: EventColumns;
      readonly names: BothNames;
      readonly stats: ReadStats | undefined;
    }
  | { readonly reply: 'end'; readonly stats: ReadStats }
  | { readonly reply: 'failure'; readonly failure: ThreadFailure };

/** What one thread holds of another that works for it. */
export interface Port<Order, Reply> {
  /** Sends an order; `memory` goes with it. */
  post(order: Order, memory: ArrayBuffer[]): void;
  /** The next reply. @throws Error where the thread ended or broke. */
  next(): Promise<Reply>;
  /** Ends the thread. */
  close(): void;
}

/** What the thread that takes events holds of the reading thread. */
export type ReadingPort = Port<ReadingOrder, ReadingReply>;

/** The names from given numbers on. */
export function namesSince(names: TraceNames, tasks: number, devices: number): BothNames {
  return { tasks: names.tasks.since(tasks), devices: names.devices.since(devices) };
}

/** Adds names of the other thread. */
export function adoptNames(names: TraceNames, added: BothNames): void {
  names.tasks.adopt(added.tasks);
  names.devices.adopt(added.devices);
}
