/**
 * Descriptors of VMSAv8-64: 4 KiB, 16 KiB and 64 KiB granules, of stage 1 and stage 2, with the 52-bit descriptors of all three
 * (Arm DDI 0487, chapter D8). Not read here: 128-bit descriptors (FEAT_D128).
 * @module
 */
import { offsetIn, pow2 } from '../../address.ts';
import { mairName, memoryTypeStage2 } from './mair.ts';
import {
  type AddressBits,
  ATTR,
  addressBitsOf,
  type Descriptors,
  KIND,
  kindOf,
  type Level,
  TYPE_SHIFT,
} from './regime.ts';
import type { FaultClass, Reason } from './types.ts';
import { faultClass } from './types.ts';

// Arm DDI 0487 D8.3.1: VMSAv8-64 descriptor formats, low word
const VALID = 1;
const TABLE_OR_PAGE = 2;
const AP_UNPRIVILEGED = 1 << 6;
const AP_READ_ONLY = 1 << 7;
const S2AP_READ = 1 << 6;
const S2AP_WRITE = 1 << 7;
const AF = 1 << 10;
/** nT of a block (FEAT_BBM), inside the field that is zero otherwise. */
const BLOCK_NT = 1 << 16;
// the same, high word
/** Bits 49:48 of a leaf whose output address has 48 bits. */
const RES0_LEAF_HIGH = 3 << (48 - 32);
const DBM = 1 << (51 - 32);
const CONTIGUOUS = 1 << (52 - 32);
const PXN = 1 << (53 - 32);
const UXN = 1 << (54 - 32);
const PXN_TABLE = 1 << (59 - 32);
const UXN_TABLE = 1 << (60 - 32);
const AP_TABLE_NO_UNPRIVILEGED = 1 << (61 - 32);
const AP_TABLE_READ_ONLY = 1 << (62 - 32);

/** What the tables above a leaf denied, gathered from APTable, UXNTable and PXNTable (D8.4.3). */
const DENIED = { unprivileged: 1, write: 2, execute: 4, privilegedExecute: 8 } as const;

const BLOCK_NOT_ALLOWED = kindOf('block-not-allowed');
const RESERVED_TYPE = kindOf('reserved-type');
const TOO_LARGE = kindOf('output-too-large');

/** A granule of VMSAv8-64, in bytes. */
export type Granule = 4096 | 16384 | 65536;

/** How the descriptors of one stage are read. */
export interface DescriptorRules {
  readonly stage: 1 | 2;
  readonly granule: Granule;
  /** Output address size in bits (IPS, PS): a table or leaf beyond it is an address size fault. */
  readonly oas: number;
  /** Output bits that a descriptor holds: 48, 52 (64 KiB granule; the others with TCR.DS), or 40 (AArch32). */
  readonly descriptorBits: number;
  /** Depth 0's level and entries. */
  readonly levels: readonly Level[];
  /** MAIR as 64 bits; stage 1. */
  readonly mair?: bigint;
  /** A clear access flag does not fault (AFFD, or hardware sets it: HA). */
  readonly ignoreAccessFlag?: boolean;
  /** Hardware sets the dirty state of DBM entries (HD). */
  readonly hardwareDirty?: boolean;
  /** APTable, UXNTable and PXNTable are ignored (HAD, HPD). */
  readonly ignoreHierarchy?: boolean;
  /** What may be written may not be executed (WXN; D8.4.2). */
  readonly writeNeverExecute?: boolean;
  /** Stage 2 memory types are read as FEAT_S2FWB says. */
  readonly forceWriteBack?: boolean;
  /** Family name for people. */
  readonly family?: string;
}

/** D8.6.1: entries that the Contiguous bit groups, by granule and level. */
const CONTIGUOUS_ENTRIES: Readonly<Record<Granule, readonly number[]>> = {
  4096: [0, 16, 16, 16],
  16384: [0, 0, 32, 128],
  65536: [0, 0, 32, 32],
};

const GRANULE_BITS: Readonly<Record<Granule, number>> = { 4096: 12, 16384: 14, 65536: 16 };

/** log2 of a granule. */
export function granuleBits(granule: Granule): number {
  return GRANULE_BITS[granule];
}

/** log2 of the bytes that one entry of `level` covers (D8.2). */
export function levelShift(granule: Granule, level: number): number {
  const page = granuleBits(granule);
  return page + (3 - level) * (page - 3);
}

/** The levels from `start` to 3, the first with as many entries as `inputBits` need. */
export function levelsFrom(granule: Granule, start: number, inputBits: number): Level[] {
  const levels: Level[] = [];
  for (let level = start; level <= 3; level++) {
    const shift = levelShift(granule, level);
    const bits = level === start ? inputBits - shift : granuleBits(granule) - 3;
    levels.push({ level, unit: pow2(shift), entries: pow2(bits) });
  }
  return levels;
}

