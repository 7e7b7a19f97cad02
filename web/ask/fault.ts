/**
 * The fault question: the log, with the dump's tables and the trace's history where they were dropped too.
 * @module
 */
import { hex } from '../../src/address.ts';
import type { Dump } from '../../src/dump/types.ts';
import { type ExplainedFault, explainFault, faultJson } from '../../src/fault/explain.ts';
import { FaultLog } from '../../src/fault/log.ts';
import { FaultTables } from '../../src/fault/tables.ts';
import type { Answer, Block, Section } from '../../src/report/answer.ts';
import type { SayProgress } from './questions.ts';

/** Incidents listed; the others are counted. */
const LISTED = 20;

/** Reads a log piece by piece. */
export async function readLog(file: Blob, progress: SayProgress): Promise<FaultLog> {
  const log = new FaultLog();
  let done = 0;
  for (const reader = file.stream().getReader(); ; ) {
    const { value, done: ended } = await reader.read();
    if (ended) break;
    log.push(value);
    done += value.length;
    progress('reading the log', file.size === 0 ? 1 : done / file.size);
  }
  log.end();
  return log;
}

function blocksOf({ cause, tables }: ExplainedFault): Block[] {
  const steps = (tables?.walk?.steps ?? []).map(
    ({ level, index, entryAddress, entry, kind }) =>
      `level ${level} [${index}] ${hex(entryAddress)} = ${hex(entry, 16)} ${kind}`,
  );
  const items = [
    `cause: ${cause.text}`,
    ...cause.evidence,
    ...cause.alternatives.map(({ name, why }) => `still possible: ${name} (${why})`),
  ];
  return [{ kind: 'list', items }, ...(steps.length === 0 ? [] : [{ kind: 'lines' as const, lines: steps }])];
}

function verdictOf(faults: readonly ExplainedFault[], { counts }: FaultLog): string {
  const [first] = faults;
  const lines = `${counts.lines} ${counts.lines === 1 ? 'line' : 'lines'}`;
  if (first === undefined) return `${lines}: no fault of an IOMMU is understood in them.`;
  const count = faults.length + counts.dropped;
  return `${count} ${count === 1 ? 'incident' : 'incidents'} in ${lines}. ${first.words}. ${first.cause.text}.`;
}

/** The answer about a log. */
export function answerOfLog(log: FaultLog, dump: Dump | undefined): Answer {
  const tables = dump === undefined ? undefined : new FaultTables(dump);
  const faults = log.incidents.map((record) => explainFault(record, tables, undefined));
  const sections: Section[] = faults.slice(0, LISTED).map((fault, i) => ({
    id: `incident-${i + 1}`,
    title: `Line ${fault.record.line}: ${fault.words}`,
    rank: i < 3 ? 'main' : 'detail',
    blocks: blocksOf(fault),
  }));
  return {
    schema: 'iommu.fault',
    version: 1,
    outcome: faults.length === 0 ? 'unusable' : 'findings',
    verdict: verdictOf(faults, log),
    data: { faults: faults.slice(0, LISTED).map(faultJson) },
    sections,
    notes: faults.length > LISTED ? [`${faults.length - LISTED} further incidents are not listed`] : [],
  };
}
