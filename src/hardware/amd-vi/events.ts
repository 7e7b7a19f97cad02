/**
 * Entries of the AMD IOMMU event log (AMD 48882, 2.5).
 * @module
 */
import type { Field } from '../bits.ts';

/** Bytes of an event. */
export const AMD_EVENT_BYTES = 16;

/** EventCode (2.5). */
export const AMD_EVENT = {
  illegalDeviceTableEntry: 1,
  ioPageFault: 2,
  deviceTableHardwareError: 3,
  pageTableHardwareError: 4,
  illegalCommand: 5,
  commandHardwareError: 6,
  iotlbInvalidationTimeout: 7,
  invalidDeviceRequest: 8,
} as const;

/** Names by EventCode. */
export const AMD_EVENT_NAMES: ReadonlyMap<number, string> = new Map([
  [1, 'ILLEGAL_DEV_TABLE_ENTRY'],
  [2, 'IO_PAGE_FAULT'],
  [3, 'DEV_TAB_HARDWARE_ERROR'],
  [4, 'PAGE_TAB_HARDWARE_ERROR'],
  [5, 'ILLEGAL_COMMAND_ERROR'],
  [6, 'COMMAND_HARDWARE_ERROR'],
  [7, 'IOTLB_INV_TIMEOUT'],
  [8, 'INVALID_DEVICE_REQUEST'],
  [9, 'INVALID_PPR_REQUEST'],
]);

/** Fields of events; each event has only some of them, and the others are 0. */
export const AMD_EVENT_FIELDS: readonly Field[] = [
  { name: 'DeviceID', at: 0, bits: 16 },
  { name: 'PASID[19:16]', at: 16, bits: 4 },
  { name: 'DomainID', at: 32, bits: 16 },
  { name: 'GN', at: 48, bits: 1 },
  { name: 'NX', at: 49, bits: 1 },
  { name: 'US', at: 50, bits: 1 },
  { name: 'I', at: 51, bits: 1 },
  { name: 'PR', at: 52, bits: 1 },
  { name: 'RW', at: 53, bits: 1 },
  { name: 'PE', at: 54, bits: 1 },
  { name: 'RZ', at: 55, bits: 1 },
  { name: 'TR', at: 56, bits: 1 },
  { name: 'Type', at: 57, bits: 2 },
  { name: 'EventCode', at: 60, bits: 4 },
  { name: 'Address', at: 64, bits: 64, shift: 0 },
];
