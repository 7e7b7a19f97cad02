/**
 * `check`: whether the tables in a dump are legal and safe.
 * @module
 */
import { hex } from '../address.ts';
import { type CheckReport, checkData, RULES } from '../dump/check/check.ts';
import type { Finding, Severity } from '../dump/check/types.ts';
import type { Decoding } from '../dump/decode.ts';
import { LISTED } from '../dump/listed.ts';
import type { Dump } from '../dump/types.ts';
import { MachineNames } from '../machine/names.ts';
import { type Answer, type Section, tableSection } from '../report/answer.ts';
import { formatNumber } from '../report/number.ts';
import type { Cell, Table, Tone } from '../report/table.ts';
import { type Exposure, exposureSentence, exposuresOf } from './tables/exposure.ts';
import { dumpNotes, geometryLine, isDamaged, nameNotes, plural, unknownSentence } from './tables/subject.ts';

/** What a check's answer is made of. */
export interface CheckQuestion {
  readonly dump: Dump;
  readonly decoding: Decoding;
  readonly report: CheckReport;
  readonly names?: MachineNames;
  /** True: warnings are findings too. */
  readonly strict?: boolean;
  /** Findings listed at most; totals count all. */
  readonly limit?: number;
}

interface Subject extends CheckQuestion {
  readonly names: MachineNames;
  readonly exposures: readonly Exposure[];
}

const TONES: Readonly<Record<Severity, Tone>> = { error: 'bad', warning: 'warning', info: 'muted' };

function severityCell(severity: Severity): Cell {
  return { text: severity, tone: TONES[severity] };
}

/** Findings of one rule together. */
interface RuleSummary {
  readonly rule: string;
  readonly severity: Severity;
  count: number;
  bytes: number;
  readonly first: Finding;
}

/** Exposures as findings, so that they are summed up and listed with the others. */
function exposureFinding({ rule, severity, device, meaning, source }: Exposure): Finding {
  return { rule, severity, domain: device, iova: undefined, bytes: 0, meaning, source };
}

function summaries(findings: readonly Finding[]): RuleSummary[] {
  const byRule = new Map<string, RuleSummary>();
  for (const finding of findings) {
    const found = byRule.get(finding.rule);
    if (found === undefined) {
      byRule.set(finding.rule, {
        rule: finding.rule,
        severity: finding.severity,
        count: 1,
        bytes: finding.bytes,
        first: finding,
      });
    } else {
      found.count++;
      found.bytes += finding.bytes;
    }
  }
  const order: readonly Severity[] = ['error', 'warning', 'info'];
  return [...byRule.values()].sort((a, b) => order.indexOf(a.severity) - order.indexOf(b.severity));
}

function whereText({ domain, iova }: Finding): string {
  return [domain, iova === undefined ? undefined : hex(iova)].filter((part) => part !== undefined).join(' ');
}

function summaryTable(findings: readonly Finding[]): Table {
  return {
    columns: [
      { title: 'severity' },
      { title: 'rule' },
      { title: 'times', unit: 'count' },
      { title: 'size', unit: 'bytes', drop: 2 },
      { title: 'first at', drop: 1 },
      { title: 'meaning of the first' },
    ],
    rows: summaries(findings).map(({ rule, severity, count, bytes, first }) => [
      severityCell(severity),
      rule,
      count,
      bytes === 0 ? null : bytes,
      whereText(first),
      first.meaning,
    ]),
  };
}

function findingTable(findings: readonly Finding[], limit: number, total: number): Table {
  const rows = findings
    .slice(0, limit)
    .map(({ severity, rule, domain, iova, bytes, meaning, source }) => [
      severityCell(severity),
      rule,
      domain ?? null,
      iova === undefined ? null : hex(iova, 12),
      bytes,
      meaning,
      source,
    ]);
  return {
    columns: [
      { title: 'severity' },
      { title: 'rule' },
      { title: 'domain or device', name: 'domain' },
      { title: 'iova' },
      { title: 'size', unit: 'bytes' },
      { title: 'meaning' },
      { title: 'source', drop: 1 },
    ],
    rows,
    total,
  };
}

