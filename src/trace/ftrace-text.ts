/**
 * ftrace text: the files `trace` and `trace_pipe` of tracefs, with headers or without.
 * @module
 */
import type { EventTaker } from './columns.ts';
import type { EventSink, TraceNames } from './events.ts';
import type { SniffedHead } from './sniff.ts';
import { TextReader, type TraceReader } from './text-reader.ts';

/** True for the header of a `trace` file, or for lines of its form whose bodies follow the name directly. */
export function isFtraceText(head: SniffedHead): boolean {
  return head.tracer !== '' ? !head.tracer.startsWith('function_graph') : head.ftraceLines > 0 && !head.padded;
}

/** A reader of `trace` and `trace_pipe` text. */
export function readFtraceText(sink: EventSink | EventTaker, names: TraceNames): TraceReader {
  return new TextReader('ftrace text', sink, names);
}
