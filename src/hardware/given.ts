/**
 * Tables from a format id, a geometry and roots, where no device table says them.
 * @module
 */
import { hex } from '../address.ts';
import { IommuError, shown } from '../errors.ts';
import { checkGivenGeometry, checkRoots } from './given-limits.ts';
import type { DomainTables } from './iommu.ts';
import { aarch32LongStage1, aarch32LongStage2 } from './walk/aarch32-long.ts';
import { aarch32Short } from './walk/aarch32-short.ts';
import { type Granule, startLevel } from './walk/aarch64.ts';
import { aarch64Stage1 } from './walk/aarch64-stage1.ts';
import { aarch64Stage2, stage2Consistent } from './walk/aarch64-stage2.ts';
import { amdV1 } from './walk/amd.ts';
import { dart } from './walk/dart.ts';
import { mali } from './walk/mali.ts';
import type { Regime } from './walk/regime.ts';
import { riscvTables } from './walk/riscv.ts';
import { vtdFirstStage, vtdSecondStage } from './walk/vtd.ts';

/** A geometry as a user or a snapshot gives it; what is left out has the format's usual value. */
export interface GivenGeometry {
  readonly format: string;
  readonly roots: readonly number[];
  readonly granule?: number | undefined;
  readonly ias?: number | undefined;
  readonly oas?: number | undefined;
  /**
   * Quirks by the kernel's names in lower case with hyphens: `arm-ttbr1`, `arm-hd`, `arm-s2fwb`, `arm-mtk-ext`,
   * `no-perms` …, and `arm-lpa2` for 52-bit descriptors of the 4K and 16K granules.
   */
  readonly quirks?: readonly string[] | undefined;
  /** Start level of an Arm stage 2; else as Linux up to 6.12 chooses it, with as many concatenated tables as fit. */
  readonly startLevel?: number | undefined;
}

interface Filled {
  readonly root: number;
  readonly roots: readonly number[];
  readonly granule: number;
  readonly ias: number;
  readonly oas: number;
  readonly quirks: readonly string[];
  readonly startLevel: number | undefined;
}

interface Format {
  readonly granules: readonly number[];
  readonly ias: number;
  readonly oas: number;
  readonly regime: (geometry: Filled) => Regime;
}

/** MAIR as Linux programs it: 0 normal non-cacheable, 1 normal write-back, 2 device. */
const LINUX_MAIR = 0xffff_ffff_f404_ff44n;

const ARM_GRANULES = [4096, 16384, 65536];

/** Whether a 4 KiB or 16 KiB granule has 52-bit descriptors (FEAT_LPA2). */
function wide(granule: number, quirks: readonly string[]): boolean {
  return granule !== 65536 && quirks.includes('arm-lpa2');
}

function lpaeStage1({ root, granule, ias, oas, quirks }: Filled): Regime {
  const ttbr = { ttb: root, tsz: 64 - ias, granule: granule as Granule };
  const half = quirks.includes('arm-ttbr1') ? { ttbr1: ttbr } : { ttbr0: ttbr };
  const hardwareDirty = quirks.includes('arm-hd');
  return aarch64Stage1({ ...half, oas, mair: LINUX_MAIR, hardwareDirty, ds: wide(granule, quirks) });
}

/** SL0 of a start level: the 4 KiB granule counts from level 2 up, the others from level 3. */
function sl0Of(granule: Granule, start: number): number {
  return (granule === 4096 ? 2 : 3) - start;
}

/** The start level that Linux chooses: one below level 0 if 16 concatenated tables hold it. */
function lpaeStage2({ root, granule, ias, oas, quirks, startLevel: given }: Filled): Regime {
  const size = granule as Granule;
  const tsz = 64 - ias;
  const plain = startLevel(size, ias);
  const start = given ?? (plain === 0 && stage2Consistent(size, sl0Of(size, 1), tsz) ? 1 : plain);
  const sl = start < 0 ? { sl0: 0, sl2: true } : { sl0: sl0Of(size, start) };
  const forceWriteBack = quirks.includes('arm-s2fwb');
  return aarch64Stage2({ ttb: root, tsz, ...sl, granule: size, oas, forceWriteBack, ds: wide(granule, quirks) });
}

/** PRRR and NMRR as Linux programs them. */
const LINUX_PRRR = 0x800b_8204;
const LINUX_NMRR = 0x4000_4000;
const LINUX_MEMATTR = 0x0088_8d88n;

function shortTables({ root, ias, quirks }: Filled): Regime {
  const mtk = quirks.includes('arm-mtk-ext');
  return aarch32Short({
    ttbr0: root,
    accessFlag: true,
    prrr: LINUX_PRRR,
    nmrr: LINUX_NMRR,
    inputBits: ias,
    mtkLeaves: mtk,
    mtkTables: quirks.includes('arm-mtk-ttbr-ext'),
    noPermissions: quirks.includes('no-perms'),
  });
}

/** DART tables: three levels where the roots given do not reach far enough with two. */
function dartTables(encoding: 1 | 2): Format['regime'] {
  return ({ roots, granule, ias, oas }) => {
    const bits = Math.log2(granule);
    const levels = 2 ** (bits + 2 * (bits - 3)) * roots.length < 2 ** ias ? 3 : 2;
    return dart({ roots, encoding, granule: granule as 4096 | 16384, ias, oas, levels });
  };
}

/** Levels of 9 index bits that an input width needs. */
function levelsOf(ias: number): number {
  return Math.ceil((ias - 12) / 9);
}

