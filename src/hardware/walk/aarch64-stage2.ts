/**
 * Stage 2 of VMSAv8-64: VTTBR (Arm DDI 0487, chapter D8).
 * @module
 */
import { pow2 } from '../../address.ts';
import {
  Aarch64Descriptors,
  type Granule,
  granuleBits,
  granuleText,
  levelShift,
  levelsFrom,
  rootOf,
  startLevel,
  wideDescriptors,
} from './aarch64.ts';
import type { Regime, Region } from './regime.ts';

/** A stage 2 regime. */
export interface Stage2Config {
  readonly ttb: number;
  /** T0SZ: 64 − input bits. */
  readonly tsz: number;
  /** SL0: start level, as the granule encodes it. */
  readonly sl0: number;
  readonly granule: Granule;
  /** Output address bits. */
  readonly oas: number;
  readonly ignoreAccessFlag?: boolean;
  readonly hardwareDirty?: boolean;
  readonly forceWriteBack?: boolean;
  /** VTCR.DS: 52-bit addresses with the 4 KiB and 16 KiB granules (FEAT_LPA2). */
  readonly ds?: boolean;
  /** VTCR.SL2, with DS and the 4 KiB granule: the start level is -1. */
  readonly sl2?: boolean;
}

// D8.2.9.1 (VTCR_EL2.SL0): start level by SL0, 4 KiB granule and the others
const SL0_4K: readonly (number | undefined)[] = [2, 1, 0, 3];
const SL0_LARGE: readonly (number | undefined)[] = [3, 2, 1, 0];
/** Up to 16 tables of the start level may follow each other. */
const CONCATENATION_BITS = 4;

/** The start level that SL2 and SL0 name. */
export function stage2StartLevel(granule: Granule, sl0: number, sl2 = false): number {
  if (sl2 && granule === 4096 && sl0 === 0) return -1;
  return (granule === 4096 ? SL0_4K : SL0_LARGE)[sl0 & 3] ?? 3;
}

/** True if SL0 and T0SZ fit each other: 1 to (index bits + 4) bits at the start level. */
export function stage2Consistent(granule: Granule, sl0: number, tsz: number, sl2 = false): boolean {
  const start = stage2StartLevel(granule, sl0, sl2);
  const bits = 64 - tsz - levelShift(granule, start);
  if (start === 0 && granule === 65536) return false;
  return bits >= 1 && bits <= granuleBits(granule) - 3 + (start <= 0 ? 0 : CONCATENATION_BITS);
}

/** Stage 2 of VMSAv8-64, its start tables concatenated where SL0 says so. */
export function aarch64Stage2(config: Stage2Config): Regime {
  const { granule, tsz, sl0, oas } = config;
  const sl2 = config.ds === true && config.sl2 === true;
  const inputBits = 64 - tsz;
  const consistent = stage2Consistent(granule, sl0, tsz, sl2);
  const start = consistent ? stage2StartLevel(granule, sl0, sl2) : startLevel(granule, inputBits);
  const levels = levelsFrom(granule, start, inputBits);
  const root = rootOf(config.ttb, levels[0]?.entries ?? 1);
  const descriptorBits = wideDescriptors(granule, config) ? 52 : 48;
  const large = root >= pow2(oas) ? 'output-too-large' : undefined;
  const refused = consistent ? large : 'start-level-inconsistent';
  const region: Region = {
    name: 'VTTBR',
    base: 0n,
    size: pow2(inputBits),
    root,
    descriptors: new Aarch64Descriptors({ ...config, stage: 2, descriptorBits, levels }),
    ...(refused === undefined ? {} : { refused }),
  };
  const summary = `aarch64 stage 2, ${granuleText(granule)} ${inputBits} bits from level ${start}, output ${oas} bits`;
  return { regions: [region], summary };
}
