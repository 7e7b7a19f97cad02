/**
 * What a fault line says, whatever the IOMMU: one record a fault.
 * @module
 */

import { canonicalDevice, type FaultAccess, type FaultField, type FaultKind, type Incident } from './incident.ts';
import type { LogLine } from './log-line.ts';

/** Kinds of IOMMU whose lines are read. */
export type FaultIommu = 'arm-smmu' | 'arm-smmu-v3' | 'intel-vtd' | 'amd-vi' | 'riscv-iommu' | 'virtio-iommu' | 'iommu';

/** One fault as the log has it. */
export interface FaultRecord {
  readonly iommu: FaultIommu;
  /** Name of the IOMMU instance, where the line has it. */
  unit: string | undefined;
  /** Name of the device as printed: a PCI address, a client. */
  device: string | undefined;
  /** Stream id, requester id or device id. */
  stream: number | undefined;
  /** PASID or substream id. */
  pasid: number | undefined;
  iova: bigint | undefined;
  access: FaultAccess | undefined;
  /** Stage of translation that faulted. */
  stage: 1 | 2 | undefined;
  kind: FaultKind;
  /** The architecture's name for it: `F_TRANSLATION`, `IO_PAGE_FAULT`, `TF`, `fault reason 0x05`, `cause 13`. */
  name: string;
  /** The name in words. */
  meaning: string;
  fields: FaultField[];
  /** Remarks: what else the lines say, what is odd about them. */
  notes: string[];
  readonly line: number;
  readonly seconds: number | undefined;
  /** False where lines that belong to it are missing. */
  complete: boolean;
}

/** A record with nothing known but where it stands. */
export function createRecord(iommu: FaultIommu, line: LogLine, kind: FaultKind, name: string): FaultRecord {
  return {
    iommu,
    unit: undefined,
    device: undefined,
    stream: undefined,
    pasid: undefined,
    iova: undefined,
    access: undefined,
    stage: undefined,
    kind,
    name,
    meaning: '',
    fields: [],
    notes: [],
    line: line.number,
    seconds: line.seconds,
    complete: true,
  };
}

/** Reads the lines of one driver. */
export interface FaultReader {
  /**
   * Takes a line. Gives a new record (which later lines may complete), `true` for a line that belongs to its driver but
   * starts no record, or `false` for any other line.
   */
  take(line: LogLine): FaultRecord | boolean;
}

/** The incident of a finished record. */
export function toIncident(record: FaultRecord): Incident {
  return {
    ...record,
    origin: 'iommu',
    device: canonicalDevice(record.device),
    words: undefined,
    cause: undefined,
    candidates: undefined,
    excluded: [],
    lines: [record.line],
    events: [],
  };
}
