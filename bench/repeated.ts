// The trace that rows on traces read: a capture, again and again.
import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';

/** Time stamp of an event: what stands before it, seconds, the colon. */
const STAMP = /(\[\d+\] \S+ +)(\d+\.\d{6})(:)/;

/** The capture. */
export function captureOf(root: URL): Uint8Array {
  return gunzipSync(readFileSync(new URL('test/captures/arm64-smmuv3-612-blk-strict/trace.txt.gz', root)));
}

/** The events of a capture as text, without end, each round later: the clock of a trace does not go back. */
export function* roundsOf(capture: Uint8Array): Generator<string, never> {
  const events = new TextDecoder('latin1')
    .decode(capture)
    .split('\n')
    .filter((line) => STAMP.test(line));
  const seconds = events.map((line) => Number(STAMP.exec(line)?.[2]));
  const span = Math.max(...seconds) - Math.min(...seconds) + 0.001;
  for (let round = 0; ; round++) {
    const later = (_: string, head: string, time: string, tail: string): string =>
      head + (Number(time) + round * span).toFixed(6) + tail;
    yield `${events.map((line) => line.replace(STAMP, later)).join('\n')}\n`;
  }
}
