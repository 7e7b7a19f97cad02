// The harness of src/bench, with the effort of `npm run bench`: that of `iommu bench` for one row, with more samples.
import { type Effort, effortFor, Harness, type Job, type Measured, measureTimer } from '../src/bench/index.ts';
import { TableMemory } from '../src/memory/index.ts';

/** Milliseconds with fractions. */
export const clock = (): number => performance.now();

/** Hot samples of a short call. */
export const SAMPLES = 301;

/** Effort for a call that takes seconds or a good part of one. */
export const LONG: Effort = { samples: 5, coldSamples: 3, warmMs: 0 };

/** Times one call, in milliseconds. */
export function timed(work: () => void): number {
  const start = clock();
  work();
  return clock() - start;
}

/**
 * Measures a job, hot and cold; the floor is sampled in `memory`.
 * @throws Error where the work fails.
 */
export function run(
  job: Job,
  memory: TableMemory = new TableMemory(),
  effort: Effort = effortFor(1, SAMPLES),
): Measured {
  const harness = new Harness(clock, measureTimer(clock), memory);
  const measured = harness.measure(job, effort);
  harness.free();
  return measured;
}

/** A job that is done once a sample, with nothing around it but, perhaps, what makes it ready and what checks it. */
export function once(work: () => void, before?: () => void, after?: () => void): Job {
  return { most: 1, prepare: () => before?.(), work, finish: () => after?.(), end: () => undefined };
}
