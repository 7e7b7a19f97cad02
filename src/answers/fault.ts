/**
 * `fault`: what the fault lines of a log mean, why they happened, and what to do next.
 * @module
 */

import { hex } from '../address.ts';
import { InputError } from '../errors.ts';
import type { CauseName } from '../fault/cause-names.ts';
import { type ExplainedFault, explainFault, faultJson } from '../fault/explain.ts';
import type { FaultHistory } from '../fault/history.ts';
import type { FaultLog } from '../fault/log.ts';
import { UNKNOWN_DRIVER, type UnknownLine } from '../fault/log-counts.ts';
import type { FaultTables } from '../fault/tables.ts';
import { type IncidentGroup, IncidentTotals } from '../fault/totals.ts';
import type { Answer } from '../report/answer.ts';
import type { Table } from '../report/table.ts';
import type { ReadStats } from '../trace/stats.ts';
import { type ExplainedGroup, faultSections } from './fault-sections.ts';
import { type NotUnderstood, notUnderstoodOf, withNotUnderstood } from './not-understood.ts';
import { capital } from './sentences.ts';

/** What is asked. */
export interface FaultQuestion {
  readonly log: FaultLog;
  /** Name of the log, for refusals. */
  readonly source: string;
  readonly tables?: FaultTables | undefined;
  readonly history?: FaultHistory | undefined;
  /** What the readers of the traces say, one for each file. */
  readonly trace?: readonly ReadStats[] | undefined;
  /** Incidents listed at most; the totals count all. */
  readonly limit: number;
}

/** The data of {@link faultAnswer}. */
export interface FaultData {
  /** Incidents, in the order of the log. */
  readonly faults: readonly object[];
  readonly totals: readonly object[];
  /** Lines of drivers that are not understood. */
  readonly notUnderstood: readonly UnknownLine[];
  readonly log: object;
  /** Where there are traces. */
  readonly trace?: { readonly notUnderstood: NotUnderstood };
}

/** Causes that the verdict names. */
const MOST_CAUSES = 4;

/** Incidents that no IOMMU of its own printed, but the kernel's common part: any dump may be of their IOMMU. */
const COMMON = 'iommu';

/**
 * Refuses a dump of another kind of IOMMU than all of the log's.
 * @throws InputError `UNSUPPORTED_INPUT`.
 */
function refuseOtherDump({ log, source, tables }: FaultQuestion): void {
  const kind = tables?.iommu;
  if (kind === undefined) return;
  const printed = new Set(log.incidents.filter(({ origin }) => origin === 'iommu').map(({ iommu }) => iommu));
  if (printed.size === 0 || printed.has(kind) || printed.has(COMMON)) return;
  const names = [...printed].join(', ');
  const message = `expected a dump of the IOMMU of the log (${names}), got one of ${kind}`;
  throw new InputError('UNSUPPORTED_INPUT', source, message, { expected: names, got: kind });
}

function explainAll({ log, tables, history }: FaultQuestion): ExplainedFault[] {
  return log.incidents.map((incident) => {
    const own = tables?.iommu === undefined || incident.iommu === tables.iommu || incident.iommu === COMMON;
    return explainFault(incident, own ? tables : undefined, history);
  });
}

interface Counted {
  readonly groups: readonly ExplainedGroup[];
  /** Groups of incidents beyond those kept. */
  readonly dropped: readonly IncidentGroup[];
  readonly incidents: number;
  readonly causes: readonly (readonly [CauseName, number])[];
}

/** Causes of all incidents: of those kept by all evidence, of the others by the log. */
function mergeCauses(kept: IncidentTotals, dropped: IncidentTotals): [CauseName, number][] {
  const sum = new Map(kept.causes());
  for (const [cause, count] of dropped.causes()) sum.set(cause, (sum.get(cause) ?? 0) + count);
  return [...sum].sort((a, b) => b[1] - a[1]);
}

