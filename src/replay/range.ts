/**
 * A range of time replayed: what was mapped before is mapped in each row first, and only what the range does is counted.
 * @module
 */
import type { DriverFactory } from '../drivers/contract.ts';
import type { CallLog } from '../trace/call-log.ts';
import { createCall } from '../trace/calls.ts';
import { CallBatch } from './batch.ts';
import { protectionOf } from './protection.ts';
import type { TimedRow } from './replay.ts';
import { ReplayRow, type RowSpec } from './row.ts';

const BATCH_CALLS = 4096;

/** What to replay. Times are nanoseconds of the trace: calls that begin in [from, to). */
export interface RangeReplayOptions {
  readonly log: CallLog;
  readonly from: number;
  readonly to: number;
  readonly rows: readonly RowSpec[];
  readonly driver: (row: RowSpec) => DriverFactory;
  /** The time in milliseconds. */
  readonly clock: () => number;
}

function runCalls(
  { log }: RangeReplayOptions,
  wanted: (time: number) => boolean,
  run: (batch: CallBatch) => void,
): void {
  const batch = new CallBatch(BATCH_CALLS);
  const call = createCall();
  for (let i = 0; i < log.count; i++) {
    if (!wanted(log.time(i))) continue;
    log.read(i, call);
    batch.add(call, protectionOf(call));
    if (!batch.full) continue;
    run(batch);
    batch.clear();
  }
  run(batch);
}

/** The rows after the range. @throws IommuError `BAD_OPTION`, `UNKNOWN_FORMAT` where a row cannot be made. */
export function replayRange(options: RangeReplayOptions): TimedRow[] {
  const { from, to, rows, driver, clock } = options;
  const timed: TimedRow[] = rows.map((spec) => ({ row: new ReplayRow(spec, driver(spec)), milliseconds: 0 }));
  runCalls(
    options,
    (time) => time < from,
    (batch) => {
      for (const { row } of timed) row.run(batch);
    },
  );
  for (const { row } of timed) row.restart();
  runCalls(
    options,
    (time) => time >= from && time < to,
    (batch) => {
      for (const one of timed) {
        const start = clock();
        one.row.run(batch);
        one.milliseconds += clock() - start;
      }
    },
  );
  for (const { row } of timed) row.finish();
  return timed;
}
