/**
 * The fault question: the log, with the dump's tables and the trace's history where they were dropped too.
 * @module
 */
import { faultAnswer } from '../../src/answers/fault.ts';
import type { Dump } from '../../src/dump/types.ts';
import { FaultHistory } from '../../src/fault/history.ts';
import { FaultLog } from '../../src/fault/log.ts';
import { FaultTables } from '../../src/fault/tables.ts';
import { ClockLine, traceClock } from '../../src/record/clock.ts';
import type { Answer } from '../../src/report/answer.ts';
import { createNames } from '../../src/trace/events.ts';
import { chunksOf, type SayProgress } from './chunks.ts';
import { readTraces } from './traces.ts';

/** Incidents listed; the others are counted. */
const LISTED = 100;

interface ReadLog {
  readonly log: FaultLog;
  readonly clock: ClockLine;
}

async function readLog(file: Blob, progress: SayProgress): Promise<ReadLog> {
  const log = new FaultLog();
  const clock = new ClockLine();
  for await (const chunk of chunksOf(file, 'reading the log', progress)) {
    log.push(chunk);
    clock.push(chunk);
  }
  log.end();
  return { log, clock };
}

async function readHistory(
  { log, clock }: ReadLog,
  traces: readonly Blob[],
  progress: SayProgress,
): Promise<FaultHistory> {
  const names = createNames();
  const history = new FaultHistory(log.incidents, names, traceClock(null, clock.text).logOffsetNs);
  await readTraces(traces, history.sink, names, progress);
  history.finish();
  return history;
}

/** The answer about a log. @throws InputError where the dump is of another IOMMU. */
export async function faultOf(
  file: Blob,
  dump: Dump | undefined,
  traces: readonly Blob[],
  progress: SayProgress,
): Promise<Answer> {
  const read = await readLog(file, progress);
  const history = traces.length === 0 ? undefined : await readHistory(read, traces, progress);
  const tables = dump === undefined ? undefined : new FaultTables(dump);
  return faultAnswer({ log: read.log, source: 'log', tables, history, limit: LISTED });
}
