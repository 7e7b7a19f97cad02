/**
 * Options that only have an effect beside another one: given alone, they are refused rather than ignored.
 * @module
 */
import type { Command } from 'commander';
import { UsageError } from './exit.ts';

/** `tlbSize` as the user writes it: `--tlb-size`. */
function flagOf(name: string): string {
  return `--${name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
}

function firstOf(flags: object, names: readonly string[]): string | undefined {
  const name = names.find((one) => Object.hasOwn(flags, one));
  return name === undefined ? undefined : flagOf(name);
}

/** @throws UsageError if one of the options is given, which mean nothing without `needed`. */
export function refuseAlone(flags: object, names: readonly string[], needed: string): void {
  const odd = firstOf(flags, names);
  if (odd !== undefined) throw new UsageError(`${odd}: expected ${flagOf(needed)} beside it`);
}

/** Options that were given, without those that have their default. */
export function givenOf<T extends object>(flags: T, verb: Command): Partial<T> {
  const given = Object.entries(flags).filter(([name]) => verb.getOptionValueSource(name) !== 'default');
  return Object.fromEntries(given) as Partial<T>;
}

/** @throws UsageError if one of the options is given, which ask something else than `asked`. */
export function refuseBeside(flags: object, names: readonly string[], asked: string): void {
  const odd = firstOf(flags, names);
  if (odd !== undefined)
    throw new UsageError(`${flagOf(asked)}: expected no ${odd} beside it, which asks another question`);
}
