/**
 * Scenarios of the table with several writers.
 * @module
 */
import { IommuError } from '../../errors.ts';
import { Layout } from '../layout.ts';
import type { Order, Scenario, Thread } from '../scenario.ts';
import { expectedOf, tableRules } from './rules.ts';
import { blockEntry, type Table, tableIn } from './table.ts';
import { walkOnce } from './walker.ts';
import { type Job, type TableBug, type Writer, write } from './writer.ts';

/** A table and what each writer does. No two jobs are about one page. */
export interface TableSetup {
  readonly name: string;
  /** 2 or 3. */
  readonly levels: number;
  /** Entries of a table, 2 to 8. */
  readonly entries: number;
  readonly coherent: boolean;
  readonly order: Order;
  /** First frames of the blocks in the root at the start, 0 for none. */
  readonly blocks?: readonly number[];
  /** For each writer, its jobs. */
  readonly writers: readonly (readonly Job[])[];
  /** Pages that a device walks for at any time, besides its accesses after each call. */
  readonly walks?: readonly number[];
  readonly bug?: TableBug | undefined;
}

/**
 * Writers on CPUs of their own, a device that accesses each page after its call, and walks at any time.
 * @throws IommuError `BAD_OPTION` if two jobs are about one page, or levels or entries are out of range
 */
export function tableScenario(setup: TableSetup): Scenario {
  const { name, order, levels, entries, coherent, blocks = [], walks = [], bug } = setup;
  const jobs = setup.writers.flat();
  check(setup, jobs);
  const layout = new Layout();
  const each = (list: readonly Job[]): number => list.length * (levels - 1);
  const shape = { levels, entries, coherent, pages: 1 + each(jobs) };
  const table = tableIn(
    layout,
    shape,
    blocks.map((frame) => (frame === 0 ? 0 : blockEntry(frame))),
  );
  let page = 1;
  const writers = setup.writers.map((list, id): Writer => {
    const returned = layout.cells(`returned ${id}`, list.length);
    const pages = Array.from({ length: each(list) }, () => page++);
    return { table, jobs: list, returned, pages, bug };
  });
  const rules = tableRules(table, expectedOf(table, blocks, jobs));
  return { name, order, layout, threads: [...cpus(writers), ...devices(table, writers, walks)], rules };
}

function cpus(writers: readonly Writer[]): Thread[] {
  return writers.map((writer, id) => ({ name: `CPU ${id}`, run: () => write(writer) }));
}

function devices(table: Table, writers: readonly Writer[], walks: readonly number[]): Thread[] {
  const accesses = writers.flatMap(({ jobs, returned }) =>
    jobs.map(({ input }, i) => ({ input, after: returned + i })),
  );
  return [
    ...accesses.map(({ input, after }) => walker(table, `access ${input}`, input, after)),
    ...walks.map((input) => walker(table, `walk ${input}`, input)),
  ];
}

function walker(table: Table, name: string, input: number, after?: number): Thread {
  return { name, device: true, run: () => walkOnce(table, input, after) };
}

function check({ levels, entries }: TableSetup, jobs: readonly Job[]): void {
  if (levels !== 2 && levels !== 3) throw new IommuError('BAD_OPTION', 'levels', `expected 2 or 3, got ${levels}`);
  if (!(Number.isInteger(entries) && entries >= 2 && entries <= 8)) {
    throw new IommuError('BAD_OPTION', 'entries', `expected 2 to 8, got ${entries}`);
  }
  const inputs = new Set(jobs.map(({ input }) => input));
  const outside = [...inputs].find((input) => !(Number.isInteger(input) && input >= 0 && input < entries ** levels));
  if (outside !== undefined) {
    throw new IommuError('BAD_OPTION', 'writers', `expected input pages below ${entries ** levels}, got ${outside}`);
  }
  if (inputs.size !== jobs.length)
    throw new IommuError('BAD_OPTION', 'writers', 'expected one job for each input page, got two');
}
