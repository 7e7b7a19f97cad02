/**
 * All rules, and the findings of a machine.
 * @module
 */
import type { Machine } from '../setup/machine.ts';
import { ENABLING_RULES } from './enabling.ts';
import { FIRMWARE_RULES } from './firmware.ts';
import { GROUP_RULES } from './groups.ts';
import { INTERRUPT_RULES } from './interrupts.ts';
import { PERFORMANCE_RULES } from './performance.ts';
import type { Finding, Purpose, Rule, Severity } from './rule.ts';
import { TRUST_RULES } from './trust.ts';
import { UNIT_RULES } from './units.ts';
import { VFIO_RULES } from './vfio.ts';

/** Every rule. */
export const MACHINE_RULES: readonly Rule[] = [
  ...ENABLING_RULES,
  ...TRUST_RULES,
  ...UNIT_RULES,
  ...INTERRUPT_RULES,
  ...GROUP_RULES,
  ...FIRMWARE_RULES,
  ...VFIO_RULES,
  ...PERFORMANCE_RULES,
];

const RANK: Readonly<Record<Severity, number>> = { error: 0, warning: 1, information: 2 };
/** Findings of one rule that are listed. */
const MOST_OF_RULE = 20;

function findingsOf(rule: Rule, machine: Machine): Finding[] {
  const hits = rule.find(machine);
  const { id, severity, meaning, todo, source } = rule;
  const listed = hits
    .slice(0, MOST_OF_RULE)
    .map((hit) => ({ rule: id, severity, for: rule.for, meaning, todo, source, ...hit }));
  const last = listed.at(-1);
  if (hits.length <= MOST_OF_RULE || last === undefined) return listed;
  return [...listed.slice(0, -1), { ...last, what: `${last.what}; and ${hits.length - MOST_OF_RULE} more like it` }];
}

/**
 * The findings of a machine: the gravest first, and before them those that concern what a user is after.
 * @param purpose - what the user is after; all rules rank equal without it
 */
export function findingsOfMachine(machine: Machine, purpose?: Purpose): Finding[] {
  const concerns = (finding: Finding): number => (purpose === undefined || finding.for.includes(purpose) ? 0 : 1);
  return MACHINE_RULES.flatMap((rule) => findingsOf(rule, machine)).sort(
    (a, b) => concerns(a) - concerns(b) || RANK[a.severity] - RANK[b.severity],
  );
}
