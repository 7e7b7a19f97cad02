/**
 * Stage 1 of VMSAv8-64: TTBR0 and TTBR1 (Arm DDI 0487, chapter D8).
 * @module
 */
import { pow2 } from '../../address.ts';
import {
  Aarch64Descriptors,
  type Granule,
  granuleText,
  levelsFrom,
  rootOf,
  startLevel,
  wideDescriptors,
} from './aarch64.ts';
import type { Regime, Region } from './regime.ts';

/** One half of a stage 1 input range: TTBR0's or TTBR1's. */
export interface TtbrConfig {
  /** Table base address as in the register's address field. */
  readonly ttb: number;
  /** Region size field: 64 − input bits. */
  readonly tsz: number;
  readonly granule: Granule;
  /** EPD: no walk; every access is a translation fault. */
  readonly disabled?: boolean;
}

/** A stage 1 regime: one or two halves, and what holds for both. */
export interface Stage1Config {
  readonly ttbr0?: TtbrConfig;
  readonly ttbr1?: TtbrConfig;
  /** Output address bits. */
  readonly oas: number;
  readonly mair: bigint;
  readonly ignoreAccessFlag?: boolean;
  readonly hardwareDirty?: boolean;
  /** Of the lower and the upper half: HAD0 and HAD1, TBI0 and TBI1. */
  readonly ignoreHierarchy?: readonly [low: boolean, high: boolean];
  readonly ignoreTopByte?: readonly [low: boolean, high: boolean];
  readonly writeNeverExecute?: boolean;
  /** TCR.DS: 52-bit addresses with the 4 KiB and 16 KiB granules (FEAT_LPA2). */
  readonly ds?: boolean;
}

/** The smallest TxSZ: 16, or 12 for the 64 KiB granule (FEAT_LVA) and with DS (FEAT_LPA2; D8.2.9). */
const MIN_TSZ = 16;
const MIN_TSZ_52 = 12;
/** The largest TxSZ (FEAT_TTST allows 48, 47 for 64 KiB). */
const MAX_TSZ = 48;

function half(name: 'TTBR0' | 'TTBR1', config: Stage1Config, ttbr: TtbrConfig): Region {
  const least = ttbr.granule === 65536 || config.ds === true ? MIN_TSZ_52 : MIN_TSZ;
  const bits = 64 - Math.min(Math.max(ttbr.tsz, least), MAX_TSZ);
  const levels = levelsFrom(ttbr.granule, startLevel(ttbr.granule, bits), bits);
  const root = rootOf(ttbr.ttb, levels[0]?.entries ?? 1);
  const illegal = ttbr.tsz < least || ttbr.tsz > MAX_TSZ ? 'bad-geometry' : undefined;
  const large = root >= pow2(config.oas) ? 'output-too-large' : undefined;
  const refused = ttbr.disabled === true ? 'walk-disabled' : (illegal ?? large);
  const descriptorBits = wideDescriptors(ttbr.granule, config) ? 52 : 48;
  const ignoreHierarchy = config.ignoreHierarchy?.[name === 'TTBR0' ? 0 : 1] === true;
  const rules = { ...config, ignoreHierarchy, stage: 1, granule: ttbr.granule, descriptorBits, levels } as const;
  return {
    name,
    base: name === 'TTBR1' ? (1n << 64n) - (1n << BigInt(bits)) : 0n,
    size: pow2(bits),
    root,
    descriptors: new Aarch64Descriptors(rules),
    ...(refused === undefined ? {} : { refused }),
  };
}

/** Stage 1 of VMSAv8-64. */
export function aarch64Stage1(config: Stage1Config): Regime {
  const regions: Region[] = [];
  const words: string[] = [];
  for (const [name, ttbr] of [
    ['TTBR0', config.ttbr0],
    ['TTBR1', config.ttbr1],
  ] as const) {
    if (ttbr === undefined) continue;
    regions.push(half(name, config, ttbr));
    words.push(`${name} ${granuleText(ttbr.granule)} ${64 - ttbr.tsz} bits${ttbr.disabled === true ? ' (off)' : ''}`);
  }
  return {
    regions,
    ...(config.ignoreTopByte?.includes(true) === true ? { ignoreTopByte: config.ignoreTopByte } : {}),
    summary: `aarch64 stage 1, ${words.join(', ')}, output ${config.oas} bits`,
  };
}
