/**
 * The shape of a rule: one kind of finding, with what it means, what to do, and where that is from.
 * @module
 */
import type { Machine } from '../setup/machine.ts';

/** How grave a finding is. */
export type Severity = 'error' | 'warning' | 'information';

/** What a user is after: who is kept out; giving devices to guests; speed. */
export type Purpose = 'security' | 'vfio' | 'performance';

/** One place where a rule is broken. */
export interface Hit {
  /** File and line that it was read from. */
  readonly path: string;
  /** What stands there, in one sentence without its end. */
  readonly what: string;
  /** Names of the devices that it is about. */
  readonly devices?: readonly string[];
}

/** One rule. */
export interface Rule {
  /** Stable name. */
  readonly id: string;
  readonly severity: Severity;
  /** Whom it concerns. */
  readonly for: readonly Purpose[];
  readonly meaning: string;
  readonly todo: string;
  /** Specification, or file of Linux's documentation or sources. */
  readonly source: string;
  /** Every place where a machine breaks it; none where that is not known. */
  readonly find: (machine: Machine) => readonly Hit[];
}

/** A finding: a rule and one place. */
export interface Finding extends Hit {
  readonly rule: string;
  readonly severity: Severity;
  readonly for: readonly Purpose[];
  readonly meaning: string;
  readonly todo: string;
  readonly source: string;
}

/** Hits of lines of the log. */
export function logHits({ log }: Machine, name: Parameters<NonNullable<Machine['log']>['all']>[0]): Hit[] {
  if (log === undefined) return [];
  return log.all(name).map(({ line, text }) => ({ path: `${log.path}:${line}`, what: messageOf(text) }));
}

/** A line without its time. */
export function messageOf(text: string): string {
  return text.replace(/^(?:<\d+>)?(?:\[[^\]]{1,40}\] *)+/, '').trim();
}

/** `0000:01:00.0, 0000:01:00.1 and 3 more`. */
export function someOf(names: readonly string[], most = 4): string {
  const more = names.length - most;
  return more > 0 ? `${names.slice(0, most).join(', ')} and ${more} more` : names.join(', ');
}
