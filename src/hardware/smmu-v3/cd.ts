/**
 * Context descriptors (Arm IHI 0070, 5.4).
 * @module
 */
import { bitsOf, type Field, fieldsOf, wideBits } from '../bits.ts';
import { aarch32LongStage1 } from '../walk/aarch32-long.ts';
import type { Granule } from '../walk/aarch64.ts';
import { aarch64Stage1, type TtbrConfig } from '../walk/aarch64-stage1.ts';
import { configKey, type Regime } from '../walk/regime.ts';
import { PS_BITS, TG0_GRANULE } from './ste.ts';

/** Bytes of a context descriptor. */
export const CD_BYTES = 64;

// IHI 0070 5.4, CD, bit positions within 512 bits
const CD_FIELDS: readonly Field[] = [
  { name: 'V', at: 31, bits: 1 },
  { name: 'T0SZ', at: 0, bits: 6 },
  { name: 'TG0', at: 6, bits: 2 },
  { name: 'IR0', at: 8, bits: 2 },
  { name: 'OR0', at: 10, bits: 2 },
  { name: 'SH0', at: 12, bits: 2 },
  { name: 'EPD0', at: 14, bits: 1 },
  { name: 'ENDI', at: 15, bits: 1 },
  { name: 'T1SZ', at: 16, bits: 6 },
  { name: 'TG1', at: 22, bits: 2 },
  { name: 'EPD1', at: 30, bits: 1 },
  { name: 'IPS', at: 32, bits: 3 },
  { name: 'AFFD', at: 35, bits: 1 },
  { name: 'WXN', at: 36, bits: 1 },
  { name: 'UWXN', at: 37, bits: 1 },
  { name: 'TBI0', at: 38, bits: 1 },
  { name: 'TBI1', at: 39, bits: 1 },
  { name: 'AA64', at: 41, bits: 1 },
  { name: 'HD', at: 42, bits: 1 },
  { name: 'HA', at: 43, bits: 1 },
  { name: 'S', at: 44, bits: 1 },
  { name: 'R', at: 45, bits: 1 },
  { name: 'A', at: 46, bits: 1 },
  { name: 'ASET', at: 47, bits: 1 },
  { name: 'ASID', at: 48, bits: 16 },
  { name: 'HAD0', at: 65, bits: 1 },
  { name: 'TTB0', at: 68, bits: 48, shift: 4 },
  { name: 'HAD1', at: 129, bits: 1 },
  { name: 'TTB1', at: 132, bits: 48, shift: 4 },
  { name: 'MAIR', at: 192, bits: 64 },
];
/** Granules that TG1 names. */
export const TG1_GRANULE: readonly (Granule | undefined)[] = [undefined, 16384, 4096, 65536];

/** A context descriptor, decoded. */
export interface ContextDescriptor {
  readonly valid: boolean;
  readonly asid: number;
  /** Faulting accesses stall (S) and are recorded (R). */
  readonly stall: boolean;
  readonly record: boolean;
  readonly words: Uint32Array;
}

/** Decodes the sixteen words of a descriptor. */
export function decodeCd(words: Uint32Array): ContextDescriptor {
  return {
    valid: bitsOf(words, 31, 1) === 1,
    asid: bitsOf(words, 48, 16),
    stall: bitsOf(words, 44, 1) === 1,
    record: bitsOf(words, 45, 1) === 1,
    words,
  };
}

/** The fields of a descriptor by name. */
export function cdFields(cd: ContextDescriptor): Record<string, string | number> {
  return fieldsOf(cd.words, CD_FIELDS);
}

/** Geometry of a stage 1 as its descriptor gives it. */
export interface CdStage1 {
  readonly root: number;
  readonly tsz: number;
  readonly granule: number;
  readonly oas: number;
  readonly aarch64: boolean;
  readonly regime: Regime;
  /** Same for equal tables and geometry. */
  readonly key: string;
}

function halfOf(words: Uint32Array, second: boolean): TtbrConfig | undefined {
  const at = second ? 16 : 0;
  const granules = second ? TG1_GRANULE : TG0_GRANULE;
  const granule = granules[bitsOf(words, at + 6, 2)];
  const disabled = bitsOf(words, at + 14, 1) === 1;
  if (granule === undefined) return undefined;
  return { ttb: bitsOf(words, second ? 132 : 68, 48) * 16, tsz: bitsOf(words, at, 6), granule, disabled };
}

/** A table base beyond the output size makes the descriptor ILLEGAL (3.4, 5.4), where the half is walked. */
function beyond(half: TtbrConfig | undefined, oas: number): boolean {
  return half !== undefined && half.disabled !== true && half.ttb >= 2 ** oas;
}

function stage1Long(words: Uint32Array, access: { readonly ignoreAccessFlag: boolean }): CdStage1 {
  const root = bitsOf(words, 68, 48) * 16;
  const tsz = bitsOf(words, 0, 3);
  const epd1 = bitsOf(words, 30, 1) === 1;
  const config = {
    ttbr0: root,
    ttbr1: bitsOf(words, 132, 48) * 16,
    t0sz: tsz,
    t1sz: bitsOf(words, 16, 3),
    epd0: bitsOf(words, 14, 1) === 1,
    epd1,
    mair: wideBits(words, 192, 64),
    ...access,
  };
  const regime = aarch32LongStage1(config);
  const key = `l1/${configKey(epd1 ? { ...config, ttbr1: 0 } : config)}`;
  return { root, tsz, granule: 4096, oas: 40, aarch64: false, regime, key };
}

/** The stage 1 that a descriptor describes, or why it is illegal (C_BAD_CD). */
export function cdStage1(cd: ContextDescriptor, unitOas: number): CdStage1 | string {
  const words = cd.words;
  const access = { ignoreAccessFlag: bitsOf(words, 35, 1) === 1 || bitsOf(words, 43, 1) === 1 };
  if (bitsOf(words, 15, 1) === 1) return 'ENDI: big-endian tables are not read here';
  if (bitsOf(words, 41, 1) === 0) return stage1Long(words, access);
  const first = halfOf(words, false);
  const second = halfOf(words, true);
  const secondOff = bitsOf(words, 30, 1) === 1;
  if (first === undefined && bitsOf(words, 14, 1) === 0) return 'TG0 is reserved';
  if (second === undefined && !secondOff) return 'TG1 is reserved';
  const oas = Math.min(PS_BITS[bitsOf(words, 32, 3)] ?? 52, unitOas);
  if (beyond(first, oas) || (!secondOff && beyond(second, oas))) return `TTB is beyond the ${oas} bits of IPS`;
  const config = {
    ...(first === undefined ? {} : { ttbr0: first }),
    ...(second === undefined || secondOff ? {} : { ttbr1: second }),
    oas,
    mair: wideBits(words, 192, 64),
    ...access,
    hardwareDirty: bitsOf(words, 42, 1) === 1,
    ignoreHierarchy: [bitsOf(words, 65, 1) === 1, bitsOf(words, 129, 1) === 1],
    ignoreTopByte: [bitsOf(words, 38, 1) === 1, bitsOf(words, 39, 1) === 1],
    writeNeverExecute: bitsOf(words, 36, 1) === 1,
  } as const;
  const lead = first?.disabled === true && second !== undefined ? second : (first ?? second);
  const { ttb = 0, tsz = 16, granule = 4096 } = lead ?? {};
  const key = `s1/${configKey(config)}`;
  return { root: ttb, tsz, granule, oas, aarch64: true, regime: aarch64Stage1(config), key };
}
