/**
 * Incidents counted by device and cause, however many there are.
 * @module
 */
import type { CauseName } from './cause-names.ts';
import type { FaultAccess, Incident, Origin } from './incident.ts';

/** Groups by region; twice as many in all. */
const MOST_GROUPS = 4096;

/** Incidents that differ only in address and time. */
export interface IncidentGroup {
  readonly iommu: string;
  readonly origin: Origin;
  readonly device: string | undefined;
  readonly stream: number | undefined;
  readonly access: FaultAccess | undefined;
  readonly name: string;
  readonly cause: CauseName;
  count: number;
  /** Lowest and highest address. */
  from: bigint | undefined;
  to: bigint | undefined;
  /** Lines of the first and the last incident. */
  readonly firstLine: number;
  lastLine: number;
}

/** Addresses of one group lie in one region of this many bits, as long as there are not too many groups. */
const REGION = 24n;

function wideKey({ iommu, device, stream, access, name }: Incident, cause: CauseName): string {
  return [iommu, device, stream, access, name, cause].join('|');
}

function keyOf(incident: Incident, cause: CauseName): string {
  return `${wideKey(incident, cause)}|${incident.iova === undefined ? '' : incident.iova >> REGION}`;
}

/** Counts incidents. */
export class IncidentTotals {
  readonly #groups = new Map<string, IncidentGroup>();
  readonly #causes = new Map<CauseName, number>();
  /** Incidents counted, and those that are in none of the groups. */
  readonly counts: { incidents: number; ungrouped: number } = { incidents: 0, ungrouped: 0 };

  /** Counts one incident under a cause. */
  add(incident: Incident, cause: CauseName): void {
    this.counts.incidents++;
    this.#causes.set(cause, (this.#causes.get(cause) ?? 0) + 1);
    const group = this.groupOf(incident, cause) ?? this.#begin(incident, cause);
    if (group === undefined) {
      this.counts.ungrouped++;
      return;
    }
    group.count++;
    group.lastLine = incident.line;
    widen(group, incident.iova);
  }

  /** A new group of a region, or of all regions where there are many groups; none where there are too many. */
  #begin(incident: Incident, cause: CauseName): IncidentGroup | undefined {
    if (this.#groups.size >= 2 * MOST_GROUPS) return undefined;
    const key = this.#groups.size < MOST_GROUPS ? keyOf(incident, cause) : wideKey(incident, cause);
    const { iommu, origin, device, stream, access, name, line } = incident;
    const group = { iommu, origin, device, stream, access, name, cause, count: 0, from: undefined, to: undefined };
    const whole: IncidentGroup = { ...group, firstLine: line, lastLine: line };
    this.#groups.set(key, whole);
    return whole;
  }

  /** Incidents by cause, the most frequent first. */
  causes(): [CauseName, number][] {
    return [...this.#causes].sort((a, b) => b[1] - a[1]);
  }

  /** The groups: those that say nothing last, then the largest first, of equals those of IOMMUs. */
  groups(): IncidentGroup[] {
    return [...this.#groups.values()].sort(
      (a, b) =>
        Number(isMute(a)) - Number(isMute(b)) ||
        b.count - a.count ||
        ofIommu(b) - ofIommu(a) ||
        a.firstLine - b.firstLine,
    );
  }

  /** The group that an incident is counted in. */
  groupOf(incident: Incident, cause: CauseName): IncidentGroup | undefined {
    return this.#groups.get(keyOf(incident, cause)) ?? this.#groups.get(wideKey(incident, cause));
  }
}

/** True for incidents without a cause, a device and an address: an announcement whose record is missing. */
function isMute({ cause, device, stream, from }: IncidentGroup): boolean {
  return cause === 'unknown' && device === undefined && stream === undefined && from === undefined;
}

function ofIommu({ origin }: IncidentGroup): number {
  return Number(origin === 'iommu');
}

function widen(group: IncidentGroup, iova: bigint | undefined): void {
  if (iova === undefined) return;
  if (group.from === undefined || iova < group.from) group.from = iova;
  if (group.to === undefined || iova > group.to) group.to = iova;
}
