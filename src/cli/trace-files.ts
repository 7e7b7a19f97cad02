/**
 * Trace files on disk: recognised by their first bytes, read piece by piece, several as one trace.
 * @module
 */
import { statSync } from 'node:fs';
import { readStart, startingWith } from '../answers/explain/start.ts';
import { InputError } from '../errors.ts';
import type { DatPlace, ReadingPort } from '../trace/apart/messages.ts';
import { type Taking, takeDat, takeText } from '../trace/apart/taking-side.ts';
import { BootGuard } from '../trace/boots.ts';
import type { EventSink, TraceEvent, TraceNames } from '../trace/events.ts';
import { createTraceReader, isStreamFormat, recogniseTrace, type StreamFormat } from '../trace/readers.ts';
import type { ReadStats } from '../trace/stats.ts';
import { readTraceDat } from '../trace/trace-dat/read.ts';
import { bytesSource, waiting } from '../trace/trace-dat/source.ts';
import { fileSource } from './file-source.ts';
import { isPacked, Progress } from './io.ts';
import { ReadingThreads } from './threads.ts';
import { tracePieces } from './trace-pieces.ts';

/** A trace.dat that is packed or comes from a pipe is held in memory: its parts lie all over it. */
const MOST_HELD = 2 ** 31 - 2;
/** Files from here on are worth a thread of their own: below, starting it takes longer than it saves. */
const LARGE = 1 << 23;
const LARGE_PACKED = 1 << 20;

/** How a file is read. */
interface Reading {
  readonly path: string;
  readonly sink: EventSink;
  readonly names: TraceNames;
  readonly stopped: () => boolean;
  /** Waits until what takes the events has room for those of another piece. */
  readonly room: () => Promise<void>;
  readonly progress: Progress;
  readonly threads: ReadingThreads;
}

/** Reads one file; stops early when `stopped` says so. A large one is read by another thread. */
async function readTraceFile(reading: Reading): Promise<ReadStats> {
  const { path, progress, threads } = reading;
  const pieces = tracePieces(path, progress);
  const first = await firstOf(pieces);
  const format = recogniseTrace(first, path);
  if (format !== 'trace.dat' && !isStreamFormat(format)) {
    throw new InputError('UNSUPPORTED_INPUT', path, `expected an event trace, got ${format}: use \`iommu explain\``);
  }
  const port = isLarge(path) ? await threads.open() : undefined;
  try {
    if (format === 'trace.dat') return await readDat(reading, await datPlace(path, first, pieces), port);
    if (port === undefined) return await readText(reading, format, startingWith(first, pieces));
    return await takeText(format, { path }, reading.stopped, taking(reading, port));
  } finally {
    port?.close();
    await pieces.return(undefined);
  }
}

async function firstOf(pieces: AsyncGenerator<Uint8Array>): Promise<Uint8Array> {
  const first = await pieces.next();
  return first.done === true ? new Uint8Array(0) : first.value;
}

function taking({ sink, names, room, progress }: Reading, port: ReadingPort): Taking {
  return { port, sink, names, room, progress: ({ done, total }) => progress.update(done, total) };
}

async function readText(
  { sink, names, stopped, room }: Reading,
  format: StreamFormat,
  pieces: AsyncGenerator<Uint8Array>,
): Promise<ReadStats> {
  const reader = createTraceReader(format, sink, names);
  for await (const piece of pieces) {
    if (stopped()) break;
    reader.push(piece);
    await room();
  }
  if (!stopped()) reader.end();
  return reader.stats;
}

async function readDat(reading: Reading, place: DatPlace, port: ReadingPort | undefined): Promise<ReadStats> {
  const { sink, names, room } = reading;
  if (port !== undefined) return await takeDat(place, taking(reading, port));
  const source = 'path' in place ? fileSource(place.path) : bytesSource(place.bytes);
  return await readTraceDat(waiting(source, room), sink, names);
}

/** Whether traces are worth further threads. */
export function areLarge(paths: readonly string[]): boolean {
  return paths.some(isLarge);
}

/** A file, not a pipe: what comes from a live pipe is read piece by piece as it comes. */
function isLarge(path: string): boolean {
  const status = path === '-' ? undefined : statSync(path, { throwIfNoEntry: false });
  if (status?.isFile() !== true) return false;
  return status.size >= LARGE || (status.size >= LARGE_PACKED && isPacked(path));
}

/** The file itself, or all of what had to be unpacked or came from a pipe. */
async function datPlace(path: string, first: Uint8Array, rest: AsyncGenerator<Uint8Array>): Promise<DatPlace> {
  if (path !== '-' && !isPacked(path)) {
    await rest.return(undefined);
    return { path };
  }
  const bytes = await readStart(startingWith(first, rest), MOST_HELD + 1);
  if (bytes.length <= MOST_HELD) return { bytes };
  throw new InputError(
    'TOO_LARGE',
    path,
    'expected a plain file for a trace.dat beyond 2 GiB, got a pipe or a packed one',
    { limit: MOST_HELD },
  );
}

/**
 * Reads files that are one trace, in the order given.
 * @param room waits until what takes the events has room for more
 * @param threads what reads large files
 * @returns the statistics of each file
 * @throws InputError `UNREADABLE`, `NOT_RECOGNISED`, `UNSUPPORTED_INPUT`; `DIFFERENT_BOOTS` for files that cannot be one trace.
 */
export async function readTraceFiles(
  paths: readonly string[],
  taker: EventSink,
  names: TraceNames,
  stopped: () => boolean,
  quiet: boolean,
  room: () => Promise<void> = () => Promise.resolve(),
  threads: ReadingThreads = new ReadingThreads(),
): Promise<ReadStats[]> {
  const progress = new Progress('read', 'bytes', quiet);
  const stats: ReadStats[] = [];
  const guard = new BootGuard(taker);
  for (const path of paths) {
    if (stopped()) break;
    guard.begin(path);
    const sink = (event: TraceEvent): void => guard.event(event);
    const read = await readTraceFile({ path, sink, names, stopped, room, progress, threads });
    guard.end(read);
    stats.push(read);
  }
  progress.done();
  return stats;
}
