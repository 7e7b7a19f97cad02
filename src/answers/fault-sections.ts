/**
 * The evidence of the `fault` answer: totals first, then each kind of incident once, then what to do.
 * @module
 */

import { hex } from '../address.ts';
import type { ExplainedFault } from '../fault/explain.ts';
import type { Exclusion } from '../fault/incident.ts';
import type { FaultLog } from '../fault/log.ts';
import type { IncidentGroup } from '../fault/totals.ts';
import type { Step } from '../hardware/walk/types.ts';
import { type Block, listSection, type Section, tableSection } from '../report/answer.ts';
import type { Table } from '../report/table.ts';
import { capital } from './sentences.ts';

/** Incidents that differ only in address and time; the first one stands for all. */
export interface ExplainedGroup {
  readonly group: IncidentGroup;
  readonly first: ExplainedFault;
  readonly others: readonly ExplainedFault[];
}

/** Kinds of incidents shown on the first screens; the others are details. */
const SHOWN = 3;
/** Kinds of incidents, rows of a table and steps listed at most. */
const MOST_KINDS = 100;
const MOST_ROWS = 20;
const MOST_STEPS = 6;

function deviceOf({ device, stream }: IncidentGroup): string {
  return device ?? (stream === undefined ? '-' : hex(stream));
}

function rangeOf({ from, to }: IncidentGroup): string {
  if (from === undefined || to === undefined) return '-';
  return from === to ? hex(from) : `${hex(from)} to ${hex(to)}`;
}

function totalsTable(groups: readonly IncidentGroup[]): Table {
  return {
    columns: [
      { title: 'incidents', align: 'right' },
      { title: 'device' },
      { title: 'access', drop: 2 },
      { title: 'addresses' },
      { title: 'reported as', drop: 1 },
      { title: 'cause' },
      { title: 'IOMMU', drop: 3 },
    ],
    rows: groups
      .slice(0, MOST_ROWS)
      .map((one) => [
        one.count.toLocaleString('en-US'),
        deviceOf(one),
        one.access ?? '-',
        rangeOf(one),
        one.name,
        one.cause,
        one.iommu,
      ]),
    total: groups.length,
  };
}

/** Excluded causes with one reason each, the reasons that exclude the most first. */
function exclusions(excluded: readonly Exclusion[]): string[] {
  const byReason = new Map<string, string[]>();
  for (const { name, why } of excluded) {
    const names = byReason.get(why) ?? [];
    if (!names.includes(name)) byReason.set(why, [...names, name]);
  }
  return [...byReason].map(([why, names]) => `excluded: ${names.join(', ')} (${why})`);
}

function placeOf({ group, first }: ExplainedGroup): string {
  const { record } = first;
  const { lines } = record;
  const last = lines.at(-1) ?? record.line;
  const at = record.seconds === undefined ? '' : ` at ${record.seconds.toFixed(6)} s`;
  const where = last === record.line ? `line ${record.line}` : `lines ${record.line} to ${last}`;
  const more =
    group.count === 1
      ? ''
      : `; ${(group.count - 1).toLocaleString('en-US')} more like it, the last in line ${group.lastLine}`;
  return `${record.iommu}${record.unit === undefined ? '' : ` ${record.unit}`}, ${where}${at}${more}`;
}

/** What the lines, the dump and the trace say; sentences that were printed before are left out. */
function explanation(group: ExplainedGroup, printed: Set<string>): string[] {
  const { cause, record } = group.first;
  const open = cause.alternatives.map(({ name }) => name).join(', ');
  const items = [
    `cause: ${printed.has(cause.text) ? cause.name : cause.text}`,
    ...(record.complete ? [] : ['lines of this incident are missing in the log']),
    ...record.events.map(({ line, words }) => `line ${line}: ${words}`),
    ...cause.evidence.slice(1).filter((text) => !printed.has(text)),
    ...(open === '' ? [] : [`still possible: ${open}`]),
  ];
  for (const text of [cause.text, ...items]) printed.add(text);
  return items;
}

/** A kind of incident. The only one is named in the verdict already. */
function groupSection(group: ExplainedGroup, index: number, only: boolean, printed: Set<string>): Section {
  const [cause = '', ...evidence] = explanation(group, printed);
  const items = only ? evidence : [placeOf(group), cause, ...evidence];
  return {
    id: `incident-${index + 1}`,
    title: only ? capital(placeOf(group)) : group.first.words,
    rank: index < SHOWN ? 'main' : 'detail',
    blocks: [{ kind: 'list', items }],
  };
}

