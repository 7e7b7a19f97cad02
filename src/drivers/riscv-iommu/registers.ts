/**
 * RISC-V IOMMU registers that the driver touches. RISC-V IOMMU specification 1.0, chapter 5.
 * @module
 */

/** Byte offsets (5.1). */
export const REGISTER = {
  CAPABILITIES: 0x0,
  DDTP: 0x10,
  CQB: 0x18,
  CQH: 0x20,
  CQT: 0x24,
  FQB: 0x28,
  FQH: 0x30,
  CQCSR: 0x48,
  FQCSR: 0x4c,
} as const;

/** Capabilities (5.3): MSI_FLAT 22, NL 42, S 43. */
export const CAPABILITY = { msiFlat: 22n, nonLeaf: 42n, naturalRanges: 43n } as const;
/** DDTP (5.5): mode 3:0, three levels 4, off 0; PPN from bit 10. */
export const DDTP = { off: 0n, levels3: 4n, ppnShift: 10n, busy: 0x10 } as const;
/** Control of a queue (5.15, 5.16): enable 0, on 16, busy 17. */
export const QUEUE = { enable: 1, on: 0x10000, busy: 0x20000 } as const;
/** Errors of the command queue (5.15): cqmf 8, cmd_to 9, cmd_ill 10, each cleared by writing 1. */
export const CQCSR = { memoryFault: 0x100, timeout: 0x200, illegal: 0x400 } as const;
