/**
 * `check --invalidations`: whether the invalidations of a queue, or of a recorded stream of commands, do what they must.
 * @module
 */
import { hex } from '../address.ts';
import type { QueueReport } from '../device/checker/queue-judge.ts';
import type { StreamReport } from '../device/checker/stream.ts';
import type { InvalidationFinding, Severity } from '../device/checker/types.ts';
import { LISTED } from '../dump/listed.ts';
import { type Answer, type Section, tableSection } from '../report/answer.ts';
import { formatNumber } from '../report/number.ts';
import type { Table, Tone } from '../report/table.ts';
import { plural } from './tables/subject.ts';

const TONES: Readonly<Record<Severity, Tone>> = { error: 'bad', warning: 'warning', cost: 'muted' };
const ORDER: readonly Severity[] = ['error', 'warning', 'cost'];

const NO_CHANGES =
  'a queue holds commands and no table changes: whether an invalidation is missing, late or too wide cannot be told from it; record a stream of commands with changes for that';

/** Options of the answer. */
export interface InvalidationOptions {
  /** True: warnings fail the check, too. */
  readonly strict?: boolean;
  /** Findings listed at most. */
  readonly limit?: number;
}

/** The answer for a queue in a dump; undefined where the dump's registers lead to none. */
export function queueAnswer(report: QueueReport | undefined, iommu: string, options: InvalidationOptions = {}): Answer {
  if (report === undefined) return noQueue(iommu);
  const { queue, contents, counts, findings, pending } = report;
  const waits = queue.waiting === 0 ? 'none waits' : `${formatNumber(queue.waiting)} wait`;
  const held = `The ${iommu} queue holds ${plural(contents.commands.length, 'command')}, ${waits}`;
  const notes = [
    NO_CHANGES,
    ...(contents.missing === 0 ? [] : [`${plural(contents.missing, 'entry', 'entries')} of the queue not in the dump`]),
    ...(contents.empty === 0
      ? []
      : [`${plural(contents.empty, 'entry', 'entries')} of zeros, never written or cleared`]),
    'entries behind the tail are those of the round before; where pages and registers were read at different moments, newer ones',
  ];
  const place = { base: hex(queue.base), entries: queue.entries, head: queue.head, tail: queue.tail };
  const found = contents.commands.length === 0 && queue.waiting > 0 ? 'unusable' : undefined;
  const verdict =
    findings.length === 0
      ? `${held}: all are legal. Whether one is missing cannot be told from a queue.`
      : `${held}: ${verdictOf(findings)}.`;
  return answerOf(verdict, findings, counts, notes, options, { ...place, waiting: queue.waiting, pending }, found);
}

/** The answer for a recorded stream. */
export function streamAnswer(report: StreamReport, options: InvalidationOptions = {}): Answer {
  const { unit, events, commands, unknown, findings } = report;
  const changes = (events.get('change') ?? 0) + (events.get('config') ?? 0);
  const held = `${plural(events.get('command') ?? 0, 'command')} of ${unit} for ${plural(changes, 'change')}`;
  const notes = [...unknown].map(
    ([name, count]) => `event '${name}' is not known: ${plural(count, 'line')} passed over`,
  );
  const extra = { unit, events: Object.fromEntries(events), unknownCount: unknown.size };
  return answerOf(`${held}: ${verdictOf(findings)}.`, findings, commands, notes, options, extra, undefined);
}

function noQueue(iommu: string): Answer {
  const verdict = `The registers lead to no command queue of ${iommu}: nothing could be checked.`;
  const data = { counts: { error: 0, warning: 0, cost: 0 }, findings: [], commands: {} };
  return {
    schema: 'iommu.check.invalidations',
    version: 1,
    outcome: 'unusable',
    verdict,
    data,
    sections: [],
    notes: [],
  };
}

function countsOf(findings: readonly InvalidationFinding[]): Record<Severity, number> {
  const counts = { error: 0, warning: 0, cost: 0 };
  for (const { severity, count } of findings) counts[severity] += count;
  return counts;
}

function verdictOf(findings: readonly InvalidationFinding[]): string {
  if (findings.length === 0) return 'nothing found';
  const { error, warning, cost } = countsOf(findings);
  const [worst] = [...findings].sort(bySeverity);
  const totals = [
    ...(error === 0 ? [] : [plural(error, 'error')]),
    ...(warning === 0 ? [] : [plural(warning, 'warning')]),
    ...(cost === 0 ? [] : [plural(cost, 'unneeded piece of work', 'unneeded pieces of work')]),
  ];
  return `${totals.join(', ')}; first: ${worst?.rule}, ${worst?.text}`;
}

function bySeverity(a: InvalidationFinding, b: InvalidationFinding): number {
  return ORDER.indexOf(a.severity) - ORDER.indexOf(b.severity) || a.at - b.at;
}

function answerOf(
  verdict: string,
  findings: readonly InvalidationFinding[],
  commands: ReadonlyMap<string, number>,
  notes: readonly string[],
  { strict = false, limit = LISTED }: InvalidationOptions,
  extra: object,
  outcome: Answer['outcome'] | undefined,
): Answer {
  const counts = countsOf(findings);
  const fails = counts.error > 0 || (strict && counts.warning > 0);
  const sorted = [...findings].sort(bySeverity);
  const table = findingTable(sorted.slice(0, limit), sorted.length);
  const listed = sorted.slice(0, limit).map(findingJson);
  return {
    schema: 'iommu.check.invalidations',
    version: 1,
    outcome: outcome ?? (fails ? 'findings' : 'fine'),
    verdict,
    data: { counts, findings: listed, commands: Object.fromEntries(commands), ...extra },
    sections: sectionsOf(sorted, table, commands),
    notes,
    records: listed,
    csv: table,
  };
}

function findingJson({ rule, severity, text, count, at, cost }: InvalidationFinding): object {
  return { rule, severity, count, at, text, cost: { ...cost } };
}

function sectionsOf(
  findings: readonly InvalidationFinding[],
  table: Table,
  commands: ReadonlyMap<string, number>,
): Section[] {
  const rows = [...commands].sort((a, b) => b[1] - a[1]);
  const kinds: Table = { columns: [{ title: 'command' }, { title: 'times', unit: 'count' }], rows };
  return [
    ...(findings.length === 0 ? [] : [tableSection('findings', 'Findings', table)]),
    ...(rows.length === 0 ? [] : [tableSection('commands', 'Commands by kind', kinds)]),
  ];
}

function findingTable(findings: readonly InvalidationFinding[], total: number): Table {
  return {
    columns: [
      { title: 'severity' },
      { title: 'rule' },
      { title: 'times', unit: 'count' },
      { title: 'event', unit: 'count', drop: 2 },
      { title: 'pages', unit: 'count', drop: 1 },
      { title: 'commands', unit: 'count', drop: 1 },
      { title: 'stale accesses', unit: 'count', drop: 1 },
      { title: 'what happened first' },
    ],
    rows: findings.map(({ severity, rule, count, at, cost, text }) => [
      { text: severity, tone: TONES[severity] },
      rule,
      count,
      at,
      cost.pages,
      cost.commands,
      cost.accesses,
      text,
    ]),
    total,
  };
}
