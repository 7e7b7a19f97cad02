/**
 * What `trace-cmd report` prints, with `-t` (nanoseconds) or without, with the flags column or without.
 * @module
 */
import type { EventTaker } from './columns.ts';
import type { EventSink, TraceNames } from './events.ts';
import type { SniffedHead } from './sniff.ts';
import { TextReader, type TraceReader } from './text-reader.ts';

/** True for its first lines (`cpus=2`), or for ftrace's form with padding between an event's name and its body. */
export function isTraceCmdReport(head: SniffedHead): boolean {
  return head.tracer === '' && (head.cpusLine || (head.ftraceLines > 0 && head.padded));
}

/** A reader of trace-cmd's report. */
export function readTraceCmdReport(sink: EventSink | EventTaker, names: TraceNames): TraceReader {
  return new TextReader('trace-cmd report', sink, names);
}
