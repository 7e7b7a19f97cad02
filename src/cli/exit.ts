/**
 * Exit codes of the program, and the errors that carry them.
 * @module
 */
import { CommanderError } from 'commander';
import { InputError, IommuError } from '../errors.ts';

/** What the exit status says; printed by `iommu --help`. */
export const EXIT = {
  /** Fine, nothing found. */
  ok: 0,
  /** Findings, a difference, a fault, a failed vector. */
  findings: 1,
  /** Wrong usage. */
  usage: 2,
  /** Unreadable or invalid input. */
  input: 3,
  /** A defect of the program. */
  internal: 4,
} as const;

/** Wrong usage of the command line. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

/** The exit status that an error stands for. */
export function exitCodeOf(error: unknown): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.ok : EXIT.usage;
  if (error instanceof UsageError || error instanceof IommuError) return EXIT.usage;
  if (error instanceof InputError) return EXIT.input;
  return EXIT.internal;
}
