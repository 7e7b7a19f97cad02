/**
 * What stands beside a log of faults: the tables of a dump, the history in traces.
 * @module
 */
import { FaultHistory } from '../fault/history.ts';
import type { FaultLog } from '../fault/log.ts';
import { FaultTables } from '../fault/tables.ts';
import type { ClockLine } from '../record/clock.ts';
import { createNames } from '../trace/events.ts';
import type { ReadStats } from '../trace/stats.ts';
import { openDumpFile } from './dump-file.ts';
import { noteDump } from './dump-notes.ts';
import type { DumpOptions } from './dump-options.ts';
import { clockOffset } from './trace-clock.ts';
import { readTraceFiles } from './trace-files.ts';

/** A log that was read, with the line that tells its clock. */
export interface ReadLog {
  readonly log: FaultLog;
  readonly clock: ClockLine;
}

/** The history, and what the readers of the traces say. */
export interface ReadHistory {
  readonly history: FaultHistory;
  readonly stats: readonly ReadStats[];
}

/** The history of the faulting addresses in traces, on the log's clock where that is known. */
export async function readHistory(
  paths: readonly string[],
  { log, clock }: ReadLog,
  quiet: boolean,
): Promise<ReadHistory> {
  const names = createNames();
  const offset = clockOffset(paths, clock.text, log.incidents, quiet);
  const history = new FaultHistory(log.incidents, names, offset);
  const stats = await readTraceFiles(paths, history.sink, names, () => false, quiet);
  history.finish();
  return { history, stats };
}

/** The tables of a dump. @throws InputError of the readers. */
export async function readTables(path: string, options: DumpOptions): Promise<FaultTables> {
  const dump = await openDumpFile(path, options);
  noteDump(path, dump);
  return new FaultTables(dump);
}
