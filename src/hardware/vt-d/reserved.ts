/**
 * Reserved bits of VT-d's root, context, PASID directory and PASID table entries: a present entry with one of them set is refused
 * (Intel VT-d, 7.1.3; 9.1 to 9.6). Bits of addresses above the host's width are reserved too; here the architecture's 52.
 * @module
 */
import { wideBits } from '../bits.ts';

/** First bit and number of bits. */
type Range = readonly [at: number, bits: number];

const ABOVE_ADDRESS: Range = [52, 12];

// 9.1 root entry; 9.2 scalable-mode root entry, of which each half is looked at alone
const ROOT: readonly Range[] = [[1, 11], ABOVE_ADDRESS];
// 9.3 context entry: bits 70:67 are the software's
const LEGACY_CONTEXT: readonly Range[] = [[4, 8], ABOVE_ADDRESS, [71, 1], [88, 40]];
// 9.4 scalable-mode context entry
const SCALABLE_CONTEXT: readonly Range[] = [[5, 4], ABOVE_ADDRESS, [85, 43], [128, 64], [192, 64]];
// 9.5 scalable-mode PASID directory entry
const PASID_DIRECTORY: readonly Range[] = [[2, 10], ABOVE_ADDRESS];
// 9.6 scalable-mode PASID table entry: what no revision has defined
const PASID_ENTRY: readonly Range[] = [
  [10, 2],
  [80, 7],
  [136, 4],
  ...[192, 256, 320, 384, 448].map((at) => [at, 64] as const),
];

/** A kind of entry. */
export type EntryKind = 'root' | 'scalableRoot' | 'context' | 'scalableContext' | 'directory' | 'pasid';

interface KindRules {
  readonly ranges: readonly Range[];
  /** Fault reason that a reserved bit gives. */
  readonly code: number;
  readonly name: string;
}

const KINDS: Readonly<Record<EntryKind, KindRules>> = {
  root: { ranges: ROOT, code: 0x0a, name: 'root entry' },
  scalableRoot: { ranges: ROOT, code: 0x3a, name: 'root entry' },
  context: { ranges: LEGACY_CONTEXT, code: 0x0b, name: 'context entry' },
  scalableContext: { ranges: SCALABLE_CONTEXT, code: 0x42, name: 'context entry' },
  directory: { ranges: PASID_DIRECTORY, code: 0x52, name: 'PASID directory entry' },
  pasid: { ranges: PASID_ENTRY, code: 0x5a, name: 'PASID table entry' },
};

/** Why an entry is refused for its reserved bits: the fault reason and words; undefined where none is set. */
export function reservedBits(
  words: Uint32Array,
  kind: EntryKind,
): { readonly code: number; readonly why: string } | undefined {
  const { ranges, code, name } = KINDS[kind];
  const found = ranges.find(([at, bits]) => wideBits(words, at, bits) !== 0n);
  if (found === undefined) return undefined;
  const [at, bits] = found;
  return { code, why: `reserved bits ${at + bits - 1}:${at} of the ${name} are set` };
}
