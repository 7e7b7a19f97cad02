/**
 * `doctor`: whether a machine's IOMMU protects it, device by device, and what to do.
 * @module
 */
import type { Unread } from '../machine/files/evidence-reader.ts';
import { findingsOfMachine } from '../machine/rules/registry.ts';
import type { Finding, Purpose } from '../machine/rules/rule.ts';
import type { Machine } from '../machine/setup/machine.ts';
import { isRunning, policyOf } from '../machine/setup/state.ts';
import { type MachineVerdict, verdictOf } from '../machine/setup/verdict.ts';
import { type Answer, listSection, type Section, tableSection } from '../report/answer.ts';
import type { Cell, Table } from '../report/table.ts';
import { pictureSection, type TableData, tableData } from './machine/firmware.ts';
import { explainedSection, type GroupData, groupsData, groupsTable } from './machine/groups.ts';
import { type UnitData, unitsData, unitsTable } from './machine/units.ts';

/** What is asked. */
export interface DoctorQuestion {
  readonly machine: Machine;
  /** What the user is after: its findings come first. */
  readonly purpose?: Purpose | undefined;
}

/** One finding, for programs. */
export interface FindingData {
  readonly rule: string;
  readonly severity: string;
  readonly for: readonly string[];
  readonly path: string;
  readonly what: string;
  readonly devices: readonly string[];
  readonly meaning: string;
  readonly todo: string;
  readonly source: string;
}

/** The data of {@link doctorAnswer}. */
export interface DoctorData {
  readonly protection: MachineVerdict['protection'];
  /** False where a file that could change the verdict was not read. */
  readonly complete: boolean;
  readonly by: string | null;
  readonly sinceSeconds: number | null;
  readonly machine: {
    readonly root: string;
    readonly kind: string;
    readonly kernel: string | null;
    readonly architecture: string | null;
    /** Null where it is not known. */
    readonly guest: boolean | null;
    readonly hypervisor: string | null;
    readonly policy: string | null;
    readonly interruptsRemapped: boolean | null;
  };
  readonly purpose: string | null;
  readonly units: readonly UnitData[];
  readonly groups: readonly GroupData[] | null;
  readonly firmware: readonly TableData[];
  readonly findings: readonly FindingData[];
  readonly faults: { readonly incidents: number; readonly lines: number } | null;
  readonly unread: readonly Unread[];
}

function findingData({
  rule,
  severity,
  path,
  what,
  devices = [],
  meaning,
  todo,
  source,
  ...rest
}: Finding): FindingData {
  return { rule, severity, for: rest.for, path, what, devices, meaning, todo, source };
}

/** `What stands there. What it means. To do: … (path)` */
function findingText({ severity, what, meaning, todo, path }: Finding): string {
  return `${severity}: ${what}. ${meaning} To do: ${todo} (${path})`;
}

/** Findings of one rule are said once, with the places beside each other. */
function grouped(findings: readonly Finding[]): Finding[] {
  const byRule = new Map<string, Finding[]>();
  for (const finding of findings) byRule.set(finding.rule, [...(byRule.get(finding.rule) ?? []), finding]);
  return [...byRule.values()].flatMap(([first, ...more]) => {
    if (first === undefined) return [];
    const others = more.slice(0, 3).map(({ what }) => what);
    const rest = more.length > 3 ? [`${more.length - 3} more like it`] : [];
    return [{ ...first, what: [first.what, ...others, ...rest].join('; ') }];
  });
}

function findingSections(findings: readonly Finding[], purpose: Purpose | undefined): Section[] {
  const all = grouped(findings);
  const isMain = ({ severity, for: whom }: Finding): boolean =>
    severity !== 'information' || (purpose !== undefined && whom.includes(purpose));
  const main = all.filter(isMain);
  const others = all.filter((finding) => !isMain(finding));
  const short = others.map(({ what, meaning }) => `${what}. ${meaning}`);
  return [
    ...(main.length === 0 ? [] : [listSection('findings', 'Findings', main.map(findingText))]),
    ...(short.length === 0 ? [] : [listSection('information', 'For information', short)]),
    ...(all.length === 0 ? [] : [tableSection('sources', 'Findings and their sources', sourcesTable(all), 'detail')]),
  ];
}

function sourcesTable(findings: readonly Finding[]): Table {
  return {
    columns: [{ title: 'rule' }, { title: 'severity' }, { title: 'read from' }, { title: 'source', drop: 1 }],
    rows: findings.map(({ rule, severity, path, source }) => [rule, severity, path, source]),
  };
}

function yesNo(value: boolean | undefined, words: readonly [string, string]): string {
  return value === undefined ? 'not known' : value ? words[0] : words[1];
}

