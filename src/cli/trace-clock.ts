/**
 * Times of traces as times of the log beside them.
 * @module
 */
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Incident } from '../fault/incident.ts';
import { traceClock } from '../record/clock.ts';
import { say } from './io.ts';

function metadataBeside(path: string): string | null {
  try {
    return readFileSync(join(dirname(path), 'metadata.json'), 'utf8');
  } catch {
    return null;
  }
}

/** Architectures whose log and trace clock `local` are one: no line "Marking stable" (kernel/sched/clock.c is for x86). */
const ONE_CLOCK = /^(arm-smmu|qcom|riscv|apple|rk_|mtk|exynos|tegra|sun50i|ipmmu)/;

/** Offset of a trace whose recording does not say its clock, where the log shows a machine with one clock. */
function assumedOffset(trace: string | null, incidents: readonly Incident[], known: number | null): number | null {
  // io_page_fault events carry the clock of a trace: the log is one itself
  if (incidents.length > 0 && incidents.every(({ iommu }) => iommu === 'iommu')) return 0;
  if (known !== null) return known;
  const isOne = incidents.length > 0 && incidents.every(({ iommu }) => ONE_CLOCK.test(iommu));
  return isOne && (trace === null || trace === 'local') ? 0 : null;
}

/**
 * Nanoseconds that make times of the log out of times of the traces, null where they are not known; says both.
 * @param line - the line of the log that tells of clocks, null if there is none
 */
export function clockOffset(
  traces: readonly string[],
  line: string | null,
  incidents: readonly Incident[],
  quiet: boolean,
): number | null {
  const [first = ''] = traces;
  const { trace, logOffsetNs, from } = traceClock(metadataBeside(first), line);
  const offset = assumedOffset(trace, incidents, logOffsetNs);
  if (!quiet && offset === null) {
    say(
      `${first}: how its clock stands to that of the log is not known (${from}): no order of calls and faults is claimed`,
    );
  }
  if (!quiet && offset !== null && offset !== 0) {
    say(`${first}: times are moved by ${(offset / 1e9).toFixed(6)} s to the clock of the log (${from})`);
  }
  return offset;
}
