/**
 * Cases whose answer is a rule of an architecture, written by hand: no recorded source has them.
 * @module
 */
import { wordRuns } from '../src/conform/pack/image.ts';

const ROOT = 0x8000_0000;
const RANGES = [['0x80000000', '0x80010000']];

/** A table entry or leaf of the AArch64 descriptors: AF, inner shareable, valid. */
const TABLE = 3n;
const BLOCK = (1n << 10n) | (3n << 8n) | 1n;
const PAGE = (1n << 10n) | 3n;

interface Tables {
  readonly id: string;
  readonly words: readonly (readonly [number, bigint])[];
  readonly granule: number;
  readonly outputBits: number;
  readonly quirks: readonly string[];
  readonly iova: string;
  readonly expect: object;
  readonly bug: string;
  readonly rule: string;
}

/** Four levels down to a page in which bits 9:8 are set: address bits or the shareability. */
const PAGE_WITH_BITS_9_8: Tables['words'] = [
  [ROOT, BigInt(ROOT + 0x1000) | TABLE],
  [ROOT + 0x1000, BigInt(ROOT + 0x2000) | TABLE],
  [ROOT + 0x2000, BigInt(ROOT + 0x3000) | TABLE],
  [ROOT + 0x3000, 0x2_0000_5000n | (3n << 8n) | PAGE],
];

/** Stage 1 of 48 input bits, so that the root is at level 0. */
const CASES: readonly Tables[] = [
  {
    id: 'rule-16k-level-1-block',
    words: [
      [ROOT, BigInt(ROOT + 0x4000) | TABLE],
      [ROOT + 0x4000, 0x1000000000n | BLOCK],
    ],
    granule: 16384,
    outputBits: 48,
    quirks: [],
    iova: '0x1234',
    expect: { fault: null },
    bug: 'a block at a level that has none',
    rule: 'Arm DDI 0487 D8.3.2: with a granule of 16K and 48-bit descriptors level 1 has no blocks',
  },
  {
    id: 'rule-4k-level-0-block',
    words: [[ROOT, 0x1000000000n | BLOCK]],
    granule: 4096,
    outputBits: 48,
    quirks: [],
    iova: '0x1234',
    expect: { fault: null },
    bug: 'a block at a level that has none',
    rule: 'Arm DDI 0487 D8.3.2: with a granule of 4K and 48-bit descriptors level 0 has no blocks',
  },
  {
    id: 'rule-4k-page-52-bits',
    words: PAGE_WITH_BITS_9_8,
    granule: 4096,
    outputBits: 52,
    quirks: ['arm-lpa2'],
    iova: '0x42',
    expect: { address: '0xc000200005042' },
    bug: 'the 52-bit descriptors of the 4K granule taken for the 48-bit ones',
    rule: 'Arm DDI 0487 D8.3.1: with DS = 1 descriptor bits 9:8 are address bits 51:50',
  },
  {
    id: 'rule-4k-page-48-bits',
    words: PAGE_WITH_BITS_9_8,
    granule: 4096,
    outputBits: 48,
    quirks: [],
    iova: '0x42',
    expect: { address: '0x200005042' },
    bug: 'the 52-bit descriptors of the 4K granule taken for the 48-bit ones',
    rule: 'Arm DDI 0487 D8.3.1: with DS = 0 descriptor bits 9:8 are the shareability',
  },
];

/** Lines of the cases by hand, each with its image. */
export function ruleLines(): object[] {
  return CASES.flatMap(({ id, words, ...each }) => [
    { kind: 'image', id, ranges: RANGES, words: wordRuns(words) },
    {
      kind: 'tables',
      id,
      format: 'arm-64-lpae-s1',
      image: id,
      roots: ['0x80000000'],
      inputBits: 48,
      access: 'any',
      ...each,
      source: 'specification',
      agree: ['reader'],
    },
  ]);
}