/** Facts of the set-up, one a row. */
function setUpTable(machine: Machine): Table {
  const { release, architecture, host, interrupts, options, optionsPath } = machine;
  const given = options.all
    .filter(({ name }) => /iommu|intremap|ivrs|acs|vfio|swiotlb|arm_smmu/.test(name))
    .map(({ word }) => word);
  const hypervisor = host.hypervisor === undefined ? 'not known' : (host.hypervisor ?? 'none seen: bare metal');
  const rows: Cell[][] = [
    ['kernel', [release ?? 'not known', architecture].filter((part) => part !== undefined).join(', ')],
    ['hypervisor', host.xenDom0 ? 'Xen, this is its control domain' : hypervisor],
    ['options', optionsPath === undefined ? 'not known' : given.length === 0 ? 'none of the IOMMU' : given.join(' ')],
    ['invalidation', `${policyOf(machine) ?? 'not known'}${isRunning(machine) ? '' : ', if an IOMMU ran'}`],
    ...(architecture === undefined || architecture === 'x86'
      ? [['interrupts', yesNo(interrupts.remapped, ['remapped', 'not remapped'])]]
      : []),
    ...machine.thunderbolt.map(({ name, dmaProtection, security }): Cell[] => [
      `Thunderbolt ${name}`,
      `${yesNo(dmaProtection, ['protected by the IOMMU', 'not protected by the IOMMU'])}, security ${security ?? 'not known'}`,
    ]),
  ];
  return { columns: [{ title: 'set-up' }, { title: '' }], rows };
}

function faultSection({ log }: Machine): Section[] {
  if (log === undefined) return [];
  const { incidents, totals, counts } = log.faults;
  const count = incidents.length + counts.dropped;
  if (count === 0) return [];
  const byDevice = new Map<string, number>();
  for (const { device, iommu, name } of incidents) {
    const key = `${device ?? 'no device named'}: ${iommu} ${name}`;
    byDevice.set(key, (byDevice.get(key) ?? 0) + 1);
  }
  for (const group of totals.groups()) {
    const key = `${group.device ?? 'no device named'}: ${group.iommu} ${group.name}`;
    byDevice.set(key, (byDevice.get(key) ?? 0) + group.count);
  }
  const rows = [...byDevice].sort((a, b) => b[1] - a[1]).map(([what, times]): Cell[] => [times, what]);
  const table: Table = {
    columns: [{ title: 'incidents', unit: 'count' }, { title: 'device and report' }],
    rows,
    notes: [`\`iommu fault ${log.path}\` explains them`],
  };
  return [tableSection('faults', `Faults in ${log.path}`, table)];
}

function unreadSection(unread: readonly Unread[]): Section[] {
  if (unread.length === 0) return [];
  const items = unread.map(({ path, why, tells }) => `${path}: ${why}. It would have told ${tells}`);
  return [listSection('unread', 'Not read', items)];
}

function deviceSections(machine: Machine): Section[] {
  const table = groupsTable(machine);
  return [
    ...(table.rows.length === 0 ? [] : [tableSection('groups', 'Devices by group', table)]),
    ...explainedSection(machine),
  ];
}

function machineData(machine: Machine): DoctorData['machine'] {
  return {
    root: machine.root,
    kind: machine.kind,
    kernel: machine.release ?? null,
    architecture: machine.architecture ?? null,
    guest: machine.host.hypervisor === undefined ? null : machine.host.hypervisor !== null,
    hypervisor: machine.host.hypervisor ?? null,
    policy: policyOf(machine) ?? null,
    interruptsRemapped: machine.interrupts.remapped ?? null,
  };
}

function countText(findings: readonly Finding[]): string {
  const all = grouped(findings);
  const count = (severity: string): number => all.filter((one) => one.severity === severity).length;
  const [errors, warnings] = [count('error'), count('warning')];
  const parts = [
    ...(errors > 0 ? [`${errors} error${errors === 1 ? '' : 's'}`] : []),
    ...(warnings > 0 ? [`${warnings} warning${warnings === 1 ? '' : 's'}`] : []),
  ];
  return parts.length === 0 ? '' : ` ${parts.join(' and ')} below.`;
}

/** Judges a machine. */
export function doctorAnswer({ machine, purpose }: DoctorQuestion): Answer<DoctorData> {
  const findings = findingsOfMachine(machine, purpose);
  const verdict = verdictOf(machine, findings);
  const units = unitsTable(machine);
  const grave = findings.some(({ severity }) => severity !== 'information');
  const { log } = machine;
  return {
    schema: 'iommu.doctor',
    version: 1,
    outcome: verdict.protection === 'protected' && !grave ? 'fine' : 'findings',
    verdict: `${verdict.text}${countText(findings)}`,
    data: {
      protection: verdict.protection,
      complete: verdict.complete,
      by: verdict.by ?? null,
      sinceSeconds: verdict.since ?? null,
      machine: machineData(machine),
      purpose: purpose ?? null,
      units: unitsData(machine),
      groups: groupsData(machine),
      firmware: tableData(machine),
      findings: findings.map(findingData),
      faults:
        log === undefined
          ? null
          : { incidents: log.faults.incidents.length + log.faults.counts.dropped, lines: log.lines },
      unread: machine.unread,
    },
    sections: [
      ...findingSections(findings, purpose),
      tableSection('set-up', 'Set-up', setUpTable(machine)),
      ...deviceSections(machine),
      ...faultSection(machine),
      ...(units.rows.length === 0 ? [] : [tableSection('units', 'Units', units)]),
      ...pictureSection(machine, 'detail'),
      ...unreadSection(machine.unread),
    ],
    notes: [
      ...((machine.groups ?? []).some(({ type }) => type !== undefined)
        ? ['a group shows its default domain: one that VFIO holds shows it too, although the guest has its own']
        : []),
      ...(log !== undefined && !log.fromBoot
        ? [`${log.path} does not begin at boot: what it does not say is not excluded`]
        : []),
    ],
  };
}
