/**
 * An incident: what one interrupt of an IOMMU printed, in one line or many, decoded.
 * @module
 */
import type { CauseName } from './cause-names.ts';

/** Where an incident comes from: an IOMMU; a device's own MMU; the kernel or a program that refused or warned. */
export type Origin = 'iommu' | 'device-mmu' | 'software';

/**
 * What the hardware word says, as far as it says. `translation`: no valid entry; `permission`: an entry without the
 * right; `not-permitted`: the hardware does not tell these two apart (VT-d second-stage tables have no valid bit);
 * `conflict`: two entries or two configurations match; `device-timeout`: a device did not answer an invalidation;
 * `software`: no hardware fault at all.
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
  | 'conflict'
  | 'interrupt'
  | 'request'
  | 'device-timeout'
  | 'unit'
  | 'software'
  | 'unknown';

/** What the device wanted to do. */
export type FaultAccess = 'read' | 'write' | 'execute';

/** One field of the hardware's record. */
export interface FaultField {
  /** The architecture's name. */
  readonly name: string;
  /** `0x…` text, or the word that was printed. */
  readonly value: string;
  /** What the value stands for; empty where the name says it. */
  readonly meaning: string;
  /** Where it lies in the record, or in the register that the field before without a place gives; left out where that is not known. */
  readonly place?: FieldPlace;
}

/** Bits of a record or register. */
export interface FieldPlace {
  /** First bit, counted from bit 0 of the first word. */
  readonly at: number;
  readonly bits: number;
  /** The value stands for an address, of which the field holds the bits from this one up. */
  readonly shift?: number;
  /** True for a field of the hardware's record. */
  readonly inRecord?: boolean;
}

/** A cause that what was read excludes. */
export interface Exclusion {
  readonly name: CauseName;
  /** Which evidence excludes it. */
  readonly why: string;
}

/** Something to do next. */
export interface NextStep {
  readonly text: string;
  /** Documentation, specification or source that it was taken from. */
  readonly source: string;
}

/** One line of an incident, in the order of the log. */
export interface IncidentEvent {
  readonly line: number;
  readonly seconds: number | undefined;
  /** What the line adds to the story. */
  readonly words: string;
}

/** What a driver's file makes of the lines of one incident. Fields that the lines do not hold are left out. */
export interface Decoded {
  readonly kind: FaultKind;
  /** The architecture's name for it: `F_TRANSLATION`, `IO_PAGE_FAULT`, `TF`, `fault reason 0x05`, `cause 13`. */
  readonly name: string;
  /** The name in words. */
  readonly meaning: string;
  /** The whole incident in one sentence, where {@link Incident.words} would not suit: errors of units, software. */
  readonly words?: string | undefined;
  /** Name of the device as printed: a PCI address in any form, a client, a master. */
  readonly device?: string | undefined;
  /** Stream id, source-id or device id. */
  readonly stream?: number | undefined;
  /** PASID or SubstreamID. */
  readonly pasid?: number | undefined;
  readonly iova?: bigint | undefined;
  readonly access?: FaultAccess | undefined;
  /** Stage of translation that faulted. */
  readonly stage?: 1 | 2 | undefined;
  readonly fields?: readonly FaultField[];
  /** Remarks: what else the lines say, what is odd about them. */
  readonly notes?: readonly string[];
  /** The cause, where the record itself decides it more finely than its kind does. */
  readonly cause?: CauseName | undefined;
  /** Causes that remain possible, most likely first, where the record narrows those of its kind. */
  readonly candidates?: readonly CauseName[] | undefined;
  /** Causes that the record excludes beyond those of its kind. */
  readonly excluded?: readonly Exclusion[];
  /** What to do next, where the lines suggest more than their cause does. */
  readonly next?: readonly NextStep[];
  /** False where lines that belong to it are missing. */
  readonly complete?: boolean;
}

/** One incident as the log has it. */
export interface Incident {
  /** Id of the driver whose lines these are. */
  readonly iommu: string;
  readonly origin: Origin;
  /** Name of the IOMMU instance, where the lines have it. */
  readonly unit: string | undefined;
  /** `0000:00:02.0` where it is a PCI function, whatever the log wrote; else as printed. */
  readonly device: string | undefined;
  readonly stream: number | undefined;
  readonly pasid: number | undefined;
  readonly iova: bigint | undefined;
  readonly access: FaultAccess | undefined;
  readonly stage: 1 | 2 | undefined;
  readonly kind: FaultKind;
  readonly name: string;
  readonly meaning: string;
  readonly words: string | undefined;
  readonly fields: readonly FaultField[];
  readonly notes: readonly string[];
  readonly cause: CauseName | undefined;
  readonly candidates: readonly CauseName[] | undefined;
  readonly excluded: readonly Exclusion[];
  readonly next: readonly NextStep[];
  /** Number of the first line. */
  readonly line: number;
  /** Numbers of its lines, at most {@link MOST_LINES}. */
  readonly lines: readonly number[];
  readonly seconds: number | undefined;
  readonly events: readonly IncidentEvent[];
  readonly complete: boolean;
}

/** Line numbers and events kept of one incident. */
export const MOST_LINES = 64;

const PCI = /^(?:0x)?(?:([0-9a-f]{4,8}):)?(?:0x)?([0-9a-f]{1,2}):(?:0x)?([0-9a-f]{1,2})\.(?:0x)?([0-7])$/i;

function pciParts(device: string | undefined): readonly [number, number, number, number] | undefined {
  const match = PCI.exec(device ?? '');
  if (match === null) return undefined;
  const [segment = 0, bus = 0, slot = 0, fn = 0] = match.slice(1).map((part) => Number.parseInt(part ?? '0', 16));
  return slot > 31 ? undefined : [segment, bus, slot, fn];
}

/** The requester id of a PCI address, `[segment:]bus:device.function`, hex digits with or without `0x`. */
export function requesterId(device: string | undefined): number | undefined {
  const parts = pciParts(device);
  return parts === undefined ? undefined : parts[1] * 256 + parts[2] * 8 + parts[3];
}

/** A PCI address in any form as `0000:00:02.0`; any other name as it is. */
export function canonicalDevice(device: string | undefined): string | undefined {
  const parts = pciParts(device);
  if (parts === undefined) return device;
  const [segment, bus, slot, fn] = parts;
  const digits = (value: number, width: number): string => value.toString(16).padStart(width, '0');
  return `${digits(segment, 4)}:${digits(bus, 2)}:${digits(slot, 2)}.${fn}`;
}

/** The PCI function of a requester id (bus 15:8, device 7:3, function 2:0), in segment 0 unless another is given. */
export function functionOf(requester: number, segment = 0): string {
  const [bus, slot] = [(requester >> 8) & 0xff, (requester >> 3) & 31];
  return (
    canonicalDevice(
      `${segment.toString(16).padStart(4, '0')}:${bus.toString(16)}:${slot.toString(16)}.${requester & 7}`,
    ) ?? ''
  );
}
