/**
 * `--limit`: how many rows an answer lists.
 * @module
 */
import type { Command } from 'commander';
import { LISTED } from '../dump/listed.ts';
import { UsageError } from './exit.ts';

/** Adds `--limit` to a verb whose answer may be long. */
export function addLimitOption(command: Command): Command {
  return command.option('--limit <rows>', 'rows that the answer lists at most; its totals count all', String(LISTED));
}

/**
 * The limit as a number.
 * @throws UsageError if the text is not a positive whole number.
 */
export function limitOf(text: string | undefined): number {
  if (text === undefined) return LISTED;
  if (/^[1-9]\d{0,8}$/.test(text)) return Number(text);
  throw new UsageError(`--limit: expected a whole number of rows from 1 to 999999999, got '${text}'`);
}
