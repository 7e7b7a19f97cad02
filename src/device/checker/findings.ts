/**
 * Verdicts, counted: those of the same kind and cause are one.
 * @module
 */
import type { InvalidationFinding, InvalidationRule, Severity } from './types.ts';

/** Verdicts of one kind that are kept one by one, with their addresses; all are counted. */
const MOST_EACH = 256;

const SEVERITY: Readonly<Record<InvalidationRule, Severity>> = {
  missing: 'error',
  'not-completed': 'error',
  late: 'error',
  'wrong-order': 'error',
  'too-narrow': 'error',
  unpredictable: 'error',
  'stale-use': 'error',
  'break-before-make': 'error',
  'tag-reuse': 'error',
  needless: 'cost',
  'too-wide': 'cost',
};

/** A list of verdicts. */
export class Findings {
  readonly #list: InvalidationFinding[] = [];
  readonly #byCause: Map<string, InvalidationFinding> = new Map();
  readonly #each: Map<InvalidationRule, number> = new Map();

  /** Verdicts in the order in which they were first seen; those that later events took back are left out. */
  get list(): readonly InvalidationFinding[] {
    return this.#list.filter(({ count }) => count > 0);
  }

  /** Adds a verdict of its own. Beyond a number of them, they are counted in one. */
  add(
    rule: InvalidationRule,
    at: number,
    text: string,
    pages = 0,
    severity: Severity = SEVERITY[rule],
  ): InvalidationFinding {
    const known = this.#each.get(rule) ?? 0;
    this.#each.set(rule, known + 1);
    if (known >= MOST_EACH) return this.count(rule, 'more of these', at, `more: ${text}`, pages, severity);
    const cost = { pages, commands: 0, accesses: 0 };
    const finding: InvalidationFinding = { rule, severity, text, count: 1, at, cost };
    this.#list.push(finding);
    return finding;
  }

  /** Counts a verdict with all others of its rule and cause. */
  count(
    rule: InvalidationRule,
    cause: string,
    at: number,
    text: string,
    pages = 0,
    severity: Severity = SEVERITY[rule],
  ): InvalidationFinding {
    const key = `${rule}/${cause}`;
    const known = this.#byCause.get(key);
    if (known !== undefined) {
      known.count++;
      known.cost.pages += pages;
      return known;
    }
    const finding: InvalidationFinding = {
      rule,
      severity,
      text,
      count: 1,
      at,
      cost: { pages, commands: 0, accesses: 0 },
    };
    this.#byCause.set(key, finding);
    this.#list.push(finding);
    return finding;
  }
}
