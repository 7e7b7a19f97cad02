/**
 * What `perf script` prints for tracepoints: a space between task and pid, the system's name before the event's.
 * @module
 */
import type { EventTaker } from './columns.ts';
import type { EventSink, TraceNames } from './events.ts';
import type { SniffedHead } from './sniff.ts';
import { TextReader, type TraceReader } from './text-reader.ts';

/** True for lines that join task and pid by a space. */
export function isPerfScript(head: SniffedHead): boolean {
  return head.tracer === '' && head.perfLines > 0 && head.ftraceLines === 0;
}

/** A reader of perf script's text. */
export function readPerfScript(sink: EventSink | EventTaker, names: TraceNames): TraceReader {
  return new TextReader('perf script', sink, names);
}
