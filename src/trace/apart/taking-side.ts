/**
 * The side that takes the events of a trace that another thread reads: in the order of the file, with the same names,
 * statistics and errors as if they were read here.
 * @module
 */

import { EventDelivery, memoryOf } from '../columns.ts';
import type { EventSink, TraceNames } from '../events.ts';
import type { StreamFormat } from '../readers.ts';
import type { ReadStats } from '../stats.ts';
import { errorOf } from './failure.ts';
import { adoptNames, type DatPlace, namesSince, type ReadingPort, type ReadingReply } from './messages.ts';

/** Pieces of a stream that the other thread may have at once. */
const MOST_AHEAD = 4;

/** What takes the events. */
export interface Taking {
  readonly port: ReadingPort;
  readonly sink: EventSink;
  readonly names: TraceNames;
  /** Waits until the sink has room for another batch; where it is left out there always is. */
  readonly room?: () => Promise<void>;
}

/** Gives the events of replies to the sink. */
class Taker {
  readonly #port: ReadingPort;
  readonly #names: TraceNames;
  readonly #delivery: EventDelivery;
  readonly #room: Taking['room'];

  constructor({ port, sink, names, room }: Taking) {
    this.#room = room;
    this.#port = port;
    this.#names = names;
    this.#delivery = new EventDelivery(sink);
  }

  /** The next reply. @throws what the other thread failed with. */
  async next(): Promise<ReadingReply> {
    const reply = await this.#port.next();
    if (reply.reply === 'failure') throw errorOf(reply.failure);
    return reply;
  }

  async deliver({ columns, names }: Extract<ReadingReply, { reply: 'batch' }>): Promise<void> {
    adoptNames(this.#names, names);
    this.#delivery.columns(columns);
    this.#port.post({ order: 'taken', columns }, memoryOf(columns));
    await this.#room?.();
  }
}

/** The bytes for another thread: memory that nothing else lies in. */
function alone(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  const { buffer, byteLength } = bytes;
  const isWhole = buffer instanceof ArrayBuffer && buffer.byteLength === byteLength;
  return isWhole ? (bytes as Uint8Array<ArrayBuffer>) : new Uint8Array(bytes);
}

/** A stream whose pieces are on their way. */
class StreamTaker {
  /** Statistics behind the piece that was taken last. */
  stats: ReadStats | undefined;
  /** Pieces that the other thread has. */
  ahead = 0;
  /** Pieces that came behind the mark. */
  unwanted = 0;
  readonly #port: ReadingPort;
  readonly #taker: Taker;
  readonly #stopped: () => boolean;

  constructor(taking: Taking, stopped: () => boolean) {
    this.#port = taking.port;
    this.#taker = new Taker(taking);
    this.#stopped = stopped;
  }

  send(piece: Uint8Array): void {
    const bytes = alone(piece);
    this.#port.post({ order: 'bytes', bytes }, [bytes.buffer]);
    this.ahead++;
  }

  /** Takes events until at most `most` pieces are on their way. */
  async takeUntil(most: number): Promise<void> {
    while (this.ahead > most) {
      const reply = await this.#taker.next();
      this.ahead--;
      if (reply.reply !== 'batch') throw new Error(`expected a batch of events, got ${reply.reply}`);
      if (this.#stopped()) this.unwanted++;
      else {
        await this.#taker.deliver(reply);
        this.stats = reply.stats;
      }
    }
  }

  async end(): Promise<ReadStats> {
    this.#port.post({ order: 'end' }, []);
    const reply = await this.#taker.next();
    if (reply.reply !== 'end') throw new Error(`expected the end of the trace, got ${reply.reply}`);
    return reply.stats;
  }
}

/**
 * Takes the events of a stream of bytes that another thread reads; stops early when `stopped` says so, at the end of a
 * piece, as on one thread. The memory of the pieces goes to the other thread.
 * @throws what reading the pieces or the sink throws, in the order of the file
 */
export async function takeStream(
  format: StreamFormat,
  pieces: AsyncIterator<Uint8Array>,
  stopped: () => boolean,
  taking: Taking,
): Promise<ReadStats> {
  const { port, names } = taking;
  port.post({ order: 'stream', format, names: namesSince(names, 0, 0) }, []);
  const stream = new StreamTaker(taking, stopped);
  for (;;) {
    let piece: IteratorResult<Uint8Array>;
    try {
      piece = await pieces.next();
    } catch (cause) {
      await stream.takeUntil(0);
      if (stopped() && stream.unwanted > 0 && stream.stats !== undefined) return stream.stats;
      throw cause;
    }
    if (piece.done === true || stopped()) break;
    stream.send(piece.value);
    await stream.takeUntil(MOST_AHEAD);
  }
  await stream.takeUntil(0);
  return stopped() && stream.stats !== undefined ? stream.stats : await stream.end();
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
