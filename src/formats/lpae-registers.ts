/**
 * Registers that go with Arm's long-descriptor tables, by flat name: TTBR, TCR and MAIR of stage 1, VTTBR and VTCR of stage 2
 * (Arm DDI 0487, D19.2), with the values that Linux's io-pgtable-arm computes.
 * @module
 */
import type { Registers } from './contract.ts';
import { hasQuirk, type LpaeShape, PA_SIZE } from './lpae-shape.ts';

/** Cacheability, shareability and granule of TCR and VTCR (D19.2 TCR_EL1, VTCR_EL2). */
const RGN_NC = 0;
const RGN_WBWA = 1;
const SH_OUTER = 2;
const SH_INNER = 3;
const TG0: Readonly<Record<number, number>> = { 12: 0, 14: 2, 16: 1 };
const TG1: Readonly<Record<number, number>> = { 12: 2, 14: 1, 16: 3 };

/** MAIR: Attr0 non-cacheable, 1 write-back, 2 device nGnRE, 3 inner-cached; sign-extended as Linux computes it. */
const MAIR = 0xfffffffff404ff44n;

/** Stage 1 (TCR_EL1), or the upper half's fields of it. */
export function s1Registers(shape: LpaeShape, root: number): Registers {
  const { request, pageShift } = shape;
  const outer = hasQuirk(request, 'ARM_OUTER_WBWA');
  const granules = hasQuirk(request, 'ARM_TTBR1') ? TG1 : TG0;
  return {
    ttbr: BigInt(root),
    mair: MAIR,
    'tcr.ips': BigInt(PA_SIZE[shape.oas] ?? 0),
    'tcr.tg': BigInt(granules[pageShift] ?? 0),
    'tcr.sh': BigInt(request.coherent ? SH_INNER : SH_OUTER),
    'tcr.orgn': BigInt(request.coherent || outer ? RGN_WBWA : RGN_NC),
    'tcr.irgn': BigInt(request.coherent ? RGN_WBWA : RGN_NC),
    'tcr.tsz': BigInt(64 - shape.ias),
    ...(shape.lpa2 ? { 'tcr.ds': 1n } : {}),
    ...(hasQuirk(request, 'ARM_HD') ? { 'tcr.ha': 1n, 'tcr.hd': 1n } : {}),
  };
}

/** SL0, and SL2 with the 52-bit descriptors: the start level, counted from 2 up with 4K and from 3 up with the others. */
function startFields({ levels, pageShift, lpa2 }: LpaeShape): Registers {
  const start = levels[0]?.level ?? 0;
  if (!lpa2) return { 'vtcr.sl': BigInt(~(pageShift === 12 ? start + 1 : start) & 3) };
  const sl = start < 0 ? 0 : ~(pageShift === 12 ? start + 1 : start) & 3;
  return { 'vtcr.sl': BigInt(sl), 'vtcr.sl2': start < 0 ? 1n : 0n, 'vtcr.ds': 1n };
}

/** Stage 2 (VTCR_EL2). */
export function s2Registers(shape: LpaeShape, root: number): Registers {
  const { request, pageShift } = shape;
  return {
    vttbr: BigInt(root),
    'vtcr.ps': BigInt(PA_SIZE[shape.oas] ?? 0),
    'vtcr.tg': BigInt(TG0[pageShift] ?? 0),
    'vtcr.sh': BigInt(request.coherent ? SH_INNER : SH_OUTER),
    'vtcr.orgn': BigInt(request.coherent ? RGN_WBWA : RGN_NC),
    'vtcr.irgn': BigInt(request.coherent ? RGN_WBWA : RGN_NC),
    'vtcr.tsz': BigInt(64 - shape.ias),
    ...startFields(shape),
  };
}
