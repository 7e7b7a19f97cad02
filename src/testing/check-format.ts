/**
 * Every rule that a page-table format must hold, run on each of its own configurations.
 * @module
 */
import type { Format } from '../formats/contract.ts';
import { type CheckOptions, group, type Rule, type RuleReport, runRules } from './rule.ts';
import { blockRules } from './rules/blocks.ts';
import { choiceRules } from './rules/choices.ts';
import { dirtyRules } from './rules/dirty.ts';
import { entryRules } from './rules/entries.ts';
import { failNthRules } from './rules/fail-nth.ts';
import { historyRules } from './rules/histories.ts';
import { linuxRules } from './rules/linux.ts';
import { pageRules } from './rules/pages.ts';
import { refusalRules } from './rules/refusals.ts';
import { rememberedRules } from './rules/remembered.ts';
import type { Setup } from './setup.ts';

const KINDS: readonly ((setup: Setup) => Rule[])[] = [
  pageRules,
  entryRules,
  choiceRules,
  blockRules,
  historyRules,
  dirtyRules,
  linuxRules,
  failNthRules,
  rememberedRules,
  refusalRules,
];

/** All rules of a format, for a test runner: their names begin with the format's id and the configuration. */
export function formatRules(format: Format): Rule[] {
  return format.configurations.flatMap((configuration) => {
    const setup = { format, configuration };
    return group(
      `${format.id} ${configuration.name}`,
      KINDS.flatMap((kind) => kind(setup)),
    );
  });
}

/**
 * Runs all rules of a format of your own: pages, entries, blocks, histories, dirty bits, allocation failing at each call, bad input.
 * Takes seconds for each configuration.
 */
export function checkFormat(format: Format, options?: CheckOptions): RuleReport {
  return runRules(format.id, formatRules(format), options);
}
