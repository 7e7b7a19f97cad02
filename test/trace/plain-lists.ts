/**
 * Lists of runs that lines of a trace make, as plain arrays.
 * @module
 */
import { CONTEXT, type TraceEvent } from '../../src/trace/index.ts';

/** Who an event is of, and when. */
export interface Origin {
  readonly who: number;
  readonly time: number;
  readonly task: number;
  readonly pid: number;
  readonly cpu: number;
}

/** Contiguous memory. */
export interface Run {
  readonly pa: number;
  readonly size: number;
}

/** Runs that follow each other. */
export interface List extends Origin {
  readonly start: number;
  readonly runs: readonly Run[];
}

/** A range that was unmapped. */
export interface Unmap extends Origin {
  readonly start: number;
  readonly end: number;
}

/** The task, or the processor where it is interrupted. */
export function originOf({ context, pid, cpu, time, task }: TraceEvent): Origin {
  const inTask = context === CONTEXT.TASK || context === CONTEXT.UNKNOWN;
  const who = inTask && pid !== 0 ? pid : -1 - (cpu + 1) * 4 - (inTask ? CONTEXT.TASK : context);
  return { who, time, task, pid, cpu };
}

/** Bytes of runs. */
export const sum = (runs: readonly Run[]): number => runs.reduce((bytes, { size }) => bytes + size, 0);
/** Behind the last run. */
export const endOf = ({ start, runs }: List): number => start + sum(runs);

/** Addresses where runs of a list begin or end. */
export function boundariesOf({ start, runs }: List): number[] {
  return boundaries(
    start,
    runs.map(({ size }) => size),
  );
}

/** Addresses where runs of these sizes, one behind the other, begin or end. */
export function boundaries(start: number, sizes: readonly number[]): number[] {
  const all = [start];
  let end = start;
  for (const size of sizes) {
    end += size;
    all.push(end);
  }
  return all;
}

/** A list cut before the run that holds an address. */
export function cutBefore(list: List, address: number): [List, List] {
  const count = boundariesOf(list).filter((at, index) => index > 0 && at <= address).length;
  const before = { ...list, runs: list.runs.slice(0, count) };
  return [before, { ...list, start: endOf(before), runs: list.runs.slice(count) }];
}
