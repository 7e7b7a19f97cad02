/**
 * Descriptors that the driver puts into a VT-d invalidation queue. Intel VT-d specification, 6.5.2.
 * @module
 */

/** Kinds of descriptors, by index. */
export const VTD_NAMES = [
  'context-cache invalidation',
  'IOTLB invalidation',
  'device-TLB invalidation',
  'invalidation wait',
  'PASID-based IOTLB invalidation',
  'PASID-cache invalidation',
] as const;

/** A kind as an index of {@link VTD_NAMES}. */
export const KIND = { context: 0, iotlb: 1, deviceTlb: 2, wait: 3, pasidIotlb: 4, pasidCache: 5 } as const;

/** Types by kind, bits 3:0 of the first word (6.5.2). */
export const TYPES: readonly number[] = [1, 2, 3, 5, 6, 7];

/** Granularity of a context-cache invalidation, bits 5:4 (6.5.2.1). */
export const CONTEXT = { global: 0x10, device: 0x30 } as const;
/** Granularity of an IOTLB invalidation, bits 5:4; DW 6, DR 7 drain (6.5.2.3). */
export const IOTLB = { global: 0x10, domain: 0x20, page: 0x30, drain: 0xc0 } as const;
/** IH, bit 6 of the third word: no table entry changed (6.5.2.3). */
export const HINT = 0x40;
/** Granularity of a PASID-based IOTLB invalidation, bits 5:4 (6.5.2.4). */
export const PASID_IOTLB = { all: 0x20, page: 0x30 } as const;
/** Granularity of a PASID-cache invalidation, bits 5:4 (6.5.2.2). */
export const PASID_CACHE = { domain: 0, one: 0x10, global: 0x30 } as const;
/** DID, bits 31:16. */
export const DID_SHIFT = 16;
/** S of a device-TLB invalidation (6.5.2.5). */
export const DEVICE_TLB_SIZE = 1;
/** Wait (6.5.2.8): SW 5. Status values as Linux writes them. */
export const WAIT = { store: 0x20, pending: 1, done: 2, aborted: 3 } as const;
