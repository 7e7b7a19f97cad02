/**
 * `conform`: golden vectors through the engine.
 * @module
 */
import type { ConformCase } from '../conform/cases.ts';
import type { VectorFailure } from '../conform/run.ts';
import type { Answer, Section } from '../report/answer.ts';
import type { Table } from '../report/table.ts';

/** What became of the cases that were run. */
export interface ConformTally {
  readonly passed: number;
  readonly failures: readonly VectorFailure[];
  /** Cases that the kernel grants and this library refuses on purpose, by what they ask for. */
  readonly refused: ReadonlyMap<string, number>;
  /** Cases of what is not supported, by what that is. */
  readonly skipped: ReadonlyMap<string, number>;
}

function count(counts: Map<string, number>, key: string): void {
  counts.set(key, (counts.get(key) ?? 0) + 1);
}

function sum(counts: ReadonlyMap<string, number>): number {
  return [...counts.values()].reduce((total, each) => total + each, 0);
}

/** Runs the cases one by one; `done` is called after each. */
export async function runCases(
  cases: AsyncIterable<ConformCase> | Iterable<ConformCase>,
  done: () => void = () => undefined,
): Promise<ConformTally> {
  const tally = {
    passed: 0,
    failures: [] as VectorFailure[],
    refused: new Map<string, number>(),
    skipped: new Map<string, number>(),
  };
  for await (const each of cases) {
    const result = each.run();
    if (result === 'passed') tally.passed++;
    else if ('skipped' in result) count(tally.skipped, result.skipped);
    else if ('refused' in result) count(tally.refused, result.refused);
    else tally.failures.push(result);
    done();
  }
  return tally;
}

function verdictOf({ passed, failures, refused, skipped }: ConformTally): string {
  const parts = [`${passed} passed`, `${failures.length} failed`];
  if (refused.size > 0) parts.push(`${sum(refused)} refused on purpose`);
  if (skipped.size > 0) parts.push(`${sum(skipped)} skipped`);
  return parts.join(', ');
}

function failureTable(failures: readonly VectorFailure[]): Table {
  return {
    columns: [
      { title: 'failed' },
      { title: 'operation', align: 'right' },
      { title: 'field' },
      { title: 'expected' },
      { title: 'got' },
    ],
    rows: failures.map(({ id, op, field, expected, got }) => [
      id,
      op === null ? null : String(op),
      field,
      String(expected),
      { text: String(got), tone: 'bad' },
    ]),
  };
}

function failureLine({ id, op, field, expected, got }: VectorFailure): string {
  const where = op === null ? '' : ` op ${op}`;
  return `FAILED ${id}${where}: ${field}: expected ${expected}, got ${got}`;
}

function sectionsOf({ failures }: ConformTally): Section[] {
  if (failures.length === 0) return [];
  const text = failures.map(failureLine).join('\n');
  return [
    { id: 'failures', title: 'The first difference of each failure', rank: 'main', blocks: [{ kind: 'text', text }] },
  ];
}

/** How many cases passed, and the first difference of each that failed. */
export function conformAnswer(tally: ConformTally): Answer {
  const { passed, failures, refused, skipped } = tally;
  const counts = { passed, failed: failures.length, refused: sum(refused), skipped: sum(skipped) };
  return {
    schema: 'iommu.conform',
    version: 1,
    outcome: failures.length > 0 ? 'findings' : 'fine',
    verdict: verdictOf(tally),
    data: { ...counts, failures },
    sections: sectionsOf(tally),
    notes: [
      ...[...refused].map(([what, times]) => `refused on purpose: ${times} of ${what} (see iommu formats)`),
      ...[...skipped].map(([what, times]) => `skipped: ${times} of ${what}, which is not supported`),
    ],
    records: failures.length > 0 ? failures : [counts],
    csv: failureTable(failures),
  };
}
