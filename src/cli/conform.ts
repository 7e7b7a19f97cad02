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
  failures: VectorFailure[];
}

function conformFiles(files: readonly string[]): Tally {
  const tally: Tally = { passed: 0, skipped: new Map(), failures: [] };
  const progress = new Progress('conform', 'vectors');
  let done = 0;
  for (const file of files) {
    for (const each of parseCases(file, new TextDecoder().decode(readFile(file)))) {
      const result = each.run();
      if (result === 'passed') tally.passed++;
      else if ('skipped' in result) tally.skipped.set(result.skipped, (tally.skipped.get(result.skipped) ?? 0) + 1);
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
      const { passed, skipped, failures } = conformFiles(files);
      const left = [...skipped.values()].reduce((sum, count) => sum + count, 0);
      if (options.json) {
        printJson({ schema: 'iommu.conform', version: 1, passed, failed: failures.length, skipped: left, failures });
      } else {
        for (const failure of failures) print(describe(failure));
        for (const [what, count] of skipped) print(`skipped: ${count} of ${what}, which is not supported`);
        print(`${passed} passed, ${failures.length} failed${left > 0 ? `, ${left} skipped` : ''}`);
      }
      if (failures.length > 0) process.exitCode = EXIT.findings;
    });
}
