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

/** Where the text of a trace lies: a file that the reading thread opens by its path, or one that a page was given. */
export type TextPlace = { readonly path: string } | { readonly file: Blob };

/** Where a trace.dat lies: a file that the reading thread can open, or bytes. */
export type DatPlace = { readonly path: string } | { readonly bytes: Uint8Array<ArrayBuffer> };

/** Names of both kinds. */
export interface BothNames {
  readonly tasks: NewNames;
  readonly devices: NewNames;
}

/** How much of a file was read, bytes as they lie in it; its size where that is known. */
export interface Progressed {
  readonly done: number;
  readonly total: number | undefined;
}

/** To the reading thread. The first order says what is read. */
export type ReadingOrder =
  | { readonly order: 'text'; readonly format: StreamFormat; readonly place: TextPlace; readonly names: BothNames }
  | { readonly order: 'dat'; readonly place: DatPlace; readonly names: BothNames }
  /** Batches were taken: their columns come back. Several at once, for waking a thread takes longer than reading a batch. */
  | { readonly order: 'taken'; readonly columns: readonly EventColumns[] };

/** From the reading thread. */
export type ReadingReply =
  | { readonly reply: 'ready' }
  /**
   * Events and the names that they brought. Text has a batch for each piece that is read, with the statistics up to there;
   * those of a trace.dat are known at its end.
   */
  | {
      readonly reply: 'batch';
      readonly columns: EventColumns;
      readonly names: BothNames;
      readonly stats: ReadStats | undefined;
      readonly read: Progressed | undefined;
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
