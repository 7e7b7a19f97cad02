/**
 * VMSAv8-32 long-descriptor tables (LPAE), stages 1 and 2 (Arm DDI 0487, chapter G5; IHI 0062). Its entries are those of
 * the 4 KiB granule of VMSAv8-64 with 40 output bits; its roots are at level 1 or 2.
 * @module
 */
import { pow2 } from '../../address.ts';
import { Aarch64Descriptors, levelsFrom } from './aarch64.ts';
import type { Regime, Region } from './regime.ts';

/** Output address bits of the long format. */
const OUTPUT_BITS = 40;
/** Input addresses of stage 1 have 32 bits. */
const INPUT_BITS = 32;
/** Inputs of up to 30 bits start at level 2 (G5.5.1). */
const LEVEL_2_INPUT_BITS = 30;

/** What TTBCR, TTBR0 and TTBR1 say. */
export interface LongStage1Config {
  readonly ttbr0: number;
  readonly ttbr1?: number;
  readonly t0sz: number;
  readonly t1sz?: number;
  readonly epd0?: boolean;
  readonly epd1?: boolean;
  readonly mair: bigint;
  readonly ignoreAccessFlag?: boolean;
}

interface Half {
  readonly name: string;
  readonly ttb: number;
  readonly inputBits: number;
  readonly base: number;
  readonly from: number;
  readonly off: boolean;
}

function regionOf(config: LongStage1Config, half: Half): Region {
  const levels = levelsFrom(4096, half.inputBits > LEVEL_2_INPUT_BITS ? 1 : 2, half.inputBits);
  const rules = { ...config, stage: 1, granule: 4096, oas: OUTPUT_BITS, descriptorBits: OUTPUT_BITS, levels } as const;
  return {
    name: half.name,
    base: BigInt(half.base),
    from: half.from,
    size: pow2(half.inputBits),
    root: half.ttb - (half.ttb % ((levels[0]?.entries ?? 1) * 8)),
    descriptors: new Aarch64Descriptors({ ...rules, family: 'aarch32-long' }),
    ...(half.off ? { refused: 'walk-disabled' } : {}),
  };
}

/** Stage 1: TTBR0 below 2^(32 − T0SZ), TTBR1 from the top down, or from where TTBR0 ends if T1SZ is 0 (G5.5.3). */
export function aarch32LongStage1(config: LongStage1Config): Regime {
  const t1sz = config.t1sz ?? 0;
  const lower = INPUT_BITS - config.t0sz;
  const zero = { name: 'TTBR0', ttb: config.ttbr0, inputBits: lower, base: 0, from: 0, off: config.epd0 === true };
  const regions = [regionOf(config, zero)];
  if (config.ttbr1 !== undefined && (config.t0sz > 0 || t1sz > 0)) {
    const inputBits = INPUT_BITS - t1sz;
    const base = pow2(INPUT_BITS) - pow2(inputBits);
    const from = t1sz === 0 ? pow2(lower) : 0;
    const one = { name: 'TTBR1', ttb: config.ttbr1, inputBits, base, from, off: config.epd1 === true };
    regions.push(regionOf(config, one));
  }
  return { regions, summary: `aarch32-long stage 1, TTBR0 ${lower} bits, output ${OUTPUT_BITS} bits` };
}

/** What VTCR and VTTBR say; `t0sz` is the 4-bit signed field. */
export interface LongStage2Config {
  readonly ttb: number;
  readonly t0sz: number;
  readonly sl0: number;
  readonly ignoreAccessFlag?: boolean;
}

/** Index bits of one table, and those that concatenated tables add. */
const INDEX_BITS = 9;
const CONCATENATION_BITS = 4;

/** Stage 2: 24 to 40 input bits, from level 1 (SL0 = 1) or 2 (SL0 = 0), start tables concatenated (G5.5.4). */
export function aarch32LongStage2(config: LongStage2Config): Regime {
  const signed = config.t0sz > 7 ? config.t0sz - 16 : config.t0sz;
  const inputBits = INPUT_BITS - signed;
  const start = config.sl0 === 1 ? 1 : 2;
  const resolved = inputBits - (start === 1 ? 30 : 21);
  const most = start === 1 ? 10 : INDEX_BITS + CONCATENATION_BITS;
  const consistent = config.sl0 <= 1 && resolved >= 1 && resolved <= most;
  const levels = levelsFrom(4096, consistent ? start : 1, inputBits);
  const entries = Math.max(levels[0]?.entries ?? 1, 1);
  const region: Region = {
    name: 'VTTBR',
    base: 0n,
    size: pow2(inputBits),
    root: config.ttb - (config.ttb % (entries * 8)),
    descriptors: new Aarch64Descriptors({
      ...config,
      stage: 2,
      granule: 4096,
      oas: OUTPUT_BITS,
      descriptorBits: OUTPUT_BITS,
      levels,
      family: 'aarch32-long',
    }),
    ...(consistent ? {} : { refused: 'start-level-inconsistent' }),
  };
  return { regions: [region], summary: `aarch32-long stage 2, ${inputBits} bits from level ${start}, output 40 bits` };
}
