/**
 * `iommu conform`: golden vectors through the engine.
 * @module
 */
import type { Command } from 'commander';
import { conformAnswer, runCases } from '../answers/conform.ts';
import { type ConformCase, parseCases } from '../conform/cases.ts';
import { addFormOptions, type FormFlags, outputOf } from './forms.ts';
import { Progress, readText } from './io.ts';
import { printAnswer } from './print.ts';

const EXAMPLES = `Examples:
  iommu conform test/vectors/A_s1.jsonl.gz          one file
  iommu conform test/vectors/*.jsonl.gz --json      all, as JSON
`;

async function* casesOf(files: readonly string[]): AsyncGenerator<ConformCase> {
  for (const file of files) yield* parseCases(file, await readText(file));
}

async function conform(files: readonly string[], flags: FormFlags): Promise<void> {
  const output = outputOf(flags);
  const progress = new Progress('conform', 'vectors', output.quiet);
  let done = 0;
  const tally = await runCases(casesOf(files), () => progress.update(++done));
  progress.done();
  await printAnswer(conformAnswer(tally), output);
}

/** Adds `conform`. */
export function addConform(program: Command): void {
  const verb = program
    .command('conform')
    .description(
      "Run golden vectors (recorded from Linux's own page-table code) through the engine and compare every bit.",
    )
    .argument('<file...>', 'JSON lines, plain or packed (gzip, xz, zstd); - is standard input')
    .addHelpText('before', EXAMPLES);
  addFormOptions(verb).action(conform);
}