function countAll(faults: readonly ExplainedFault[], log: FaultLog): Counted {
  const totals = new IncidentTotals();
  const members = new Map<IncidentGroup, ExplainedFault[]>();
  for (const fault of faults) {
    totals.add(fault.record, fault.cause.name);
    const group = totals.groupOf(fault.record, fault.cause.name);
    if (group === undefined) continue;
    const list = members.get(group);
    if (list === undefined) members.set(group, [fault]);
    else list.push(fault);
  }
  const groups = totals.groups().flatMap((group) => {
    const [first, ...others] = members.get(group) ?? [];
    return first === undefined ? [] : [{ group, first, others }];
  });
  return {
    groups,
    dropped: log.totals.groups(),
    incidents: faults.length + log.counts.dropped,
    causes: mergeCauses(totals, log.totals),
  };
}

function plural(count: number, one: string, many = `${one}s`): string {
  return `${count.toLocaleString('en-US')} ${count === 1 ? one : many}`;
}

/** Why there is nothing to explain; `undefined` where there is something. */
function emptyVerdict({ log }: FaultQuestion): string | undefined {
  const { lines, quiet, unknown, used } = log.counts;
  if (used > 0 || unknown > 0) return undefined;
  if (log.encoding === undefined || log.blank) {
    return 'The log is empty. Where only root may read the kernel log, dmesg prints nothing: try `sudo dmesg` or `journalctl -k`.';
  }
  if (log.encoding.binary) return 'The input is binary data, not the text of a log.';
  if (quiet > 0) {
    return `${plural(lines, 'line')}, ${plural(quiet, 'line')} of IOMMU drivers among them: none reports a fault.`;
  }
  return `${plural(lines, 'line')}: none is of a driver whose lines are read (docs/fault-drivers.md).${foreignWords(log)}`;
}

/** Other systems, hypervisors and emulators have words of their own for the same faults. */
function foreignWords({ foreign: { count, first } }: FaultLog): string {
  if (first === undefined) return '';
  const lines = `${plural(count, 'line')} ${count === 1 ? 'names' : 'name'} an IOMMU and ${count === 1 ? 'is' : 'are'} not understood`;
  return ` ${lines}${count === 1 ? '' : '; the first'}, line ${first.line}: ${first.text}`;
}

function unknownWords({ log }: FaultQuestion): string {
  const { unknown } = log.counts;
  if (unknown === 0) return '';
  const drivers = [...new Set(log.unknown.map(({ driver }) => driver))].filter((id) => id !== UNKNOWN_DRIVER);
  const one = unknown === 1;
  const whose = drivers.length > 0 ? `of ${drivers.join(', ')}` : one ? 'that names an IOMMU' : 'that name an IOMMU';
  const where = `${one ? '' : 'the first is '}line ${log.unknown[0]?.line ?? 0}`;
  return ` ${plural(unknown, 'line')} ${whose} ${one ? 'is' : 'are'} not understood (${where}): see below.`;
}

function verdictOf(question: FaultQuestion, counted: Counted): string {
  const { groups, incidents } = counted;
  const { lines } = question.log.counts;
  const [top] = groups;
  if (top === undefined) {
    return `No fault is understood in ${plural(lines, 'line')}.${unknownWords(question)}`;
  }
  const head = `${plural(incidents, 'incident')} in ${plural(lines, 'line')}`;
  if (groups.length === 1) {
    return `${head}. ${capital(top.first.words)}. ${capital(top.first.cause.text)}.${unknownWords(question)}`;
  }
  const which = isMostFrequent(groups) ? 'The most frequent' : 'The first';
  return `${head}: ${causeWords(counted)}. ${which}: ${top.first.words}. ${capital(top.first.cause.text)}.${unknownWords(question)}`;
}

/** True if more incidents are in the first group than in the second. */
function isMostFrequent([first, second]: readonly ExplainedGroup[]): boolean {
  return first !== undefined && second !== undefined && first.others.length > second.others.length;
}

/** Causes by number of incidents, the most frequent first, with the device where it is one. */
function causeWords({ groups, causes }: Counted): string {
  const words = causes.slice(0, MOST_CAUSES).map(([cause, count]) => {
    const own = groups.filter(({ group }) => group.cause === cause);
    const devices = new Set(
      own.map(({ group }) => group.device ?? (group.stream === undefined ? '' : hex(group.stream))),
    );
    const [first = ''] = devices;
    const of = first === '' ? '' : devices.size === 1 ? ` of ${first}` : ` of ${devices.size} devices`;
    return `${count.toLocaleString('en-US')} ${cause}${of}`;
  });
  const more = causes.length > MOST_CAUSES ? [plural(causes.length - MOST_CAUSES, 'further cause')] : [];
  return [...words, ...more].join(', ');
}

