/**
 * What an SMMUv3 says that it walks, as `arm_smmu_device_hw_probe` reads it and `arm_smmu_domain_finalise` uses it. Arm IHI 0070,
 * 6.3.1 (IDR0), 6.3.6 (IDR5).
 * @module
 */
import type { Geometry } from '../../formats/contract.ts';
import { QUIRK } from '../../formats/quirks.ts';
import { checkNeeds, type Need, needFormat, needGranule, needInput, needOutput, needQuirk } from '../capability.ts';

/** Identification registers; 0 where they are not known. */
export interface SmmuV3Ids {
  /** IDR0. */
  readonly idr0: number;
  /** IDR5. */
  readonly idr5: number;
}

/** IDR0 (6.3.1): S2P 0, S1P 1, TTF 3:2, HTTU 7:6. */
const IDR0 = { S2P: 1, S1P: 2, TTF_SHIFT: 2, HTTU_SHIFT: 6 } as const;
/** TTF (6.3.1): AArch32 tables, AArch64 tables. */
const TTF = { AARCH32: 1, AARCH64: 2 } as const;
/** HTTU (6.3.1): access flag and dirty state. */
const HTTU_DIRTY = 2;
/** IDR5 (6.3.6): OAS 2:0, GRAN4K 4, GRAN16K 5, GRAN64K 6, VAX 11:10. */
const OAS_BITS = [32, 36, 40, 42, 44, 48, 52, 56] as const;
const GRANULE_SHIFTS = [12, 14, 16] as const;
const GRANULES_SHIFT = 4;
const VAX_SHIFT = 10;
/** Intermediate addresses of AArch32 tables (3.4.1), and input addresses of a first stage without VAX and with it. */
const AARCH32_IPA_BITS = 40;
const INPUT_BITS = 48;
const WIDE_INPUT_BITS = 52;

function stageNeeds(geometry: Geometry, idr0: number, second: boolean): Need[] {
  const ttf = (idr0 >>> IDR0.TTF_SHIFT) & 3;
  const walks = (idr0 & (second ? IDR0.S2P : IDR0.S1P)) !== 0;
  return [
    needFormat(geometry, walks, second ? 'no stage 2 (IDR0.S2P is 0)' : 'no stage 1 (IDR0.S1P is 0)'),
    needFormat(geometry, (ttf & TTF.AARCH64) !== 0, 'AArch32 tables only (IDR0.TTF)'),
    needQuirk(geometry, QUIRK.ARM_HD, ((idr0 >>> IDR0.HTTU_SHIFT) & 3) === HTTU_DIRTY, 'IDR0.HTTU has no dirty state'),
  ];
}

/** Linux takes what the unit puts out, and 40 bits at least where it walks AArch32 tables, as intermediate addresses. */
function sizeNeeds(geometry: Geometry, { idr0, idr5 }: SmmuV3Ids, second: boolean): Need[] {
  const output = OAS_BITS[idr5 & 7] as number;
  const aarch32 = ((idr0 >>> IDR0.TTF_SHIFT) & TTF.AARCH32) !== 0;
  const intermediate = Math.max(output, aarch32 ? AARCH32_IPA_BITS : 0);
  const input = ((idr5 >>> VAX_SHIFT) & 3) === 0 ? INPUT_BITS : WIDE_INPUT_BITS;
  const granules = GRANULE_SHIFTS.filter((_, i) => ((idr5 >>> (GRANULES_SHIFT + i)) & 1) === 1);
  return [
    needGranule(geometry, granules, 'IDR5.GRAN'),
    second ? needInput(geometry, intermediate, 'IDR5.OAS') : needInput(geometry, input, 'IDR5.VAX'),
    needOutput(geometry, second ? output : intermediate, 'IDR5.OAS'),
  ];
}

/** Refuses tables that the unit does not walk. @throws IommuError `UNSUPPORTED`. */
export function checkSmmuV3(geometry: Geometry, ids: SmmuV3Ids): void {
  const second = geometry.format === 'arm-64-lpae-s2';
  const stage = ids.idr0 === 0 ? [] : stageNeeds(geometry, ids.idr0, second);
  const sizes = ids.idr5 === 0 ? [] : sizeNeeds(geometry, ids, second);
  checkNeeds('arm-smmu-v3', [...stage, ...sizes]);
}
