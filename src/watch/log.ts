/**
 * Faults of the kernel's log as they come. Lines of one incident arrive together: a pause ends it.
 * @module
 */
import { FaultLog } from '../fault/log.ts';

/** Intervals after which a log that never pauses is cut. */
const MOST_INTERVALS = 5;
/** Incidents told of one interval. */
const MOST_TOLD = 20;

/** One incident, for people and programs. */
export interface FaultSeen {
  readonly iommu: string;
  readonly device: string | null;
  readonly name: string;
  readonly meaning: string;
}

/** Incidents of one interval. */
export interface FaultsSeen {
  readonly count: number;
  readonly first: readonly FaultSeen[];
}

/** Takes the log piece by piece. */
export class WatchedLog {
  /** Messages that the kernel says it left out. */
  suppressed = 0;
  /** Lines that were not understood so far, and the first of them. */
  unknown = 0;
  firstUnknown: string | null = null;
  /** Incidents so far. */
  total = 0;
  #log = new FaultLog();
  #pending = 0;
  #fresh = false;

  /** Takes the next bytes. */
  push(bytes: Uint8Array): void {
    this.#log.push(bytes);
    this.#fresh = true;
  }

  /** What was complete by the end of an interval; `last`: whatever is open. */
  take(last = false): FaultsSeen {
    this.#pending += this.#fresh ? 1 : 0;
    const isPause = !this.#fresh && this.#pending > 0;
    this.#fresh = false;
    if (!(isPause || last || this.#pending >= MOST_INTERVALS)) return { count: 0, first: [] };
    const log = this.#log;
    log.end();
    this.#log = new FaultLog();
    this.#pending = 0;
    const count = log.incidents.length + log.counts.dropped;
    this.total += count;
    this.suppressed += log.counts.suppressed;
    this.#countUnknown(log);
    const first = log.incidents.slice(0, MOST_TOLD).map(({ iommu, device, name, meaning }) => ({
      iommu,
      device: device ?? null,
      name,
      meaning,
    }));
    return { count, first };
  }

  /** A log without a line of a driver names none beside them: here it is a part of a longer one. */
  #countUnknown({ counts, unknown, foreign }: FaultLog): void {
    const { used, quiet } = counts;
    const alone = used + quiet + counts.unknown === 0;
    this.unknown += alone ? foreign.faultCount : counts.unknown;
    this.firstUnknown ??= (alone ? foreign.faults : unknown)[0]?.text ?? null;
  }
}
