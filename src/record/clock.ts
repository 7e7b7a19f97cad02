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

/** The first line of a log that begins at boot. */
const BOOT_LINE = /\bLinux version \d/;

/** Characters that such a line has at most. */
const LONGEST_LINE = 256;
/** `sched_clock: Marking stable (…, A)->(…, B)`: log = mono + A, log = local + B (kernel/sched/clock.c). */
const MARKING_STABLE = /sched_clock: Marking stable \(-?\d{1,20}, (-?\d{1,20})\)->\(-?\d{1,20}, (-?\d{1,20})\)/;

/** Finds in a log, piece by piece, the line that tells how its clock stands to others. */
export class ClockLine {
  /** The line, or until it comes the log's first line if that is of a boot; null if neither came yet. */
  text: string | null = null;
  #found = false;
  readonly #decoder = new TextDecoder();
  #rest = '';

  /** Takes the next bytes of the log, cut anywhere. */
  push(bytes: Uint8Array): void {
    if (this.#found) return;
    const text = this.#rest + this.#decoder.decode(bytes, { stream: true });
    const line = MARKING_STABLE.exec(text)?.[0];
    this.#found = line !== undefined;
    this.text = line ?? this.text ?? BOOT_LINE.exec(text)?.[0] ?? null;
    this.#rest = text.slice(-LONGEST_LINE);
  }
}

/** Clock of a trace whose recording does not say: the one that the kernel begins with. */
const DEFAULT_CLOCK = 'local';

interface Described {
  readonly clock?: { readonly trace?: unknown; readonly logOffsetNs?: unknown };
  readonly tracing?: { readonly clock?: unknown };
}

/** Null for a text that is not a JSON object. */
function described(metadata: string | null): Described | null {
  try {
    const value: unknown = JSON.parse(metadata ?? 'null');
    return typeof value === 'object' ? value : null;
  } catch {
    return null;
  }
}

/**
 * The clock of a trace, from the metadata of its recording and from the log.
 * @param metadata - text of `metadata.json` beside the trace, null if there is none
 * @param log - text of the log, or its line that tells of clocks; null if there is none
 */
export function traceClock(metadata: string | null, log: string | null): ClockFacts {
  const facts = described(metadata);
  const { trace, logOffsetNs } = facts?.clock ?? {};
  const name = trace ?? facts?.tracing?.clock;
  const clock = typeof name === 'string' ? name : null;
  if (clock !== null && typeof logOffsetNs === 'number' && Number.isSafeInteger(logOffsetNs)) {
    return { trace: clock, logOffsetNs, from: 'metadata.json' };
  }
  if (clock !== null) return clockFacts(clock, log);
  const assumed = clockFacts(DEFAULT_CLOCK, log);
  return { ...assumed, trace: null, from: `${assumed.from}; the trace is taken to have the clock ${DEFAULT_CLOCK}` };
}

/**
 * What the trace's clock is to the log's.
 * @param log - text of the kernel's log, null if there is none
 */
export function clockFacts(trace: string | null, log: string | null): ClockFacts {
  if (trace === 'global') return { trace, logOffsetNs: 0, from: 'the trace clock global is the clock of the log' };
  const [, mono, local] = MARKING_STABLE.exec(log ?? '') ?? [];
  const offset = trace === 'mono' ? mono : trace === 'local' ? local : undefined;
  if (trace === 'local' && offset === undefined && BOOT_LINE.test(log ?? '')) {
    return { trace, logOffsetNs: 0, from: 'the log begins at boot and sets its clock apart from sched_clock nowhere' };
  }
  if (offset === undefined) return { trace, logOffsetNs: null, from: 'neither the clock nor the log tells it' };
  return { trace, logOffsetNs: Number(offset), from: 'the line "sched_clock: Marking stable" of the log' };
}

/** Architectures whose log and trace clock `local` are one: no line "Marking stable" (kernel/sched/clock.c is for x86). */
const ONE_CLOCK = /^(arm-smmu|qcom|riscv|apple|rk_|mtk|exynos|tegra|sun50i|ipmmu)/;

/**
 * The clock of a trace beside a log of faults: what {@link traceClock} says, and where that is nothing, what the log's IOMMUs say
 * of the machine.
 * @param iommus - the drivers of the log's faults, one for each fault
 */
export function clockBesideFaults(metadata: string | null, log: string | null, iommus: readonly string[]): ClockFacts {
  const facts = traceClock(metadata, log);
  // io_page_fault events carry the clock of a trace: the log is one itself
  const isTrace = iommus.length > 0 && iommus.every((iommu) => iommu === 'iommu');
  if (isTrace) return { ...facts, logOffsetNs: 0 };
  if (facts.logOffsetNs !== null) return facts;
  const isOne = iommus.length > 0 && iommus.every((iommu) => ONE_CLOCK.test(iommu));
  return isOne && (facts.trace === null || facts.trace === 'local') ? { ...facts, logOffsetNs: 0 } : facts;
}

/** What is done to the times of a trace, in words; undefined where nothing is. */
export function clockWords({ logOffsetNs, from }: ClockFacts): string | undefined {
  if (logOffsetNs === null) {
    return `how its clock stands to that of the log is not known (${from}): no order of calls and faults is claimed`;
  }
  if (logOffsetNs === 0) return undefined;
  return `times are moved by ${(logOffsetNs / 1e9).toFixed(6)} s to the clock of the log (${from})`;
}
