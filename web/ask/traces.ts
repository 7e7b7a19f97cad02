/**
 * Traces in the page: recognised by their first bytes, read piece by piece, several as one trace.
 * @module
 */
import { ReplayRun } from '../../src/answers/replay.ts';
import { InputError } from '../../src/errors.ts';
import type { MachineNames } from '../../src/machine/names.ts';
import type { Answer } from '../../src/report/answer.ts';
import { createNames, type EventSink, type TraceNames } from '../../src/trace/events.ts';
import { createTraceReader, isStreamFormat, recogniseTrace } from '../../src/trace/readers.ts';
import type { ReadStats } from '../../src/trace/stats.ts';
import { readTraceDat } from '../../src/trace/trace-dat/read.ts';
import { bytesSource } from '../../src/trace/trace-dat/source.ts';
import { chunksOf, headOf, type SayProgress } from './chunks.ts';
import { explainedOf } from './latency.ts';

const SNIFF = 1 << 16;
/** A trace.dat is held in memory: its parts lie all over it. */
const MOST_HELD = 2 ** 30;

function nameOf(file: Blob): string {
  return file instanceof File ? file.name : 'trace';
}

async function readDat(file: Blob, sink: EventSink, names: TraceNames): Promise<ReadStats> {
  if (file.size > MOST_HELD) {
    throw new InputError('TOO_LARGE', nameOf(file), `expected at most ${MOST_HELD} bytes, got ${file.size}`);
  }
  return await readTraceDat(bytesSource(new Uint8Array(await file.arrayBuffer())), sink, names);
}

async function readTrace(file: Blob, sink: EventSink, names: TraceNames, progress: SayProgress): Promise<ReadStats> {
  const name = nameOf(file);
  const format = recogniseTrace(await headOf(file, SNIFF), name);
  if (format === 'trace.dat') return await readDat(file, sink, names);
  if (!isStreamFormat(format)) {
    throw new InputError('UNSUPPORTED_INPUT', name, `${format} holds calls, not the iommu and dma events of a replay`);
  }
  const reader = createTraceReader(format, sink, names);
  for await (const chunk of chunksOf(file, `reading ${name}`, progress)) reader.push(chunk);
  reader.end();
  return reader.stats;
}

/**
 * Reads files that are one trace, in the order of dropping.
 * @throws InputError `NOT_RECOGNISED`, `UNSUPPORTED_INPUT`, `TOO_LARGE`.
 */
export async function readTraces(
  files: readonly Blob[],
  sink: EventSink,
  names: TraceNames,
  progress: SayProgress,
): Promise<ReadStats[]> {
  const stats: ReadStats[] = [];
  for (const file of files) stats.push(await readTrace(file, sink, names, progress));
  return stats;
}

/** What a trace maps, by every path; where the time goes, for a function_graph trace. @throws InputError, IommuError as the readers and the replay do. */
export async function replayOf(files: readonly Blob[], machine: MachineNames, progress: SayProgress): Promise<Answer> {
  const [first] = files;
  if (first !== undefined && recogniseTrace(await headOf(first, SNIFF), nameOf(first)) === 'function_graph') {
    return await explainedOf(first, nameOf(first), progress);
  }
  const names = createNames();
  const run = new ReplayRun({ names, clock: () => performance.now(), machine });
  const stats = await readTraces(files, (event) => run.event(event), names, progress);
  return run.answer(stats);
}