const SUPERPAGES = { superpage2M: true, superpage1G: true } as const;

const FIRST_STAGE: Format = {
  granules: [4096],
  ias: 48,
  oas: 52,
  regime: ({ root, ias, oas }) => {
    return vtdFirstStage({ root, levels: levelsOf(ias), oas, ...SUPERPAGES, execute: true, mode: 'first' });
  },
};

function riscvFormat(bits: 39 | 48 | 57): readonly [string, Format] {
  const regime = ({ root, oas }: Filled) => riscvTables({ root, bits, stage: 1, oas });
  return [`riscv-sv${bits}`, { granules: [4096], ias: bits, oas: 56, regime }];
}

const FORMATS: ReadonlyMap<string, Format> = new Map<string, Format>([
  ['arm-64-lpae-s1', { granules: ARM_GRANULES, ias: 48, oas: 48, regime: lpaeStage1 }],
  ['arm-64-lpae-s2', { granules: ARM_GRANULES, ias: 48, oas: 48, regime: lpaeStage2 }],
  [
    'arm-32-lpae-s1',
    {
      granules: [4096],
      ias: 32,
      oas: 40,
      regime: ({ root, ias }) => aarch32LongStage1({ ttbr0: root, t0sz: 32 - ias, mair: LINUX_MAIR }),
    },
  ],
  [
    'arm-32-lpae-s2',
    {
      granules: [4096],
      ias: 40,
      oas: 40,
      regime: ({ root, ias }) => aarch32LongStage2({ ttb: root, t0sz: (32 - ias) & 15, sl0: ias > 30 ? 1 : 0 }),
    },
  ],
  ['arm-v7s', { granules: [4096], ias: 32, oas: 32, regime: shortTables }],
  [
    'arm-mali-lpae',
    {
      granules: [4096],
      ias: 48,
      oas: 40,
      regime: ({ root, ias, oas }) => mali({ root, ias, oas, memattr: LINUX_MEMATTR }),
    },
  ],
  ['apple-dart', { granules: [16384, 4096], ias: 32, oas: 36, regime: dartTables(1) }],
  ['apple-dart2', { granules: [16384, 4096], ias: 36, oas: 42, regime: dartTables(2) }],
  [
    'vtd-ss',
    {
      granules: [4096],
      ias: 48,
      oas: 52,
      regime: ({ root, ias, oas }) => {
        return vtdSecondStage({ root, levels: levelsOf(ias), inputBits: ias, oas, ...SUPERPAGES, mode: 'legacy' });
      },
    },
  ],
  ['vtd-fs', FIRST_STAGE],
  ['x86-64', FIRST_STAGE],
  [
    'amd-v1',
    { granules: [4096], ias: 39, oas: 52, regime: ({ root, ias, oas }) => amdV1({ root, levels: levelsOf(ias), oas }) },
  ],
  riscvFormat(39),
  riscvFormat(48),
  riscvFormat(57),
]);

/** What is not read here, by name: such things are refused or reported, never guessed. */
export const NOT_SUPPORTED: readonly string[] = [
  'arm-64-lpae-s1, arm-64-lpae-s2: 128-bit descriptors (FEAT_D128)',
  'arm-smmu-v3: 52-bit addresses with 4K and 16K granules (CD.DS, STE.S2DS)',
  'arm-smmu-v3: realm and secure states, virtual machine structures, big-endian tables',
  'arm-smmu (v2): as a model only, not from a dump',
  'intel-vtd: interrupt remapping, device TLBs; nested first stage as fault codes of its own',
  'amd-vi: listing of PASIDs (walked by --substream), guest (GCR3) tables on top of host tables, device table segments, interrupt remapping',
  'riscv-iommu: listing of process directories, big-endian and 32-bit tables (requests are translated through them)',
  'virtio-iommu: keeps no tables in memory',
];

/** Table formats that can be read from a root. */
export const GIVEN_FORMATS: readonly string[] = [...FORMATS.keys()];

/** A format id as the table has it: hyphens, lower case. */
export function formatId(text: string): string {
  return text.toLowerCase().replaceAll('_', '-');
}

/**
 * The tables that a format, a geometry and roots describe.
 * @throws IommuError `UNKNOWN_FORMAT`, `BAD_GEOMETRY`, `BAD_QUIRK`.
 */
export function givenTables(geometry: GivenGeometry): DomainTables {
  const id = formatId(geometry.format);
  const format = FORMATS.get(id);
  if (format === undefined) {
    throw new IommuError(
      'UNKNOWN_FORMAT',
      'format',
      `expected one of ${GIVEN_FORMATS.join(', ')}, got ${shown(geometry.format)}`,
    );
  }
  const granule = geometry.granule ?? format.granules[0] ?? 4096;
  if (!format.granules.includes(granule)) {
    throw new IommuError(
      'BAD_GEOMETRY',
      'granule',
      `expected ${format.granules.map(hex).join(', ')} for ${id}, got ${hex(granule)}`,
      { granule },
    );
  }
  const root = geometry.roots[0];
  if (root === undefined)
    throw new IommuError('BAD_GEOMETRY', 'root', 'expected the address of a root table, got none');
  const { ias = format.ias, oas = format.oas, quirks = [], roots, startLevel } = geometry;
  checkGivenGeometry(id, granule, ias, oas, quirks);
  const regime = format.regime({ root, roots, granule, ias, oas, quirks, startLevel });
  checkRoots(id, roots, regime);
  return { key: 'given', id: `root ${hex(root)}`, root, geometry: { format: id, granule, ias, oas }, regime };
}
