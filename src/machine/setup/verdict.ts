/**
 * The verdict on a machine: protected or not, by what, since when. What is not known is never called protected.
 * @module
 */
import type { Finding } from '../rules/rule.ts';
import { deviceTitle, type Machine, type MachineDevice } from './machine.ts';
import { type Coverage, coverageOf, isRunning, policyOf, sinceOf, unitsText } from './state.ts';

/**
 * `protected`: every device that can make requests has a translated default domain, and nothing seen lets one past.
 * `partly`: some have. `unprotected`: none has. `unknown`: the files do not say.
 */
export type Protection = 'protected' | 'partly' | 'unprotected' | 'unknown';

/** The verdict. */
export interface MachineVerdict {
  readonly protection: Protection;
  /** False where a file that could change the verdict was not read. */
  readonly complete: boolean;
  /** One to three sentences. */
  readonly text: string;
  /** What translates; undefined where nothing does, or that is not known. */
  readonly by: string | undefined;
  /** Seconds after boot. */
  readonly since: number | undefined;
}

/** Findings that let a device past an IOMMU that runs. */
const HOLES = new Set([
  'bypass-allowed',
  'bypass-forced',
  'graphics-not-translated',
  'device-not-set-up',
  'no-iommu-group',
  'table-against-sysfs',
  'ats-on-removable',
  'region-in-ram',
]);

/** Findings that say why there is no IOMMU, the first that holds counts. */
const REASONS = [
  'xen-owns-it',
  'switched-off',
  'guest-without-unit',
  'asked-not-used',
  'firmware-switch-off',
  'found-not-used',
  'no-usable-width',
];

function plural(count: number, one: string): string {
  return `${count} ${one}${count === 1 ? '' : 's'}`;
}

function some(devices: readonly MachineDevice[]): string {
  const names = devices.slice(0, 2).map((device) => deviceTitle(device, device.name));
  return devices.length > 2 ? `${names.join(', ')} and ${devices.length - 2} more` : names.join(' and ');
}

function protectionOf(
  machine: Machine,
  { translated, identity, none, unknown }: Coverage,
  findings: readonly Finding[],
): Protection {
  if (machine.groups === undefined || machine.host.xenDom0) return 'unknown';
  if (!isRunning(machine)) return 'unprotected';
  if (translated.length === 0)
    return unknown.length > 0 || identity.length + none.length === 0 ? 'unknown' : 'unprotected';
  const holes = findings.some(({ rule }) => HOLES.has(rule));
  if (identity.length + none.length > 0 || holes) return 'partly';
  return unknown.length > 0 || missing(machine).length > 0 ? 'unknown' : 'protected';
}

/** What nobody can call a machine protected without: words that open the IOMMU, and the devices that could be in no group. */
function missing({ optionsPath, devices, groupsPath }: Machine): string[] {
  const listed = [...devices.values()].some(({ isPci, label }) => isPci && label !== undefined);
  const hasPci = [...devices.values()].some(({ isPci }) => isPci);
  return [
    ...(optionsPath === undefined ? ["the kernel's options"] : []),
    ...(hasPci && !listed ? [`the PCI functions beyond those of ${groupsPath}`] : []),
  ];
}

function withoutEnd(text: string): string {
  return text.replace(/\.$/, '');
}

/** Why no IOMMU runs, from the findings; where none tells, that is said. */
function reasonText(machine: Machine, findings: readonly Finding[]): string {
  const reason = REASONS.flatMap((rule) => findings.find((finding) => finding.rule === rule) ?? [])[0];
  if (reason !== undefined) return `${withoutEnd(reason.what)}. ${reason.meaning}`;
  if (machine.tableNames === undefined) return 'Whether the firmware describes one could not be read.';
  return 'The firmware describes none that is used.';
}

function offText(machine: Machine, findings: readonly Finding[]): string {
  const only = machine.interrupts.remapped === true ? ' Only interrupts are remapped.' : '';
  return `Not protected: no IOMMU handles any device (no group in ${machine.groupsPath}). ${capital(reasonText(machine, findings))}${only}`;
}

function capital(text: string): string {
  return text.slice(0, 1).toUpperCase() + text.slice(1);
}

function sinceText(machine: Machine): string {
  const since = sinceOf(machine);
  return since?.seconds === undefined ? '' : `, since ${since.seconds.toFixed(2)} s after boot`;
}

