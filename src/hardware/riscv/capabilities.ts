/**
 * What a RISC-V IOMMU can do and how it is set up: capabilities, fctl and ddtp (RISC-V IOMMU 1.0, 6.3, 6.4, 6.5).
 * @module
 */
import { type Registers, register, registerBits } from '../bits.ts';

/** What the registers leave to the implementation. */
export interface RiscvChoices {
  /** fctl.GXL can be written: then SXL may be either where GXL is 0. */
  readonly gxlWritable?: boolean;
  /** fctl.BE can be written: then SBE may be either. */
  readonly beWritable?: boolean;
  /** Widest RCID and MCID. */
  readonly rcidMask?: number;
  readonly mcidMask?: number;
}

/** Capabilities, modes and choices of one IOMMU. */
export interface RiscvFeatures {
  readonly sv32: boolean;
  /** Widths of first-stage and second-stage modes by their MODE: 8, 9, 10. */
  readonly firstModes: ReadonlySet<number>;
  readonly secondModes: ReadonlySet<number>;
  readonly sv32x4: boolean;
  /** PTE bits 60:59 are for software. */
  readonly svrsw60t59b: boolean;
  readonly svpbmt: boolean;
  readonly msiFlat: boolean;
  readonly msiMrif: boolean;
  readonly hardwareAd: boolean;
  readonly ats: boolean;
  readonly t2gpa: boolean;
  readonly bothEndian: boolean;
  readonly physicalBits: number;
  /** pdtp.MODE values supported: 1 PD8, 2 PD17, 3 PD20. */
  readonly processModes: ReadonlySet<number>;
  readonly qosId: boolean;
  /** fctl.BE, fctl.GXL. */
  readonly bigEndian: boolean;
  readonly gxl: boolean;
  readonly gxlWritable: boolean;
  readonly beWritable: boolean;
  readonly rcidMask: number;
  readonly mcidMask: number;
  /** ddtp.iommu_mode and the root of the device directory. */
  readonly mode: number;
  readonly root: bigint;
}

// 6.3 capabilities, bit positions
const CAP = {
  Sv32: 8,
  Sv39: 9,
  Svrsw60t59b: 14,
  Svpbmt: 15,
  Sv32x4: 16,
  Sv39x4: 17,
  MSI_FLAT: 22,
  MSI_MRIF: 23,
  AMO_HWAD: 24,
  ATS: 25,
  T2GPA: 26,
  END: 27,
  PAS: 32,
  PD8: 38,
  QOSID: 41,
} as const;
// 6.4 fctl
const FCTL = { BE: 0, GXL: 2 } as const;
/** QoS identifiers have 12 bits at most (3.1.3). */
const QOS_BITS = 0xfff;

/** Modes 8, 9, 10 whose three capability bits from `at` on are set. */
function modes(capabilities: bigint, at: number, first: number): ReadonlySet<number> {
  return new Set([0, 1, 2].filter((i) => registerBits(capabilities, at + i, 1) === 1).map((i) => first + i));
}

/** Reads capabilities and modes from the registers. Without capabilities everything is taken to be supported. */
export function riscvFeatures(registers: Registers, choices: RiscvChoices = {}): RiscvFeatures {
  const known = registers.get('CAPABILITIES');
  const capabilities = known ?? BigInt.asUintN(64, ~(1n << BigInt(CAP.MSI_FLAT)));
  const has = (bit: number) => registerBits(capabilities, bit, 1) === 1;
  const fctl = register(registers, 'FCTL');
  const ddtp = register(registers, 'DDTP');
  const pas = registerBits(capabilities, CAP.PAS, 6);
  return {
    sv32: has(CAP.Sv32),
    firstModes: modes(capabilities, CAP.Sv39, 8),
    secondModes: modes(capabilities, CAP.Sv39x4, 8),
    sv32x4: has(CAP.Sv32x4),
    svrsw60t59b: known !== undefined && has(CAP.Svrsw60t59b),
    svpbmt: has(CAP.Svpbmt),
    msiFlat: has(CAP.MSI_FLAT),
    msiMrif: has(CAP.MSI_MRIF),
    hardwareAd: has(CAP.AMO_HWAD),
    ats: has(CAP.ATS),
    t2gpa: has(CAP.T2GPA),
    bothEndian: has(CAP.END),
    physicalBits: known === undefined || pas === 0 ? 56 : pas,
    processModes: modes(capabilities, CAP.PD8, 1),
    qosId: has(CAP.QOSID),
    bigEndian: registerBits(fctl, FCTL.BE, 1) === 1,
    gxl: registerBits(fctl, FCTL.GXL, 1) === 1,
    gxlWritable: choices.gxlWritable ?? (has(CAP.Sv32) || has(CAP.Sv32x4)),
    beWritable: choices.beWritable ?? has(CAP.END),
    rcidMask: choices.rcidMask ?? QOS_BITS,
    mcidMask: choices.mcidMask ?? QOS_BITS,
    mode: registerBits(ddtp, 0, 4),
    root: BigInt.asUintN(44, ddtp >> 10n) << 12n,
  };
}
