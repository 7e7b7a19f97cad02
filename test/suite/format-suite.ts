/**
 * The suite: every rule that a page-table format must hold, run on each of its own configurations. Call it with a format
 * of your own to test that.
 * @module
 */
import { describe } from 'vitest';
import type { Format } from '../../src/formats/index.ts';
import { blockRules } from './blocks.ts';
import { choiceRules } from './choices.ts';
import { dirtyRules } from './dirty.ts';
import { entryRules } from './entries.ts';
import { failNthRules } from './fail-nth.ts';
import { historyRules } from './histories.ts';
import { linuxRules } from './linux.ts';
import { pageRules } from './pages.ts';
import { refusalRules } from './refusals.ts';
import { rememberedRules } from './remembered.ts';

/** Registers the whole suite for a format. */
export function formatSuite(format: Format): void {
  describe.each(format.configurations)(`${format.id} $name`, (configuration) => {
    const setup = { format, configuration };
    pageRules(setup);
    entryRules(setup);
    choiceRules(setup);
    blockRules(setup);
    historyRules(setup);
    dirtyRules(setup);
    linuxRules(setup);
    failNthRules(setup);
    rememberedRules(setup);
    refusalRules(setup);
  });
}
