/**
 * What an SMMUv2 says that it walks, as `arm_smmu_device_cfg_probe` reads it and `arm_smmu_init_domain_context` uses it. Arm IHI
 * 0062, 9.6.1 (sIDR0), 9.6.3 (sIDR2).
 * @module
 */
import type { Geometry } from '../../formats/contract.ts';
import { checkNeeds, type Need, needFormat, needGranule, needInput, needOutput } from '../capability.ts';
import type { ContextKind } from './context.ts';

/** Identification registers; 0 where they are not known. */
export interface SmmuIds {
  /** sIDR0. */
  readonly idr0: number;
  /** sIDR2. */
  readonly idr2: number;
}

/** sIDR0 (9.6.1): S1TS 30, S2TS 29, PTFS 25 (no AArch32 tables) and 24 (no short descriptors). */
const S1TS = 1 << 30;
const S2TS = 1 << 29;
const NO_AARCH32 = 1 << 25;
const NO_SHORT = 1 << 24;
/** sIDR2 (9.6.3): IAS 3:0, OAS 7:4, UBS 11:8, PTFSv8 14:12 (4K, 16K, 64K). */
const IAS_SHIFT = 0;
const OAS_SHIFT = 4;
const UBS_SHIFT = 8;
const GRANULES_SHIFT = 12;
const GRANULE_SHIFTS = [12, 14, 16] as const;
const WIDTHS = [32, 36, 40, 42, 44] as const;
const MOST_BITS = 48;

function widthOf(idr2: number, shift: number): number {
  return WIDTHS[(idr2 >>> shift) & 15] ?? MOST_BITS;
}

function formatNeeds(geometry: Geometry, { stage, scheme }: ContextKind, idr0: number): Need[] {
  const walks = (idr0 & (stage === 1 ? S1TS : S2TS)) !== 0;
  const long = scheme === 'aarch64' || (idr0 & NO_AARCH32) === 0;
  return [
    needFormat(geometry, walks, `no stage ${stage} (sIDR0.S${stage}TS is 0)`),
    needFormat(geometry, long, 'no AArch32 tables (sIDR0.PTFS)'),
    needFormat(geometry, scheme !== 'short' || (idr0 & NO_SHORT) === 0, 'no short descriptors (sIDR0.PTFS)'),
  ];
}

/** A first stage begins with the bus's addresses and ends with intermediate ones; a second stage goes on from there. */
function sizeNeeds(geometry: Geometry, { stage, scheme }: ContextKind, idr2: number): Need[] {
  const granules = GRANULE_SHIFTS.filter((_, i) => ((idr2 >>> (GRANULES_SHIFT + i)) & 1) === 1);
  const [from, to] = stage === 1 ? (['UBS', 'IAS'] as const) : (['IAS', 'OAS'] as const);
  const shifts = { IAS: IAS_SHIFT, OAS: OAS_SHIFT, UBS: UBS_SHIFT };
  const sizes = [
    needInput(geometry, widthOf(idr2, shifts[from]), `sIDR2.${from}`),
    needOutput(geometry, widthOf(idr2, shifts[to]), `sIDR2.${to}`),
  ];
  return scheme === 'aarch64' ? [needGranule(geometry, granules, 'sIDR2.PTFSv8'), ...sizes] : sizes;
}

/** Refuses tables that the unit does not walk. @throws IommuError `UNSUPPORTED`. */
export function checkSmmu(geometry: Geometry, kind: ContextKind, { idr0, idr2 }: SmmuIds): void {
  const formats = idr0 === 0 ? [] : formatNeeds(geometry, kind, idr0);
  const sizes = idr2 === 0 ? [] : sizeNeeds(geometry, kind, idr2);
  checkNeeds('arm-smmu', [...formats, ...sizes]);
}
