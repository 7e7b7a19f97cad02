/**
 * `iommu conform`: golden vectors through the engine.
 * @module
 */
import type { Command } from 'commander';
import { parseCases } from '../conform/cases.ts';
import type { VectorFailure } from '../conform/run.ts';
import { EXIT } from './exit.ts';
import { Progress, print, printJson, readFile } from './io.ts';

const EXAMPLES = `Examples:
  iommu conform test/vectors/A_s1.jsonl.gz          one file
  iommu conform test/vectors/*.jsonl.gz --json      all, as JSON
`;

interface Tally {
  passed: number;
  skipped: Map<string, number>;
  refused: Map<string, number>;
  failures: VectorFailure[];
}

function count(counts: Map<string, number>, key: string): void {
  counts.set(key, (counts.get(key) ?? 0) + 1);
}

function sum(counts: ReadonlyMap<string, number>): number {
  return [...counts.values()].reduce((total, each) => total + each, 0);
}

function summary({ passed, failures, refused, skipped }: Tally): string {
  const parts = [`${passed} passed`, `${failures.length} failed`];
  if (refused.size > 0) parts.push(`${sum(refused)} refused on purpose`);
  if (skipped.size > 0) parts.push(`${sum(skipped)} skipped`);
  return parts.join(', ');
}

function conformFiles(files: readonly string[]): Tally {
  const tally: Tally = { passed: 0, skipped: new Map(), refused: new Map(), failures: [] };
  const progress = new Progress('conform', 'vectors');
  let done = 0;
  for (const file of files) {
    for (const each of parseCases(file, new TextDecoder().decode(readFile(file)))) {
      const result = each.run();
      if (result === 'passed') tally.passed++;
      else if ('skipped' in result) count(tally.skipped, result.skipped);
      else if ('refused' in result) count(tally.refused, result.refused);
      else tally.failures.push(result);
      progress.update(++done);
    }
  }
  progress.done();
  return tally;
}

function describe(failure: VectorFailure): string {
  const where = failure.op === null ? '' : ` op ${failure.op}`;
  return `FAILED ${failure.id}${where}: ${failure.field}: expected ${failure.expected}, got ${failure.got}`;
}

/** Adds `conform`. */
export function addConform(program: Command): void {
  program
    .command('conform')
    .description(
      "Run golden vectors (recorded from Linux's own page-table code) through the engine and compare every bit.",
    )
    .argument('<file...>', 'JSON lines, plain or .gz; - is standard input')
    .option('--json', 'one JSON answer')
    .addHelpText('before', EXAMPLES)
    .action((files: string[], options: { json?: boolean }) => {
      const tally = conformFiles(files);
      const { passed, skipped, refused, failures } = tally;
      if (options.json) {
        const counts = { passed, failed: failures.length, refused: sum(refused), skipped: sum(skipped) };
        printJson({ schema: 'iommu.conform', version: 1, ...counts, failures });
      } else {
        for (const failure of failures) print(describe(failure));
        for (const [what, times] of refused) print(`refused on purpose: ${times} of ${what} (see iommu formats)`);
        for (const [what, times] of skipped) print(`skipped: ${times} of ${what}, which is not supported`);
        print(summary(tally));
      }
      if (failures.length > 0) process.exitCode = EXIT.findings;
    });
}
