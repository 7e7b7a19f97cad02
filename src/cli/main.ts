#!/usr/bin/env node
/**
 * Entry point of the `iommu` program.
 * @module
 */
import { CommanderError } from 'commander';
import { EXIT, exitCodeOf } from './exit.ts';
import { say } from './io.ts';
import { createProgram } from './program.ts';

function fail(error: unknown): void {
  process.exitCode = exitCodeOf(error);
  if (error instanceof CommanderError) return;
  const text = error instanceof Error ? error.message : String(error);
  say(
    process.exitCode === EXIT.internal && error instanceof Error ? `iommu: ${error.stack ?? text}` : `iommu: ${text}`,
  );
}

// A reader that closed a stream gets no more output; the exit status still says how it ended.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') return;
  say(`iommu: cannot write to standard output: ${error.message}`);
  process.exit(EXIT.input);
});

// Without standard error there is nowhere left to report to.
process.stderr.on('error', () => undefined);

try {
  await createProgram().parseAsync(process.argv);
} catch (error) {
  fail(error);
}
