/**
 * Stream table entries and context descriptors that a unit with given identification registers calls ILLEGAL (Arm IHI 0070,
 * 5.2.2 SteIllegal, 5.4.2 CdIllegal), for Non-secure streams. A rule whose register is not known is not applied.
 * @module
 */
import { bitsOf } from '../bits.ts';
import { TG1_GRANULE } from './cd.ts';
import type { SmmuV3Forms } from './forms.ts';
import { type StreamTableEntry, TG0_GRANULE } from './ste.ts';

/** A rule: whether it is broken, and in words which. */
type Rule = readonly [broken: boolean, why: string];

function firstBroken(rules: readonly Rule[]): string | undefined {
  return rules.find(([broken]) => broken)?.[1];
}

/** Context descriptors of an entry as log2: STE.S1CDMax is ignored where the unit has no substreams (5.2). */
export function substreamsOf({ s1CdMax }: StreamTableEntry, { substreamBits }: SmmuV3Forms): number {
  return substreamBits === 0 ? 0 : s1CdMax;
}

// 5.2 STE, bit positions
const STE = { EATS: 92, STRW: 94, VMID_HIGH: 136, FWB: 153, T0SZ: 160, TG: 174, AA64: 179, ENDI: 180 } as const;
const S2 = { HD: 183, HA: 184, S: 185 } as const;
/** EATS (5.2). */
const EATS = { full: 1, split: 2 } as const;

/** TTENDIAN offers one order only, and the other is asked for. */
function wrongEndian(big: boolean, { endian }: SmmuV3Forms): boolean {
  return (endian === 2 && big) || (endian === 3 && !big);
}

/** Why an entry that translates is ILLEGAL whatever its stages are; undefined where it is not. */
export function illegalSte({ words, config }: StreamTableEntry, forms: SmmuV3Forms): string | undefined {
  const { ats, noSplitAts, hyp, stage2 } = forms;
  const vmid8 = stage2 === true && forms.vmid16 === false;
  const eats = bitsOf(words, STE.EATS, 2);
  const strw = hyp === true && config === 'stage 1' ? bitsOf(words, STE.STRW, 2) : 0;
  const stalls = bitsOf(words, S2.S, 1) === 1;
  const split = config === 'nested' && !stalls && noSplitAts === false;
  return firstBroken([
    [ats === true && eats === EATS.split && !split, 'EATS splits the stages, which Config, S2S or NS1ATS refuse'],
    [ats === true && eats === EATS.full && stalls && config !== 'stage 1', 'EATS with S2S'],
    [strw % 2 === 1, 'STRW is reserved'],
    [vmid8 && strw === 0 && bitsOf(words, STE.VMID_HIGH, 8) !== 0, 'S2VMID has 16 bits, IDR0.VMID16 is 0'],
  ]);
}

/**
 * Why the stage 1 of an entry is ILLEGAL; undefined where it is not.
 * @param ste with the substreams that count
 */
export function illegalStage1(
  ste: StreamTableEntry,
  forms: SmmuV3Forms,
  oas: number,
  nested: boolean,
): string | undefined {
  const { stallModel, substreamBits, twoLevelCd, minor } = forms;
  const twoLevels = ste.s1CdMax > 0 && (ste.s1Fmt === 1 || ste.s1Fmt === 2);
  return firstBroken([
    [ste.s1StallDisabled && (stallModel ?? 0) !== 0, 'S1STALLD, but IDR0.STALL_MODEL is not 0'],
    [substreamBits !== undefined && ste.s1CdMax > substreamBits, 'S1CDMax is above IDR1.SSIDSIZE'],
    [twoLevels && twoLevelCd === false, 'S1Fmt has two levels, IDR0.CD2L is 0'],
    [!nested && minor >= 1 && ste.s1ContextPtr >= 2 ** oas, `S1ContextPtr is beyond ${oas} bits`],
  ]);
}

/** Why the stage 2 of an entry is ILLEGAL, beside its table base and start level; undefined where it is not. */
export function illegalStage2({ words }: StreamTableEntry, forms: SmmuV3Forms): string | undefined {
  const { httu, stallModel, ttf, forcedWriteBack } = forms;
  const bit = (at: number) => bitsOf(words, at, 1) === 1;
  const long = !bit(STE.AA64);
  return firstBroken([
    [(bit(S2.HA) && httu === 0) || (bit(S2.HD) && (httu ?? 2) < 2), 'S2HA or S2HD is 1, but IDR0.HTTU lacks it'],
    [long && (bit(S2.HA) || bit(S2.HD)), 'S2HA or S2HD with AArch32 tables'],
    [bit(S2.S) && stallModel === 1, 'S2S is 1, but nothing may stall'],
    [!bit(S2.S) && stallModel === 2, 'S2S is 0, but everything must stall'],
    [long && ttf !== undefined && ttf % 2 === 0, 'S2AA64 is 0, but IDR0.TTF has no AArch32'],
    [!long && ttf === 1, 'S2AA64 is 1, but IDR0.TTF has no AArch64'],
    [long && forcedWriteBack && bit(STE.FWB), 'S2FWB with AArch32 tables'],
    [wrongEndian(bit(STE.ENDI), forms), 'S2ENDI is not what IDR0.TTENDIAN offers'],
    ...(long ? [] : stage2Sizes(words, forms)),
  ]);
}

