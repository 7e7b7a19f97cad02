/**
 * The Arm long-descriptor ("LPAE") formats: AArch64 stage 1 and 2 with 4K, 16K and 64K granules, and their 32-bit
 * forms. Arm DDI 0487, chapter D8 (VMSAv8-64 translation); DDI 0406C, section B3.6 (long-descriptor format); choices of
 * attributes and registers as Linux 6.1 makes them (io-pgtable-arm).
 * @module
 */
import { highHalf, lowHalf, pow2 } from '../address.ts';
import type {
  Entry,
  Format,
  FormatConfiguration,
  FormatId,
  Geometry,
  Level,
  QuirkName,
  Registers,
  TableRequest,
} from './contract.ts';
import { QUIRK } from './contract.ts';
import { PROT } from './protection.ts';
import { LPAE_61 } from './rules.ts';
import { badGeometry, checkRequest, chooseGranule, intersect, tableAllocation } from './widths.ts';

/** Descriptor types, bits 1:0 (DDI 0487, D8.3.1). */
const TYPE_BLOCK = 1;
const TYPE_TABLE = 3;
const TYPE_PAGE = 3;
const TYPE_MASK = 3;

/** Leaf attributes of both stages (DDI 0487, D8.3.2), bits of the low word; XN in the high word. */
const SH_OUTER = 2 << 8;
const SH_INNER = 3 << 8;
const AF = 1 << 10;
const XN_HI = 3 << 21;

/** Stage 1: AttrIndx[4:2], NS, AP[2:1], nG (DDI 0487, D8.3.2, D8.4.1). */
const ATTR_NC = 0 << 2;
const ATTR_CACHE = 1 << 2;
const ATTR_DEVICE = 2 << 2;
const NS = 1 << 5;
const AP_UNPRIVILEGED = 1 << 6;
const AP_READ_ONLY = 1 << 7;
const NG = 1 << 11;

/** Stage 2: MemAttr[5:2], S2AP[7:6] (DDI 0487, D8.4.2, D8.6.6). */
const MEMATTR_DEVICE = 1 << 2;
const MEMATTR_NC = 5 << 2;
const MEMATTR_WRITE_BACK = 15 << 2;
const S2AP_READ = 1 << 6;
const S2AP_WRITE = 1 << 7;

/** Table descriptor: NSTable, bit 63; bit 55 is left to software, and says "cleaned" (DDI 0487, D8.3.1). */
const NSTABLE_HI = 1 << 31;
const SYNCED_HI = 1 << 23;

/** Address field, bits 47:12; OA[51:48] goes to bits 15:12 with the 64K granule (DDI 0487, D8.3.1). */
const ADDRESS_LO = 0xfffff000;
const ADDRESS_HI = 0xffff;
const FOLD_LO = 0xf000;
const OUTPUT_BREAK = pow2(48);

/** What a split leaf hands to its pieces: bits 11:2, 54:53. */
const KEPT_LO = 0xffc;
const KEPT_HI = 3 << 21;

/** TCR and VTCR fields (DDI 0487, D19.2 TCR_EL1, VTCR_EL2): cacheability, shareability, granule, PA size. */
const RGN_NC = 0;
const RGN_WBWA = 1;
const TCR_SH_OUTER = 2;
const TCR_SH_INNER = 3;
const TG0: Readonly<Record<number, number>> = { 12: 0, 14: 2, 16: 1 };
const TG1: Readonly<Record<number, number>> = { 12: 2, 14: 1, 16: 3 };
const PA_SIZE: Readonly<Record<number, number>> = { 32: 0, 36: 1, 40: 2, 42: 3, 44: 4, 48: 5, 52: 6 };

/** MAIR: Attr0 non-cacheable, 1 write-back, 2 device nGnRE, 3 inner-cached; sign-extended as Linux computes it. */
const MAIR = 0xfffffffff404ff44n;

const PAGE_SIZES: Readonly<Record<number, readonly number[]>> = {
  12: [pow2(12), pow2(21), pow2(30)],
  14: [pow2(14), pow2(25)],
  16: [pow2(16), pow2(29)],
};
const BLOCK_4T = pow2(42);
const MAX_CONCATENATED = 16;

