/**
 * Commands that the driver puts into a RISC-V IOMMU command queue. RISC-V IOMMU specification 1.0, 4.1.
 * @module
 */

/** Kinds of commands, by index: the names of the specification. */
export const RISCV_NAMES = ['IOTINVAL.VMA', 'IOFENCE.C', 'IODIR.INVAL_DDT'] as const;

/** A kind as an index of {@link RISCV_NAMES}. */
export const KIND = { vma: 0, fence: 1, directory: 2 } as const;

/** Opcode and func3 by kind, bits 9:0 (4.1). */
export const OPCODES: readonly number[] = [1, 2, 3];
/** IOTINVAL.VMA (4.1.1): AV 10, PSCID 31:12; PSCV 32, NL 34 as bits of the second word; S 9 of the second quadword. */
export const VMA = { address: 0x400, pscidShift: 12, pscid: 1, nonLeaf: 4, range: 0x200 } as const;
/** IOFENCE.C (4.1.2): PR 12, PW 13. */
export const FENCE_ORDERS = 0x3000;
/** IODIR (4.1.3): DV 33 and DID 63:40, in the second word. */
export const DIRECTORY = { valid: 2, deviceShift: 8 } as const;