function policyText(machine: Machine): string {
  const policy = policyOf(machine);
  if (policy === undefined) return '';
  return policy === 'mixed' ? ', some lazily' : `, ${policy}`;
}

function coverageText(machine: Machine, { translated, identity, none, unknown }: Coverage): string {
  const all = translated.length + identity.length + none.length + unknown.length;
  const rest = [
    ...(identity.length > 0
      ? [`${some(identity)} reach${identity.length === 1 ? 'es' : ''} all memory (identity)`]
      : []),
    ...(none.length > 0 ? [`${some(none)} ${none.length === 1 ? 'is' : 'are'} in no group`] : []),
    ...(unknown.length > 0 ? [`of ${plural(unknown.length, 'device')} the domain is not known`] : []),
  ];
  const groups = plural((machine.groups ?? []).filter(({ devices }) => devices.length > 0).length, 'group');
  const which =
    translated.length === all ? `all ${plural(all, 'device')}` : `${translated.length} of ${plural(all, 'device')}`;
  const more = rest.length === 0 ? '' : `; ${rest.join('; ')}`;
  if (translated.length === 0) return `${unitsText(machine)} is on and translates nothing${sinceText(machine)}${more}`;
  return `${unitsText(machine)} translates ${which} in ${groups}${policyText(machine)}${sinceText(machine)}${more}`;
}

const WORDS: Readonly<Record<Protection, string>> = {
  protected: 'Protected',
  partly: 'Partly protected',
  unprotected: 'Not protected',
  unknown: 'Not known',
};

function xenText({ xenLog }: Machine): string {
  const said = xenLog?.all('xenDma').at(-1);
  const told =
    said === undefined ? 'Its own log (xl dmesg) tells.' : `Its log says: I/O virtualisation ${said.values[0]}.`;
  return `Not known for each device: this is Xen's control domain, and Xen owns the IOMMU. ${told}`;
}

function unknownText(machine: Machine, coverage: Coverage): string {
  if (machine.host.xenDom0) return xenText(machine);
  if (machine.groups === undefined) {
    return 'Not known: nothing that was read tells which devices an IOMMU handles (/sys/kernel/iommu_groups, or the log from its first line on).';
  }
  if (coverage.translated.length === 0) {
    return `Not known: ${unitsText(machine)} handles ${plural((machine.groups ?? []).length, 'group')}, and their default domains could not be read.`;
  }
  const lacking = missing(machine);
  const more = lacking.length === 0 ? '' : ` Not read: ${lacking.join(' and ')}.`;
  return `Not known for all: ${coverageText(machine, coverage)}.${more}`;
}

function interruptText({ interrupts, architecture, host }: Machine): string {
  if (architecture !== undefined && architecture !== 'x86') return '';
  if (interrupts.remapped === true) return ' Interrupts are remapped.';
  if (typeof host.hypervisor === 'string') return '';
  return interrupts.remapped === false
    ? ' Interrupts are not remapped.'
    : ' Whether interrupts are remapped is not known.';
}

/** Findings that the verdict names: a hole, or the gravest. */
function holeText(findings: readonly Finding[]): string {
  const hole = findings.find(({ rule }) => HOLES.has(rule)) ?? findings.find(({ severity }) => severity === 'error');
  return hole === undefined ? '' : ` But: ${hole.what}.`;
}

/** Judges a machine by its files and its findings. */
export function verdictOf(machine: Machine, findings: readonly Finding[]): MachineVerdict {
  const coverage = coverageOf(machine);
  const protection = protectionOf(machine, coverage, findings);
  const running = isRunning(machine);
  const by = running ? unitsText(machine) : undefined;
  const since = running ? sinceOf(machine)?.seconds : undefined;
  const complete = machine.unread.length === 0;
  const facts = { protection, complete, by, since };
  if (protection === 'unknown') return { ...facts, text: unknownText(machine, coverage) };
  if (!running) return { ...facts, text: offText(machine, findings) };
  const limit = protection === 'protected' && !complete ? ', as far as could be read' : '';
  const text = `${WORDS[protection]}${limit}: ${coverageText(machine, coverage)}.${interruptText(machine)}${holeText(findings)}`;
  return { ...facts, text };
}
