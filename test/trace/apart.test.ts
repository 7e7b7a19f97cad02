// A trace read by another thread gives what it gives on one thread: events, names, statistics, errors, and where it stops.
import { readdirSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { InputError } from '../../src/errors.ts';
import type { ReadingOrder, ReadingPort, ReadingReply } from '../../src/trace/apart/messages.ts';
import { ReadingSide } from '../../src/trace/apart/reading-side.ts';
import { ReplyQueue } from '../../src/trace/apart/reply-queue.ts';
import { takeDat, takeText } from '../../src/trace/apart/taking-side.ts';
import {
  bytesSource,
  createNames,
  createTraceReader,
  type EventSink,
  isStreamFormat,
  type ReadStats,
  readTraceDat,
  recogniseTrace,
  type StreamFormat,
  type TraceNames,
} from '../../src/trace/index.ts';
import { CAPTURES, eventText, load } from './helpers.ts';

/** Traces of all captures, as folder/name. */
const FILES = readdirSync(CAPTURES, { recursive: true, encoding: 'utf8' }).filter((path) =>
  /\/trace[^/]*\.(txt|dat)(\.gz)?$/.test(path),
);
const STREAM = `${CAPTURES}x86-vtd-61-blk/trace_live.txt`;
const DAT = `${CAPTURES}arm64-smmuv3-61-blk/trace.dat`;

/** The reading side behind a port that copies all that passes, as a thread does. */
function portOf(
  chunks: () => AsyncIterable<Uint8Array> = () => pieces(new Uint8Array(0), 1),
): ReadingPort & { closed: boolean } {
  const replies = new ReplyQueue<ReadingReply>();
  const side = new ReadingSide((reply, transfer) => replies.put(structuredClone(reply, { transfer })), {
    pieces: chunks,
    source: () => {
      throw new InputError('UNREADABLE', 'no file', 'not opened here');
    },
  });
  let orders: Promise<void> = replies.next().then(() => undefined);
  return {
    closed: false,
    post(order: ReadingOrder, transfer) {
      const sent = structuredClone(order, { transfer });
      if (sent.order === 'taken') void side.take(sent);
      else orders = orders.then(() => side.take(sent));
    },
    next: () => replies.next(),
    close() {
      this.closed = true;
    },
  };
}

/** What came of reading: events in words, statistics or an error. */
interface Outcome {
  readonly events: string;
  readonly count: number;
  readonly stats: ReadStats | undefined;
  readonly error: unknown;
}

type Reader = (sink: EventSink, names: TraceNames, stopped: () => boolean) => Promise<ReadStats>;

/** Reads with a sink that stops or throws at a number of events. */
async function outcomeOf(reader: Reader, stopAt = Number.NaN, throwAt = Number.NaN): Promise<Outcome> {
  const names = createNames();
  const events: string[] = [];
  const sink: EventSink = (event) => {
    events.push(eventText(event, names));
    if (events.length === throwAt) throw new InputError('DIFFERENT_BOOTS', 'sink', 'refused');
  };
  try {
    const stats = await reader(sink, names, () => events.length >= stopAt);
    return { events: events.join('\n'), count: events.length, stats: structuredClone(stats), error: undefined };
  } catch (error) {
    return { events: events.join('\n'), count: events.length, stats: undefined, error };
  }
}

// biome-ignore lint/suspicious/useAwait: pieces of a file come one by one
async function* pieces(bytes: Uint8Array, piece: number, failAt = Number.NaN): AsyncGenerator<Uint8Array> {
  let number = 0;
  for (let at = 0; at < bytes.length; at += piece) {
    if (number++ === failAt) throw new InputError('UNREADABLE', 'pieces', 'the disk broke');
    yield bytes.subarray(at, at + piece);
  }
  if (number === failAt) throw new InputError('UNREADABLE', 'pieces', 'the disk broke');
}

/** On one thread, as the faces read. */
function here(format: StreamFormat, chunks: () => AsyncGenerator<Uint8Array>): Reader {
  return async (sink, names, stopped) => {
    const reader = createTraceReader(format, sink, names);
    for await (const chunk of chunks()) {
      if (stopped()) break;
      reader.push(chunk);
    }
    if (!stopped()) reader.end();
    return reader.stats;
  };
}

function apart(format: StreamFormat, chunks: () => AsyncGenerator<Uint8Array>): Reader {
  return (sink, names, stopped) => takeText(format, { path: 'text' }, stopped, { port: portOf(chunks), sink, names });
}

function datHere(bytes: Uint8Array): Reader {
  return (sink, names) => readTraceDat(bytesSource(bytes), sink, names);
}

function datApart(bytes: Uint8Array): Reader {
  return (sink, names) => takeDat({ bytes: new Uint8Array(bytes) }, { port: portOf(), sink, names });
}

async function expectSame(one: Reader, two: Reader, stopAt?: number, throwAt?: number): Promise<Outcome> {
  const expected = await outcomeOf(one, stopAt, throwAt);
  const got = await outcomeOf(two, stopAt, throwAt);
  expect(got).toEqual(expected);
  return expected;
}

describe('a trace read by another thread', () => {
  it.each(FILES)(
    '%s: gives the same',
    async (path) => {
      const bytes = load(`${CAPTURES}${path}`);
      const format = recogniseTrace(bytes);
      if (format === 'function_graph') return;
      const chunks = () => pieces(bytes, 1 << 16);
      const made = isStreamFormat(format)
        ? await expectSame(here(format, chunks), apart(format, chunks))
        : await expectSame(datHere(bytes), datApart(bytes));
      expect(made.count).toBeGreaterThan(0);
    },
    60_000,
  );

  it('gives the same of text that is cut, damaged or joined', async () => {
    const bytes = load(STREAM).subarray(0, 60_000);
    const damage = fc.record({
      end: fc.integer({ min: 0, max: bytes.length }),
      flips: fc.array(fc.tuple(fc.nat(bytes.length - 1), fc.nat(255)), { maxLength: 20 }),
      piece: fc.integer({ min: 100, max: 20_000 }),
    });
    await fc.assert(
      fc.asyncProperty(damage, async ({ end, flips, piece }) => {
        const damaged = bytes.slice();
        for (const [at, byte] of flips) damaged[at] = byte;
        const chunks = () => pieces(damaged.subarray(0, end), piece);
        await expectSame(here('ftrace', chunks), apart('ftrace', chunks));
      }),
      { numRuns: 40 },
    );
  }, 60_000);

  it('gives the same of a trace.dat that is cut or damaged', async () => {
    const bytes = load(DAT);
    const damage = fc.record({
      end: fc.integer({ min: 0, max: bytes.length }),
      flips: fc.array(fc.tuple(fc.nat(bytes.length - 1), fc.nat(255)), { maxLength: 20 }),
    });
    await fc.assert(
      fc.asyncProperty(damage, async ({ end, flips }) => {
        const damaged = bytes.slice(0, end);
        for (const [at, byte] of flips) if (at < end) damaged[at] = byte;
        await expectSame(datHere(damaged), datApart(damaged));
      }),
      { numRuns: 40 },
    );
  }, 60_000);

  it('stops at the end of the piece in which the mark stands, and refuses where one thread does', async () => {
    const bytes = load(STREAM).subarray(0, 60_000);
    const wish = fc.record({
      stopAt: fc.option(fc.integer({ min: 1, max: 500 }), { nil: Number.NaN }),
      throwAt: fc.option(fc.integer({ min: 1, max: 500 }), { nil: Number.NaN }),
      failAt: fc.option(fc.integer({ min: 0, max: 12 }), { nil: Number.NaN }),
    });
    await fc.assert(
      fc.asyncProperty(wish, async ({ stopAt, throwAt, failAt }) => {
        const chunks = () => pieces(bytes, 5000, failAt);
        await expectSame(here('ftrace', chunks), apart('ftrace', chunks), stopAt, throwAt);
      }),
      { numRuns: 150 },
    );
  }, 60_000);

  it('goes on with the names of a file before it', async () => {
    const bytes = load(STREAM).subarray(0, 20_000);
    const both = (read: typeof here): Reader => {
      return async (sink, names, stopped) => {
        await read('ftrace', () => pieces(bytes, 7000))(sink, names, stopped);
        return await read('ftrace', () => pieces(bytes, 9000))(sink, names, stopped);
      };
    };
    await expectSame(both(here), both(apart));
  });

  it('keeps ids of names where there are more than a table holds', async () => {
    const lines = Array.from({ length: 66_000 }, (_, n) => `task${n}-1 [000] ..... 1.000000: tracing_mark_write: ${n}`);
    const bytes = new TextEncoder().encode(`${lines.join('\n')}\n`);
    const chunks = () => pieces(bytes, 1 << 18);
    await expectSame(here('ftrace', chunks), apart('ftrace', chunks));
  }, 60_000);

  it('throws what the file cannot be opened with', async () => {
    const { error } = await outcomeOf((sink, names) => takeDat({ path: 'x' }, { port: portOf(), sink, names }));
    expect(error).toEqual(new InputError('UNREADABLE', 'no file', 'not opened here'));
  });

  it('throws where the thread ends before its time', async () => {
    const replies = new ReplyQueue<ReadingReply>();
    const port = { post: () => replies.break(new Error('ended')), next: () => replies.next(), close: () => undefined };
    const taking = { port, sink: () => undefined, names: createNames() };
    const reading = takeText('ftrace', { path: 'text' }, () => false, taking);
    await expect(reading).rejects.toThrow('ended');
  });
});
