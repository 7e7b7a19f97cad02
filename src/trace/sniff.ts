/**
 * What the first bytes of a trace show, for the formats' sniffers to judge. Names of files play no part.
 * @module
 */
import { Cursor } from './cursor.ts';
import { createEvent, createNames } from './events.ts';
import { isGraphCall } from './graph-line.ts';
import { LineHead } from './line-head.ts';

/** Only so much is looked at. */
const MAX_HEAD = 1 << 16;
const MAX_LINES = 400;

/** What the first 64 KiB of a file show. */
export interface SniffedHead {
  /** The bytes looked at. */
  readonly bytes: Uint8Array;
  /** Text of `# tracer: …`, or ''. */
  readonly tracer: string;
  /** True if a line `cpus=n` comes before all event lines. */
  readonly cpusLine: boolean;
  /** Lines with a head as ftrace joins it, and as perf does. */
  readonly ftraceLines: number;
  readonly perfLines: number;
  /** Lines that are calls of function_graph, whatever stands around them. */
  readonly graphLines: number;
  /** True if a name and its body stand apart as in a table. */
  readonly padded: boolean;
  /** First line of text, cut short, for messages. */
  readonly firstLine: string;
}

/** Looks at the first bytes of a file. */
export function sniffHead(start: Uint8Array): SniffedHead {
  const bytes = start.subarray(0, MAX_HEAD);
  const lines = new TextDecoder().decode(bytes).split('\n', MAX_LINES);
  const forms = countForms(lines);
  return {
    bytes,
    tracer: /^# tracer: (.*)$/m.exec(lines.join('\n'))?.[1]?.trim() ?? '',
    cpusLine: /^cpus=\d+/.test(lines.find((line) => /^(cpus=|\s*\S.*\[\d+\] )/.test(line)) ?? ''),
    ...forms,
    graphLines: lines.filter(isGraphCall).length,
    padded: lines.some((line) => /\d: [\w:]+: {2,}\S/.test(line)),
    firstLine: (lines[0] ?? '').slice(0, 80),
  };
}

function countForms(lines: readonly string[]): { ftraceLines: number; perfLines: number } {
  const encoder = new TextEncoder();
  const head = new LineHead(createNames());
  const event = createEvent();
  const cursor = new Cursor();
  let ftraceLines = 0;
  let perfLines = 0;
  for (const line of lines) {
    const bytes = encoder.encode(line);
    cursor.set(bytes, 0, bytes.length);
    if (!head.read(cursor, event)) continue;
    if (head.form === 'ftrace') ftraceLines++;
    else perfLines++;
  }
  return { ftraceLines, perfLines };
}
