/**
 * The list of trace formats, and the choice among them by the first bytes of a file.
 * @module
 */
import { checkBytes, checkOptions, emptyInput, InputError, IommuError, shown } from '../errors.ts';
import type { EventTaker } from './columns.ts';
import { createNames, type EventSink, type TraceNames } from './events.ts';
import { isFtraceText, readFtraceText } from './ftrace-text.ts';
import { isPerfScript, readPerfScript } from './perf-script.ts';
import { type SniffedHead, sniffHead } from './sniff.ts';
import type { TraceReader } from './text-reader.ts';
import { isTraceCmdReport, readTraceCmdReport } from './trace-cmd-report.ts';

/** Formats that a trace may have. The first three are read as streams; the others have readers of their own. */
export type TraceFormat = 'ftrace' | 'trace-cmd-report' | 'perf-script' | 'trace.dat' | 'function_graph';

/** Formats that are read as a stream of chunks. */
export type StreamFormat = 'ftrace' | 'trace-cmd-report' | 'perf-script';

/** trace-cmd.dat(5): 0x17 0x08 0x44 "tracing". */
const TRACE_DAT_MAGIC = [0x17, 0x08, 0x44, 0x74, 0x72, 0x61, 0x63, 0x69, 0x6e, 0x67];

/** Files that are often handed over in place of a trace, with what to do. */
const RELATIVES: readonly { readonly magic: readonly number[]; readonly advice: string }[] = [
  { magic: [0x1f, 0x8b], advice: 'a file packed by gzip: unpack it first' },
  { magic: [0x28, 0xb5, 0x2f, 0xfd], advice: 'a file packed by zstd: unpack it first' },
  {
    magic: [0x50, 0x45, 0x52, 0x46, 0x49, 0x4c, 0x45, 0x32],
    advice: 'perf.data: pass the output of `perf script`',
  },
];

/** Calls that tell function_graph without its header. */
const FEWEST_CALLS = 2;

/** Named by its header, or made of calls with no event lines between them. */
function isFunctionGraph(head: SniffedHead): boolean {
  if (head.tracer.startsWith('function_graph')) return true;
  return head.graphLines >= FEWEST_CALLS && head.ftraceLines + head.perfLines === 0;
}

/** True for a trace of events with calls of function_graph among them (`trace-cmd record -p function_graph -e …`), as text. */
export function hasGraphCalls(start: Uint8Array): boolean {
  return sniffHead(start).graphLines >= FEWEST_CALLS;
}

const SNIFFERS: readonly (readonly [TraceFormat, (head: SniffedHead) => boolean])[] = [
  ['trace.dat', (head) => startsWith(head.bytes, TRACE_DAT_MAGIC)],
  ['function_graph', isFunctionGraph],
  ['trace-cmd-report', isTraceCmdReport],
  ['perf-script', isPerfScript],
  ['ftrace', isFtraceText],
];

const STREAMS = {
  ftrace: readFtraceText,
  'trace-cmd-report': readTraceCmdReport,
  'perf-script': readPerfScript,
} as const;

function startsWith(bytes: Uint8Array, magic: readonly number[]): boolean {
  return magic.every((byte, index) => bytes[index] === byte);
}

const KNOWN = 'ftrace text (trace, trace_pipe), trace-cmd report, perf script, trace.dat, function_graph';

/**
 * Tells a trace's format by its first bytes (64 KiB are enough, fewer will often do); `expected` says in a refusal what was wanted.
 * @throws InputError `NOT_RECOGNISED`, with what was seen.
 */
export function recogniseTrace(start: Uint8Array, source = 'trace', expected = `a trace (${KNOWN})`): TraceFormat {
  checkBytes('start', start);
  const head = sniffHead(start);
  const found = SNIFFERS.find(([, sniffer]) => sniffer(head));
  if (found !== undefined) return found[0];
  if (start.length === 0) throw emptyInput('NOT_RECOGNISED', source, KNOWN);
  throw new InputError('NOT_RECOGNISED', source, `expected ${expected}, got ${describe(head)}`, {
    seen: head.firstLine,
  });
}

function describe(head: SniffedHead): string {
  const relative = RELATIVES.find(({ magic }) => startsWith(head.bytes, magic));
  if (relative !== undefined) return relative.advice;
  const binary = head.bytes.subarray(0, 512).some((byte) => byte < 9);
  if (binary) return `a file that begins with the bytes ${Array.from(head.bytes.subarray(0, 8), hexByte).join(' ')}`;
  return `a file whose first line is '${head.firstLine}'`;
}

function hexByte(byte: number): string {
  return byte.toString(16).padStart(2, '0');
}

/**
 * A reader for a stream in a known format. Readers of files that belong together share `names`.
 * @throws IommuError `BAD_OPTION`.
 */
export function createTraceReader(
  format: StreamFormat,
  sink: EventSink,
  names: TraceNames = createNames(),
): TraceReader {
  if (!Object.keys(STREAMS).includes(format)) {
    throw new IommuError(
      'BAD_OPTION',
      'format',
      `expected one of ${Object.keys(STREAMS).join(', ')}, got ${shown(format)}`,
    );
  }
  if (typeof sink !== 'function') throw new IommuError('BAD_OPTION', 'sink', `expected a function, got ${shown(sink)}`);
  checkOptions('names', names);
  return STREAMS[format](sink, names);
}

/** A reader for a stream in a known format that gives columns where it read many events at once. */
export function createColumnReader(format: StreamFormat, taker: EventTaker, names: TraceNames): TraceReader {
  return STREAMS[format](taker, names);
}

/** True for the formats that {@link createTraceReader} takes. */
export function isStreamFormat(format: TraceFormat): format is StreamFormat {
  return Object.hasOwn(STREAMS, format);
}