/** How the members of the family differ. */
export interface LpaeVariant {
  /** Format id. */
  readonly id: FormatId;
  /** Stage 1, stage 2, or Mali's own attributes. */
  readonly kind: 's1' | 's2' | 'mali';
  /** Granules offered, as log2. */
  readonly granules: readonly number[];
  /** Widths above these are refused; where absent they are clamped to the granule's limit. */
  readonly maxIas?: number;
  /** See `maxIas`. */
  readonly maxOas?: number;
  /** Bits of a table's address, where fewer than the granule allows (DDI 0406C, B3.6.1: bits 39:12). */
  readonly tableBits?: number;
  /** Quirks. */
  readonly quirks: readonly QuirkName[];
}

interface Shape {
  readonly variant: LpaeVariant;
  readonly request: TableRequest;
  readonly pageShift: number;
  readonly pageSizes: number;
  readonly ias: number;
  readonly oas: number;
  readonly levels: readonly Level[];
}

function makeLevel(
  level: number,
  shift: number,
  bits: number,
  rootBits: number,
  cpuPage: number,
  leaf: boolean,
): Level {
  const tableBytes = pow2(rootBits + 3);
  return {
    level,
    shift,
    entries: pow2(rootBits),
    runEntries: pow2(bits),
    tableBytes,
    allocBytes: tableAllocation(tableBytes, cpuPage),
    tableMask: leaf ? 0 : TYPE_MASK,
    tableValue: leaf ? 1 : TYPE_TABLE,
  };
}

function rootOf(variant: LpaeVariant, ias: number, pageShift: number): { start: number; rootBits: number } {
  const bits = pageShift - 3;
  const count = Math.ceil((ias - pageShift) / bits);
  const start = 4 - count;
  const rootBits = ias - pageShift - bits * (count - 1);
  if (variant.kind === 'mali') return { start: 0, rootBits: Math.max(0, ias - 39) };
  const concatenates = variant.kind === 's2' && start === 0 && pow2(rootBits) <= MAX_CONCATENATED;
  return concatenates ? { start: 1, rootBits: rootBits + bits } : { start, rootBits };
}

function makeLevels(variant: LpaeVariant, ias: number, pageShift: number, cpuPage: number): Level[] {
  const bits = pageShift - 3;
  const { start, rootBits } = rootOf(variant, ias, pageShift);
  const levels: Level[] = [];
  for (let level = start; level <= 3; level++) {
    const shift = pageShift + bits * (3 - level);
    levels.push(makeLevel(level, shift, bits, level === start ? rootBits : bits, cpuPage, level === 3));
  }
  return levels;
}

/** Address bits that a descriptor holds: 52 with the 64K granule, else 48 (DDI 0487, D8.3.1). */
function addressBits(pageShift: number): number {
  return pageShift === 16 ? 52 : 48;
}

function limitWidth(variant: LpaeVariant, name: 'ias' | 'oas', asked: number, most: number): number {
  const refusedAbove = name === 'ias' ? variant.maxIas : variant.maxOas;
  if (refusedAbove === undefined) return Math.min(asked, most);
  if (asked > refusedAbove) throw badGeometry(name, asked, `at most ${refusedAbove} bits`);
  return asked;
}

function shapeOf(variant: LpaeVariant, request: TableRequest): Shape {
  checkRequest(request, variant.quirks);
  const granules = variant.granules.flatMap((shift) => PAGE_SIZES[shift] ?? []);
  const offered = variant.maxIas === undefined ? request.pageSizes : intersect(request.pageSizes, granules);
  const pageShift = Math.log2(chooseGranule(offered, request.cpuPageSize));
  const sizes = PAGE_SIZES[pageShift];
  if (sizes === undefined || !variant.granules.includes(pageShift)) {
    throw badGeometry(
      'pageSizes',
      request.pageSizes,
      `a granule of ${variant.granules.map((g) => pow2(g - 10)).join(', ')} KiB`,
    );
  }
  const most = addressBits(pageShift);
  const ias = limitWidth(variant, 'ias', request.ias, most);
  const oas = limitWidth(variant, 'oas', request.oas, most);
  if (variant.kind !== 'mali' && PA_SIZE[oas] === undefined)
    throw badGeometry('oas', oas, '32, 36, 40, 42, 44, 48 or 52 bits');
  if (ias <= pageShift) throw badGeometry('ias', ias, `more than the ${pageShift} bits of a page`);
  const withBlocks = pageShift === 16 && request.oas > 48 ? [...sizes, BLOCK_4T] : sizes;
  const pageSizes = intersect(request.pageSizes, withBlocks);
  return {
    variant,
    request,
    pageShift,
    pageSizes,
    ias,
    oas,
    levels: makeLevels(variant, ias, pageShift, request.cpuPageSize),
  };
}

