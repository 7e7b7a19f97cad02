import { aarch32LongStage1, aarch32LongStage2 } from '../../src/hardware/walk/aarch32-long.ts';
import { aarch32Short } from '../../src/hardware/walk/aarch32-short.ts';
import { aarch64Stage1 } from '../../src/hardware/walk/aarch64-stage1.ts';
import { aarch64Stage2 } from '../../src/hardware/walk/aarch64-stage2.ts';
import { amdV1 } from '../../src/hardware/walk/amd.ts';
import { dart } from '../../src/hardware/walk/dart.ts';
import { mali } from '../../src/hardware/walk/mali.ts';
import type { Descriptors, Regime } from '../../src/hardware/walk/regime.ts';
import { riscvTables } from '../../src/hardware/walk/riscv.ts';
import { vtdFirstStage, vtdSecondStage } from '../../src/hardware/walk/vtd.ts';

/** Entries of one regime whose bits are gone through. */
export interface EntryRows {
  readonly name: string;
  readonly descriptors: Descriptors;
  /** A leaf of the last level with every permission. */
  readonly leaf: bigint;
  readonly entries: readonly (readonly [depth: number, entry: bigint])[];
}

function of(regime: Regime, region = 0): Descriptors {
  const descriptors = regime.regions[region]?.descriptors;
  if (descriptors === undefined) throw new Error('region: expected a table, got none');
  return descriptors;
}

const root = 0x100000;
const MAIR = 0xfff4_bb00_0c04_ff44n;
const first = (granule: 4096 | 16384 | 65536, tsz: number, oas: number, rest: object = {}): Regime =>
  aarch64Stage1({ ttbr0: { ttb: root, tsz, granule }, oas, mair: MAIR, ...rest });
const second = (granule: 4096 | 16384 | 65536, tsz: number, sl0: number, oas: number, rest: object = {}): Regime =>
  aarch64Stage2({ ttb: root, tsz, sl0, granule, oas, ...rest });

