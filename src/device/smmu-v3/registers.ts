/**
 * Register offsets and bits of a live SMMUv3 (Arm IHI 0070, chapter 6).
 * @module
 */

/** Registers by name; page 1 lies 64 KiB above page 0. */
export const AT = {
  IDR0: 0x0,
  IDR1: 0x4,
  IDR2: 0x8,
  IDR3: 0xc,
  IDR4: 0x10,
  IDR5: 0x14,
  IIDR: 0x18,
  AIDR: 0x1c,
  CR0: 0x20,
  CR0ACK: 0x24,
  CR1: 0x28,
  CR2: 0x2c,
  GBPA: 0x44,
  IRQ_CTRL: 0x50,
  IRQ_CTRLACK: 0x54,
  GERROR: 0x60,
  GERRORN: 0x64,
  GERROR_IRQ_CFG0: 0x68,
  GERROR_IRQ_CFG1: 0x70,
  GERROR_IRQ_CFG2: 0x74,
  STRTAB_BASE: 0x80,
  STRTAB_BASE_CFG: 0x88,
  CMDQ_BASE: 0x90,
  CMDQ_PROD: 0x98,
  CMDQ_CONS: 0x9c,
  EVENTQ_BASE: 0xa0,
  EVENTQ_IRQ_CFG0: 0xb0,
  EVENTQ_IRQ_CFG1: 0xb8,
  EVENTQ_IRQ_CFG2: 0xbc,
  PRIQ_BASE: 0xc0,
  EVENTQ_PROD: 0x100a8,
  EVENTQ_CONS: 0x100ac,
  PRIQ_PROD: 0x100c8,
  PRIQ_CONS: 0x100cc,
} as const;

/** Registers of 64 bits. */
export const WIDE: readonly string[] = [
  'GERROR_IRQ_CFG0',
  'STRTAB_BASE',
  'CMDQ_BASE',
  'EVENTQ_BASE',
  'EVENTQ_IRQ_CFG0',
  'PRIQ_BASE',
];

// 6.3.9 SMMU_CR0
export const CR0 = { SMMUEN: 1, PRIQEN: 2, EVENTQEN: 4, CMDQEN: 8, ATSCHK: 16 } as const;
// 6.3.19 SMMU_GERROR
export const GERROR = { CMDQ_ERR: 1, EVENTQ_ABT_ERR: 4, MSI_CMDQ_ABT_ERR: 16 } as const;
/** EVENTQ_PROD.OVFLG and EVENTQ_CONS.OVACKFLG. */
export const OVERFLOW = 0x8000_0000;
/** Place and width of CMDQ_CONS.ERR. */
export const CONS_ERR = { at: 24, mask: 0x7f } as const;
/** LOG2SIZE of a queue that counts at most (6.3.26). */
export const MOST_LOG2 = 19;

/**
 * Identification unless given: stages 1 and 2, AArch64, 16-bit ASIDs and VMIDs, ATS, MSIs, coherent walks, two-level stream
 * tables; 2^19 commands and events, 20 substream bits; range invalidation and break-before-make level 2; 48-bit output.
 */
export const DEFAULT_IDS: Readonly<Record<string, number>> = {
  IDR0: 0x0d44_343b,
  IDR1: 0x0273_0510,
  IDR3: 0x1414,
  IDR5: 0x75,
  AIDR: 1,
};