/** The lowest start level of stage 1 for an input size: as few levels as reach it (D8.2.9). */
export function startLevel(granule: Granule, inputBits: number): number {
  const page = granuleBits(granule);
  return 4 - Math.max(1, Math.ceil((inputBits - page) / (page - 3)));
}

const CLASS_WORDS: Readonly<Record<FaultClass, string>> = {
  translation: 'Translation fault',
  'address-size': 'Address size fault',
  'access-flag': 'Access flag fault',
  permission: 'Permission fault',
  'external-abort': 'Synchronous External abort on translation table walk',
  configuration: 'Configuration fault',
};

/** The name of a fault status as the Data Fault Status Code table has it (D24.2, ESR_ELx.DFSC). */
export function armSyndrome(reason: Reason, level: number): string {
  return `${CLASS_WORDS[faultClass(reason)]}, level ${level}`;
}

/** Entries of VMSAv8-64, and of the AArch32 long format, which is the same with fewer bits. */
export class Aarch64Descriptors implements Descriptors {
  readonly family: string;
  readonly stage: 1 | 2;
  readonly entryBytes = 8;
  readonly levels: readonly Level[];
  readonly #rules: DescriptorRules;
  readonly #limit: number;
  /** 64 KiB granule with 52 bits: bits 15:12 are address bits 51:48. */
  readonly #fold: boolean;
  /** 4 KiB and 16 KiB granules with 52 bits (TCR.DS): bits 9:8 are address bits 51:50, not SH. */
  readonly #ds: boolean;
  readonly #hiMask: number;
  readonly #blockLevel: number;
  readonly #granule: number;
  readonly #addressBits: readonly AddressBits[];

  constructor(rules: DescriptorRules) {
    this.#rules = rules;
    this.family = rules.family ?? 'aarch64';
    this.stage = rules.stage;
    this.levels = rules.levels;
    this.#limit = pow2(rules.oas);
    this.#fold = rules.granule === 65536 && rules.descriptorBits === 52;
    this.#ds = rules.granule !== 65536 && rules.descriptorBits === 52;
    this.#hiMask = pow2(Math.min(rules.descriptorBits, this.#ds ? 50 : 48) - 32) - 1;
    this.#granule = rules.granule;
    this.#addressBits = addressBitsOf(rules.levels, { lo: 0xffff_f000, hi: this.#hiMask }, this.#limit);
    this.#blockLevel = (rules.granule === 4096 || this.#fold ? 1 : 2) - (this.#ds ? 1 : 0);
  }

