/**
 * A translation regime as data: regions of input addresses, the levels below each root, and the functions that read one
 * family's entries. The walker is written once over this.
 * @module
 */
import { pow2 } from '../../address.ts';
import type { Access, Reason } from './types.ts';

/** What an entry is: invalid, a pointer to a table, a leaf, or unusable for a {@link Reason}. */
export const KIND = { invalid: 0, table: 1, leaf: 2 } as const;

/** Reasons that an entry itself gives, as numbers above {@link KIND}, so that hot code passes no text. */
const ENTRY_REASONS: readonly Reason[] = [
  'reserved-type',
  'block-not-allowed',
  'output-too-large',
  'misaligned-block',
  'reserved-bits',
  'skipped-bits-set',
];

/** The number of an entry's {@link Reason}, for {@link Descriptors.kind}. */
export function kindOf(reason: Reason): number {
  return ENTRY_REASONS.indexOf(reason) + 3;
}

/** The {@link Reason} behind a number of {@link kindOf}; an invalid entry was never mapped. */
export function reasonOf(kind: number): Reason {
  return ENTRY_REASONS[kind - 3] ?? 'never-mapped';
}

/** Attribute bits of a leaf, after the tables above it had their say. */
export const ATTR = {
  read: 1,
  write: 2,
  execute: 4,
  /** The same three for privileged accesses. */
  privilegedRead: 8,
  privilegedWrite: 16,
  privilegedExecute: 32,
  /** The access flag is clear and hardware does not set it. */
  accessFault: 64,
  /** A write would set the dirty flag, which is clear, and hardware does not set it. */
  dirtyFault: 128,
  /** Hint that neighbours continue this leaf. */
  contiguous: 256,
} as const;

/** Memory-type code in an attribute word: bits 16 to 30. */
export const TYPE_SHIFT = 16;

/** One level of a table tree. */
export interface Level {
  /** Level in the architecture's own counting. */
  readonly level: number;
  /** Bytes that one entry covers. */
  readonly unit: number;
  /** Entries in a table of this level. */
  readonly entries: number;
}

/** The bits of a leaf's halves that hold its output address and nothing else. */
export interface AddressBits {
  readonly lo: number;
  readonly hi: number;
  /** Bytes that bit 0 of an entry would stand for: 1 where addresses stand in entries as they are. */
  readonly scale: number;
  /** First output address that is too large. */
  readonly limit: number;
}

/**
 * The {@link AddressBits} of leaves at each level, which are aligned to what an entry of the level covers.
 * @param field - the halves of the address field
 */
export function addressBitsOf(
  levels: readonly Level[],
  field: { readonly lo: number; readonly hi: number },
  limit: number,
  scale = 1,
): AddressBits[] {
  return levels.map(({ unit }) => {
    const least = unit / scale;
    const lo = least < pow2(32) ? field.lo & ~(least - 1) : 0;
    const hi = field.hi & ~(Math.max(1, least / pow2(32)) - 1);
    return { lo, hi, scale, limit };
  });
}

/**
 * How one family reads its entries. An entry is two 32-bit halves (`hi` is 0 for 32-bit entries); `depth` counts
 * levels from the region's root; `denied` is what the tables above denied, in the family's own bits, 0 at the root.
 */
export interface Descriptors {
  readonly family: string;
  readonly stage: 1 | 2;
  readonly entryBytes: 4 | 8;
  readonly levels: readonly Level[];
  /** {@link KIND}, or a number of {@link kindOf}. */
  kind(lo: number, hi: number, depth: number): number;
  /** Address of the next table. */
  table(lo: number, hi: number, depth: number): number;
  /** Depth of the next table, where it need not be the next one. */
  next?(lo: number, hi: number, depth: number): number;
  /** Output address of the leaf's first byte. */
  output(lo: number, hi: number, depth: number): number;
  /**
   * The {@link AddressBits} of a leaf that is one entry: leaves that differ in these bits and in {@link statusBits} alone and
   * lead below the limit have the same kind, span, attributes and offences.
   */
  addressBits(depth: number): AddressBits | undefined;
  /** Bytes of the leaf: the level's unit, or more where several equal entries are one leaf. */
  span(lo: number, hi: number, depth: number): number;
  /** Bits of the low half that hardware sets as it uses a leaf, and that say nothing else: accessed, dirty. */
  readonly statusBits?: number;
  /** Entries that the contiguous hint groups at a depth; 0 where there is no hint. */
  hintEntries?(depth: number): number;
  /** `denied` after a table entry. */
  inherit(lo: number, hi: number, denied: number): number;
  /** Attribute word of a leaf: {@link ATTR} bits and a memory-type code. */
  attributes(lo: number, hi: number, depth: number, denied: number): number;
  /** The memory type that a code stands for. */
  memoryType(code: number): string;
  /** The entry's fields by name. */
  fields(lo: number, hi: number, depth: number): Record<string, string | number>;
  /** What the architecture says must be zero or consistent but hardware need not check: names of the offences. */
  offences(lo: number, hi: number, depth: number): readonly string[];
  /** The architecture's name for a fault of an access. */
  syndrome(reason: Reason, level: number, access: Access): string;
}

/** A range of input addresses that one root translates. */
export interface Region {
  /** Name of the root's register or field. */
  readonly name: string;
  /** Input address that index 0 of the root stands for. */
  readonly base: bigint;
  /** First offset from `base` that belongs to the region; 0 unless given. The root may lead to less than it could. */
  readonly from?: number;
  /** First offset from `base` behind the region. */
  readonly size: number;
  /** Physical address of the root table. */
  readonly root: number;
  readonly descriptors: Descriptors;
  /** Set where the region has no walk: the reason. */
  readonly refused?: Reason;
}

/** What a device's context says about translation: its regions, lowest first. */
export interface Regime {
  readonly regions: readonly Region[];
  /** Whether input bits 63:56 are ignored (copied from bit 55): where bit 55 is 0, and where it is 1. */
  readonly ignoreTopByte?: readonly [low: boolean, high: boolean];
  /** One line about the geometry, for people. */
  readonly summary: string;
}

/**
 * A text that is the same for equal configurations of a regime: tables with the same text need to be read only once. A half
 * of the input addresses that is not walked (`disabled`) counts as nothing.
 */
export function configKey(config: object): string {
  return JSON.stringify(config, (_name, value: unknown) => {
    if (typeof value === 'bigint') return `0x${value.toString(16)}`;
    return typeof value === 'object' && value !== null && 'disabled' in value && value.disabled === true ? null : value;
  });
}

/** The permission letters of an attribute word; `p` where only privileged accesses are allowed. */
export function permsText(attributes: number): string {
  const user = attributes & 7;
  const bits = user !== 0 ? user : (attributes >>> 3) & 7;
  const letters = `${bits & ATTR.read ? 'r' : ''}${bits & ATTR.write ? 'w' : ''}${bits & ATTR.execute ? 'x' : ''}`;
  return user === 0 && bits !== 0 ? `${letters}p` : letters;
}
