/**
 * Trace files on disk: recognised by their first bytes, read piece by piece, several as one trace.
 * @module
 */
import { InputError } from '../errors.ts';
import type { EventSink, TraceNames } from '../trace/events.ts';
import { createTraceReader, isStreamFormat, recogniseTrace } from '../trace/readers.ts';
import type { ReadStats } from '../trace/stats.ts';
import { Progress, readChunks } from './io.ts';

const SNIFF_BYTES = 1 << 16;

/** Reads one file into `sink`; stops early when `stopped` says so. */
async function readTraceFile(
  path: string,
  sink: EventSink,
  names: TraceNames,
  stopped: () => boolean,
  progress: Progress,
): Promise<ReadStats> {
  const chunks = readChunks(path);
  const first = await firstBytes(chunks);
  const format = recogniseTrace(first, path);
  if (!isStreamFormat(format)) {
    throw new InputError(
      'UNSUPPORTED_INPUT',
      path,
      `${format} is no event trace that replay reads: use \`iommu explain\``,
    );
  }
  const reader = createTraceReader(format, sink, names);
  reader.push(first);
  for await (const chunk of chunks) {
    if (stopped()) break;
    reader.push(chunk);
    progress.update(reader.stats.events);
  }
  if (!stopped()) reader.end();
  return reader.stats;
}

/** The first 64 KiB, or all there is. */
async function firstBytes(chunks: AsyncGenerator<Uint8Array>): Promise<Uint8Array> {
  let bytes = new Uint8Array(0);
  while (bytes.length < SNIFF_BYTES) {
    const next = await chunks.next();
    if (next.done === true) break;
    const joined = new Uint8Array(bytes.length + next.value.length);
    joined.set(bytes);
    joined.set(next.value, bytes.length);
    bytes = joined;
  }
  return bytes;
}

/**
 * Reads files that are one trace, in the order given.
 * @returns the statistics of each file
 * @throws InputError `UNREADABLE`, `NOT_RECOGNISED`, `UNSUPPORTED_INPUT`.
 */
export async function readTraceFiles(
  paths: readonly string[],
  sink: EventSink,
  names: TraceNames,
  stopped: () => boolean,
  quiet: boolean,
): Promise<ReadStats[]> {
  const progress = new Progress('read', 'events', quiet);
  const stats: ReadStats[] = [];
  for (const path of paths) {
    if (stopped()) break;
    stats.push(await readTraceFile(path, sink, names, stopped, progress));
  }
  progress.done();
  return stats;
}
