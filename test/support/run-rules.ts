import { describe, test } from 'vitest';
import type { Rule } from '../../src/testing/rule.ts';

/** Registers rules as tests of their own. */
export function runAsTests(subject: string, rules: readonly Rule[]): void {
  describe(subject, () => {
    for (const { name, check } of rules) test(name, check);
  });
}
