/**
 * The fault question: the log, with the dump's tables and the trace's history where they were dropped too.
 * @module
 */
import { faultAnswer } from '../../src/answers/fault.ts';
import type { Dump } from '../../src/dump/types.ts';
import { FaultHistory } from '../../src/fault/history.ts';
import { FaultLog } from '../../src/fault/log.ts';
import { FaultTables } from '../../src/fault/tables.ts';
import { type ClockFacts, ClockLine, clockBesideFaults, clockWords } from '../../src/record/clock.ts';
import type { Answer } from '../../src/report/answer.ts';
import { createNames } from '../../src/trace/events.ts';
import type { ReadStats } from '../../src/trace/stats.ts';
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

/** Traces beside a log. */
export interface FaultTraces {
  readonly traces: readonly Blob[];
  /** Text of the `metadata.json` of their recording; null where it was not dropped. */
  readonly metadata: string | null;
}

interface ReadHistory {
  readonly history: FaultHistory;
  readonly clock: ClockFacts;
  readonly stats: readonly ReadStats[];
}

async function readHistory(
  { log, clock: line }: ReadLog,
  { traces, metadata }: FaultTraces,
  progress: SayProgress,
): Promise<ReadHistory> {
  const names = createNames();
  const iommus = log.incidents.map(({ iommu }) => iommu);
  const clock = clockBesideFaults(metadata, line.text, iommus);
  const history = new FaultHistory(log.incidents, names, clock.logOffsetNs);
  const stats = await readTraces(traces, history.sink, names, progress);
  history.finish();
  return { history, clock, stats };
}

/** The answer about a log. @throws InputError where the dump is of another IOMMU. */
export async function faultOf(
  file: Blob,
  dump: Dump | undefined,
  beside: FaultTraces,
  progress: SayProgress,
): Promise<Answer> {
  const read = await readLog(file, progress);
  const found = beside.traces.length === 0 ? undefined : await readHistory(read, beside, progress);
  const tables = dump === undefined ? undefined : new FaultTables(dump);
  const evidence = { tables, history: found?.history, trace: found?.stats };
  const answer = faultAnswer({ log: read.log, source: 'log', ...evidence, limit: LISTED });
  const words = found === undefined ? undefined : clockWords(found.clock);
  const notes = [
    ...(words === undefined ? [] : [`trace: ${words}`]),
    ...(dump?.notes ?? []).map(({ count, text }) => `dump: ${count} × ${text}`),
  ];
  return { ...answer, notes: [...answer.notes, ...notes] };
}