/** What would decide between the causes that are still possible, each once. */
function decidingSection(groups: readonly ExplainedGroup[]): Section[] {
  const deciding = new Map<string, string>();
  for (const { first } of groups) for (const { name, why } of first.cause.alternatives) deciding.set(name, why);
  if (deciding.size === 0) return [];
  const columns = [{ title: 'still possible' }, { title: 'what would decide' }];
  return [tableSection('deciding', 'What would decide', { columns, rows: [...deciding] })];
}

function stepLine({ stage, level, index, entryAddress, entry, kind, fields }: Step): string {
  const place = `stage ${stage} level ${level} [${index}] ${hex(entryAddress)} = ${hex(entry, 16)}`;
  const named = Object.entries(fields).map(([name, value]) => `${name}=${value}`);
  return `${place} ${kind}  ${named.join(' ')}`.trimEnd();
}

function fieldsBlock({ record }: ExplainedFault): Block[] {
  if (record.fields.length === 0) return [];
  const rows = record.fields.map(({ name, value, meaning }) => [name, value, meaning]);
  const columns = [{ title: 'field' }, { title: 'value', align: 'right' as const }, { title: 'meaning' }];
  return [{ kind: 'table', table: { columns, rows } }];
}

function walkBlock({ tables }: ExplainedFault): Block[] {
  const lines = (tables?.walk?.steps ?? []).map(stepLine);
  return lines.length === 0 ? [] : [{ kind: 'lines', lines: ['walk in the dump:', ...lines] }];
}

function historyBlock({ history }: ExplainedFault): Block[] {
  const lines = (history?.entries ?? []).map(
    ({ seconds, kind, iova, bytes, task, domainTitle }) =>
      `${seconds.toFixed(6)} ${kind} ${hex(iova)} + ${hex(bytes)} by ${task}, ${domainTitle}`,
  );
  return lines.length === 0 ? [] : [{ kind: 'lines', lines: ['history in the trace:', ...lines] }];
}

function othersBlock({ others }: ExplainedGroup, limit: number): Block[] {
  if (others.length === 0) return [];
  const rows = others
    .slice(0, limit)
    .map(({ record }) => [
      String(record.line),
      record.seconds === undefined ? '-' : record.seconds.toFixed(6),
      record.iova === undefined ? '-' : hex(record.iova),
    ]);
  const columns = [
    { title: 'line', align: 'right' as const },
    { title: 'seconds', align: 'right' as const },
    { title: 'address' },
  ];
  return [{ kind: 'table', table: { columns, rows, total: others.length } }];
}

function detailSection(group: ExplainedGroup, index: number, limit: number): Section {
  const { first } = group;
  const excluded = exclusions(first.cause.excluded);
  const blocks: Block[] = [
    ...fieldsBlock(first),
    ...(excluded.length === 0 ? [] : [{ kind: 'list' as const, items: excluded }]),
    ...walkBlock(first),
    ...historyBlock(first),
    ...othersBlock(group, limit),
  ];
  return {
    id: `evidence-${index + 1}`,
    title: `Evidence: incident of line ${first.record.line}`,
    rank: 'detail',
    blocks,
  };
}

/** Steps of all groups, each once, the ones for the most frequent incidents first. */
function nextSection(groups: readonly ExplainedGroup[]): Section[] {
  const steps = new Map<string, string>();
  for (const { first } of groups)
    for (const { text, source } of first.next) if (!steps.has(text)) steps.set(text, source);
  if (steps.size === 0) return [];
  const items = [...steps].slice(0, MOST_STEPS).map(([text, source]) => `${text} [${source}]`);
  return [listSection('next', 'What to do next', items)];
}

function unknownSection(log: FaultLog): Section[] {
  if (log.counts.unknown === 0) return [];
  const rows = log.unknown.slice(0, MOST_ROWS).map(({ driver, line, text }) => [String(line), driver, text.trim()]);
  const columns = [{ title: 'line', align: 'right' as const }, { title: 'driver' }, { title: 'text' }];
  return [
    tableSection('not-understood', 'Lines that are not understood', {
      columns,
      rows,
      total: log.counts.unknown,
    }),
  ];
}

/** All sections, ordered by how much they matter. */
export function faultSections(
  groups: readonly ExplainedGroup[],
  dropped: readonly IncidentGroup[],
  log: FaultLog,
  limit: number,
): Section[] {
  const shown = groups.slice(0, MOST_KINDS);
  const only = groups.length === 1 && dropped.length === 0;
  const printed = new Set<string>();
  const totals = [...groups.map(({ group }) => group), ...dropped];
  return [
    ...(totals.length === 0 ? [] : [tableSection('totals', 'Incidents by device and cause', totalsTable(totals))]),
    ...shown.map((group, i) => groupSection(group, i, only, printed)),
    ...nextSection(shown),
    ...decidingSection(shown),
    ...unknownSection(log),
    ...shown.map((group, i) => detailSection(group, i, limit)),
  ];
}
