/**
 * What a given geometry may be: widths that some unit has, quirks that exist, roots where a table can lie.
 * @module
 */
import { hex, isPow2 } from '../address.ts';
import { IommuError } from '../errors.ts';
import type { Regime } from './walk/regime.ts';

/** Widths of a format in bits, both ends inclusive. */
export interface WidthLimits {
  readonly ias: readonly [number, number];
  readonly oas: readonly [number, number];
}

/** 52 bits need the 64K granule or FEAT_LPA2 (Arm DDI 0487, D8.1); smaller input ranges come with FEAT_TTST (D8.2.9). */
const LPAE_64: WidthLimits = { ias: [16, 48], oas: [32, 48] };
const LPAE_64K: WidthLimits = { ias: [17, 52], oas: [32, 52] };
const LPAE_LPA2: WidthLimits = { ias: [16, 52], oas: [32, 52] };
/** Arm DDI 0487, G5.7: 4 GiB, and supersections with 40 bits of output; MediaTek's extension has 34 and 35 bits. */
const SHORT: WidthLimits = { ias: [20, 32], oas: [20, 40] };
const SHORT_MTK: WidthLimits = { ias: [20, 34], oas: [20, 40] };
/** VT-d, CAP_REG.SAGAW: 2 to 5 levels of 9 bits; host address width of up to 52 bits. */
const VTD: WidthLimits = { ias: [30, 57], oas: [20, 52] };

const LIMITS: ReadonlyMap<string, WidthLimits> = new Map<string, WidthLimits>([
  /* Arm DDI 0487, G5.7: T0SZ of 3 bits at stage 1, of 4 signed bits at stage 2. */
  ['arm-32-lpae-s1', { ias: [25, 32], oas: [20, 40] }],
  ['arm-32-lpae-s2', { ias: [25, 40], oas: [20, 40] }],
  ['arm-mali-lpae', { ias: [20, 48], oas: [20, 40] }],
  /* Apple's DARTs as Linux knows them: up to 42 bits of input and output. */
  ['apple-dart', { ias: [14, 42], oas: [20, 42] }],
  ['apple-dart2', { ias: [14, 42], oas: [20, 42] }],
  ['vtd-ss', VTD],
  ['vtd-fs', VTD],
  ['x86-64', VTD],
  /* AMD 48882, 2.2.3: up to six levels, 64 bits of input. */
  ['amd-v1', { ias: [20, 64], oas: [20, 52] }],
  /* RISC-V IOMMU, 2.3: the mode fixes the width. */
  ['riscv-sv39', { ias: [39, 39], oas: [20, 56] }],
  ['riscv-sv48', { ias: [48, 48], oas: [20, 56] }],
  ['riscv-sv57', { ias: [57, 57], oas: [20, 56] }],
]);

/** Features of Linux's generic page table: how drivers invalidate and what they refuse. None changes how its tables are read. */
const GENERIC_FEATURES = [
  'full-va',
  'dynamic-top',
  'sign-extend',
  'flush-range',
  'flush-range-no-gaps',
  'detailed-gather',
  'encrypt-tables',
  'force-coherence',
  'force-writeable',
  'svnapot-64k',
  'svpbmt',
];

/** Quirks by the kernel's names in lower case with hyphens. */
const QUIRKS: ReadonlySet<string> = new Set([
  'arm-ns',
  'no-perms',
  'arm-mtk-ext',
  'arm-mtk-ttbr-ext',
  'arm-ttbr1',
  'arm-outer-wbwa',
  'arm-hd',
  'arm-s2fwb',
  'arm-lpa2',
  'arm-contiguous',
  'no-warn',
  ...GENERIC_FEATURES,
]);

function limitsOf(id: string, granule: number, quirks: readonly string[]): WidthLimits {
  if (id === 'arm-v7s') return quirks.includes('arm-mtk-ext') ? SHORT_MTK : SHORT;
  if (quirks.includes('arm-lpa2') && granule !== 65536) return LIMITS.get(id) ?? LPAE_LPA2;
  return LIMITS.get(id) ?? (granule === 65536 ? LPAE_64K : LPAE_64);
}

function checkWidth(id: string, name: 'ias' | 'oas', got: number, [least, most]: readonly [number, number]): void {
  if (Number.isInteger(got) && got >= least && got <= most) return;
  const expected = least === most ? `${least}` : `${least} to ${most}`;
  throw new IommuError('BAD_GEOMETRY', name, `expected ${expected} bits for ${id}, got ${got}`, { [name]: got });
}

/**
 * Checks widths and quirks of a format.
 * @throws IommuError `BAD_GEOMETRY` for widths that no unit has, `BAD_QUIRK` for an unknown quirk.
 */
export function checkGivenGeometry(
  id: string,
  granule: number,
  ias: number,
  oas: number,
  quirks: readonly string[],
): void {
  const unknown = quirks.find((quirk) => !QUIRKS.has(quirk));
  if (unknown !== undefined) {
    throw new IommuError('BAD_QUIRK', 'quirk', `expected ${[...QUIRKS].join(', ')}, got '${unknown}'`);
  }
  const limits = limitsOf(id, granule, quirks);
  checkWidth(id, 'ias', ias, limits.ias);
  checkWidth(id, 'oas', oas, limits.oas);
}

/** Bytes of a root table that its region uses; Arm's tables are aligned to these, at least 64. */
function rootBytes({ regions }: Regime): number {
  const [region] = regions;
  const level = region?.descriptors.levels[0];
  if (region === undefined || level === undefined) return 1;
  const entries = Math.min(level.entries, Math.ceil(region.size / level.unit));
  return entries * region.descriptors.entryBytes;
}

/**
 * Checks that roots lie where a root table can: in the physical address space, aligned to the table.
 * @throws IommuError `BAD_GEOMETRY`.
 */
export function checkRoots(id: string, roots: readonly number[], regime: Regime): void {
  const bytes = id.startsWith('arm-') ? Math.max(64, rootBytes(regime)) : 4096;
  const alignment = isPow2(bytes) ? bytes : 64;
  for (const root of roots) {
    if (Number.isSafeInteger(root) && root >= 0 && root % alignment === 0 && root < 2 ** 52) continue;
    const expected = `a physical address below ${hex(2 ** 52)}, a multiple of ${hex(alignment)}`;
    throw new IommuError('BAD_GEOMETRY', 'root', `expected ${expected}, got ${hex(root)}`, { root: hex(root) });
  }
}
