/**
 * Commands that the driver puts into an AMD-Vi command buffer. AMD 48882, 2.4.
 * @module
 */

/** Kinds of commands, by index: the names of the specification. */
export const AMD_NAMES = [
  'COMPLETION_WAIT',
  'INVALIDATE_DEVTAB_ENTRY',
  'INVALIDATE_IOMMU_PAGES',
  'INVALIDATE_IOTLB_PAGES',
  'INVALIDATE_IOMMU_ALL',
] as const;

/** A kind as an index of {@link AMD_NAMES}. */
export const KIND = { wait: 0, deviceEntry: 1, pages: 2, deviceTlb: 3, all: 4 } as const;

/** Opcodes by kind, bits 63:60 of the first quadword (2.4). */
export const OPCODES: readonly number[] = [1, 2, 3, 4, 8];
/** Where the opcode lies in the second word. */
export const OPCODE_SHIFT = 28;
/** COMPLETION_WAIT.S (2.4.1). */
export const STORE = 1;
/** INVALIDATE_IOMMU_PAGES (2.4.3): S 0, PDE 1, GN 2 of the second quadword. */
export const PAGES = { size: 1, tables: 2, guest: 4 } as const;
