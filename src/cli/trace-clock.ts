/**
 * Times of traces as times of the log beside them.
 * @module
 */
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { traceClock } from '../record/clock.ts';
import { say } from './io.ts';

function metadataBeside(path: string): string | null {
  try {
    return readFileSync(join(dirname(path), 'metadata.json'), 'utf8');
  } catch {
    return null;
  }
}

/**
 * Nanoseconds that make times of the log out of times of the traces; says where they are moved, and where it is not known.
 * @param line - the line of the log that tells of clocks, null if there is none
 */
export function clockOffset(traces: readonly string[], line: string | null, quiet: boolean): number {
  const [first = ''] = traces;
  const { logOffsetNs, from } = traceClock(metadataBeside(first), line);
  if (!quiet && logOffsetNs === null) {
    say(
      `${first}: how its clock stands to that of the log is not known (${from}): calls close to a fault may be in the wrong order`,
    );
  }
  if (!quiet && logOffsetNs !== null && logOffsetNs !== 0) {
    say(`${first}: times are moved by ${(logOffsetNs / 1e9).toFixed(6)} s to the clock of the log (${from})`);
  }
  return logOffsetNs ?? 0;
}
