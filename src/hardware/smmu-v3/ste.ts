/**
 * Stream table entries (Arm IHI 0070, 5.2).
 * @module
 */
import { bitsOf, type Field, fieldsOf } from '../bits.ts';
import { aarch32LongStage2 } from '../walk/aarch32-long.ts';
import type { Granule } from '../walk/aarch64.ts';
import { aarch64Stage2, stage2Consistent } from '../walk/aarch64-stage2.ts';
import { configKey, type Regime } from '../walk/regime.ts';

/** Bytes of a stream table entry. */
export const STE_BYTES = 64;

// IHI 0070 5.2, STE, bit positions within 512 bits
const STE_FIELDS: readonly Field[] = [
  { name: 'V', at: 0, bits: 1 },
  { name: 'Config', at: 1, bits: 3 },
  { name: 'S1Fmt', at: 4, bits: 2 },
  { name: 'S1ContextPtr', at: 6, bits: 46, shift: 6 },
  { name: 'S1CDMax', at: 59, bits: 5 },
  { name: 'S1DSS', at: 64, bits: 2 },
  { name: 'S1CIR', at: 66, bits: 2 },
  { name: 'S1COR', at: 68, bits: 2 },
  { name: 'S1CSH', at: 70, bits: 2 },
  { name: 'S1STALLD', at: 91, bits: 1 },
  { name: 'EATS', at: 92, bits: 2 },
  { name: 'STRW', at: 94, bits: 2 },
  { name: 'MTCFG', at: 100, bits: 1 },
  { name: 'SHCFG', at: 108, bits: 2 },
  { name: 'PRIVCFG', at: 112, bits: 2 },
  { name: 'INSTCFG', at: 114, bits: 2 },
];
const STE_STAGE2_FIELDS: readonly Field[] = [
  { name: 'S2VMID', at: 128, bits: 16 },
  { name: 'S2T0SZ', at: 160, bits: 6 },
  { name: 'S2SL0', at: 166, bits: 2 },
  { name: 'S2IR0', at: 168, bits: 2 },
  { name: 'S2OR0', at: 170, bits: 2 },
  { name: 'S2SH0', at: 172, bits: 2 },
  { name: 'S2TG', at: 174, bits: 2 },
  { name: 'S2PS', at: 176, bits: 3 },
  { name: 'S2AA64', at: 179, bits: 1 },
  { name: 'S2ENDI', at: 180, bits: 1 },
  { name: 'S2AFFD', at: 181, bits: 1 },
  { name: 'S2PTW', at: 182, bits: 1 },
  { name: 'S2HD', at: 183, bits: 1 },
  { name: 'S2HA', at: 184, bits: 1 },
  { name: 'S2S', at: 185, bits: 1 },
  { name: 'S2R', at: 186, bits: 1 },
  { name: 'S2TTB', at: 196, bits: 48, shift: 4 },
];

/** Output sizes that IPS and S2PS name (IHI 0070 5.2, 5.4). */
export const PS_BITS: readonly number[] = [32, 36, 40, 42, 44, 48, 52];
/** Granules that TG0 and S2TG name. */
export const TG0_GRANULE: readonly (Granule | undefined)[] = [4096, 65536, 16384, undefined];

/** What STE.Config does with a stream's accesses. */
export type SteConfig = 'abort' | 'bypass' | 'stage 1' | 'stage 2' | 'nested';

/** A stream table entry, decoded. */
export interface StreamTableEntry {
  readonly valid: boolean;
  readonly config: SteConfig;
  /** 0 one context descriptor or a linear table, 1 two levels with 4 KiB tables, 2 with 64 KiB tables. */
  readonly s1Fmt: number;
  readonly s1ContextPtr: number;
  readonly s1CdMax: number;
  /** What an access without a substream does where there are several: 0 abort, 1 bypass, 2 context 0. */
  readonly s1Dss: number;
  readonly s1StallDisabled: boolean;
  readonly vmid: number;
  readonly s2Stall: boolean;
  readonly s2Record: boolean;
  readonly words: Uint32Array;
}

// 5.2 STE.Config: 0b0xx abort, 0b100 bypass, 0b101 stage 1, 0b110 stage 2, 0b111 both
const CONFIGS: readonly SteConfig[] = ['abort', 'abort', 'abort', 'abort', 'bypass', 'stage 1', 'stage 2', 'nested'];

/** Decodes the sixteen words of an entry. */
export function decodeSte(words: Uint32Array): StreamTableEntry {
  return {
    valid: bitsOf(words, 0, 1) === 1,
    config: CONFIGS[bitsOf(words, 1, 3)] ?? 'abort',
    s1Fmt: bitsOf(words, 4, 2),
    s1ContextPtr: bitsOf(words, 6, 46) * 64,
    s1CdMax: bitsOf(words, 59, 5),
    s1Dss: bitsOf(words, 64, 2),
    s1StallDisabled: bitsOf(words, 91, 1) === 1,
    vmid: bitsOf(words, 128, 16),
    s2Stall: bitsOf(words, 185, 1) === 1,
    s2Record: bitsOf(words, 186, 1) === 1,
    words,
  };
}

/** The fields of an entry by name, stage 2's where it is used. */
export function steFields(ste: StreamTableEntry): Record<string, string | number> {
  const two = ste.config === 'stage 2' || ste.config === 'nested';
  return fieldsOf(ste.words, two ? [...STE_FIELDS, ...STE_STAGE2_FIELDS] : STE_FIELDS);
}

/** Geometry of a stage 2 as its entry gives it. */
export interface SteStage2 {
  readonly root: number;
  readonly tsz: number;
  readonly granule: number;
  readonly oas: number;
  readonly aarch64: boolean;
  readonly regime: Regime;
  /** Same for equal tables and geometry. */
  readonly key: string;
}

/** The stage 2 that an entry describes, or why it is illegal (C_BAD_STE). */
export function steStage2(ste: StreamTableEntry, unitOas: number): SteStage2 | string {
  const words = ste.words;
  const ps = PS_BITS[bitsOf(words, 176, 3)] ?? 52;
  const oas = Math.min(ps, unitOas);
  const ttb = bitsOf(words, 196, 48) * 16;
  const tsz = bitsOf(words, 160, 6);
  const sl0 = bitsOf(words, 166, 2);
  const access = { ignoreAccessFlag: bitsOf(words, 181, 1) === 1 || bitsOf(words, 184, 1) === 1 };
  const hardwareDirty = bitsOf(words, 183, 1) === 1;
  if (bitsOf(words, 180, 1) === 1) return 'S2ENDI: big-endian tables are not read here';
  if (bitsOf(words, 179, 1) === 0) {
    const config = { ttb, t0sz: tsz & 15, sl0, ...access };
    const regime = aarch32LongStage2(config);
    return { root: ttb, tsz, granule: 4096, oas: 40, aarch64: false, regime, key: `l2/${configKey(config)}` };
  }
  const granule = TG0_GRANULE[bitsOf(words, 174, 2)];
  if (granule === undefined) return 'S2TG is reserved';
  if (!stage2Consistent(granule, sl0, tsz)) return `S2SL0 ${sl0} does not fit S2T0SZ ${tsz}`;
  if (ttb >= 2 ** oas) return `S2TTB is beyond the ${oas} bits of S2PS`;
  const config = { ttb, tsz, sl0, granule, oas, ...access, hardwareDirty };
  const regime = aarch64Stage2(config);
  return { root: ttb, tsz, granule, oas, aarch64: true, regime, key: `s2/${configKey(config)}` };
}