function attributesOf(kind: LpaeVariant['kind'], prot: number): number {
  if (kind === 's2') {
    const access = ((prot & PROT.READ) === 0 ? 0 : S2AP_READ) | ((prot & PROT.WRITE) === 0 ? 0 : S2AP_WRITE);
    const cached = (prot & PROT.CACHE) === 0 ? MEMATTR_NC : MEMATTR_WRITE_BACK;
    return access | ((prot & PROT.MMIO) === 0 ? cached : MEMATTR_DEVICE);
  }
  const cached = (prot & PROT.CACHE) === 0 ? ATTR_NC : ATTR_CACHE;
  const memory = (prot & PROT.MMIO) === 0 ? cached : ATTR_DEVICE;
  if (kind === 'mali') {
    return memory | ((prot & PROT.READ) === 0 ? 0 : S2AP_READ) | ((prot & PROT.WRITE) === 0 ? 0 : S2AP_WRITE);
  }
  const readOnly = (prot & (PROT.READ | PROT.WRITE)) === PROT.READ ? AP_READ_ONLY : 0;
  return memory | NG | readOnly | ((prot & PROT.PRIV) === 0 ? AP_UNPRIVILEGED : 0);
}

/** Stage 1 has no write-only access; stage 2 and Mali no privilege; Mali no shareability by which cached MMIO differs. */
function grantedBy(kind: LpaeVariant['kind'], prot: number): number {
  if (kind === 's1') return (prot & PROT.WRITE) === 0 ? prot : prot | PROT.READ;
  const cacheIgnored = kind === 'mali' && (prot & PROT.MMIO) !== 0;
  return prot & ~(cacheIgnored ? PROT.PRIV | PROT.CACHE : PROT.PRIV);
}

function leafType(kind: LpaeVariant['kind'], last: boolean): number {
  return last && kind !== 'mali' ? TYPE_PAGE : TYPE_BLOCK;
}

function s1Registers(shape: Shape, root: number): Registers {
  const { request, pageShift } = shape;
  const outer = (request.quirks & QUIRK.ARM_OUTER_WBWA) !== 0;
  const upper = (request.quirks & QUIRK.ARM_TTBR1) !== 0;
  return {
    ttbr: BigInt(root),
    mair: MAIR,
    'tcr.ips': BigInt(PA_SIZE[shape.oas] ?? 0),
    'tcr.tg': BigInt((upper ? TG1 : TG0)[pageShift] ?? 0),
    'tcr.sh': BigInt(request.coherent ? TCR_SH_INNER : TCR_SH_OUTER),
    'tcr.orgn': BigInt(request.coherent || outer ? RGN_WBWA : RGN_NC),
    'tcr.irgn': BigInt(request.coherent ? RGN_WBWA : RGN_NC),
    'tcr.tsz': BigInt(64 - shape.ias),
  };
}

function s2Registers(shape: Shape, root: number): Registers {
  const { request, pageShift } = shape;
  const start = shape.levels[0]?.level ?? 0;
  return {
    vttbr: BigInt(root),
    'vtcr.ps': BigInt(PA_SIZE[shape.oas] ?? 0),
    'vtcr.tg': BigInt(TG0[pageShift] ?? 0),
    'vtcr.sh': BigInt(request.coherent ? TCR_SH_INNER : TCR_SH_OUTER),
    'vtcr.orgn': BigInt(request.coherent ? RGN_WBWA : RGN_NC),
    'vtcr.irgn': BigInt(request.coherent ? RGN_WBWA : RGN_NC),
    'vtcr.sl': BigInt(~(pageShift === 12 ? start + 1 : start) & 3),
    'vtcr.tsz': BigInt(64 - shape.ias),
  };
}

function addAddress(paLo: number, paHi: number, _depth: number, out: Entry): void {
  out.lo |= (paLo | (paHi >>> 4)) & ADDRESS_LO;
  out.hi |= paHi & ADDRESS_HI;
}

function plainAddress(lo: number, hi: number): number {
  return ((lo & ADDRESS_LO) >>> 0) + (hi & ADDRESS_HI) * 0x100000000;
}

function foldedAddress(lo: number, hi: number): number {
  const folded = (lo & FOLD_LO) >>> 12;
  return ((lo & ~0xffff) >>> 0) + ((hi & ADDRESS_HI) + folded * 0x10000) * 0x100000000;
}

/**
 * The geometry of one member of the family.
 * @throws IommuError `BAD_GEOMETRY`, `BAD_QUIRK`.
 */
