/**
 * A command line run to its exit status.
 * @module
 */
import { CommanderError } from 'commander';
import { plainText } from '../report/plain.ts';
import { EXIT, exitCodeOf } from './exit.ts';
import { say } from './io.ts';
import { createProgram, verbOf } from './program.ts';

function fail(error: unknown): void {
  process.exitCode = exitCodeOf(error);
  if (error instanceof CommanderError) return;
  const text = error instanceof Error ? error.message : String(error);
  const trace = process.exitCode === EXIT.internal && error instanceof Error ? error.stack : undefined;
  say(`iommu: ${trace === undefined ? plainText(text) : trace}`);
}

/** Runs a command line, as `process.argv` has it, and sets the exit status. */
export async function run(argv: readonly string[]): Promise<void> {
  try {
    const program = await createProgram(verbOf(argv.slice(2)));
    await program.parseAsync(argv);
  } catch (error) {
    fail(error);
  }
}
