/**
 * Events of an AMD IOMMU by name and code, each with the flags that it defines (AMD 48882, 2.5 "Event Logging").
 * @module
 */
import type { BitField } from '../bit-fields.ts';
import type { FaultKind } from '../incident.ts';

// Flags that several events define (AMD 48882, 2.5): bit n is bit 48 + n of the event
/** GN: a guest address. */
export const GN: BitField = { name: 'GN', at: 0, meaning: 'a guest address, with a PASID' };
/** NX: a request to execute. */
export const NX: BitField = { name: 'NX', at: 1, meaning: 'a request to execute' };
/** I: interrupt request. */
export const I: BitField = {
  name: 'I',
  at: 3,
  meaning: { 0: 'a memory request', 1: 'an interrupt request' },
  always: true,
};
/** RZ: why an entry was refused. */
export const RZ: BitField = {
  name: 'RZ',
  at: 7,
  meaning: { 0: 'an illegal level encoding', 1: 'a reserved bit is set' },
  always: true,
};
/** TR: translation request. */
export const TR: BitField = { name: 'TR', at: 8, meaning: 'a translation request (ATS)' };
/** RW: read or write. */
export const RW: BitField = { name: 'RW', at: 5, meaning: { 0: 'a read', 1: 'a write' }, always: true };

/** Type of a hardware error, bits 58:57 (48882, 2.5.4 to 2.5.7). */
const ERROR_TYPE: BitField = {
  name: 'TYPE',
  at: 9,
  bits: 2,
  meaning: { 0: 'reserved', 1: 'master abort', 2: 'target abort', 3: 'data error' },
  always: true,
};

/** Type of an INVALID_DEVICE_REQUEST, bits 59:57 (48882, 2.5.9). */
export const REQUEST_TYPE: BitField = {
  name: 'TYPE',
  at: 9,
  bits: 3,
  meaning: {
    0: 'a read or non-posted write in the range of interrupt addresses',
    1: 'a translated request of a device that may not make them: ATS is off in its device table entry',
    2: 'an access to port I/O space, which the device table entry forbids',
    3: 'a posted write to an invalid address range',
    4: 'a read or non-posted write to an invalid address range',
    5: 'a posted write to the range of interrupts, and the device table entry blocks interrupts (IntCtl = 0)',
    6: 'a posted write to a reserved interrupt address',
    7: 'a posted write to the system management range, which the device table entry forbids',
  },
  always: true,
};

/** What an event is, and the flags that it defines. */
export interface AmdEvent {
  readonly kind: FaultKind;
  readonly meaning: string;
  /** What the address is: the device's, or a physical one of the IOMMU's own structures. */
  readonly address: 'device' | 'physical' | 'none';
  readonly flags: readonly BitField[];
}

/** Page faults: flags whose meaning depends on others are chosen in `amd-vi-events.ts`. */
export const PAGE_FAULT: AmdEvent = {
  kind: 'translation',
  meaning: 'the address could not be translated',
  address: 'device',
  flags: [],
};

/** Events by name (AMD 48882, 2.5 "Event Logging"). */
export const EVENTS: ReadonlyMap<string, AmdEvent> = new Map<string, AmdEvent>([
  [
    'ILLEGAL_DEV_TABLE_ENTRY',
    {
      kind: 'configuration',
      meaning: 'the device table entry is illegal',
      address: 'device',
      flags: [GN, I, RW, RZ, TR],
    },
  ],
  ['IO_PAGE_FAULT', PAGE_FAULT],
  [
    'DEV_TAB_HARDWARE_ERROR',
    {
      kind: 'external-abort',
      meaning: 'the device table could not be read',
      address: 'physical',
      flags: [I, RW, TR, ERROR_TYPE],
    },
  ],
  [
    'PAGE_TAB_HARDWARE_ERROR',
    {
      kind: 'external-abort',
      meaning: 'a page table could not be read',
      address: 'physical',
      flags: [GN, I, RW, TR, ERROR_TYPE],
    },
  ],
  [
    'ILLEGAL_COMMAND_ERROR',
    { kind: 'unit', meaning: 'a command in the command buffer is illegal', address: 'physical', flags: [] },
  ],
  [
    'COMMAND_HARDWARE_ERROR',
    {
      kind: 'external-abort',
      meaning: 'the command buffer could not be read',
      address: 'physical',
      flags: [ERROR_TYPE],
    },
  ],
  [
    'IOTLB_INV_TIMEOUT',
    {
      kind: 'device-timeout',
      meaning: 'the device did not answer an invalidation in time',
      address: 'physical',
      flags: [],
    },
  ],
  [
    'INVALID_DEVICE_REQUEST',
    {
      kind: 'request',
      meaning: 'the device made a request that it may not make',
      address: 'device',
      flags: [GN, { name: 'US', at: 1, meaning: 'with user privilege' }, TR, REQUEST_TYPE],
    },
  ],
  [
    'INVALID_PPR_REQUEST',
    {
      kind: 'request',
      meaning: 'the device made a page request that it may not make',
      address: 'device',
      flags: [
        { name: 'RX', at: 0, meaning: 'no response is sent' },
        { name: 'GN', at: 9, meaning: 'a guest address, with a PASID' },
      ],
    },
  ],
  ['EVENT_COUNTER_ZERO', { kind: 'unit', meaning: 'an event counter reached zero', address: 'none', flags: [] }],
  [
    'RMP_PAGE_FAULT',
    { kind: 'permission', meaning: 'the reverse map table (SNP) forbids the access', address: 'device', flags: [] },
  ],
  [
    'RMP_HW_ERROR',
    {
      kind: 'external-abort',
      meaning: 'the reverse map table (SNP) could not be read',
      address: 'physical',
      flags: [],
    },
  ],
]);

/** An event without a name. */
export const UNKNOWN: AmdEvent = { kind: 'unknown', meaning: 'an event without a name', address: 'none', flags: [] };
/** The first line of an event without the second. */
export const NO_BODY: AmdEvent = { ...UNKNOWN, meaning: 'the line with the event is missing' };

/** Names that Xen prints, as Linux names them. */
export const ALIASES: ReadonlyMap<string, string> = new Map([
  ['DEV_TABLE_HW_ERROR', 'DEV_TAB_HARDWARE_ERROR'],
  ['PAGE_TABLE_HW_ERROR', 'PAGE_TAB_HARDWARE_ERROR'],
  ['COMMAND_HW_ERROR', 'COMMAND_HARDWARE_ERROR'],
  ['INVALID_DEV_REQUEST', 'INVALID_DEVICE_REQUEST'],
]);
/** Names by code, bits 31:28 of the second word. */
export const BY_CODE: readonly (string | undefined)[] = [
  undefined,
  'ILLEGAL_DEV_TABLE_ENTRY',
  'IO_PAGE_FAULT',
  'DEV_TAB_HARDWARE_ERROR',
  'PAGE_TAB_HARDWARE_ERROR',
  'ILLEGAL_COMMAND_ERROR',
  'COMMAND_HARDWARE_ERROR',
  'IOTLB_INV_TIMEOUT',
  'INVALID_DEVICE_REQUEST',
  'INVALID_PPR_REQUEST',
  'EVENT_COUNTER_ZERO',
  undefined,
  undefined,
  'RMP_PAGE_FAULT',
  'RMP_HW_ERROR',
];
