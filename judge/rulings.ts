/**
 * Kinds of difference that were looked into, each with what the specification says: docs/judges.md has the same table.
 * @module
 */
import type { Difference } from './judge.ts';

/** Who is right: `reader` is this project, `undecided` where the text at hand does not settle it. */
export type Right = 'reader' | 'undecided';

/** A kind of difference. */
export interface Ruling {
  readonly name: string;
  readonly right: Right;
  /** Where the specification says so, or why it is open. */
  readonly source: string;
  /** What must match: the unit, what was flipped, the reader's and the emulator's answers. */
  readonly unit: RegExp;
  readonly flip: RegExp;
  readonly ours: RegExp;
  /** Of the reader's fault; any unless given. */
  readonly reason?: RegExp;
  readonly theirs: RegExp;
}

const ANY = /^/;
const PASSED = /reaches|refused/;

/** All rulings, for QEMU 7.2 and 11.1. */
export const RULINGS: readonly Ruling[] = [
  {
    name: 'addresses above the output size in a leaf, a bypass or a table are address size faults',
    right: 'reader',
    source: 'IHI 0070 3.4',
    unit: /SMMUv3/,
    flip: ANY,
    ours: /^F_ADDR_SIZE$/,
    theirs: /reaches|refused|F_WALK_EABT|F_PERMISSION/,
  },
  {
    name: 'the access flag is checked where it is not managed by hardware',
    right: 'reader',
    source: 'DDI 0487 D8.4.6',
    unit: /SMMUv3/,
    flip: /entry/,
    ours: /^F_ACCESS$/,
    theirs: PASSED,
  },
  {
    name: 'APTable and AP[1] restrict unprivileged accesses',
    right: 'reader',
    source: 'DDI 0487 D8.4.1, D8.4.2',
    unit: /SMMUv3/,
    flip: /entry/,
    ours: /^F_PERMISSION$/,
    theirs: PASSED,
  },
  {
    name: 'a context descriptor pointer above the output size makes the entry ILLEGAL from SMMUv3.1 on',
    right: 'reader',
    source: 'IHI 0070 3.4, note 1',
    unit: /SMMUv3/,
    flip: /STE bit (?:4[4-9]|50|51)$/,
    ours: /^C_BAD_STE$/,
    theirs: ANY,
  },
  {
    name: 'S1CDMax is ignored where SSIDSIZE is 0',
    right: 'reader',
    source: 'IHI 0070 5.2',
    unit: /SMMUv3/,
    flip: /STE bit (?:59|6[0-3])$/,
    ours: ANY,
    theirs: /^C_BAD_STE$/,
  },
  {
    name: 'STE.Config 0b0xx aborts without a record',
    right: 'reader',
    source: 'IHI 0070 5.2',
    unit: /SMMUv3/,
    flip: /STE bit [1-3]$/,
    ours: ANY,
    theirs: PASSED,
  },
  {
    name: 'a table base above the effective IPS makes the descriptor ILLEGAL, bit 51 too',
    right: 'reader',
    source: 'IHI 0070 3.4, 5.4',
    unit: /SMMUv3/,
    flip: /CD bit (?:10[89]|11\d)$/,
    ours: /^C_BAD_CD$/,
    theirs: ANY,
  },
  {
    name: 'level 0, and level 1 of granules of 16K and 64K, have no blocks',
    right: 'reader',
    source: 'DDI 0487 D8.3.2',
    unit: /SMMUv3/,
    flip: /table entry of level [01], bit 1$/,
    ours: /^F_TRANSLATION$/,
    theirs: /reaches|refused|F_ACCESS/,
  },
  {
    name: 'a fault of stage 2 that needs no walk (a leaf that is cached, an address beyond the input size) leaves a record where S2R is 1',
    right: 'reader',
    source: 'IHI 0070 5.2, STE.S2R',
    unit: /SMMUv3, (?:stage 2|nested)/,
    flip: ANY,
    ours: /^F_(?:PERMISSION|TRANSLATION)$/,
    reason: /^(?:permission-\w+|input-outside-region)$/,
    theirs: /^refused$/,
  },
  {
    name: 'S2T0SZ beyond the addresses of the unit, and which S2SL0 goes with it',
    right: 'undecided',
    source: 'IHI 0070 5.2: the bounds depend on IDR5.OAS and the revision',
    unit: /SMMUv3, (?:stage 2|nested)/,
    flip: /STE bit 16[0-7]$/,
    ours: ANY,
    theirs: ANY,
  },
  {
    name: 'S2HA, S2HD and S2AA64 = 0 are ILLEGAL where IDR0 lacks them',
    right: 'reader',
    source: 'IHI 0070 5.2',
    unit: /SMMUv3, (?:stage 2|nested)/,
    flip: /STE bit (?:179|18[34])$/,
    ours: /^C_BAD_STE$/,
    theirs: ANY,
  },
  {
    name: 'S1STALLD where only stage 2 translates',
    right: 'undecided',
    source:
      'IHI 0070 5.2: ILLEGAL with STALL_MODEL 1; whether it counts without stage 1 is not clear from the text at hand',
    unit: /SMMUv3, stage 2/,
    flip: /STE bit 91$/,
    ours: ANY,
    theirs: /^C_BAD_STE$/,
  },
  {
    name: 'bits 52 to 55 of STE word 0 are reserved and ignored',
    right: 'reader',
    source: 'IHI 0070 5.2',
    unit: /SMMUv3/,
    flip: /STE bit 5[2-5]$/,
    ours: ANY,
    theirs: /^(?:refused|C_BAD_STE|F_CD_FETCH|F_\w+, .*)$/,
  },
  {
    name: 'each entry of a stage 1 table goes through stage 2, where the table is larger than a page of that stage',
    right: 'reader',
    source: 'DDI 0487 D8.1',
    unit: /SMMUv3, nested/,
    flip: /leaf entry of level \d/,
    ours: ANY,
    theirs: /reaches/,
  },
  {
    name: 'a fault of stage 2 at the fetch of a stage 1 table is recorded as one of stage 2, by S2R, with the IPA of the entry',
    right: 'reader',
    source: 'IHI 0070 7.3, S2 and CLASS',
    unit: /SMMUv3, nested/,
    flip: ANY,
    ours: /^F_/,
    reason: / at a table$/,
    theirs: /^F_\w+(?:, S2 1 ≠ 0.*|, IPA \d+ ≠ \d+)?$|^refused$/,
  },
  {
    name: 'the record of a stage 2 permission fault of a cached leaf has its IPA',
    right: 'reader',
    source: 'IHI 0070 7.3.16',
    unit: /SMMUv3, nested/,
    flip: ANY,
    ours: /^F_PERMISSION$/,
    theirs: /^F_PERMISSION, IPA \d+ ≠ 0$/,
  },
  {
    name: 'the reasons of the PASID directory and table are told apart, where the emulator says 0x58 or 0x5b',
    right: 'reader',
    source: 'VT-d 7.1.3',
    unit: /VT-d, scalable/,
    flip: ANY,
    ours: /^fault reason 0x(?:4[36]|5[0-9ab])/,
    theirs: /^fault reason 0x5[8b]$/,
  },
  {
    name: 'RID_PASID is ignored where ECAP.RPS is clear; QEMU 7.2 uses it',
    right: 'reader',
    source: 'VT-d 9.4; 11.4.3, RPS',
    unit: /VT-d, scalable/,
    flip: /context entry bit (?:6[4-9]|7\d|8[0-3])$/,
    ours: ANY,
    theirs: /^fault reason 0x58$/,
  },
  {
    name: 'which of two missing permissions of first-stage entries is reported',
    right: 'undecided',
    source: 'VT-d 7.1.3 gives no order',
    unit: /VT-d, scalable mode, first stage/,
    flip: /entry of level \d, bit [12]$/,
    ours: /^fault reason 0x8[15]/,
    theirs: /^fault reason 0x8[15]$/,
  },
  {
    name: 'AW does not count with first-stage tables',
    right: 'reader',
    source: 'VT-d 9.6, AW',
    unit: /VT-d, scalable mode, first stage/,
    flip: /PASID table entry bit [234]$/,
    ours: ANY,
    theirs: /^fault reason 0x/,
  },
  {
    name: 'a table pointer beyond the host address width',
    right: 'undecided',
    source: 'VT-d 9.6: reserved; 7.1.3 has a reason for the entry, for its tables and for the read',
    unit: /VT-d, scalable/,
    flip: /PASID table entry bit (?:(?:3[89]|[45]\d|6[0-3])|(?:16[6-9]|1[789]\d))$/,
    ours: /^fault reason/,
    reason: /^output-too-large$/,
    theirs: /^fault reason 0x(?:0c|5b|7[0-4]|7a)$/,
  },
  {
    name: 'nested translation that ECAP.NEST does not offer is refused',
    right: 'reader',
    source: 'VT-d 9.6, PGTT; 11.4.3, NEST, FSTS',
    unit: /VT-d, scalable/,
    flip: /PASID table entry bit [678]$/,
    ours: /^fault reason 0x5b/,
    theirs: ANY,
  },
  {
    name: 'reserved low address bits of a superpage entry',
    right: 'reader',
    source: 'VT-d 9.8: bits below the page size are reserved',
    unit: /VT-d/,
    flip: /leaf entry of level [23], bit (?:1[2-9]|2\d)$/,
    ours: /reserved bits are set in/,
    theirs: ANY,
  },
  {
    name: 'bits 62 (TM) and 11 (SNP) of second-stage entries',
    right: 'undecided',
    source: 'reserved or ignored, depending on ECAP.DT, ECAP.SC and the revision of the specification',
    unit: /VT-d/,
    flip: /entry of level \d, bit (?:11|62)$/,
    ours: ANY,
    theirs: /^fault reason 0x0c$|^refused$/,
  },
  {
    name: 'a present bit of 0 in the entry of a page',
    right: 'reader',
    source: 'AMD 48882 2.2.3: PR = 0 is not present',
    unit: /AMD-Vi/,
    flip: /entry of level \d, bit 0$/,
    ours: /IO_PAGE_FAULT/,
    theirs: /reaches/,
  },
  {
    name: 'permissions of the device table entry and of directory entries are combined with those of the page',
    right: 'reader',
    source: 'AMD 48882 2.2.2.1, 2.2.3: IR and IW of each level are ANDed',
    unit: /AMD-Vi/,
    flip: ANY,
    ours: /IO_PAGE_FAULT/,
    reason: /^permission-/,
    theirs: /reaches/,
  },
  {
    name: 'reserved bits of the third and fourth quadword of a device table entry',
    right: 'undecided',
    source: 'AMD 48882 2.2.2.1 gives its bits by revision; the emulator refuses all of them',
    unit: /AMD-Vi/,
    flip: /DTE bit (?:1[3-9]\d|2\d\d)$/,
    ours: ANY,
    theirs: /^refused$|^ILLEGAL_DEV_TABLE_ENTRY$/,
  },
  {
    name: 'a page without the permission, a block of a wrong size and an illegal entry leave an event',
    right: 'reader',
    source: 'AMD 48882 2.5.3',
    unit: /AMD-Vi/,
    flip: ANY,
    ours: ANY,
    reason: /^(?:permission-\w+|misaligned-block|stream-invalid)$/,
    theirs: /^refused$/,
  },
  {
    name: 'reserved bits of what a wrong root makes a table',
    right: 'undecided',
    source: 'AMD 48882 2.2.3: reserved; whether hardware checks them is not said',
    unit: /AMD-Vi/,
    flip: /DTE bit (?:9|1\d|2\d|3\d|4\d|5[01])$/,
    ours: /IO_PAGE_FAULT/,
    theirs: /reaches/,
  },
  {
    name: 'low address bits and sizes of the entry of a large page that its level does not have',
    right: 'undecided',
    source: 'AMD 48882 2.2.3: reserved; whether hardware checks them is not said',
    unit: /AMD-Vi/,
    flip: /entry of level \d, bit (?:9|1\d|2\d|3\d)$/,
    ours: /IO_PAGE_FAULT/,
    theirs: /reaches/,
  },
];

/** The ruling on a difference; undefined where nobody has looked into its kind. */
export function rulingOf({ unit, flip, ours, reason, theirs }: Difference): Ruling | undefined {
  return RULINGS.find(
    (one) =>
      one.unit.test(unit) &&
      one.flip.test(flip ?? 'probe') &&
      one.ours.test(ours) &&
      one.theirs.test(theirs) &&
      (one.reason?.test(reason) ?? true),
  );
}
