/**
 * The lines of one incident, complete, into the incident.
 * @module
 */
import type { FaultDriver } from './contract.ts';
import type { Draft } from './draft.ts';
import { hintsOf } from './hints.ts';
import { canonicalDevice, type Incident } from './incident.ts';

/** Decodes an incident to which no more lines come. */
export function decodeDraft(draft: Draft, driver: FaultDriver): Incident {
  const { device, ...decoded } = driver.decode(draft);
  const incident: Incident = {
    stream: undefined,
    pasid: undefined,
    iova: undefined,
    access: undefined,
    stage: undefined,
    words: undefined,
    fields: [],
    cause: undefined,
    candidates: undefined,
    excluded: [],
    next: [],
    complete: true,
    ...decoded,
    iommu: driver.id,
    origin: driver.origin,
    unit: draft.unit,
    device: canonicalDevice(device),
    notes: decoded.notes ?? [],
    line: draft.line,
    lines: draft.lines,
    seconds: draft.seconds,
    events: draft.events,
  };
  return { ...incident, notes: [...incident.notes, ...hintsOf(incident), ...draft.notes] };
}
