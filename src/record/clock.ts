/**
 * The clock of a trace and the clock of the kernel's log.
 *
 * The log is stamped with local_clock() (kernel/printk), the trace clock `global` reads the same one
 * (trace_clock_global() in kernel/trace/trace_clock.c). `local` is sched_clock(), which is apart from it by a fixed
 * amount on x86; `mono` is CLOCK_MONOTONIC, whose rate the time service corrects.
 * @module
 */

/** Trace clocks in the order of preference: the log's own, then one at a fixed distance from it. */
export const TRACE_CLOCKS = ['global', 'local'] as const;

/** How the times of a trace become those of the log. */
export interface ClockFacts {
  /** Name of the trace's clock, as in `trace_clock`; null where the kernel does not say. */
  readonly trace: string | null;
  /** Nanoseconds to add to a time of the trace; null where it is not known. */
  readonly logOffsetNs: number | null;
  /** Where that is known from. */
  readonly from: string;
}

/** `sched_clock: Marking stable (…, A)->(…, B)`: log = mono + A, log = local + B (kernel/sched/clock.c). */
const MARKING_STABLE = /sched_clock: Marking stable \(-?\d{1,20}, (-?\d{1,20})\)->\(-?\d{1,20}, (-?\d{1,20})\)/;

/**
 * What the trace's clock is to the log's.
 * @param log - text of the kernel's log, null if there is none
 */
export function clockFacts(trace: string | null, log: string | null): ClockFacts {
  if (trace === 'global') return { trace, logOffsetNs: 0, from: 'the trace clock global is the clock of the log' };
  const [, mono, local] = MARKING_STABLE.exec(log ?? '') ?? [];
  const offset = trace === 'mono' ? mono : trace === 'local' ? local : undefined;
  if (offset === undefined) return { trace, logOffsetNs: null, from: 'neither the clock nor the log tells it' };
  return { trace, logOffsetNs: Number(offset), from: 'the line "sched_clock: Marking stable" of the log' };
}
