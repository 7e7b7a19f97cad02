/**
 * Traces in the page: recognised by their first bytes, read piece by piece, several as one trace.
 * @module
 */
import { type CompareInput, compareAnswer } from '../../src/answers/compare.ts';
import { ReplayRun } from '../../src/answers/replay.ts';
import { InputError } from '../../src/errors.ts';
import type { Hardware } from '../../src/machine/hardware.ts';
import type { Answer } from '../../src/report/answer.ts';
import { answerDocument } from '../../src/report/answer-data.ts';
import type { Progressed, ReadingOrder, ReadingPort, ReadingReply } from '../../src/trace/apart/messages.ts';
import { takeDat, takeText } from '../../src/trace/apart/taking-side.ts';
import { BootGuard } from '../../src/trace/boots.ts';
import { createNames, type EventSink, type TraceNames } from '../../src/trace/events.ts';
import { createTraceReader, isStreamFormat, recogniseTrace, type StreamFormat } from '../../src/trace/readers.ts';
import type { ReadStats } from '../../src/trace/stats.ts';
import { readTraceDat } from '../../src/trace/trace-dat/read.ts';
import { bytesSource, waiting } from '../../src/trace/trace-dat/source.ts';
import { allOf, chunksOf, headOf, isGzip, nameOf, type SayProgress } from './chunks.ts';
import { openHelper } from './helpers.ts';
import { readDropped } from './latency.ts';
import type { Evidence } from './protocol.ts';

const SNIFF = 1 << 16;
/** A trace.dat is held in memory: its parts lie all over it. */
const MOST_HELD = 2 ** 30;
/** Files from here on are worth a worker of their own: below, starting it takes longer than it saves. */
const LARGE = 1 << 23;
const LARGE_PACKED = 1 << 20;

/** What takes the events of a file. */
interface Reading {
  readonly file: Blob;
  readonly sink: EventSink;
  readonly names: TraceNames;
  readonly progress: SayProgress;
  /** Waits until what takes the events has room for those of another piece. */
  readonly room: () => Promise<void>;
}

async function readDat({ file, sink, names, room }: Reading, port: ReadingPort | undefined): Promise<ReadStats> {
  if (file.size > MOST_HELD) {
    throw new InputError('TOO_LARGE', nameOf(file, 'trace'), `expected at most ${MOST_HELD} bytes, got ${file.size}`);
  }
  const bytes = (await isGzip(file)) ? await allOf(file, MOST_HELD) : new Uint8Array(await file.arrayBuffer());
  if (port !== undefined) return await takeDat({ bytes }, { port, sink, names, room });
  return await readTraceDat(waiting(bytesSource(bytes), room), sink, names);
}

async function readStream(
  { file, sink, names, progress, room }: Reading,
  format: StreamFormat,
  port: ReadingPort | undefined,
): Promise<ReadStats> {
  const title = `reading ${nameOf(file, 'trace')}`;
  if (port !== undefined) {
    const heard = ({ done }: Progressed): void => progress(title, done / file.size);
    return await takeText(format, { file }, () => false, { port, sink, names, room, progress: heard });
  }
  const chunks = chunksOf(file, title, progress);
  try {
    const reader = createTraceReader(format, sink, names);
    for await (const chunk of chunks) {
      reader.push(chunk);
      await room();
    }
    reader.end();
    return reader.stats;
  } finally {
    await chunks.return(undefined);
  }
}

async function isLarge(file: Blob): Promise<boolean> {
  return file.size >= ((await isGzip(file)) ? LARGE_PACKED : LARGE);
}

/** Whether traces are worth further workers. */
export async function areLarge(files: readonly Blob[]): Promise<boolean> {
  for (const file of files) if (await isLarge(file)) return true;
  return false;
}

/** Reads one file; a large one is read by another worker. */
async function readTrace(reading: Reading): Promise<ReadStats> {
  const { file } = reading;
  const name = nameOf(file, 'trace');
  const format = recogniseTrace(await headOf(file, SNIFF), name);
  if (format !== 'trace.dat' && !isStreamFormat(format)) {
    throw new InputError('UNSUPPORTED_INPUT', name, `${format} holds calls, not the iommu and dma events of a replay`);
  }
  const port = (await isLarge(file)) ? await openHelper<ReadingOrder, ReadingReply>('reading') : undefined;
  try {
    return await (format === 'trace.dat' ? readDat(reading, port) : readStream(reading, format, port));
  } finally {
    port?.close();
  }
}

/**
 * Reads files that are one trace, in the order of dropping.
 * @param room waits until what takes the events has room for more
 * @throws InputError `NOT_RECOGNISED`, `UNSUPPORTED_INPUT`, `TOO_LARGE`, `DIFFERENT_BOOTS`.
 */
export async function readTraces(
  files: readonly Blob[],
  sink: EventSink,
  names: TraceNames,
  progress: SayProgress,
  room: () => Promise<void> = () => Promise.resolve(),
): Promise<ReadStats[]> {
  const stats: ReadStats[] = [];
  const guard = new BootGuard(sink);
  for (const file of files) {
    guard.begin(nameOf(file, 'trace'));
    const read = await readTrace({ file, sink: (event) => guard.event(event), names, progress, room });
    guard.end(read);
    stats.push(read);
  }
  return stats;
}

/** Whether a file holds calls of functions: it is explained, not replayed. */
export async function isFunctionGraph(file: Blob): Promise<boolean> {
  return recogniseTrace(await headOf(file, SNIFF), nameOf(file, 'trace')) === 'function_graph';
}

/** A trace that is compared. */
export interface ComparedTrace {
  readonly trace: Blob;
  readonly beside: Evidence;
  readonly hardware: Hardware;
}

async function sideOf({ trace, beside, hardware }: ComparedTrace, progress: SayProgress): Promise<CompareInput> {
  const name = nameOf(trace, 'trace');
  if (await isFunctionGraph(trace)) {
    const { answer } = await readDropped(trace, beside, progress);
    return { name, document: answer };
  }
  const names = createNames();
  const run = new ReplayRun({ names, clock: () => performance.now(), path: 'map-pages', hardware });
  const answer = run.answer(await readTraces([trace], (event) => run.event(event), names, progress));
  if (answer.outcome === 'unusable') throw new InputError('NO_EVENTS', name, answer.verdict);
  return { name, document: answerDocument(answer) };
}

/** Two traces side by side. @throws InputError as the readers do; `NO_EVENTS` where a trace maps nothing. */
export async function comparisonOf(
  [a, b]: readonly [ComparedTrace, ComparedTrace],
  progress: SayProgress,
): Promise<Answer> {
  return compareAnswer(await sideOf(a, progress), await sideOf(b, progress));
}