function checkedSentence({ decoding }: Subject): string {
  const { iommu, domains, contexts } = decoding;
  const leaves = domains.reduce((total, { leafCount }) => total + leafCount, 0);
  const parts = [
    ...(contexts.length === 0 ? [] : [plural(contexts.length, 'device context')]),
    plural(domains.length, 'domain'),
    plural(leaves, 'leaf entry', 'leaf entries'),
  ];
  return `Checked ${parts.join(', ')} of ${iommu} against ${RULES.length + 2} rules`;
}

function verdictOf(subject: Subject): string {
  const { decoding, report, exposures } = subject;
  const { error, warning, info } = report.counts;
  const devices = new Set(decoding.contexts.map(({ stream }) => stream)).size;
  const warnings = warning + exposures.length;
  const counts = `${plural(error, 'error')}, ${plural(warnings, 'warning')}, ${plural(info, 'remark')}`;
  const found = error + warnings + info === 0 ? 'nothing found' : counts;
  return `${exposureSentence(exposures, devices)}${checkedSentence(subject)}: ${found}.${unknownSentence(decoding)}`;
}

function outcomeOf({ report, exposures, strict, dump, decoding }: Subject): Answer['outcome'] {
  if (isDamaged(dump)) return 'unusable';
  const { error, warning } = report.counts;
  const found = error > 0 || exposures.length > 0 || decoding.unknown.length > 0 || (strict === true && warning > 0);
  return found ? 'findings' : 'fine';
}

function sectionsOf(findings: readonly Finding[], table: Table): Section[] {
  if (findings.length === 0) return [];
  return [
    tableSection('rules', 'Findings by rule', summaryTable(findings)),
    tableSection('findings', 'Every finding', table, 'detail'),
  ];
}

function exposureJson({ rule, severity, device, streams, meaning, source }: Exposure): object {
  return { rule, severity, device, streams, iova: null, bytes: '0x0', meaning, source };
}

/**
 * What is illegal or unsafe in a dump's tables and registers. `findings`: an error, a device that bypasses, a part that the
 * dump does not hold; with `strict` any warning.
 */
export function checkAnswer(question: CheckQuestion): Answer {
  const { dump, decoding, report, names = new MachineNames(), limit = LISTED } = question;
  const exposures = exposuresOf(decoding, dump.registers?.ram ?? [], names);
  const subject: Subject = { ...question, names, exposures };
  const { counts, findings } = checkData({ ...report, findings: report.findings.slice(0, limit) });
  const all = [...exposures.map(exposureJson), ...findings];
  const listed = [...exposures.map(exposureFinding), ...report.findings];
  const total = exposures.length + counts.error + counts.warning + counts.info;
  const table = findingTable(listed, limit, total);
  return {
    schema: 'iommu.check',
    version: 1,
    outcome: outcomeOf(subject),
    verdict: verdictOf(subject),
    data: {
      counts: { ...counts, warning: counts.warning + exposures.length },
      findings: all,
      unknownCount: decoding.unknown.length,
    },
    sections: sectionsOf(listed, table),
    notes: [...new Set(decoding.domains.map(geometryLine)), ...nameNotes(decoding.iommu, names), ...dumpNotes(dump)],
    records: all,
    csv: table,
  };
}

/** The rules of {@link checkAnswer}, with what each demands. */
export function rulesAnswer(): Answer {
  const rules = RULES.map(({ id, severity, text, source }) => ({ id, severity, text, source }));
  const table: Table = {
    columns: ['rule', 'severity', 'what it demands', 'source'].map((title) => ({ title })),
    rows: RULES.map(({ id, severity, text, source }) => [id, severityCell(severity), text, source]),
  };
  return {
    schema: 'iommu.check.rules',
    version: 1,
    outcome: 'fine',
    verdict: `${formatNumber(rules.length)} rules are checked, besides bypassing devices and identity domains.`,
    data: { rules },
    sections: [tableSection('rules', 'Rules', table)],
    notes: [],
    records: rules,
    csv: table,
  };
}
