/**
 * VT-d registers that the driver touches. Intel VT-d specification, 11.4.
 * @module
 */

/** Byte offsets (11.4). */
export const REGISTER = {
  CAP: 0x8,
  ECAP: 0x10,
  GCMD: 0x18,
  GSTS: 0x1c,
  RTADDR: 0x20,
  FSTS: 0x34,
  IQH: 0x80,
  IQT: 0x88,
  IQA: 0x90,
} as const;

/** Global command and status (11.4.4): translation, root table pointer, write buffer, queued invalidation. */
export const GCMD = { TE: 0x80000000, SRTP: 0x40000000, WBF: 0x08000000, QIE: 0x04000000 } as const;
/** RTADDR.TTM (11.4.5): scalable mode. */
export const RTADDR_SCALABLE = 0x400n;
/** IQA (11.4.9.3): descriptors of 256 bits, and QS of the 8 KiB that 256 of them take. */
export const IQA_WIDE = 0x801n;
/** Fault status (11.4.7.1): errors of the queue, each cleared by writing 1. */
export const FSTS = { IQE: 0x10, ICE: 0x20, ITE: 0x40 } as const;
