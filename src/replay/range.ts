/**
 * A range of time replayed: what was mapped before is mapped in each row first, and only what the range does is counted.
 * @module
 */

import { CallBatch } from '../trace/call-batch.ts';
import type { CallLog } from '../trace/call-log.ts';
import { createCall } from '../trace/calls.ts';
import { protectionOf } from './protection.ts';
import type { RowReport } from './row-report.ts';
import { RowsHere, type RowsOptions } from './rows-here.ts';

/** What to replay. Times are nanoseconds of the trace: calls that begin in [from, to). */
export interface RangeReplayOptions extends Pick<RowsOptions, 'rows' | 'driver' | 'clock'> {
  readonly log: CallLog;
  readonly from: number;
  readonly to: number;
}

function runCalls(log: CallLog, wanted: (time: number) => boolean, rows: RowsHere): void {
  const batch = new CallBatch();
  const call = createCall();
  for (let i = 0; i < log.count; i++) {
    if (!wanted(log.time(i))) continue;
    log.read(i, call);
    batch.add(call, protectionOf(call));
    if (batch.full) rows.take(batch);
  }
  rows.take(batch);
}

/** The rows after the range. @throws IommuError `BAD_OPTION`, `UNKNOWN_FORMAT` where a row cannot be made. */
export function replayRange(options: RangeReplayOptions): readonly RowReport[] {
  const { log, from, to } = options;
  const rows = new RowsHere(options);
  runCalls(log, (time) => time < from, rows);
  rows.restart();
  runCalls(log, (time) => time >= from && time < to, rows);
  rows.end();
  return rows.reports ?? [];
}
