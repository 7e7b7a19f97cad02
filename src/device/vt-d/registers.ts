/**
 * Register offsets and bits of a live VT-d unit (Intel VT-d, 11.4).
 * @module
 */

/** Offsets. The fault recording registers lie at CAP.FRO × 16. */
export const AT = {
  VER: 0x0,
  CAP: 0x8,
  ECAP: 0x10,
  GCMD: 0x18,
  GSTS: 0x1c,
  RTADDR: 0x20,
  CCMD: 0x28,
  FSTS: 0x34,
  FECTL: 0x38,
  FEDATA: 0x3c,
  FEADDR: 0x40,
  FEUADDR: 0x44,
  IQH: 0x80,
  IQT: 0x88,
  IQA: 0x90,
  ICS: 0x9c,
  IECTL: 0xa0,
  IEDATA: 0xa4,
  IEADDR: 0xa8,
  IEUADDR: 0xac,
  IQERCD: 0xb0,
  IRTA: 0xb8,
} as const;

/** Registers of 64 bits. */
export const WIDE: readonly string[] = ['CAP', 'ECAP', 'RTADDR', 'CCMD', 'IQH', 'IQT', 'IQA', 'IQERCD', 'IRTA'];

// 11.4.4.1 Global Command Register
export const GCMD = {
  TE: 0x8000_0000,
  SRTP: 0x4000_0000,
  WBF: 0x0800_0000,
  QIE: 0x0400_0000,
  IRE: 0x0200_0000,
} as const;
// 11.4.7.1 Fault Status Register
export const FSTS = { PFO: 1, PPF: 2, IQE: 0x10, ICE: 0x20, ITE: 0x40, PRO: 0x80 } as const;
/** Bits that are cleared by writing 1. */
export const FSTS_CLEARED = 0xf1;
/** IQA.DW: descriptors of 32 bytes. */
export const IQA_WIDE = 0x800;
/** FECTL.IP: an interrupt is pending. */
export const FECTL_PENDING = 0x4000_0000;
// 11.4.2 CAP, bits of the 64
export const CAP = { CM: 7, froAt: 24, froBits: 10, nfrAt: 40, nfrBits: 8, mamvAt: 48, mamvBits: 6 } as const;

/**
 * CAP and ECAP unless given: 48 bits, superpages, PSI, MAMV 18, DWD, DRD, device TLBs, first stage, second stage and nested, one fault
 * register at 0x220.
 */
export const DEFAULT_CAP = 0x81d2_008c_222f_0606n;
export const DEFAULT_ECAP = 0x0000_c800_84f0_0f4en;
