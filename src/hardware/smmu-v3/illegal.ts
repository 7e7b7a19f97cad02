/**
 * Stream table entries and context descriptors that a unit with given identification registers calls ILLEGAL (Arm IHI 0070,
 * 3.4, 5.2, 5.4, 5.5). A rule whose register is not known is not applied.
 * @module
 */
import { bitsOf, type Registers, registerBits } from '../bits.ts';
import type { StreamTableEntry } from './ste.ts';

/** What the identification registers say of the forms that entries may have; undefined where they are not known. */
export interface SmmuV3Forms {
  /** IDR0.TERM_MODEL: faulting transactions are always aborted, so that CD.A must be 1. */
  readonly alwaysAborts: boolean | undefined;
  /** IDR0.HTTU: 0 none, 1 access flag, 2 access flag and dirty state. */
  readonly httu: number | undefined;
  /** IDR0.STALL_MODEL: 0 stalls and terminations, 1 no stalls, 2 stalls only. */
  readonly stallModel: number | undefined;
  /** IDR0.TTF: bit 0 AArch32 tables, bit 1 AArch64 tables. */
  readonly ttf: number | undefined;
  /** IDR1.SSIDSIZE. */
  readonly substreamBits: number | undefined;
  /** IDR3.STT: TxSZ above 39. */
  readonly smallTables: boolean;
  /** AIDR: minor revision of the architecture. */
  readonly minor: number;
}

// 6.3.1 IDR0, 6.3.2 IDR1, 6.3.4 IDR3, 6.3.8 AIDR
const IDR0 = { TTF: 2, HTTU: 6, STALL_MODEL: 24, TERM_MODEL: 26 } as const;
const SSIDSIZE = 6;
const STT = 9;

/** Reads the forms from named registers. */
export function smmuV3Forms(registers: Registers): SmmuV3Forms {
  const field = (name: string, at: number, bits: number): number | undefined => {
    const value = registers.get(name);
    return value === undefined ? undefined : registerBits(value, at, bits);
  };
  const term = field('IDR0', IDR0.TERM_MODEL, 1);
  return {
    alwaysAborts: term === undefined ? undefined : term === 1,
    httu: field('IDR0', IDR0.HTTU, 2),
    stallModel: field('IDR0', IDR0.STALL_MODEL, 2),
    ttf: field('IDR0', IDR0.TTF, 2),
    substreamBits: field('IDR1', SSIDSIZE, 5),
    smallTables: field('IDR3', STT, 1) === 1,
    minor: field('AIDR', 0, 4) ?? 0,
  };
}

/** Context descriptors of an entry as log2: STE.S1CDMax is ignored where the unit has no substreams (5.2). */
export function substreamsOf({ s1CdMax }: StreamTableEntry, { substreamBits }: SmmuV3Forms): number {
  return substreamBits === 0 ? 0 : s1CdMax;
}

/**
 * Why an entry with a stage 1 is ILLEGAL (5.2, SteIllegal); undefined where it is not.
 * @param ste with the substreams that count
 */
export function illegalSte(
  ste: StreamTableEntry,
  forms: SmmuV3Forms,
  oas: number,
  nested: boolean,
): string | undefined {
  const { stallModel, substreamBits, minor } = forms;
  if (ste.s1StallDisabled && stallModel !== undefined && stallModel !== 0)
    return 'S1STALLD, but IDR0.STALL_MODEL is not 0';
  if (substreamBits !== undefined && ste.s1CdMax > substreamBits) return 'S1CDMax is above IDR1.SSIDSIZE';
  if (!nested && minor >= 1 && ste.s1ContextPtr >= 2 ** oas) return `S1ContextPtr is beyond ${oas} bits`;
  return undefined;
}

// 5.2 STE, stage 2, bit positions
const S2 = { AA64: 179, HD: 183, HA: 184, S: 185 } as const;

/** Why an entry with a stage 2 is ILLEGAL (5.2, SteIllegal); undefined where it is not. */
export function illegalStage2({ words }: StreamTableEntry, { httu, stallModel, ttf }: SmmuV3Forms): string | undefined {
  const bit = (at: number) => bitsOf(words, at, 1) === 1;
  if (httu !== undefined && ((bit(S2.HA) && httu === 0) || (bit(S2.HD) && httu < 2))) {
    return 'S2HA or S2HD is 1, but IDR0.HTTU lacks it';
  }
  if (bit(S2.S) && stallModel === 1) return 'S2S is 1, but nothing may stall';
  if (!bit(S2.AA64) && ttf !== undefined && ttf % 2 === 0) return 'S2AA64 is 0, but IDR0.TTF has no AArch32';
  return undefined;
}

// 5.4 context descriptor, bit positions
const CD = { T0SZ: 0, TG0: 6, EPD0: 14, T1SZ: 16, TG1: 22, EPD1: 30, AA64: 41, HD: 42, HA: 43, S: 44, A: 46 } as const;
/** The largest TxSZ without small translation tables, and the smallest without 52-bit virtual addresses. */
const [MAX_TSZ, MIN_TSZ] = [39, 16];
/** TG0 and TG1 of 64K, the granule with which TxSZ may be smaller (IDR5.VAX). */
const LARGE = { first: 1, second: 3 } as const;

/** Why a context descriptor is ILLEGAL (5.5, CdIllegal); undefined where it is not. */
export function illegalCd(words: Uint32Array, forms: SmmuV3Forms, s1StallDisabled: boolean): string | undefined {
  const bit = (at: number) => bitsOf(words, at, 1) === 1;
  const { httu, stallModel, ttf } = forms;
  if (forms.alwaysAborts === true && !bit(CD.A)) return 'CD.A is 0, but IDR0.TERM_MODEL is 1';
  if (httu !== undefined && ((bit(CD.HA) && httu === 0) || (bit(CD.HD) && httu < 2))) {
    return 'CD.HA or CD.HD is 1, but IDR0.HTTU lacks it';
  }
  if (bit(CD.S) && (stallModel === 1 || (stallModel === 0 && s1StallDisabled)))
    return 'CD.S is 1, but nothing may stall';
  if (!bit(CD.AA64))
    return ttf !== undefined && ttf % 2 === 0 ? 'CD.AA64 is 0, but IDR0.TTF has no AArch32' : undefined;
  return illegalSize(words, forms);
}

function illegalSize(words: Uint32Array, { smallTables, minor }: SmmuV3Forms): string | undefined {
  if (minor < 1) return undefined;
  const sizes = [
    { off: CD.EPD0, at: CD.T0SZ, large: bitsOf(words, CD.TG0, 2) === LARGE.first },
    { off: CD.EPD1, at: CD.T1SZ, large: bitsOf(words, CD.TG1, 2) === LARGE.second },
  ].flatMap(({ off, at, large }) => (bitsOf(words, off, 1) === 1 ? [] : [{ size: bitsOf(words, at, 6), large }]));
  if (!smallTables && sizes.some(({ size }) => size > MAX_TSZ)) return `TxSZ is above ${MAX_TSZ}, but IDR3.STT is 0`;
  return sizes.some(({ size, large }) => !large && size < MIN_TSZ) ? `TxSZ is below ${MIN_TSZ}` : undefined;
}
