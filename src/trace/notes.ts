/**
 * Lines that are not events but carry information: comment headers, lost events, empty processors.
 * @module
 */
import { ascii, type Cursor } from './cursor.ts';
import type { ReadStats } from './stats.ts';

const HASH = 0x23;
const CPU = ascii('CPU:');
const LOST = ascii(' [LOST ');
const LOST_NONE = ascii('EVENTS]');
const ENTRIES = ascii('# entries-in-buffer/entries-written: ');
const PROCESSORS = ascii('#P:');
/** Lines that say nothing about events: trace-cmd report's first lines, and processors without any. */
const SILENT = /^(cpus=\d+$|version = |CPU \d+ is empty|cpu \d+ is empty|trace-cmd: |overriding event )/;

/** Reads a note from the start of a line. False if the line is none. */
export function readNote(cursor: Cursor, stats: ReadStats): boolean {
  const first = cursor.peek();
  if (first === HASH) {
    readHeader(cursor, stats);
    return true;
  }
  if (first === 0x20 || first === 0x3c) return false;
  if (first === 0x43 && cursor.match(CPU)) return readLost(cursor, stats);
  return isSilent(cursor);
}

/** `# entries-in-buffer/entries-written: 5/9   #P:2`: four were overwritten. */
function readHeader(cursor: Cursor, stats: ReadStats): void {
  if (!cursor.match(ENTRIES)) return;
  const present = cursor.decimal();
  cursor.at++;
  const written = cursor.decimal();
  if (written > present) stats.lost.overwritten += written - present;
  cursor.skipSpaces();
  if (!cursor.match(PROCESSORS)) return;
  const processors = cursor.decimal();
  if (processors > 0) stats.processors = processors;
}

/** `CPU:3 [LOST 12 EVENTS]`, `CPU:3 [LOST EVENTS]`, `CPU:3 [12 EVENTS DROPPED]`, `CPU:3 [EVENTS DROPPED]`. */
function readLost(cursor: Cursor, stats: ReadStats): boolean {
  if (Number.isNaN(cursor.decimal())) return false;
  const lost = cursor.match(LOST);
  if (!lost) {
    if (!/^ \[(\d+ )?EVENTS DROPPED\]/.test(cursor.text(cursor.at, Math.min(cursor.end, cursor.at + 64)))) return false;
    cursor.at += 2;
  }
  const count = cursor.decimal();
  if (lost && Number.isNaN(count) && !cursor.match(LOST_NONE)) return false;
  stats.lost.gaps++;
  if (!Number.isNaN(count)) stats.lost.events += count;
  return true;
}

function isSilent(cursor: Cursor): boolean {
  return SILENT.test(cursor.text(cursor.at, Math.min(cursor.end, cursor.at + 64)));
}

/** `PERF_RECORD_LOST lost 12`, what `perf script --show-lost-events` prints in place of an event. */
export function readPerfLost(text: string, stats: ReadStats): boolean {
  const match = /^PERF_RECORD_LOST(?:_SAMPLES)? lost (\d+)/.exec(text);
  if (match === null) return false;
  stats.lost.gaps++;
  stats.lost.events += Number(match[1]);
  return true;
}
