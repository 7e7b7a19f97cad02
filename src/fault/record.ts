/**
 * What a fault line says, whatever the IOMMU: one record a fault.
 * @module
 */

/** Kinds of IOMMU whose lines are read. */
export type FaultIommu = 'arm-smmu' | 'arm-smmu-v3' | 'intel-vtd' | 'amd-vi' | 'riscv-iommu' | 'virtio-iommu' | 'iommu';

/**
 * What kind of thing happened, as far as the hardware says. `translation`: no valid entry; `permission`: an entry without
 * the right; `not-permitted`: the hardware does not tell these two apart (VT-d second-level tables have no valid bit).
 */
export type FaultKind =
  | 'translation'
  | 'permission'
  | 'not-permitted'
  | 'access-flag'
  | 'address-size'
  | 'input-range'
  | 'reserved-bits'
  | 'external-abort'
  | 'configuration'
  | 'tlb'
  | 'interrupt'
  | 'request'
  | 'unit'
  | 'unknown';

/** What the device wanted to do. */
export type FaultAccess = 'read' | 'write' | 'execute';

/** One field of the hardware's record. */
export interface FaultField {
  /** The architecture's name. */
  readonly name: string;
  /** `0x…` text. */
  readonly value: string;
  /** What the value stands for. */
  readonly meaning: string;
}

/** A line of a log. */
export interface LogLine {
  readonly text: string;
  /** From 1. */
  readonly number: number;
  /** The kernel's time stamp. */
  readonly seconds: number | undefined;
}

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

/** A number in hex text, with or without `0x`; `undefined` where it is none of at most 64 bits. */
export function parseHex(text: string | undefined): bigint | undefined {
  const digits = text?.replace(/^0x/i, '');
  return digits !== undefined && /^[0-9a-f]{1,16}$/i.test(digits) ? BigInt(`0x${digits}`) : undefined;
}

/** As {@link parseHex}, for values below 2^53. */
export function parseHexNumber(text: string | undefined): number | undefined {
  const value = parseHex(text);
  return value === undefined || value > BigInt(Number.MAX_SAFE_INTEGER) ? undefined : Number(value);
}

/** The requester id of a PCI address, `[segment:]bus:device.function`, hex digits with or without `0x`. */
export function requesterId(device: string | undefined): number | undefined {
  const match = /(?:^|:)(?:0x)?([0-9a-f]{1,2}):(?:0x)?([0-9a-f]{1,2})\.(?:0x)?([0-7])$/i.exec(device ?? '');
  if (match === null) return undefined;
  const [bus = 0, slot = 0, fn = 0] = match.slice(1).map((part) => Number.parseInt(part, 16));
  return slot > 31 ? undefined : bus * 256 + slot * 8 + fn;
}