const S1 = 0x747n;
const S2 = 0x7ffn;
export const ROWS: readonly EntryRows[] = [
  {
    name: 'AArch64 stage 1, 4K, 48 to 48 bits',
    descriptors: of(first(4096, 16, 48)),
    leaf: S1,
    entries: [
      [0, 0x4_0003n],
      [1, 0x4_0003n],
      [1, 0x1_4000_0745n],
      [2, 0x4000_0745n],
      [3, 0x4_0747n],
      [3, 0x4_04c7n],
    ],
  },
  {
    name: 'AArch64 stage 1, 4K, 48 to 40 bits, hardware dirty state, no hierarchy',
    descriptors: of(
      first(4096, 16, 40, { hardwareDirty: true, ignoreHierarchy: [true, true], ignoreAccessFlag: true }),
    ),
    leaf: S1,
    entries: [
      [2, 0x4_0003n],
      [3, 0x4_0747n],
      [3, 0x8_0000_0004_04c7n],
    ],
  },
  {
    name: 'AArch64 stage 1, 16K, 47 to 48 bits',
    descriptors: of(first(16384, 17, 48)),
    leaf: S1,
    entries: [
      [0, 0x4_0003n],
      [1, 0x400_0745n],
      [2, 0x4_0747n],
    ],
  },
  {
    name: 'AArch64 stage 1, 64K, 52 to 52 bits',
    descriptors: of(first(65536, 12, 52)),
    leaf: S1,
    entries: [
      [0, 0x4_0003n],
      [0, 0x400_0000_0745n],
      [1, 0x2000_0745n],
      [2, 0x4_0747n],
    ],
  },
  {
    name: 'AArch64 stage 1, 4K with 52-bit descriptors',
    descriptors: of(first(4096, 12, 52, { ds: true })),
    leaf: S1,
    entries: [
      [0, 0x4_0003n],
      [2, 0x4000_0445n],
      [4, 0x4_0447n],
    ],
  },
  {
    name: 'AArch64 stage 2, 4K, 40 to 44 bits',
    descriptors: of(second(4096, 24, 1, 44)),
    leaf: S2,
    entries: [
      [0, 0x4_0003n],
      [0, 0x4000_07fdn],
      [2, 0x4_07ffn],
    ],
  },
  {
    name: 'AArch64 stage 2, 4K, 40 to 44 bits, hardware dirty state, forced write-back',
    descriptors: of(second(4096, 24, 1, 44, { hardwareDirty: true, forceWriteBack: true })),
    leaf: S2,
    entries: [
      [2, 0x4_07ffn],
      [2, 0x8_0000_0004_077fn],
    ],
  },
  {
    name: 'AArch32 short, TEX remap and access flag',
    descriptors: of(aarch32Short({ ttbr0: root, accessFlag: true, prrr: 0x800b_8204, nmrr: 0x4000_4000 })),
    leaf: 0x1032n,
    entries: [
      [0, 0x4_0001n],
      [0, 0x4010_0402n],
      [0, 0x4104_0402n],
      [1, 0x4001_0031n],
      [1, 0x4000_1032n],
    ],
  },
  {
    name: 'AArch32 short, plain',
    descriptors: of(aarch32Short({ ttbr0: root })),
    leaf: 0x1032n,
    entries: [
      [0, 0x4_0001n],
      [0, 0x4010_0c02n],
      [0, 0x4104_0c02n],
      [1, 0x4001_0031n],
      [1, 0x4000_1032n],
    ],
  },
  {
    name: 'AArch32 short, MediaTek',
    descriptors: of(
      aarch32Short({
        ttbr0: root,
        accessFlag: true,
        prrr: 0x800b_8204,
        nmrr: 0x4000_4000,
        mtkLeaves: true,
        mtkTables: true,
        noPermissions: true,
        inputBits: 34,
      }),
    ),
    leaf: 0x1032n,
    entries: [
      [0, 0x4_0001n],
      [0, 0x4010_0402n],
      [0, 0x4104_0402n],
      [1, 0x4001_0031n],
      [1, 0x4000_1032n],
    ],
  },
  {
    name: 'AArch32 long stage 1',
    descriptors: of(aarch32LongStage1({ ttbr0: root, t0sz: 0, mair: MAIR })),
    leaf: S1,
    entries: [
      [0, 0x4_0003n],
      [1, 0x4000_0745n],
      [2, 0x4_0747n],
    ],
  },
  {
    name: 'AArch32 long stage 2',
    descriptors: of(aarch32LongStage2({ ttb: root, t0sz: 8, sl0: 1 })),
    leaf: S2,
    entries: [
      [0, 0x4_0003n],
      [2, 0x4_07ffn],
    ],
  },
  {
    name: 'Mali',
    descriptors: of(mali({ root, ias: 48, oas: 40, memattr: 0x0088_8d88n })),
    leaf: 0x4c1n,
    entries: [
      [0, 0x4_0003n],
      [2, 0x4000_04c1n],
      [3, 0x4_04c1n],
    ],
  },
  ...([1, 2] as const).map(
    (encoding): EntryRows => ({
      name: `DART, encoding ${encoding}`,
      descriptors: of(
        dart({ roots: [root], encoding, granule: 16384, ias: 36, oas: encoding === 1 ? 36 : 42, levels: 3 }),
      ),
      leaf: 0xf_ff00_0000_0003n,
      entries: [
        [0, encoding === 1 ? 0x4_0001n : 0x1_0001n],
        [2, encoding === 1 ? 0xf_ff00_0004_0003n : 0xf_ff00_0001_0003n],
        [2, encoding === 1 ? 0x010_fe00_0004_0003n : 0x010_fe00_0001_0003n],
      ],
    }),
  ),
  {
    name: 'VT-d second stage, 48 to 52 bits',
    descriptors: of(
      vtdSecondStage({ root, levels: 4, inputBits: 48, oas: 52, superpage2M: true, superpage1G: true, mode: 'legacy' }),
    ),
    leaf: 3n,
    entries: [
      [0, 0x4_0003n],
      [1, 0x4000_0083n],
      [1, 0x4_0003n],
      [2, 0x4000_0083n],
      [3, 0x4_0003n],
    ],
  },
  {
    name: 'VT-d second stage, 39 to 40 bits, no large pages',
    descriptors: of(
      vtdSecondStage({
        root,
        levels: 3,
        inputBits: 39,
        oas: 40,
        superpage2M: false,
        superpage1G: false,
        mode: 'second',
      }),
    ),
    leaf: 3n,
    entries: [
      [0, 0x4_0003n],
      [1, 0x4_0003n],
      [2, 0x4_0003n],
    ],
  },
  {
    name: 'VT-d first stage, 48 to 46 bits',
    descriptors: of(
      vtdFirstStage({ root, levels: 4, oas: 46, superpage2M: true, superpage1G: true, execute: true, mode: 'first' }),
    ),
    leaf: 7n,
    entries: [
      [0, 0x4_0007n],
      [1, 0x4000_0087n],
      [2, 0x4000_0087n],
      [3, 0x4_0007n],
      [3, 0x8000_0000_0004_0001n],
    ],
  },
  {
    name: 'AMD-Vi version 1, 4 levels',
    descriptors: of(amdV1({ root, levels: 4, oas: 52 })),
    leaf: 0x6000_0000_0000_0001n,
    entries: [
      [0, 0x6000_0000_0004_0601n],
      [1, 0x6000_0000_0004_0401n],
      [1, 0x6000_0000_4000_0001n],
      [2, 0x6000_0000_0004_fe01n],
      [3, 0x6000_0000_0004_0001n],
      [3, 0x6000_0000_0004_7e01n],
    ],
  },
  {
    name: 'RISC-V Sv48, first stage',
    descriptors: of(riscvTables({ root, bits: 48, stage: 1, oas: 56 })),
    leaf: 0xdfn,
    entries: [
      [0, 0x1_0001n],
      [1, 0x1000_00dfn],
      [3, 0x1_00dfn],
      [3, 0x8000_0000_0001_20dfn],
    ],
  },
  {
    name: 'RISC-V Sv39x4, second stage, page types, hardware A and D',
    descriptors: of(
      riscvTables({ root, bits: 39, stage: 2, oas: 46, svpbmt: true, hardwareAD: true, sum: true, softwareBits: true }),
    ),
    leaf: 0xdfn,
    entries: [
      [0, 0x1_0001n],
      [2, 0x1_00dfn],
      [2, 0x1_001fn],
    ],
  },
];
