#!/usr/bin/env node
/**
 * Entry point of the `iommu` program.
 * @module
 */
import { VERSION } from './version.ts';

/** A reader that closed the pipe has seen enough: the exit status still says how it ended. */
function onOutputError(error: NodeJS.ErrnoException): void {
  if (error.code === 'EPIPE') return;
  process.stderr.write(`iommu: cannot write to standard output: ${error.message}\n`);
  process.exit(3);
}

process.stdout.on('error', onOutputError);
process.stderr.on('error', () => undefined);

if (process.argv.length === 3 && ['--version', '-V'].includes(process.argv[2] ?? '')) {
  process.stdout.write(`${VERSION}\n`);
} else {
  await (await import('./run.ts')).run(process.argv);
}
