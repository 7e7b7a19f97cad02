/**
 * `iommu conform`: golden vectors through the engine, and conformance packs through engine and reader.
 * @module
 */
import { fileURLToPath } from 'node:url';
import type { Command } from 'commander';
import { conformAnswer, runCases } from '../answers/conform.ts';
import { type ConformCase, parseCases } from '../conform/cases.ts';
import { UsageError } from './exit.ts';
import { addFormOptions, type FormFlags, outputOf } from './forms.ts';
import { Progress, readText } from './io.ts';
import { printAnswer } from './print.ts';

const EXAMPLES = `Examples:
  iommu conform test/vectors/A_s1.jsonl.gz          one file
  iommu conform test/vectors/*.jsonl.gz --json      all, as JSON
  iommu conform --pack                              the conformance pack that is shipped (docs/conformance.md)
`;

async function* casesOf(files: readonly string[]): AsyncGenerator<ConformCase> {
  for (const file of files) yield* parseCases(file, await readText(file));
}

/** The pack that the package ships. */
const PACK = fileURLToPath(new URL('../../data/conformance.jsonl.gz', import.meta.url));

interface ConformFlags extends FormFlags {
  readonly pack?: string | true;
}

async function conform(given: readonly string[], flags: ConformFlags): Promise<void> {
  const pack = flags.pack === true ? PACK : flags.pack;
  const files = pack === undefined ? given : [pack, ...given];
  if (files.length === 0) throw new UsageError('file: expected a file or --pack, got neither');
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
    .argument('[file...]', 'JSON lines, plain or packed (gzip, xz, zstd); - is standard input')
    .option('--pack [file]', 'run a conformance pack; without a file the one that is shipped')
    .addHelpText('before', EXAMPLES);
  addFormOptions(verb).action(conform);
}
