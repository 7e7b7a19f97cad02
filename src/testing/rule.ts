/**
 * Rules: named checks that throw where they do not hold, and the report of a run.
 * @module
 */

/** A named check. */
export interface Rule {
  /** What must hold, in words; groups stand before it. */
  readonly name: string;
  /** Throws where the rule does not hold. */
  readonly check: () => void;
}

/** A rule that does not hold. */
export interface BrokenRule {
  /** Name of the rule. */
  readonly name: string;
  /** What differed in the first counterexample. */
  readonly message: string;
}

/** What a run of rules came to. */
export interface RuleReport {
  /** What was checked: the id of a format or of a driver. */
  readonly subject: string;
  /** Rules run. */
  readonly rules: number;
  /** Rules that held. */
  readonly passed: number;
  /** Rules that did not, each with its first counterexample. */
  readonly failed: readonly BrokenRule[];
}

/** What is run of the rules. */
export interface CheckOptions {
  /** Only rules whose names hold this text. */
  readonly only?: string;
}

/** One rule. */
export function rule(name: string, check: () => void): Rule {
  return { name, check };
}

/** Rules under a common name. */
export function group(name: string, rules: readonly Rule[]): Rule[] {
  return rules.map((each) => ({ ...each, name: `${name}: ${each.name}` }));
}

function brokenBy({ name, check }: Rule): BrokenRule[] {
  try {
    check();
    return [];
  } catch (error) {
    return [{ name, message: error instanceof Error ? error.message : String(error) }];
  }
}

/** Runs rules one after the other; one that fails leaves the others' results as they are. */
export function runRules(subject: string, rules: readonly Rule[], { only = '' }: CheckOptions = {}): RuleReport {
  const chosen = rules.filter(({ name }) => name.includes(only));
  const failed = chosen.flatMap(brokenBy);
  return { subject, rules: chosen.length, passed: chosen.length - failed.length, failed };
}
