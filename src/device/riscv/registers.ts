/**
 * Register offsets and bits of a live RISC-V IOMMU (RISC-V IOMMU 1.0, chapter 6).
 * @module
 */

/** Offsets. */
export const AT = {
  CAPABILITIES: 0,
  FCTL: 8,
  DDTP: 16,
  CQB: 24,
  CQH: 32,
  CQT: 36,
  FQB: 40,
  FQH: 48,
  FQT: 52,
  PQB: 56,
  PQH: 64,
  PQT: 68,
  CQCSR: 72,
  FQCSR: 76,
  PQCSR: 80,
  IPSR: 84,
} as const;

/** Registers of 64 bits. */
export const WIDE: readonly string[] = ['CAPABILITIES', 'DDTP', 'CQB', 'FQB', 'PQB'];

// 6.12 cqcsr
export const CQCSR = {
  cqen: 1,
  cie: 2,
  cqmf: 0x100,
  cmd_to: 0x200,
  cmd_ill: 0x400,
  fence_w_ip: 0x800,
  cqon: 0x1_0000,
} as const;
/** Errors and the fence's interrupt: cleared by writing 1. */
export const CQCSR_CLEARED = 0xf00;
export const CQCSR_ERRORS = 0x700;
// 6.13 fqcsr
export const FQCSR = { fqen: 1, fie: 2, fqmf: 0x100, fqof: 0x200, fqon: 0x1_0000 } as const;
export const FQCSR_CLEARED = 0x300;
// 6.15 ipsr
export const IPSR = { cip: 1, fip: 2 } as const;
/** capabilities.NL and capabilities.S, in its upper half. */
export const CAP_HIGH = { NL: 0x400, S: 0x800 } as const;

/**
 * Capabilities unless given: Sv32 to Sv57, Sv32x4 to Sv57x4, MSIs to flat tables, ATS, 56-bit addresses, PD8 to PD20.
 */
export const DEFAULT_CAPABILITIES = 0x01f8_e2cf_4f10n;
