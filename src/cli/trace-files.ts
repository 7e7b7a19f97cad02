/**
 * Trace files on disk: recognised by their first bytes, read piece by piece, several as one trace.
 * @module
 */
import { readStart, startingWith } from '../answers/explain/start.ts';
import { InputError } from '../errors.ts';
import { BootGuard } from '../trace/boots.ts';
import type { EventSink, TraceNames } from '../trace/events.ts';
import { createTraceReader, isStreamFormat, recogniseTrace } from '../trace/readers.ts';
import type { ReadStats } from '../trace/stats.ts';
import { readTraceDat } from '../trace/trace-dat/read.ts';
import { type ByteSource, bytesSource } from '../trace/trace-dat/source.ts';
import { fileSource } from './dump-file.ts';
import { isPacked, Progress, readChunks } from './io.ts';

const SNIFF_BYTES = 1 << 16;
/** A trace.dat that is packed or comes from a pipe is held in memory: its parts lie all over it. */
const MOST_HELD = 2 ** 31 - 2;

/** Reads one file into `sink`; stops early when `stopped` says so. */
async function readTraceFile(
  path: string,
  sink: EventSink,
  names: TraceNames,
  stopped: () => boolean,
  progress: Progress,
): Promise<ReadStats> {
  const chunks = readChunks(path, progress);
  const first = await readStart(chunks, SNIFF_BYTES);
  const format = recogniseTrace(first, path);
  if (format === 'trace.dat') {
    return await readTraceDat(await datSource(path, first, chunks), sink, names);
  }
  if (!isStreamFormat(format)) {
    throw new InputError('UNSUPPORTED_INPUT', path, `expected an event trace, got ${format}: use \`iommu explain\``);
  }
  const reader = createTraceReader(format, sink, names);
  reader.push(first);
  for await (const chunk of chunks) {
    if (stopped()) break;
    reader.push(chunk);
  }
  if (!stopped()) reader.end();
  return reader.stats;
}

/** Random access: to the file itself, or to all of what had to be unpacked or came from a pipe. */
async function datSource(path: string, first: Uint8Array, rest: AsyncGenerator<Uint8Array>): Promise<ByteSource> {
  if (path !== '-' && !isPacked(path)) {
    await rest.return(undefined);
    return fileSource(path);
  }
  const bytes = await readStart(startingWith(first, rest), MOST_HELD + 1);
  if (bytes.length <= MOST_HELD) return bytesSource(bytes);
  throw new InputError('TOO_LARGE', path, 'a trace.dat beyond 2 GiB must be a plain file', { limit: MOST_HELD });
}

/**
 * Reads files that are one trace, in the order given.
 * @returns the statistics of each file
 * @throws InputError `UNREADABLE`, `NOT_RECOGNISED`, `UNSUPPORTED_INPUT`; `DIFFERENT_BOOTS` for files that cannot be one trace.
 */
export async function readTraceFiles(
  paths: readonly string[],
  sink: EventSink,
  names: TraceNames,
  stopped: () => boolean,
  quiet: boolean,
): Promise<ReadStats[]> {
  const progress = new Progress('read', 'bytes', quiet);
  const stats: ReadStats[] = [];
  const guard = new BootGuard(sink);
  for (const path of paths) {
    if (stopped()) break;
    guard.begin(path);
    const read = await readTraceFile(path, (event) => guard.event(event), names, stopped, progress);
    guard.end(read);
    stats.push(read);
  }
  progress.done();
  return stats;
}
