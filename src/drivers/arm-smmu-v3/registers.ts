/**
 * SMMUv3 registers that the driver touches. Arm IHI 0070, chapter 6.
 * @module
 */

/** Byte offsets; the event queue's pointers lie in page 1 (IHI 0070, 6.1, 6.2). */
export const REGISTER = {
  IDR0: 0x0,
  IDR5: 0x14,
  CR0: 0x20,
  CR0ACK: 0x24,
  CR1: 0x28,
  CR2: 0x2c,
  GERROR: 0x60,
  GERRORN: 0x64,
  STRTAB_BASE: 0x80,
  STRTAB_BASE_CFG: 0x88,
  CMDQ_BASE: 0x90,
  CMDQ_PROD: 0x98,
  CMDQ_CONS: 0x9c,
  EVENTQ_BASE: 0xa0,
  EVENTQ_PROD: 0x100a8,
  EVENTQ_CONS: 0x100ac,
} as const;

/** CR0 (6.3.9). */
export const CR0 = { SMMUEN: 1, EVENTQEN: 4, CMDQEN: 8 } as const;
/** CR1 (6.3.11): tables and queues inner shareable, write-back. */
export const CR1_CACHED = 0xd75;
/** CR2 (6.3.12): PTM, RECINVSID. */
export const CR2_ON = 6;
/** STRTAB_BASE_CFG (6.3.24): two levels, and the position of SPLIT. */
export const STRTAB = { twoLevel: 0x10000, splitShift: 6 } as const;
/** STRTAB_BASE.RA (6.3.23), and the same bit of queue bases, WA of the event queue (6.3.26, 6.3.29). */
export const ALLOCATE_HINT: bigint = 1n << 62n;
/** GERROR.CMDQ_ERR (6.3.17): active while GERROR and GERRORN differ in it. */
export const CMDQ_ERR = 1;
/** CMDQ_CONS.ERR (6.3.28). */
export const CONS_ERROR_SHIFT = 24;
/** CERROR_ILL (7.1). */
export const CERROR_ILL = 1;