export function lpaeGeometry(
  variant: LpaeVariant,
  request: TableRequest,
  mali?: (root: number) => Registers,
): Geometry {
  const shape = shapeOf(variant, request);
  const { levels, pageShift, ias } = shape;
  const { kind } = variant;
  const last = levels.length - 1;
  const spans = levels.map((level) => pow2(level.shift));
  const ns = (request.quirks & QUIRK.ARM_NS) !== 0;
  const upper = (request.quirks & QUIRK.ARM_TTBR1) !== 0;
  if (request.coherent && (request.quirks & QUIRK.ARM_OUTER_WBWA) !== 0) {
    throw badGeometry('quirks', 'ARM_OUTER_WBWA', 'a walk that is not coherent');
  }
  const address = pageShift === 16 ? foldedAddress : plainAddress;
  return {
    format: variant.id,
    ias,
    oas: shape.oas,
    pageShift,
    pageSizes: shape.pageSizes,
    quirks: request.quirks,
    coherent: request.coherent,
    levels,
    top: 0,
    roots: 1,
    entryBytes: 8,
    iovaBase: upper ? (1n << 64n) - (1n << BigInt(ias)) : 0n,
    signExtends: false,
    leafFieldLo: ADDRESS_LO,
    leafFieldHi: ADDRESS_HI,
    tableField: pageShift === 16 ? ~0xffff : ADDRESS_LO,
    tableFieldShift: 0,
    tableLimit: pow2(variant.tableBits ?? addressBits(pageShift)),
    outputBits: addressBits(pageShift),
    outputBreak: OUTPUT_BREAK,
    addressShift: 0,
    maxSlots: 1,
    syncedLo: 0,
    syncedHi: SYNCED_HI,
    rules: { 'linux-6.1': LPAE_61 },
    slots: (depth, size) => (spans[depth] === size ? 1 : 0),
    leafSlots: () => 1,
    leaf(depth, _slots, prot, out) {
      const share = kind !== 'mali' && (prot & PROT.CACHE) !== 0 ? SH_INNER : SH_OUTER;
      const flag = kind === 'mali' ? 0 : AF;
      out.lo = leafType(kind, depth === last) | attributesOf(kind, prot) | share | flag | (ns ? NS : 0);
      out.hi = (prot & PROT.NOEXEC) === 0 ? 0 : XN_HI;
    },
    addAddress,
    address,
    table(physical, out) {
      out.lo = TYPE_TABLE;
      out.hi = ns ? NSTABLE_HI : 0;
      addAddress(lowHalf(physical), highHalf(physical), 0, out);
    },
    pieces(lo, hi, _from, to, _slots, out) {
      out.lo = (lo & KEPT_LO) | leafType(kind, to === last);
      out.hi = hi & KEPT_HI;
    },
    granted: (prot) => grantedBy(kind, prot),
    registers(roots) {
      const root = roots[0] ?? 0;
      if (mali !== undefined) return mali(root);
      return kind === 's1' ? s1Registers(shape, root) : s2Registers(shape, root);
    },
  };
}

/** A plain request: all page sizes of the granule, coherent, no quirks. */
export function lpaeRequest(granule: number, ias: number, oas: number): TableRequest {
  const pageSizes = (PAGE_SIZES[Math.log2(granule)] ?? [granule]).reduce((sum, size) => sum + size, 0);
  const withBlocks = granule === pow2(16) && oas > 48 ? pageSizes + BLOCK_4T : pageSizes;
  return { ias, oas, pageSizes: withBlocks, quirks: 0, coherent: true, cpuPageSize: 4096 };
}

type Case = readonly [name: string, granuleK: number, ias: number, oas: number, quirks?: number, coherent?: boolean];

/** Test configurations from rows of granule (KiB), widths, quirks and coherence. */
export function lpaeConfigurations(cases: readonly Case[]): readonly FormatConfiguration[] {
  return cases.map(([name, granuleK, ias, oas, quirks = 0, coherent = true]) => ({
    name,
    request: { ...lpaeRequest(granuleK * 1024, ias, oas), quirks, coherent },
  }));
}

