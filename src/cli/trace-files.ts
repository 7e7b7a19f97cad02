/**
 * Trace files on disk: recognised by their first bytes, read piece by piece, several as one trace.
 * @module
 */
import { statSync } from 'node:fs';
import { readStart, startingWith } from '../answers/explain/start.ts';
import { InputError } from '../errors.ts';
import type { DatPlace, ReadingPort } from '../trace/apart/messages.ts';
import { takeDat, takeStream } from '../trace/apart/taking-side.ts';
import { BootGuard } from '../trace/boots.ts';
import type { EventSink, TraceNames } from '../trace/events.ts';
import { createTraceReader, isStreamFormat, recogniseTrace, type StreamFormat } from '../trace/readers.ts';
import type { ReadStats } from '../trace/stats.ts';
import { readTraceDat } from '../trace/trace-dat/read.ts';
import { bytesSource, waiting } from '../trace/trace-dat/source.ts';
import { fileSource } from './file-source.ts';
import { isPacked, Progress, readChunks } from './io.ts';
import { openReadingThread } from './threads.ts';

const SNIFF_BYTES = 1 << 16;
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
}

/** Reads one file; stops early when `stopped` says so. A large one is read by another thread. */
async function readTraceFile(reading: Reading, progress: Progress): Promise<ReadStats> {
  const { path } = reading;
  const chunks = readChunks(path, progress);
  const first = await readStart(chunks, SNIFF_BYTES);
  const format = recogniseTrace(first, path);
  if (format !== 'trace.dat' && !isStreamFormat(format)) {
    throw new InputError('UNSUPPORTED_INPUT', path, `expected an event trace, got ${format}: use \`iommu explain\``);
  }
  const port = isLarge(path) ? await openReadingThread() : undefined;
  try {
    if (format === 'trace.dat') return await readDat(reading, await datPlace(path, first, chunks), port);
    return await readStream(reading, format, startingWith(first, chunks), port);
  } finally {
    port?.close();
  }
}

async function readStream(
  { sink, names, stopped, room }: Reading,
  format: StreamFormat,
  chunks: AsyncGenerator<Uint8Array>,
  port: ReadingPort | undefined,
): Promise<ReadStats> {
  try {
    if (port !== undefined) return await takeStream(format, chunks, stopped, { port, sink, names, room });
    const reader = createTraceReader(format, sink, names);
    for await (const chunk of chunks) {
      if (stopped()) break;
      reader.push(chunk);
      await room();
    }
    if (!stopped()) reader.end();
    return reader.stats;
  } finally {
    await chunks.return(undefined);
  }
}

async function readDat(
  { sink, names, room }: Reading,
  place: DatPlace,
  port: ReadingPort | undefined,
): Promise<ReadStats> {
  if (port !== undefined) return await takeDat(place, { port, sink, names, room });
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
  throw new InputError('TOO_LARGE', path, 'a trace.dat beyond 2 GiB must be a plain file', { limit: MOST_HELD });
}

/**
 * Reads files that are one trace, in the order given.
 * @param room waits until what takes the events has room for more
 * @returns the statistics of each file
 * @throws InputError `UNREADABLE`, `NOT_RECOGNISED`, `UNSUPPORTED_INPUT`; `DIFFERENT_BOOTS` for files that cannot be one trace.
 */
export async function readTraceFiles(
  paths: readonly string[],
  sink: EventSink,
  names: TraceNames,
  stopped: () => boolean,
  quiet: boolean,
  room: () => Promise<void> = () => Promise.resolve(),
): Promise<ReadStats[]> {
  const progress = new Progress('read', 'bytes', quiet);
  const stats: ReadStats[] = [];
  const guard = new BootGuard(sink);
  for (const path of paths) {
    if (stopped()) break;
    guard.begin(path);
    const read = await readTraceFile({ path, sink: (event) => guard.event(event), names, stopped, room }, progress);
    guard.end(read);
    stats.push(read);
  }
  progress.done();
  return stats;
}
