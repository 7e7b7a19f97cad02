/**
 * VMSAv8-32 short-descriptor tables: sections and supersections, small and large pages, TEX remapping (Arm DDI 0487,
 * G5.4; IHI 0062), and MediaTek's form with output bits 34:32 inside the entry.
 * @module
 */
import { pow2 } from '../../address.ts';
import { armSyndrome } from './aarch64.ts';
import {
  type AddressBits,
  ATTR,
  addressBitsOf,
  type Descriptors,
  KIND,
  type Level,
  type Regime,
  type Region,
  TYPE_SHIFT,
} from './regime.ts';
import type { Reason } from './types.ts';

// G5.4.1 level 1 descriptors
const TABLE = 1;
const SECTION_XN = 1 << 4;
const SUPERSECTION = 1 << 18;
// G5.4.1 level 2 descriptors
const LARGE_PAGE = 1;
const SMALL_XN = 1;
const LARGE_XN = 1 << 15;
/** MediaTek: output bits 32, 33, 34. */
const MTK_BITS: readonly (readonly [number, number])[] = [
  [1 << 9, pow2(32)],
  [1 << 4, pow2(33)],
  [1 << 5, pow2(34)],
];

const SECTION_BYTES = pow2(20);
const SUPERSECTION_BYTES = pow2(24);
const SMALL_BYTES = pow2(12);
const LARGE_BYTES = pow2(16);
const LEVEL_2_ENTRIES = 256;

/** What the context bank says about short-descriptor tables. */
export interface ShortConfig {
  readonly ttbr0: number;
  readonly ttbr1?: number;
  /** TTBCR.N: TTBR0 translates the lowest 2^(32 − N) bytes. */
  readonly n?: number;
  /** TTBCR.PD0 and PD1: no walk. */
  readonly pd0?: boolean;
  readonly pd1?: boolean;
  /** SCTLR.AFE: AP[0] is the access flag. */
  readonly accessFlag?: boolean;
  /** TEX remap registers (SCTLR.TRE); without them TEX, C and B are read directly. */
  readonly prrr?: number;
  readonly nmrr?: number;
  /** MediaTek: output bits above 32 in leaves, and in table entries. */
  readonly mtkLeaves?: boolean;
  readonly mtkTables?: boolean;
  /** Permissions are not looked at (MediaTek). */
  readonly noPermissions?: boolean;
  /** Input address bits; 32 but for MediaTek's 33 and 34. */
  readonly inputBits?: number;
}

function mtkHigh(lo: number): number {
  return MTK_BITS.reduce((sum, [bit, value]) => sum + (lo & bit ? value : 0), 0);
}

/** AP[2:0] where the access flag is off: [user, privileged] of read 1 and write 2 (G5.7.1). */
const FULL_AP: readonly (readonly [number, number])[] = [
  [0, 0],
  [0, 3],
  [1, 3],
  [3, 3],
  [0, 0],
  [0, 1],
  [1, 1],
  [1, 1],
];

/** Memory types by {TEX, C, B} without remapping (G5.8.2); the rest is reserved or by cache policy. */
const DIRECT: ReadonlyMap<number, string> = new Map([
  [0, 'Strongly-ordered'],
  [1, 'Device'],
  [2, 'Normal WT'],
  [3, 'Normal WB'],
  [4, 'Normal NC'],
  [7, 'Normal WB RWA'],
  [8, 'Device'],
]);
const REMAPPED = ['Strongly-ordered', 'Device', 'Normal', 'reserved'];
const CACHE = ['NC', 'WB RWA', 'WT', 'WB'];

class ShortDescriptors implements Descriptors {
  readonly family = 'aarch32-short';
  readonly stage = 1;
  readonly entryBytes = 4;
  readonly levels: readonly Level[];
  readonly #config: ShortConfig;
  readonly #addressBits: readonly AddressBits[];

  constructor(config: ShortConfig, inputBits: number) {
    this.#config = config;
    this.levels = [
      { level: 1, unit: SECTION_BYTES, entries: pow2(inputBits - 20) },
      { level: 2, unit: SMALL_BYTES, entries: LEVEL_2_ENTRIES },
    ];
    this.#addressBits = addressBitsOf(this.levels, { lo: 0xffff_f000, hi: 0 }, Number.POSITIVE_INFINITY);
  }

  kind(lo: number, _hi: number, depth: number): number {
    const type = lo & 3;
    if (type === 0) return KIND.invalid;
    return depth === 0 && type === TABLE ? KIND.table : KIND.leaf;
  }