const S1_64: LpaeVariant = {
  id: 'arm-64-lpae-s1',
  kind: 's1',
  granules: [12, 14, 16],
  quirks: ['ARM_NS', 'ARM_TTBR1', 'ARM_OUTER_WBWA'],
};
const S2_64: LpaeVariant = { id: 'arm-64-lpae-s2', kind: 's2', granules: [12, 14, 16], quirks: [] };
const S1_32: LpaeVariant = { ...S1_64, id: 'arm-32-lpae-s1', granules: [12], maxIas: 32, maxOas: 40, tableBits: 40 };
const S2_32: LpaeVariant = { ...S2_64, id: 'arm-32-lpae-s2', granules: [12], maxIas: 40, maxOas: 40, tableBits: 40 };

const SOURCE = 'Arm DDI 0487 chapter D8; Linux 6.1 io-pgtable-arm; golden vectors';
const SOURCE_32 = 'Arm DDI 0406C section B3.6; Linux 6.1 io-pgtable-arm; golden vectors';

/** AArch64 stage 1. */
export const arm64LpaeS1: Format = {
  id: S1_64.id,
  title: 'Arm VMSAv8-64, stage 1',
  source: SOURCE,
  granules: [4096, 16384, 65536],
  inputs: 'up to 48 bits, 52 with 64K',
  outputs: '32, 36, 40, 42, 44, 48; 52 with 64K',
  quirks: S1_64.quirks,
  configurations: lpaeConfigurations([
    ['4K 48/48', 4, 48, 48],
    ['4K 39/40 non-coherent', 4, 39, 40, 0, false],
    ['4K 32/36 NS', 4, 32, 36, QUIRK.ARM_NS],
    ['4K 48/48 TTBR1', 4, 48, 48, QUIRK.ARM_TTBR1],
    ['16K 47/48', 16, 47, 48],
    ['16K 36/40 non-coherent OUTER_WBWA', 16, 36, 40, QUIRK.ARM_OUTER_WBWA, false],
    ['64K 52/52', 64, 52, 52],
    ['64K 42/48 NS non-coherent', 64, 42, 48, QUIRK.ARM_NS, false],
  ]),
  request: (granule, ias = 48, oas = 48) => lpaeRequest(granule, ias, oas),
  configure: (request) => lpaeGeometry(S1_64, request),
};

/** AArch64 stage 2. */
export const arm64LpaeS2: Format = {
  id: S2_64.id,
  title: 'Arm VMSAv8-64, stage 2',
  source: SOURCE,
  granules: [4096, 16384, 65536],
  inputs: 'up to 48 bits, 52 with 64K',
  outputs: '32, 36, 40, 42, 44, 48; 52 with 64K',
  quirks: [],
  configurations: lpaeConfigurations([
    ['4K 48/48', 4, 48, 48],
    ['4K 40/40 concatenated', 4, 40, 40],
    ['4K 42/42 concatenated non-coherent', 4, 42, 42, 0, false],
    ['16K 48/48 concatenated', 16, 48, 48],
    ['64K 52/52', 64, 52, 52],
    ['64K 36/36 non-coherent', 64, 36, 36, 0, false],
  ]),
  request: (granule, ias = 48, oas = 48) => lpaeRequest(granule, ias, oas),
  configure: (request) => lpaeGeometry(S2_64, request),
};

/** AArch32 long-descriptor stage 1. */
export const arm32LpaeS1: Format = {
  id: S1_32.id,
  title: 'Arm VMSAv7 long descriptors, stage 1',
  source: SOURCE_32,
  granules: [4096],
  inputs: 'up to 32 bits',
  outputs: '32, 36, 40',
  quirks: S1_32.quirks,
  configurations: lpaeConfigurations([
    ['32/40', 4, 32, 40],
    ['30/32 non-coherent', 4, 30, 32, 0, false],
    ['32/36 TTBR1', 4, 32, 36, QUIRK.ARM_TTBR1],
  ]),
  request: (granule, ias = 32, oas = 40) => lpaeRequest(granule, ias, oas),
  configure: (request) => lpaeGeometry(S1_32, request),
};

/** AArch32 long-descriptor stage 2. */
export const arm32LpaeS2: Format = {
  id: S2_32.id,
  title: 'Arm VMSAv7 long descriptors, stage 2',
  source: SOURCE_32,
  granules: [4096],
  inputs: 'up to 40 bits',
  outputs: '32, 36, 40',
  quirks: [],
  configurations: lpaeConfigurations([
    ['40/40 concatenated', 4, 40, 40],
    ['32/40 non-coherent', 4, 32, 40, 0, false],
  ]),
  request: (granule, ias = 40, oas = 40) => lpaeRequest(granule, ias, oas),
  configure: (request) => lpaeGeometry(S2_32, request),
};
