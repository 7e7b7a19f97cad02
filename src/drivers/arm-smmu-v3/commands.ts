/**
 * Commands that the driver puts into an SMMUv3 command queue. Arm IHI 0070, chapter 4.
 * @module
 */

/** Kinds of commands, by index: the names of the specification. */
export const SMMU_V3_NAMES = [
  'CMD_PREFETCH_CONFIG',
  'CMD_CFGI_STE',
  'CMD_CFGI_ALL',
  'CMD_CFGI_CD',
  'CMD_TLBI_NH_ASID',
  'CMD_TLBI_NH_VA',
  'CMD_TLBI_EL2_ALL',
  'CMD_TLBI_EL2_ASID',
  'CMD_TLBI_EL2_VA',
  'CMD_TLBI_S12_VMALL',
  'CMD_TLBI_S2_IPA',
  'CMD_TLBI_NSNH_ALL',
  'CMD_ATC_INV',
  'CMD_SYNC',
] as const;

/** A kind as an index of {@link SMMU_V3_NAMES}. */
export const KIND = {
  prefetchConfig: 0,
  cfgiSte: 1,
  cfgiAll: 2,
  cfgiCd: 3,
  nhAsid: 4,
  nhVa: 5,
  el2All: 6,
  el2Asid: 7,
  el2Va: 8,
  s12Vmall: 9,
  s2Ipa: 10,
  nsnhAll: 11,
  atcInv: 12,
  sync: 13,
} as const;

/** Opcodes by kind (4.1.1). */
export const OPCODES: readonly number[] = [
  0x01, 0x03, 0x04, 0x05, 0x11, 0x12, 0x20, 0x21, 0x22, 0x28, 0x2a, 0x30, 0x40, 0x46,
];

/** TLBI by address (4.4.1): NUM 16:12, SCALE 24:20 of the first word; Leaf 0, TTL 9:8, TG 11:10 of the third. */
export const TLBI = { numShift: 12, scaleShift: 20, leaf: 1, ttlShift: 8, granuleShift: 10, mostPages: 31 } as const;
/** CFGI_STE.Leaf, CFGI_CD.Leaf (4.3.1, 4.3.3). */
export const CFGI_LEAF = 1;
/** CFGI_ALL is CFGI_STE_RANGE with this Range (4.3.2). */
export const CFGI_EVERYTHING = 31;
/** ATC_INV.Size that covers every address (4.5.1). */
export const ATC_EVERYTHING = 52;
/** CMD_SYNC (4.7.3): CS 13:12, MSH 23:22 inner shareable, MSIAttr 27:24 write-back, as Linux writes them. */
export const SYNC = { interrupt: 0x1000, event: 0x2000, attributes: 0xfc00000 } as const;