function notesOf({ log, limit, tables }: FaultQuestion, { incidents }: Counted): string[] {
  const { suppressed, tooLong, dropped } = log.counts;
  const notes: string[] = [];
  if (tables?.usable === false) {
    notes.push(
      'the dump was not used: no registers (--regs) or geometry lead to its tables; `iommu acquire` writes both',
    );
  }
  if (suppressed > 0)
    notes.push(`the kernel says that it left out ${plural(suppressed, 'message')}: counts are lower bounds`);
  if (tooLong > 0) notes.push(`${plural(tooLong, 'line')} too long to be read to the end`);
  if (dropped > 0)
    notes.push(
      `${plural(dropped, 'incident')} beyond the first ${log.incidents.length.toLocaleString('en-US')} are only counted, by the log alone`,
    );
  if (Math.min(limit, log.incidents.length) < incidents) {
    notes.push(
      `${plural(Math.min(limit, log.incidents.length), 'incident')} of ${incidents.toLocaleString('en-US')} listed; --limit lists more`,
    );
  }
  if (log.unknown.length < log.counts.unknown)
    notes.push(`only the first ${log.unknown.length} lines that are not understood are kept`);
  return notes;
}

function groupJson(group: IncidentGroup): object {
  const { iommu, device, stream, access, name, cause, count, from, to, firstLine, lastLine } = group;
  return {
    iommu,
    device: device ?? null,
    stream: stream === undefined ? null : hex(stream),
    access: access ?? null,
    syndrome: name,
    cause,
    count,
    from: from === undefined ? null : hex(from),
    to: to === undefined ? null : hex(to),
    firstLine,
    lastLine,
  };
}

function csvOf(faults: readonly ExplainedFault[]): Table {
  const titles = ['line', 'seconds', 'iommu', 'unit', 'device', 'stream', 'iova', 'access', 'name', 'cause'];
  const rows = faults.map(({ record, cause }) => {
    const { line, seconds, iommu, unit, device, stream, iova, access, name } = record;
    const [id, address] = [stream, iova].map((value) => (value === undefined ? null : hex(value)));
    const time = seconds === undefined ? null : String(seconds);
    return [
      String(line),
      time,
      iommu,
      unit ?? null,
      device ?? null,
      id ?? null,
      address ?? null,
      access ?? null,
      name,
      cause.name,
    ];
  });
  return { columns: titles.map((title) => ({ title })), rows };
}

/**
 * Explains the faults of a log.
 * @throws InputError where the dump is of another IOMMU than the log's.
 */
export function faultAnswer(question: FaultQuestion): Answer<FaultData> {
  refuseOtherDump(question);
  const { log, limit } = question;
  const explained = explainAll(question);
  const counted = countAll(explained, log);
  const listed = explained.slice(0, limit);
  const nothing = emptyVerdict(question);
  const faults = listed.map(faultJson);
  const groups = [...counted.groups.map(({ group }) => group), ...counted.dropped];
  const notUnderstood = notUnderstoodOf(question.trace ?? []);
  const answer: Answer<FaultData> = {
    schema: 'iommu.fault',
    version: 1,
    outcome: nothing === undefined ? 'findings' : 'unusable',
    verdict: nothing ?? verdictOf(question, counted),
    data: {
      faults,
      totals: groups.map(groupJson),
      notUnderstood: log.unknown,
      log: { ...log.counts, incidents: counted.incidents },
      ...(question.trace === undefined ? {} : { trace: { notUnderstood } }),
    },
    sections: faultSections(counted.groups, counted.dropped, log, limit),
    notes: notesOf(question, counted),
    records: faults,
    csv: csvOf(listed),
  };
  return withNotUnderstood(answer, notUnderstood, ' of the trace');
}
