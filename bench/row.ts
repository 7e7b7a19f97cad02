// One row of the table, and what it is made of.
import { type Measured, type Spread, spreadOf } from '../src/bench/index.ts';

/** What a figure counts. */
export type Measure = 'ns a page' | 'ns' | 'ratio' | 'events a second' | 'ms' | 'bytes';

/** One row. */
export interface Row {
  readonly work: string;
  /** What is inside the timing. */
  readonly inside: string;
  readonly measure: Measure;
  /** In `measure`, hot. */
  readonly value: number;
  readonly spread?: Spread;
  /** Hot samples. */
  readonly samples: number;
  /** Nanoseconds a page, a call or an event, hot. */
  readonly hotNs?: number;
  /** The same of the first call after other work. */
  readonly coldNs?: number;
  /** Nanoseconds of that call as a whole. */
  readonly coldCallNs?: number;
  readonly coldSamples?: number;
  /** Nanoseconds that were taken off each cold sample: what two readings of the clock take, cold. */
  readonly coldReadingNs?: number;
  /** Nanoseconds of the floor an entry, sampled in turn with this row. */
  readonly floorNs?: number;
  /** Goals that the row is held against; none: the figure is only reported. */
  readonly goal?: Goal;
  /** Linux 6.1's own C code. */
  readonly linux?: Linux;
  /** Options with which `iommu bench` measures the same call. */
  readonly cli?: readonly string[];
  /** What `iommu bench` gave, in `measure`, measured just after this row. */
  readonly cliValue?: number;
  /** The same in floors of its own run: the machine may have another speed by then. */
  readonly cliFloors?: number;
}

/** A goal; all parts of it must be reached. */
export interface Goal {
  readonly text: string;
  /** The part of the first call in words, where there is one. */
  readonly coldText?: string;
  /** Most that the value may be, or least where `atLeast`. */
  readonly limit?: number;
  readonly atLeast?: boolean;
  /** Most floors that it may cost, hot. */
  readonly floors?: number;
  /** Most nanoseconds of the first call, cold. */
  readonly coldCallNs?: number;
}

/** Hot times of Linux's code, measured elsewhere: see docs/numbers.md. */
export interface Linux {
  readonly ns?: string;
  /** Floors of that run. */
  readonly floors: string;
}

/** What a row says of itself. */
export interface About {
  readonly work: string;
  readonly inside: string;
  readonly goal?: Goal;
  readonly linux?: Linux;
  readonly cli?: readonly string[];
}

const PER: Partial<Record<Measure, (ns: number, pieces: number) => number>> = {
  ns: (ns, pieces) => ns / pieces,
  'ns a page': (ns, pieces) => ns / pieces,
  ms: (ns) => ns / 1e6,
  'events a second': (ns, pieces) => (pieces / ns) * 1e9,
};

/**
 * The row of a measurement.
 * @param pieces pages or events of the work done once
 * @param piecesOfCold pages of the call that was timed cold
 */
export function rowOf(
  about: About,
  measure: Measure,
  measured: Measured,
  pieces = 1,
  piecesOfCold: number = pieces,
): Row {
  const { hot, cold, samples, coldSamples, coldReadingNs, floors } = measured;
  const per = (ns: number): number => (PER[measure] ?? ((value) => value))(ns, pieces);
  const value = per(hot.median);
  const mad = measure === 'events a second' ? (value * hot.mad) / hot.median : per(hot.mad);
  return {
    ...about,
    measure,
    value,
    spread: { median: value, mad, p99: per(hot.p99) },
    samples,
    hotNs: hot.median / pieces,
    ...(cold === undefined
      ? {}
      : { coldNs: cold.median / piecesOfCold, coldCallNs: cold.median, coldSamples, coldReadingNs }),
    floorNs: spreadOf(floors).median,
  };
}

/** How many floors a page, call or event costs hot; undefined for rows that are no time. */
export function inFloors({ hotNs, floorNs }: Row): number | undefined {
  return hotNs === undefined || floorNs === undefined ? undefined : hotNs / floorNs;
}

/** Whether a row reaches the part of its goal that is hot, without the first call; undefined without a goal. */
export function reachedHot(row: Row): boolean | undefined {
  const { goal, value } = row;
  if (goal === undefined) return undefined;
  const byValue = goal.limit === undefined || (goal.atLeast === true ? value >= goal.limit : value <= goal.limit);
  return byValue && isAtMost(inFloors(row), goal.floors);
}

/** Whether the first call, cold, reaches its part of the goal; undefined where the goal has none. */
export function reachedCold({ goal, coldCallNs }: Row): boolean | undefined {
  return goal?.coldCallNs === undefined ? undefined : isAtMost(coldCallNs, goal.coldCallNs);
}

/** Whether a row reaches all of its goal; undefined without one. */
export function reached(row: Row): boolean | undefined {
  const hot = reachedHot(row);
  return hot === undefined ? undefined : hot && reachedCold(row) !== false;
}

function isAtMost(got: number | undefined, limit: number | undefined): boolean {
  return limit === undefined || (got !== undefined && got <= limit);
}
