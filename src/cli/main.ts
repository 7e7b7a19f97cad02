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

process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit(EXIT.ok);
  throw error;
});

// Who closes standard error wants no more words; the exit status still says how it ended.
process.stderr.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error;
});

try {
  await createProgram().parseAsync(process.argv);
} catch (error) {
  fail(error);
}
