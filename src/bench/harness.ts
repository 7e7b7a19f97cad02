/**
 * How every call is measured, in `iommu bench` and in `npm run bench`: hot, with the floor in turn, and cold.
 * @module
 */
import type { TableMemory } from '../memory/table-memory.ts';
import { Floor } from './floor.ts';
import { OtherWork } from './other-work.ts';
import { type Spread, spreadOf } from './statistics.ts';
import { type Clock, nanoseconds, type Timer } from './timer.ts';

/** Something that can be done many times. What it returns is checked, and undone, outside the timing. */
export interface Job {
  /** Most times that it can be done in one sample. */
  readonly most: number;
  /** Makes everything ready. */
  prepare(times: number): void;
  /** What is timed. */
  work(times: number): void;
  /** The one call that is timed cold; default: the work, done once. */
  single?(): void;
  /** Checks the results and undoes them. @throws Error where the work did not do what it was asked. */
  finish(times: number): void;
  /** Frees what the job holds. */
  end(): void;
}

/** How long something is measured. */
export interface Effort {
  /** Hot samples. */
  readonly samples: number;
  /** Cold samples; 0: none. */
  readonly coldSamples: number;
  /** The job is repeated for so long, and three times at least, before the first sample. */
  readonly warmMs: number;
}

/** Hot and cold times of a job, in nanoseconds. */
export interface Measured {
  /** Of the work done once, where it was done just before. */
  readonly hot: Spread;
  /** Hot samples. */
  readonly samples: number;
  /** How often the work was done in a hot sample. */
  readonly batch: number;
  /** Of the first call after 5 ms of other work, in compiled code, less {@link Measured.coldReadingNs}; undefined where none was asked for. */
  readonly cold: Spread | undefined;
  /** What was taken off each cold sample: the time between two readings of the clock, cold, with nothing between them. */
  readonly coldReadingNs: number;
  /** Cold samples. */
  readonly coldSamples: number;
  /** The floor's nanoseconds an entry, each taken before a hot sample. */
  readonly floors: Float64Array;
  /** Longest that a step of the clock is beside a hot sample: 0.1 where it is a tenth. */
  readonly coarseness: number;
}

/** A hot sample lasts this long at least, and this many steps of the clock. */
const LEAST_SAMPLE_NS = 20_000;
const LEAST_STEPS = 50;
const LEAST_WARM = 3;
/** So often the way to a cold sample is gone before the first: it is compiled then. */
const WARM_READINGS = 10_000;

const nothing = (): void => undefined;
/** What is measured to know what the measuring itself takes. */
const NOTHING: Job = { most: 1, prepare: nothing, work: nothing, finish: nothing, end: nothing };

/** Measures jobs over one memory. */
export class Harness {
  readonly #clock: Clock;
  readonly #timer: Timer;
  readonly #floor: Floor;
  readonly #other: OtherWork;
  #coldReadingNs: number | undefined;

  /** Takes 64 KiB of `memory` for the floor until {@link Harness.free}. */
  constructor(clock: Clock, timer: Timer, memory: TableMemory) {
    this.#clock = clock;
    this.#timer = timer;
    this.#floor = new Floor(memory);
    this.#other = new OtherWork(clock);
    this.#floor.tune(clock, this.#leastNs);
  }

  /** Gives the memory back. */
  free(): void {
    this.#floor.free();
  }

  /** Warms up, samples hot, and then cold. */
  measure(job: Job, effort: Effort): Measured {
    const shortest = this.#warmUp(job, effort.warmMs);
    const batch = Math.min(Math.max(1, Math.ceil(this.#leastNs / Math.max(1, shortest))), job.most);
    const floors = new Float64Array(effort.samples);
    const hot = new Float64Array(effort.samples);
    for (let i = 0; i < hot.length; i++) {
      floors[i] = this.#floor.sample(this.#clock);
      hot[i] = this.#hot(job, batch);
    }
    const reading = effort.coldSamples === 0 ? 0 : this.#coldReading(effort.coldSamples);
    return {
      hot: spreadOf(hot),
      samples: hot.length,
      batch,
      cold: effort.coldSamples === 0 ? undefined : this.#cold(job, effort.coldSamples, reading),
      coldReadingNs: reading,
      coldSamples: effort.coldSamples,
      floors,
      coarseness: this.#timer.resolutionNs / Math.max(1, batch * shortest),
    };
  }

  get #leastNs(): number {
    return Math.max(LEAST_SAMPLE_NS, LEAST_STEPS * this.#timer.resolutionNs);
  }

  /** The work is done as it will be timed cold, too: a first call is to be of compiled code. @returns the shortest time of the work done once */
  #warmUp(job: Job, warmMs: number): number {
    const end = this.#clock() + warmMs;
    let shortest = Number.POSITIVE_INFINITY;
    for (let done = 0; done < LEAST_WARM || this.#clock() < end; done++) {
      const times = done % 2 === 0 ? 1 : Math.min(job.most, 8);
      shortest = Math.min(shortest, this.#hot(job, times));
      if (job.single !== undefined) this.#once(job);
    }
    return shortest;
  }

  /** Nanoseconds of the work done once, of `times`. */
  #hot(job: Job, times: number): number {
    job.prepare(times);
    const start = nanoseconds(this.#clock);
    job.work(times);
    const ns = this.#since(start);
    job.finish(times);
    return ns / times;
  }

  /** The time between two readings of the clock, cold; found once, with the samples of the first job. */
  #coldReading(samples: number): number {
    if (this.#coldReadingNs === undefined) {
      for (let i = 0; i < WARM_READINGS; i++) this.#once(NOTHING);
      this.#coldReadingNs = this.#cold(NOTHING, samples, 0).median;
    }
    return this.#coldReadingNs;
  }

  /** `reading` is taken off each sample. */
  #cold(job: Job, samples: number, reading: number): Spread {
    return spreadOf(Float64Array.from({ length: samples }, () => Math.max(0, this.#once(job, this.#other) - reading)));
  }

  /** Nanoseconds of the one call, after other work if that is given. */
  #once(job: Job, before?: OtherWork): number {
    job.prepare(1);
    before?.run();
    const start = nanoseconds(this.#clock);
    if (job.single === undefined) job.work(1);
    else job.single();
    const ns = this.#since(start);
    job.finish(1);
    return ns;
  }

  /** Nanoseconds since `start`, less the time that one reading of the clock takes. */
  #since(start: number): number {
    return Math.max(0, nanoseconds(this.#clock) - start - this.#timer.readingNs);
  }
}