/** TxSZ up to here without small translation tables; with them up to 48, or 47 with 64K. */
const MAX_TSZ = 39;
/** The smallest TxSZ, and the smallest of 52-bit addresses. */
const [MIN_TSZ, MIN_TSZ_52] = [16, 12];
const LARGE_GRANULE = 65536;

function largest(granule: number | undefined, { smallTables }: SmmuV3Forms): number {
  if (!smallTables) return MAX_TSZ;
  return granule === LARGE_GRANULE ? 47 : 48;
}

function isOffered(granule: number | undefined, { granules }: SmmuV3Forms): boolean {
  return granule === undefined || granules === undefined || granules.has(granule);
}

/** S2TG and, from SMMUv3.1 on, S2T0SZ. */
function stage2Sizes(words: Uint32Array, forms: SmmuV3Forms): Rule[] {
  const granule = TG0_GRANULE[bitsOf(words, STE.TG, 2)];
  const size = bitsOf(words, STE.T0SZ, 6);
  const smallest = granule === LARGE_GRANULE ? MIN_TSZ_52 : MIN_TSZ;
  const { minor, inputBits } = forms;
  const least = Math.max(smallest, inputBits === undefined ? 0 : 64 - inputBits);
  return [
    [!isOffered(granule, forms), 'S2TG is a granule that IDR5 does not offer'],
    [minor >= 1 && size < least, `S2T0SZ is below ${least}`],
    [minor >= 1 && size > largest(granule, forms), `S2T0SZ is above ${largest(granule, forms)}`],
  ];
}

// 5.4 context descriptor, bit positions
const CD = { ENDI: 15, AA64: 41, HD: 42, HA: 43, S: 44, A: 46, ASID_HIGH: 56 } as const;
const HALVES = [
  { TSZ: 0, TG: 6, EPD: 14 },
  { TSZ: 16, TG: 22, EPD: 30 },
] as const;

/** Why a context descriptor is ILLEGAL, beside its table bases; undefined where it is not. */
export function illegalCd(words: Uint32Array, ste: StreamTableEntry, forms: SmmuV3Forms): string | undefined {
  const bit = (at: number) => bitsOf(words, at, 1) === 1;
  const { httu, stallModel, ttf, asid16 } = forms;
  const long = !bit(CD.AA64);
  const walked = HALVES.some(({ EPD }) => !bit(EPD));
  const tagged = ste.config !== 'stage 1' || bitsOf(ste.words, STE.STRW, 2) === 0;
  const longStage2 = ste.config === 'nested' && bitsOf(ste.words, STE.AA64, 1) === 0;
  return firstBroken([
    [forms.alwaysAborts === true && !bit(CD.A), 'CD.A is 0, but IDR0.TERM_MODEL is 1'],
    [bit(CD.S) && (stallModel === 1 || ste.s1StallDisabled), 'CD.S is 1, but nothing may stall'],
    [!bit(CD.S) && stallModel === 2, 'CD.S is 0, but everything must stall'],
    [walked && wrongEndian(bit(CD.ENDI), forms), 'ENDI is not what IDR0.TTENDIAN offers'],
    [long && ttf !== undefined && ttf % 2 === 0, 'CD.AA64 is 0, but IDR0.TTF has no AArch32'],
    [!long && (ttf === 1 || longStage2), 'CD.AA64 is 1, but IDR0.TTF or the stage 2 has no AArch64'],
    [
      !long && ((bit(CD.HA) && httu === 0) || (bit(CD.HD) && (httu ?? 2) < 2)),
      'CD.HA or CD.HD, but IDR0.HTTU lacks it',
    ],
    [asid16 === false && tagged && bitsOf(words, CD.ASID_HIGH, 8) !== 0, 'ASID has 16 bits, IDR0.ASID16 is 0'],
    ...(long ? [] : stage1Sizes(words, forms)),
  ]);
}

/** TG and, from SMMUv3.1 on, TxSZ of the halves that are walked. */
function stage1Sizes(words: Uint32Array, forms: SmmuV3Forms): Rule[] {
  const { minor, vax } = forms;
  return HALVES.flatMap(({ TSZ, TG, EPD }, i): Rule[] => {
    if (bitsOf(words, EPD, 1) === 1) return [];
    const granule = (i === 0 ? TG0_GRANULE : TG1_GRANULE)[bitsOf(words, TG, 2)];
    const size = bitsOf(words, TSZ, 6);
    const least = granule === LARGE_GRANULE && vax !== 0 ? MIN_TSZ_52 : MIN_TSZ;
    return [
      [!isOffered(granule, forms), `TG${i} is a granule that IDR5 does not offer`],
      [minor >= 1 && size < least, `T${i}SZ is below ${least}`],
      [minor >= 1 && size > largest(granule, forms), `T${i}SZ is above ${largest(granule, forms)}`],
    ];
  });
}
