/**
 * Quirks: what a format is asked for beyond widths and page sizes.
 * @module
 */

/**
 * Quirk flags: to bit 15 with the values of Linux's io-pgtable (include/linux/io-pgtable.h); from bit 16 on the features of its
 * generic page table (include/linux/generic_pt/common.h), which that numbers by format, and this library's own.
 */
export const QUIRK = {
  /** Non-secure bits in tables and leaves. */
  ARM_NS: 1,
  /** No permission bits. */
  NO_PERMS: 2,
  /** MediaTek's output bits 32 to 34. */
  ARM_MTK_EXT: 8,
  /** MediaTek's encoding in table entries too: tables above 4 GiB. */
  ARM_MTK_TTBR_EXT: 16,
  /** Upper-half input addresses. */
  ARM_TTBR1: 32,
  /** Outer write-back walks of a non-coherent walker. */
  ARM_OUTER_WBWA: 64,
  /** Hardware notes which leaves it wrote to (DBM), stage 1. */
  ARM_HD: 128,
  /** Stage 2 memory types as FEAT_S2FWB encodes them. */
  ARM_S2FWB: 256,
  /** The kernel keeps quiet about calls that it refuses; nothing else differs. */
  NO_WARN: 512,
  /** All 64 bits of an address are translated; set where that is so. */
  FULL_VA: 0x10000,
  /** The root grows by levels where an address asks for it. */
  DYNAMIC_TOP: 0x20000,
  /** The upper half of the input range lies below 2^64. */
  SIGN_EXTEND: 0x40000,
  /** Invalidation by range, gaps included. */
  FLUSH_RANGE: 0x80000,
  /** Invalidation by range, each gap beginning another. */
  FLUSH_RANGE_NO_GAPS: 0x100000,
  /** Invalidation that knows the levels. */
  DETAILED_GATHER: 0x200000,
  /** Tables in encrypted memory. */
  ENCRYPT_TABLES: 0x400000,
  /** Every access of the device snoops. */
  FORCE_COHERENCE: 0x800000,
  /** Pages that the device may not write are refused. */
  FORCE_WRITEABLE: 0x1000000,
  /** RISC-V Svnapot: contiguous pages of 64K. */
  SVNAPOT_64K: 0x2000000,
  /** RISC-V Svpbmt: memory types. */
  SVPBMT: 0x4000000,
  /** Arm long descriptors: contiguous entries as page sizes. This library's own. */
  ARM_CONTIGUOUS: 0x8000000,
  /** Arm long descriptors of 52 bits with 4K and 16K (FEAT_LPA2). This library's own. */
  ARM_LPA2: 0x10000000,
} as const;

/** Name of a quirk. */
export type QuirkName = keyof typeof QUIRK;
