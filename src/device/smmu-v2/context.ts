/**
 * What a context bank's registers say about translation (Arm IHI 0062, chapters 10 and 16).
 * @module
 */
import { aarch32LongStage1, aarch32LongStage2 } from '../../hardware/walk/aarch32-long.ts';
import { aarch32Short } from '../../hardware/walk/aarch32-short.ts';
import type { Granule } from '../../hardware/walk/aarch64.ts';
import { aarch64Stage1 } from '../../hardware/walk/aarch64-stage1.ts';
import { aarch64Stage2 } from '../../hardware/walk/aarch64-stage2.ts';
import type { Regime } from '../../hardware/walk/regime.ts';
import { CB, CBAR_TYPE, SCTLR, TCR_EAE } from './registers.ts';

/** Registers of one bank, by offset within it, and its entries in global space 1. */
export interface BankRegisters {
  readonly read32: (offset: number) => number;
  readonly read64: (offset: number) => bigint;
  readonly cbar: number;
  readonly cba2r: number;
}

/** A context bank, decoded. */
export interface ContextBank {
  /** CBAR.TYPE. */
  readonly type: number;
  readonly enabled: boolean;
  readonly vmid: number;
  /** ASID of stage 1. */
  readonly asid: number;
  /** 0 short, 1 long, 2 AArch64: as FSR.FORMAT has it. */
  readonly format: 0 | 1 | 2;
  readonly regime: Regime;
  /** For nested translation: the bank of stage 2. */
  readonly stage2Bank: number;
}

const PS_BITS = [32, 36, 40, 42, 44, 48, 52];
const TG0: readonly Granule[] = [4096, 65536, 16384, 4096];
const TG1: readonly Granule[] = [4096, 16384, 4096, 65536];
const ADDRESS_MASK = (1n << 48n) - 1n;
/** A root is aligned to at least 128 bytes in short format: lower bits of TTBR are attributes. */
const SHORT_ATTRIBUTE_BITS = 0x7f;

function address(ttbr: bigint): number {
  return Number(ttbr & ADDRESS_MASK & ~0xfn);
}

function stage1Aarch64(bank: BankRegisters, oasLimit: number): Regime {
  const tcr = bank.read32(CB.TCR);
  const tcr2 = bank.read32(CB.TCR2);
  const half = (at: number, granule: Granule, ttbr: number, off: number) => ({
    ttb: address(bank.read64(ttbr)),
    tsz: (tcr >>> at) & 0x3f,
    granule,
    disabled: ((tcr >>> off) & 1) === 1,
  });
  return aarch64Stage1({
    ttbr0: half(0, TG0[(tcr >>> 14) & 3] ?? 4096, CB.TTBR0, 7),
    ttbr1: half(16, TG1[(tcr >>> 30) & 3] ?? 4096, CB.TTBR1, 23),
    oas: Math.min(oasLimit, PS_BITS[tcr2 & 7] ?? 48),
    mair: mairOf(bank),
    ignoreTopByte: [((tcr2 >>> 5) & 1) === 1, ((tcr2 >>> 6) & 1) === 1],
    ignoreAccessFlag: (bank.read32(CB.SCTLR) & SCTLR.AFFD) !== 0,
  });
}

function mairOf(bank: BankRegisters): bigint {
  return (BigInt(bank.read32(CB.MAIR1)) << 32n) | BigInt(bank.read32(CB.MAIR0));
}

function stage1Long(bank: BankRegisters): Regime {
  const tcr = bank.read32(CB.TCR);
  return aarch32LongStage1({
    ttbr0: address(bank.read64(CB.TTBR0)),
    ttbr1: address(bank.read64(CB.TTBR1)),
    t0sz: tcr & 7,
    t1sz: (tcr >>> 16) & 7,
    epd0: ((tcr >>> 7) & 1) === 1,
    epd1: ((tcr >>> 23) & 1) === 1,
    mair: mairOf(bank),
    ignoreAccessFlag: (bank.read32(CB.SCTLR) & SCTLR.AFFD) !== 0,
  });
}

function stage1Short(bank: BankRegisters): Regime {
  const tcr = bank.read32(CB.TCR);
  const sctlr = bank.read32(CB.SCTLR);
  const root = (ttbr: number) => (bank.read32(ttbr) & ~SHORT_ATTRIBUTE_BITS) >>> 0;
  const remap = sctlr & SCTLR.TRE ? { prrr: bank.read32(CB.MAIR0), nmrr: bank.read32(CB.MAIR1) } : {};
  return aarch32Short({
    ttbr0: root(CB.TTBR0),
    ttbr1: root(CB.TTBR1),
    n: tcr & 7,
    pd0: ((tcr >>> 4) & 1) === 1,
    pd1: ((tcr >>> 5) & 1) === 1,
    accessFlag: (sctlr & SCTLR.AFE) !== 0,
    ...remap,
  });
}

function stage2(bank: BankRegisters, wide: boolean, oasLimit: number): Regime {
  const tcr = bank.read32(CB.TCR);
  const ttb = address(bank.read64(CB.TTBR0));
  const sl0 = (tcr >>> 6) & 3;
  if (!wide) return aarch32LongStage2({ ttb, t0sz: tcr & 15, sl0 });
  const granule = TG0[(tcr >>> 14) & 3] ?? 4096;
  return aarch64Stage2({
    ttb,
    tsz: tcr & 0x3f,
    sl0,
    granule,
    oas: Math.min(oasLimit, PS_BITS[(tcr >>> 16) & 7] ?? 48),
  });
}

/** ASID: from TTBR0, or from TTBR1 if TCR.A1 is set; from CONTEXTIDR in short format (16.5.9, 16.5.41). */
function asidOf(bank: BankRegisters, format: 0 | 1 | 2): number {
  if (format === 0) return bank.read32(CB.CONTEXTIDR) & 0xff;
  const ttbr = bank.read64(((bank.read32(CB.TCR) >>> 22) & 1) === 1 ? CB.TTBR1 : CB.TTBR0);
  return Number(ttbr >> 48n) & (format === 2 ? 0xffff : 0xff);
}

/** Decodes a bank. `oasLimit` is the unit's own output size in bits. */
export function decodeBank(bank: BankRegisters, oasLimit: number): ContextBank {
  const type = (bank.cbar >>> 16) & 3;
  const wide = (bank.cba2r & 1) === 1;
  const long = type === CBAR_TYPE.stage2 || (bank.read32(CB.TCR) & TCR_EAE) !== 0;
  const format = wide ? 2 : long ? 1 : 0;
  const first = () => (wide ? stage1Aarch64(bank, oasLimit) : long ? stage1Long(bank) : stage1Short(bank));
  return {
    type,
    enabled: (bank.read32(CB.SCTLR) & SCTLR.M) !== 0,
    vmid: bank.cbar & 0xff,
    asid: asidOf(bank, format),
    format,
    regime: type === CBAR_TYPE.stage2 ? stage2(bank, wide, oasLimit) : first(),
    stage2Bank: (bank.cbar >>> 8) & 0xff,
  };
}
