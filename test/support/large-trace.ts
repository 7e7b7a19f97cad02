/**
 * A trace that is large enough for a second thread, made of a capture.
 * @module
 */
import { readFileSync } from 'node:fs';

const CAPTURE = new URL('../captures/arm64-smmuv3-61-blk/trace_live.txt', import.meta.url);
/** What stands before the seconds of a stamp, the seconds, the rest of the stamp. */
const STAMP = /(\[\d+\] \S+ +)(\d+)(\.\d{6}:)/;
/** The round behind which the mark stands. */
const MARKED = 2;

/** Lines of a capture over and over, later each time, until they are `bytes`; the mark `stop here` behind the third time. */
export function largeTrace(bytes: number): string {
  const lines = readFileSync(CAPTURE, 'latin1')
    .split('\n')
    .filter((line) => STAMP.test(line));
  const seconds = lines.map((line) => Number(STAMP.exec(line)?.[2]));
  const span = Math.max(...seconds) - Math.min(...seconds) + 2;
  const parts = ['# tracer: nop'];
  for (let length = 0, round = 0; length < bytes; round++) {
    const later = lines.map((line) =>
      line.replace(STAMP, (_, head, second, rest) => head + (Number(second) + round * span) + rest),
    );
    parts.push(...later);
    length += later.reduce((sum, line) => sum + line.length + 1, 0);
    if (round === MARKED) parts.push(later.at(-1)?.replace(/: .*/, ': tracing_mark_write: stop here') ?? '');
  }
  return `${parts.join('\n')}\n`;
}
