// Sampling with tinybench, with the floor in turn with the work.
import { Bench } from 'tinybench';
import { Floor, type Spread, spreadOf } from '../src/bench/index.ts';
import type { TableMemory } from '../src/memory/index.ts';

/** Milliseconds with fractions. */
export const clock = (): number => performance.now();

const WARM_MS = 1000;

/** One piece of work that is sampled. */
export interface Job {
  readonly name: string;
  readonly samples: number;
  /** Does one sample and returns the milliseconds of its timed part. */
  readonly sample: () => number;
}

/** Samples of a job, in nanoseconds, and the floor of the same moments. */
export interface Sampled {
  readonly spread: Spread;
  readonly samples: number;
  readonly floorNs: number;
}

/** Times one call. */
export function timed(work: () => void): number {
  const start = clock();
  work();
  return clock() - start;
}

function warmUp(job: Job): void {
  const end = clock() + WARM_MS;
  for (let i = 0; i < 3 || clock() < end; i++) job.sample();
}

/**
 * Runs a job with tinybench; before each sample the floor is sampled in `memory`.
 * @throws Error where the work fails.
 */
export function run(job: Job, memory: TableMemory): Sampled {
  const floor = new Floor(memory);
  floor.tune(clock, 20_000);
  warmUp(job);
  const floors: number[] = [];
  const bench = new Bench({ iterations: job.samples, time: 0, warmup: false, throws: true, retainSamples: true });
  bench.add(job.name, () => {
    floors.push(floor.sample(clock));
    return { overriddenDuration: job.sample() };
  });
  const [task] = bench.runSync();
  floor.free();
  const { result } = task ?? {};
  if (result === undefined || !('latency' in result)) throw new Error(`${job.name}: no result`);
  const { p50, mad, p99, samplesCount } = result.latency;
  return {
    spread: { median: p50 * 1e6, mad: mad * 1e6, p99: p99 * 1e6 },
    samples: samplesCount,
    floorNs: spreadOf(floors).median,
  };
}