  table(lo: number): number {
    return ((lo & 0xffff_fc00) >>> 0) + (this.#config.mtkTables === true ? mtkHigh(lo) : 0);
  }

  output(lo: number, _hi: number, depth: number): number {
    const mtk = this.#config.mtkLeaves === true;
    const high = mtk ? mtkHigh(lo) : 0;
    if (depth === 1) return ((lo & ((lo & 3) === LARGE_PAGE ? 0xffff_0000 : 0xffff_f000)) >>> 0) + high;
    if ((lo & SUPERSECTION) === 0) return ((lo & 0xfff0_0000) >>> 0) + high;
    // Output bits 35:32 in 23:20, 39:36 in 8:5
    const extended = mtk ? 0 : ((lo >>> 20) & 15) * pow2(32) + ((lo >>> 5) & 15) * pow2(36);
    return ((lo & 0xff00_0000) >>> 0) + high + extended;
  }

  addressBits(depth: number): AddressBits | undefined {
    return this.#addressBits[depth];
  }

  span(lo: number, _hi: number, depth: number): number {
    if (depth === 0) return lo & SUPERSECTION ? SUPERSECTION_BYTES : SECTION_BYTES;
    return (lo & 3) === LARGE_PAGE ? LARGE_BYTES : SMALL_BYTES;
  }

  inherit(_lo: number, _hi: number, denied: number): number {
    return denied;
  }

  attributes(lo: number, _hi: number, depth: number): number {
    const code = this.#typeCode(lo, depth) << TYPE_SHIFT;
    const all = ATTR.read | ATTR.write | ATTR.execute;
    if (this.#config.noPermissions === true) return all | (all << 3) | code;
    const ap = this.#ap(lo, depth);
    const execute = this.#executeNever(lo, depth) ? 0 : ATTR.execute;
    const flag = this.#config.accessFlag === true && (ap & 1) === 0 ? ATTR.accessFault : 0;
    const [user, privileged] = this.#rights(ap);
    return (user === 0 ? 0 : user | execute) | ((privileged === 0 ? 0 : privileged | execute) << 3) | flag | code;
  }

  /** Read 1 and write 2 for user and privileged accesses. */
  #rights(ap: number): readonly [number, number] {
    if (this.#config.accessFlag !== true) return FULL_AP[ap] ?? [0, 0];
    const rights = ap & 4 ? ATTR.read : ATTR.read | ATTR.write;
    return [ap & 2 ? rights : 0, rights];
  }

  /** AP[2:0]: bits 15, 11:10 of a section, bits 9, 5:4 of a page. */
  #ap(lo: number, depth: number): number {
    return depth === 0 ? ((lo >>> 10) & 3) | ((lo >>> 13) & 4) : ((lo >>> 4) & 3) | ((lo >>> 7) & 4);
  }

  #executeNever(lo: number, depth: number): boolean {
    if (depth === 0) return (lo & SECTION_XN) !== 0;
    return (lo & 3) === LARGE_PAGE ? (lo & LARGE_XN) !== 0 : (lo & SMALL_XN) !== 0;
  }

  /** {TEX[2:0], C, B}. */
  #typeCode(lo: number, depth: number): number {
    const small = depth === 1 && (lo & 3) !== LARGE_PAGE;
    return (((lo >>> (small ? 6 : 12)) & 7) << 2) | ((lo >>> 2) & 3);
  }

  memoryType(code: number): string {
    const { prrr, nmrr } = this.#config;
    if (prrr === undefined || nmrr === undefined) return DIRECT.get(code) ?? this.#policy(code);
    const n = code & 7;
    const type = (prrr >>> (2 * n)) & 3;
    if (type !== 2) return REMAPPED[type] ?? 'reserved';
    const inner = CACHE[(nmrr >>> (2 * n)) & 3] ?? '';
    const outer = CACHE[(nmrr >>> (2 * n + 16)) & 3] ?? '';
    return inner === outer ? `Normal ${inner}` : `Normal inner ${inner}, outer ${outer}`;
  }

  /** TEX[2] set: TEX[1:0] is the outer policy, {C, B} the inner one. */
  #policy(code: number): string {
    if ((code & 16) === 0) return 'reserved';
    return `Normal inner ${CACHE[code & 3]}, outer ${CACHE[(code >>> 2) & 3]}`;
  }

  fields(lo: number, _hi: number, depth: number): Record<string, string | number> {
    if (this.kind(lo, 0, depth) === KIND.table) return { NS: (lo >>> 3) & 1, Domain: (lo >>> 5) & 15 };
    const type = this.#typeCode(lo, depth);
    const at = depth === 0 ? 16 : 10;
    return {
      AP: this.#ap(lo, depth),
      XN: this.#executeNever(lo, depth) ? 1 : 0,
      TEX: type >>> 2,
      C: (type >>> 1) & 1,
      B: type & 1,
      S: (lo >>> at) & 1,
      nG: (lo >>> (at + 1)) & 1,
      ...(depth === 0
        ? { Supersection: (lo >>> 18) & 1, NS: (lo >>> 19) & 1 }
        : { Large: (lo & 3) === LARGE_PAGE ? 1 : 0 }),
    };
  }

  offences(): readonly string[] {
    return [];
  }

  syndrome(reason: Reason, level: number): string {
    return armSyndrome(reason, level);
  }
}

/** The smallest root: TTBCR.N is 0 to 7. */
const MOST_N = 7;

/** Short-descriptor stage 1: TTBR0 below 2^(32 − N), TTBR1 above it. */
export function aarch32Short(config: ShortConfig): Regime {
  const total = config.inputBits ?? 32;
  const n = Math.min(config.n ?? 0, MOST_N);
  const lower = total - n;
  const root = (ttb: number, bits: number) => ttb - (ttb % pow2(bits - 18));
  const regions: Region[] = [
    {
      name: 'TTBR0',
      base: 0n,
      size: pow2(lower),
      root: root(config.ttbr0, lower),
      descriptors: new ShortDescriptors(config, lower),
      ...(config.pd0 === true ? { refused: 'walk-disabled' as const } : {}),
    },
  ];
  if (n > 0 && config.ttbr1 !== undefined) {
    regions.push({
      name: 'TTBR1',
      base: 0n,
      from: pow2(lower),
      size: pow2(total),
      root: root(config.ttbr1, total),
      descriptors: new ShortDescriptors(config, total),
      ...(config.pd1 === true ? { refused: 'walk-disabled' as const } : {}),
    });
  }
  return { regions, summary: `aarch32-short, ${total} bits, N ${n}` };
}