  kind(lo: number, hi: number, depth: number): number {
    if ((lo & VALID) === 0) return KIND.invalid;
    const level = this.#level(depth);
    if (lo & TABLE_OR_PAGE) {
      const kind = level === 3 ? KIND.leaf : KIND.table;
      return this.#address(lo, hi, this.#granule) >= this.#limit ? TOO_LARGE : kind;
    }
    if (level === 3) return RESERVED_TYPE;
    if (level < this.#blockLevel) return BLOCK_NOT_ALLOWED;
    return this.output(lo, hi, depth) >= this.#limit ? TOO_LARGE : KIND.leaf;
  }

  table(lo: number, hi: number): number {
    return this.#address(lo, hi, this.#granule);
  }

  output(lo: number, hi: number, depth: number): number {
    return this.#address(lo, hi, this.span(lo, hi, depth));
  }

  addressBits(depth: number): AddressBits | undefined {
    return this.#addressBits[depth];
  }

  span(_lo: number, _hi: number, depth: number): number {
    return this.levels[depth]?.unit ?? this.#granule;
  }

  hintEntries(depth: number): number {
    return CONTIGUOUS_ENTRIES[this.#rules.granule][this.#level(depth)] ?? 0;
  }

  inherit(_lo: number, hi: number, denied: number): number {
    if (this.stage === 2 || this.#rules.ignoreHierarchy === true) return denied;
    return (
      denied |
      (hi & AP_TABLE_NO_UNPRIVILEGED ? DENIED.unprivileged : 0) |
      (hi & AP_TABLE_READ_ONLY ? DENIED.write : 0) |
      (hi & UXN_TABLE ? DENIED.execute : 0) |
      (hi & PXN_TABLE ? DENIED.privilegedExecute : 0)
    );
  }

  attributes(lo: number, hi: number, _depth: number, denied: number): number {
    const flags =
      (lo & AF || this.#rules.ignoreAccessFlag === true ? 0 : ATTR.accessFault) |
      (hi & CONTIGUOUS ? ATTR.contiguous : 0);
    return this.stage === 1 ? this.#stage1(lo, hi, denied) | flags : this.#stage2(lo, hi) | flags;
  }

  /** D8.4: AP, UXN, PXN and what the tables above denied. */
  #stage1(lo: number, hi: number, denied: number): number {
    const dirty = hi & DBM && this.#rules.hardwareDirty === true;
    const write = (lo & AP_READ_ONLY && !dirty) || denied & DENIED.write ? 0 : ATTR.write;
    const unprivileged = lo & AP_UNPRIVILEGED && (denied & DENIED.unprivileged) === 0;
    const never = write !== 0 && this.#rules.writeNeverExecute === true;
    const execute = never || hi & UXN || denied & DENIED.execute ? 0 : ATTR.execute;
    const privilegedExecute = never || hi & PXN || denied & DENIED.privilegedExecute ? 0 : ATTR.privilegedExecute;
    const user = unprivileged ? ATTR.read | write | execute : 0;
    return user | ATTR.privilegedRead | (write << 3) | privilegedExecute | (((lo >>> 2) & 7) << TYPE_SHIFT);
  }

  /** D8.4.2: S2AP and XN[1:0], where XN[0] takes execution from privileged software only with FEAT_XNX. */
  #stage2(lo: number, hi: number): number {
    const dirty = hi & DBM && this.#rules.hardwareDirty === true;
    const bits =
      (lo & S2AP_READ ? ATTR.read : 0) |
      (lo & S2AP_WRITE || dirty ? ATTR.write : 0) |
      (hi & UXN || (lo & S2AP_READ) === 0 ? 0 : ATTR.execute);
    return bits | (bits << 3) | (((lo >>> 2) & 15) << TYPE_SHIFT);
  }

  memoryType(code: number): string {
    if (this.stage === 1) return mairName(this.#rules.mair, code);
    return memoryTypeStage2(code, this.#rules.forceWriteBack === true);
  }

  fields(lo: number, hi: number, depth: number): Record<string, string | number> {
    if (this.kind(lo, hi, depth) === KIND.table) return this.#tableFields(hi);
    const share = this.#ds ? {} : { SH: (lo >>> 8) & 3 };
    const shared = { ...share, AF: (lo >>> 10) & 1, Contiguous: (hi >>> 20) & 1, DBM: (hi >>> 19) & 1 };
    if (this.stage === 2) {
      return { MemAttr: (lo >>> 2) & 15, S2AP: (lo >>> 6) & 3, ...shared, XN: (hi >>> 21) & 3 };
    }
    return {
      AttrIndx: (lo >>> 2) & 7,
      NS: (lo >>> 5) & 1,
      AP: (lo >>> 6) & 3,
      ...shared,
      nG: (lo >>> 11) & 1,
      PXN: (hi >>> 21) & 1,
      UXN: (hi >>> 22) & 1,
    };
  }

  #tableFields(hi: number): Record<string, string | number> {
    if (this.stage === 2) return {};
    const tables = { APTable: (hi >>> 29) & 3, NSTable: (hi >>> 31) & 1 };
    return { ...tables, UXNTable: (hi >>> 28) & 1, PXNTable: (hi >>> 27) & 1 };
  }

  offences(lo: number, hi: number, depth: number): readonly string[] {
    const found: string[] = [];
    const kind = this.kind(lo, hi, depth);
    const block = kind === KIND.leaf && this.#level(depth) < 3;
    const held = this.#address(block ? lo & ~BLOCK_NT : lo, hi, this.#granule);
    if (block && held !== this.output(lo, hi, depth)) found.push('misaligned-block');
    const unused = this.#fold ? 0 : this.#granule - 4096;
    const high = kind === KIND.leaf && !this.#ds ? RES0_LEAF_HIGH : 0;
    if ((lo & unused) !== 0 || (hi & (high | (0xffff & ~this.#hiMask))) !== 0) found.push('reserved-bits');
    return found;
  }

  syndrome(reason: Reason, level: number): string {
    return armSyndrome(reason, level);
  }

  #level(depth: number): number {
    return this.levels[depth]?.level ?? 3;
  }

  /** The address field, cut to a multiple of `unit`, and the bits of 52-bit addresses that lie elsewhere (D8.3.1). */
  #address(lo: number, hi: number, unit: number): number {
    const low = (hi & this.#hiMask) * 0x1_0000_0000 + (lo >>> 0);
    const cut = low - offsetIn(low, unit);
    if (this.#ds) return cut + ((lo >>> 8) & 3) * 0x4_0000_0000_0000;
    return this.#fold ? cut + ((lo >>> 12) & 15) * 0x1_0000_0000_0000 : cut;
  }
}

/** Bytes of a root table; a small one still is aligned to 64 bytes with 52-bit addresses (D8.2.6). */
export function rootOf(ttb: number, entries: number): number {
  return ttb - (ttb % (entries * 8));
}

/** Whether descriptors hold 52 output bits: the 64 KiB granule where the output size has them, the others with DS. */
export function wideDescriptors(
  granule: Granule,
  { oas, ds }: { readonly oas: number; readonly ds?: boolean },
): boolean {
  return granule === 65536 ? oas === 52 : ds === true;
}

/** A granule in words: `4K`. */
export function granuleText(granule: Granule): string {
  return `${granule / 1024}K`;
}
