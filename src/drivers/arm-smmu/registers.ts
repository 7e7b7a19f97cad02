/**
 * SMMUv2 registers that the driver touches. Arm IHI 0062 (SMMUv2 architecture), chapters 9 (global register space 0),
 * 10 (global register space 1) and 16 (stage 1 and 2 context banks).
 * @module
 */

/** Register pages are 4 KiB here (IDR1.PAGESIZE 0); space 0, then space 1, then context banks from page `CB_PAGE` on. */
export const REGISTER_PAGE = 0x1000;
/** First page of the context banks: half of IDR1.NUMPAGENDXB's pages. */
export const CB_PAGE = 16;

/** Global register space 0 (IHI 0062, 9.5, 9.6). */
export const GR0 = {
  sCR0: 0x0,
  sIDR0: 0x20,
  sIDR2: 0x28,
  sGFSR: 0x48,
  TLBIVMID: 0x64,
  TLBIALLNSNH: 0x68,
  TLBIALLH: 0x6c,
  sTLBGSYNC: 0x70,
  sTLBGSTATUS: 0x74,
  SMR: 0x800,
  S2CR: 0xc00,
} as const;

/** Global register space 1, from its page (IHI 0062, 10.5). */
export const GR1 = { CBAR: 0x1000, CBA2R: 0x1800 } as const;

/** Context bank, from its page (IHI 0062, 16.5). */
export const CB = {
  SCTLR: 0x0,
  TCR2: 0x10,
  TTBR0: 0x20,
  TTBR1: 0x28,
  TCR: 0x30,
  CONTEXTIDR: 0x34,
  MAIR0: 0x38,
  MAIR1: 0x3c,
  PAR: 0x50,
  FSR: 0x58,
  TLBIVA: 0x600,
  TLBIASID: 0x610,
  TLBIVAL: 0x620,
  TLBIIPAS2: 0x630,
  TLBIIPAS2L: 0x638,
  TLBSYNC: 0x7f0,
  TLBSTATUS: 0x7f4,
  ATS1PR: 0x800,
  ATSR: 0x8f0,
} as const;

/** SCTLR: CFIE, CFRE, AFE, TRE, M; stage 1 adds ASIDPNE (IHI 0062, 16.5.29). */
export const SCTLR_ON = 0x67;
/** See {@link SCTLR_ON}. */
export const SCTLR_ASIDPNE = 0x1000;

/** CBAR: stage 1 with stage 2 bypass, BPSHCFG and MEMATTR as Linux programs them; stage 2 holds the VMID (10.5.1). */
export const CBAR_S1 = 0x1f300;
/** S2CR: translate with this context bank (9.6.21). SMR: valid (9.6.16). */
export const SMR_VALID = 0x80000000;
/** S2CR.TYPE: fault (9.6.21). */
export const S2CR_FAULT = 0x20000;
/** sCR0 as written at reset: fault reports, private TLB, VMID-private namespaces, unmatched streams fault; clients on (9.6.10). */
export const SCR0_ON = 0x1c36;

/** TLBSTATUS.SACTIVE, TLBGSTATUS.GSACTIVE (16.5.40, 9.6.29). */
export const SYNC_ACTIVE = 1;
/** ATSR.ACTIVE and PAR.F (16.5.2, 16.5.24). */
export const ATSR_ACTIVE = 1;
/** See {@link ATSR_ACTIVE}. */
export const PAR_F = 1n;
