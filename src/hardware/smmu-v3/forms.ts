/**
 * What the identification registers of an SMMUv3 say of the forms that its structures may have (Arm IHI 0070, 6.3).
 * @module
 */
import { type Registers, registerBits } from '../bits.ts';

/** Undefined where the register is not known. */
export interface SmmuV3Forms {
  /** IDR0.TERM_MODEL: faulting transactions are always aborted, so that CD.A must be 1. */
  readonly alwaysAborts: boolean | undefined;
  /** IDR0.HTTU: 0 none, 1 access flag, 2 access flag and dirty state. */
  readonly httu: number | undefined;
  /** IDR0.STALL_MODEL: 0 stalls and terminations, 1 no stalls, 2 stalls only. */
  readonly stallModel: number | undefined;
  /** IDR0.TTF: bit 0 AArch32 tables, bit 1 AArch64 tables. */
  readonly ttf: number | undefined;
  /** IDR0.TTENDIAN: 0 either order, 2 little-endian only, 3 big-endian only. */
  readonly endian: number | undefined;
  /** IDR0.S2P, Hyp, ATS, NS1ATS, ASID16, VMID16, CD2L. */
  readonly stage2: boolean | undefined;
  readonly hyp: boolean | undefined;
  readonly ats: boolean | undefined;
  readonly noSplitAts: boolean | undefined;
  readonly asid16: boolean | undefined;
  readonly vmid16: boolean | undefined;
  readonly twoLevelCd: boolean | undefined;
  /** IDR1.SSIDSIZE. */
  readonly substreamBits: number | undefined;
  /** IDR3.STT: TxSZ above 39. */
  readonly smallTables: boolean;
  /** IDR3.FWB. */
  readonly forcedWriteBack: boolean;
  /** IDR5.GRAN4K, GRAN16K, GRAN64K; undefined too where none is said. */
  readonly granules: ReadonlySet<number> | undefined;
  /** IAS (3.4): the widest input of a stage 2. */
  readonly inputBits: number | undefined;
  /** IDR5.VAX: 1 and 2 have 52-bit virtual addresses. */
  readonly vax: number | undefined;
  /** AIDR: minor revision of the architecture. */
  readonly minor: number;
}

// 6.3.1 IDR0, 6.3.2 IDR1, 6.3.4 IDR3, 6.3.6 IDR5, 6.3.8 AIDR
const IDR0 = {
  S2P: 0,
  TTF: 2,
  HTTU: 6,
  Hyp: 9,
  ATS: 10,
  NS1ATS: 11,
  ASID16: 12,
  VMID16: 18,
  CD2L: 19,
  TTENDIAN: 21,
  STALL_MODEL: 24,
  TERM_MODEL: 26,
} as const;
const SSIDSIZE = 6;
const IDR3 = { FWB: 8, STT: 9 } as const;
const VAX = 10;
/** Granules by the bit of IDR5 that offers them. */
const GRANULES: readonly (readonly [bit: number, bytes: number])[] = [
  [4, 4096],
  [5, 16384],
  [6, 65536],
];
/** Input bits of stage 2 at least, where AArch32 tables are offered (3.4, IAS). */
const AARCH32_INPUT = 40;

/**
 * Reads the forms from named registers.
 * @param oas output address bits of the unit, where IDR5 is known
 */
export function smmuV3Forms(registers: Registers, oas: number): SmmuV3Forms {
  const field = (name: string, at: number, bits: number): number | undefined => {
    const value = registers.get(name);
    return value === undefined ? undefined : registerBits(value, at, bits);
  };
  const flag = (name: string, at: number): boolean | undefined => {
    const value = field(name, at, 1);
    return value === undefined ? undefined : value === 1;
  };
  const ttf = field('IDR0', IDR0.TTF, 2);
  const offered = GRANULES.filter(([bit]) => flag('IDR5', bit) === true).map(([, bytes]) => bytes);
  return {
    alwaysAborts: flag('IDR0', IDR0.TERM_MODEL),
    httu: field('IDR0', IDR0.HTTU, 2),
    stallModel: field('IDR0', IDR0.STALL_MODEL, 2),
    ttf,
    endian: field('IDR0', IDR0.TTENDIAN, 2),
    stage2: flag('IDR0', IDR0.S2P),
    hyp: flag('IDR0', IDR0.Hyp),
    ats: flag('IDR0', IDR0.ATS),
    noSplitAts: flag('IDR0', IDR0.NS1ATS),
    asid16: flag('IDR0', IDR0.ASID16),
    vmid16: flag('IDR0', IDR0.VMID16),
    twoLevelCd: flag('IDR0', IDR0.CD2L),
    substreamBits: field('IDR1', SSIDSIZE, 5),
    smallTables: flag('IDR3', IDR3.STT) === true,
    forcedWriteBack: flag('IDR3', IDR3.FWB) === true,
    granules: offered.length === 0 ? undefined : new Set(offered),
    inputBits: registers.has('IDR5') ? inputBits(oas, ttf) : undefined,
    vax: field('IDR5', VAX, 2),
    minor: field('AIDR', 0, 4) ?? 0,
  };
}

/** IAS (3.4): where AArch32 tables are offered, 40 bits at least. */
function inputBits(oas: number, ttf: number | undefined): number {
  return (ttf ?? 0) % 2 === 1 ? Math.max(AARCH32_INPUT, oas) : oas;
}
