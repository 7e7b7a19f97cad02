/**
 * Registers of an SMMUv2 by offset (Arm IHI 0062: chapters 9 global space 0, 10 global space 1, 16 context banks).
 * @module
 */

/** Global register space 0, from its page (9.5, 9.6). */
export const GR0 = {
  sCR0: 0x0,
  sCR1: 0x4,
  sCR2: 0x8,
  sACR: 0x10,
  sIDR0: 0x20,
  sIDR1: 0x24,
  sIDR2: 0x28,
  sIDR7: 0x3c,
  sGFAR: 0x40,
  sGFSR: 0x48,
  sGFSRRESTORE: 0x4c,
  sGFSYNR0: 0x50,
  sGFSYNR1: 0x54,
  sGFSYNR2: 0x58,
  STLBIALL: 0x60,
  TLBIVMID: 0x64,
  TLBIALLNSNH: 0x68,
  TLBIALLH: 0x6c,
  sTLBGSYNC: 0x70,
  sTLBGSTATUS: 0x74,
  SMR: 0x800,
  S2CR: 0xc00,
} as const;

/** Global register space 1, from its page (10.5). */
export const GR1 = { CBAR: 0x0, CBFRSYNRA: 0x400, CBA2R: 0x800 } as const;

/** A context bank, from its page (16.5). */
export const CB = {
  SCTLR: 0x0,
  ACTLR: 0x4,
  RESUME: 0x8,
  TCR2: 0x10,
  TTBR0: 0x20,
  TTBR1: 0x28,
  TCR: 0x30,
  CONTEXTIDR: 0x34,
  MAIR0: 0x38,
  MAIR1: 0x3c,
  PAR: 0x50,
  FSR: 0x58,
  FSRRESTORE: 0x5c,
  FAR: 0x60,
  FSYNR0: 0x68,
  FSYNR1: 0x6c,
  IPAFAR: 0x70,
  TLBIVA: 0x600,
  TLBIVAA: 0x608,
  TLBIASID: 0x610,
  TLBIALL: 0x618,
  TLBIVAL: 0x620,
  TLBIVAAL: 0x628,
  TLBIIPAS2: 0x630,
  TLBIIPAS2L: 0x638,
  TLBSYNC: 0x7f0,
  TLBSTATUS: 0x7f4,
  ATS1PR: 0x800,
  ATS1PW: 0x808,
  ATS1UR: 0x810,
  ATS1UW: 0x818,
  ATSR: 0x8f0,
} as const;

/** sCR0 (9.6.10): clients are not translated; unmatched streams fault. */
export const SCR0 = { CLIENTPD: 1, USFCFG: 0x400 } as const;
/** sGFSR (9.6.18). */
export const GFSR = { ICF: 1, USF: 0x2, SMCF: 0x4, UCBF: 0x8, MULTI: 0x8000_0000 } as const;
/** SMR (9.6.16). */
export const SMR = { VALID: 0x8000_0000, maskAt: 16, idMask: 0x7fff } as const;
/** S2CR.TYPE (9.6.15). */
export const S2CR_TYPE = { translation: 0, bypass: 1, fault: 2 } as const;
/** CBAR.TYPE (10.5.1). */
export const CBAR_TYPE = { stage2: 0, stage1: 1, stage1Fault: 2, nested: 3 } as const;
/** SCTLR (16.5.29). */
export const SCTLR = { M: 1, TRE: 2, AFE: 4, AFFD: 8, CFRE: 0x20, CFIE: 0x40, CFCFG: 0x80 } as const;
/** FSR (16.5.14). */
export const FSR = {
  TF: 2,
  AFF: 4,
  PF: 8,
  EF: 16,
  ASF: 128,
  formatAt: 9,
  SS: 0x4000_0000,
  MULTI: 0x8000_0000,
} as const;
/** FSYNR0 (16.5.16). */
export const FSYNR0 = { WNR: 0x10, PNU: 0x20, IND: 0x40, bankAt: 16 } as const;
/** TCR (16.5.34): the long format. */
export const TCR_EAE = 0x8000_0000;
