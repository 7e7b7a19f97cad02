/**
 * The Arm short-descriptor format: sections and supersections at level 1, small and large pages at level 2, with
 * MediaTek's extension to 35 output bits. Arm DDI 0406C, section B3.5; choices of attributes, registers and quirks as
 * Linux 6.1 makes them (io-pgtable-arm-v7s).
 * @module
 */
import { highHalf, lowHalf, pow2 } from '../address.ts';
import type { Entry, Format, FormatConfiguration, Geometry, Level, TableRequest } from './contract.ts';
import { PROT } from './protection.ts';
import type { QuirkName } from './quirks.ts';
import { QUIRK } from './quirks.ts';
import { V7S_61, V7S_73, V7S_SAFE } from './rules.ts';
import { badGeometry, checkRequest, intersect, tableAllocation } from './widths.ts';

/** Descriptor types, bits 1:0 (DDI 0406C, B3.5.1). */
const TYPE_TABLE = 1;
const TYPE_LARGE = 1;
const TYPE_SECTION = 2;
const TYPE_SMALL = 2;
const TYPE_MASK = 3;

/** Memory type bits of every descriptor (B3.5.1). */
const B = 1 << 2;
const C = 1 << 3;

/** Attributes, from bit 10 in a section and bit 4 in a small page (B3.5.1). */
const AP0_ACCESS = 1 << 0;
const AP1_UNPRIVILEGED = 1 << 1;
const TEX_1 = 1 << 2;
const TEX_MASK = 7 << 2;
const AP2_READ_ONLY = 1 << 5;
const S = 1 << 6;
const NG = 1 << 7;
const SECTION_SHIFT = 10;
const PAGE_SHIFT = 4;

/** Execute-never: bit 4 of a section, bit 0 of a small page, bit 15 of a large one (B3.5.1). */
const XN_SECTION = 1 << 4;
const XN_SMALL = 1 << 0;

/** Sections: supersection bit, non-secure bit; table entries: non-secure bit (B3.5.1). */
const SUPERSECTION = 1 << 18;
const NS_SECTION = 1 << 19;
const NS_TABLE = 1 << 3;

/** A large page keeps TEX in 14:12 and XN in 15 (B3.5.1). */
const SMALL_TEX = 7 << 6;
const LARGE_TEX_SHIFT = 6;
const LARGE_XN_SHIFT = 15;

/** Address fields (B3.5.1). */
const SECTION_ADDRESS = 0xfff00000;
const SMALL_ADDRESS = 0xfffff000;
const TABLE_ADDRESS = 0xfffffc00;
const SECTION_ATTRIBUTES = 0xfffff & ~SUPERSECTION;
const SMALL_ATTRIBUTES = 0xfff;

/** MediaTek: output bits 32, 33, 34 in entry bits 9, 4, 5 (Linux 6.1, ARM_MTK_EXT). */
const MTK_PA32 = 1 << 9;
const MTK_PA33 = 1 << 4;
const MTK_PA34 = 1 << 5;

/** Registers: PRRR and NMRR for TEX remap, TTBR's cacheability (DDI 0406C, B4.1.127, B4.1.154). */
const PRRR = 0x800b8204n;
const NMRR = 0x40004000n;
const TTBR_S = 0x2n;
const TTBR_WALK_CACHED = 0x68n;

const SLOTS = 16;
const PAGE_SIZES = [pow2(12), pow2(16), pow2(20), pow2(24)];
const LEVEL2_BYTES = 1024;
const TWO_32 = 0x100000000;

const QUIRKS: readonly QuirkName[] = ['ARM_NS', 'NO_PERMS', 'ARM_MTK_EXT', 'ARM_MTK_TTBR_EXT'];

function checkWidths(request: TableRequest): void {
  checkRequest(request, QUIRKS);
  const mtk = (request.quirks & QUIRK.ARM_MTK_EXT) !== 0;
  if (mtk && (request.quirks & QUIRK.NO_PERMS) === 0) throw badGeometry('quirks', 'ARM_MTK_EXT', 'NO_PERMS with it');
  if (!mtk && (request.quirks & QUIRK.ARM_MTK_TTBR_EXT) !== 0) {
    throw badGeometry('quirks', 'ARM_MTK_TTBR_EXT', 'ARM_MTK_EXT with it');
  }
  const [ias, oas] = mtk ? [34, 35] : [32, 32];
  if (request.ias > ias || request.ias <= 20) throw badGeometry('ias', request.ias, `21 to ${ias} bits`);
  if (request.oas > oas) throw badGeometry('oas', request.oas, `at most ${oas} bits`);
  if (intersect(request.pageSizes, PAGE_SIZES) === 0)
    throw badGeometry('pageSizes', request.pageSizes, '4K, 64K, 1M or 16M');
}

function makeLevels(ias: number, cpuPage: number): Level[] {
  const entries = pow2(ias - 20);
  const rootBytes = entries * 4;
  return [
    {
      level: 1,
      shift: 20,
      entries,
      runEntries: entries,
      tableBytes: rootBytes,
      allocBytes: tableAllocation(rootBytes, cpuPage),
      tableMask: TYPE_MASK,
      tableValue: TYPE_TABLE,
    },
    {
      level: 2,
      shift: 12,
      entries: 256,
      runEntries: 256,
      tableBytes: LEVEL2_BYTES,
      allocBytes: LEVEL2_BYTES,
      tableMask: 0,
      tableValue: 1,
    },
  ];
}

function single(depth: number, prot: number, permissions: boolean, ns: boolean): number {
  const mmio = (prot & PROT.MMIO) !== 0;
  let attributes = NG | S | (mmio ? 0 : TEX_1);
  if (permissions) {
    attributes |= AP0_ACCESS;
    if ((prot & PROT.PRIV) === 0) attributes |= AP1_UNPRIVILEGED;
    if ((prot & PROT.WRITE) === 0) attributes |= AP2_READ_ONLY;
  }
  let bits = attributes << (depth === 0 ? SECTION_SHIFT : PAGE_SHIFT);
  if (permissions && (prot & PROT.NOEXEC) !== 0) bits |= depth === 0 ? XN_SECTION : XN_SMALL;
  if (mmio) bits |= B;
  else if ((prot & PROT.CACHE) !== 0) bits |= B | C;
  if (depth === 0 && ns) bits |= NS_SECTION;
  return bits | (depth === 0 ? TYPE_SECTION : TYPE_SMALL);
}

function contiguous(depth: number, bits: number): number {
  if (depth === 0) return bits | SUPERSECTION;
  const xn = bits & XN_SMALL;
  const tex = bits & SMALL_TEX;
  return (bits & ~(xn | tex | TYPE_SMALL)) | (xn << LARGE_XN_SHIFT) | (tex << LARGE_TEX_SHIFT) | TYPE_LARGE;
}

function separated(depth: number, lo: number): number {
  if (depth === 0) return lo & SECTION_ATTRIBUTES;
  const xn = (lo >>> LARGE_XN_SHIFT) & XN_SMALL;
  const tex = (lo >>> LARGE_TEX_SHIFT) & SMALL_TEX;
  return (lo & SMALL_ATTRIBUTES & ~TYPE_MASK) | xn | tex | TYPE_SMALL;
}

function sectionProt(lo: number): number {
  const attributes = lo >>> SECTION_SHIFT;
  const mmio = (attributes & TEX_MASK) === 0;
  return (
    PROT.READ |
    ((attributes & AP2_READ_ONLY) === 0 ? PROT.WRITE : 0) |
    ((attributes & AP1_UNPRIVILEGED) === 0 ? PROT.PRIV : 0) |
    (mmio ? PROT.MMIO : 0) |
    (!mmio && (lo & C) !== 0 ? PROT.CACHE : 0) |
    ((lo & XN_SECTION) === 0 ? 0 : PROT.NOEXEC)
  );
}

/** No descriptor is write-only, none says "cacheable" of device memory; without permission bits all may read and write. */
function grantedBy(prot: number, permissions: boolean): number {
  const memory = (prot & PROT.MMIO) === 0 ? prot : prot & ~PROT.CACHE;
  if (!permissions) return (memory & ~(PROT.NOEXEC | PROT.PRIV)) | PROT.READ | PROT.WRITE;
  return memory | PROT.READ;
}

function isContiguous(lo: number, depth: number): boolean {
  return depth === 0 ? (lo & SUPERSECTION) !== 0 : (lo & TYPE_MASK) === TYPE_LARGE;
}

function mtkBits(high: number): number {
  return ((high & 1) === 0 ? 0 : MTK_PA32) | ((high & 2) === 0 ? 0 : MTK_PA33) | ((high & 4) === 0 ? 0 : MTK_PA34);
}

function mtkHigh(lo: number): number {
  return (((lo & MTK_PA32) === 0 ? 0 : 1) + ((lo & MTK_PA33) === 0 ? 0 : 2) + ((lo & MTK_PA34) === 0 ? 0 : 4)) * TWO_32;
}

function ttbr(root: number, coherent: boolean, mtk: boolean): bigint {
  if (mtk) return BigInt.asUintN(32, BigInt(root) | (BigInt(root) >> 32n));
  return BigInt(root) | TTBR_S | (coherent ? TTBR_WALK_CACHED : 0n);
}

function configure(request: TableRequest): Geometry {
  checkWidths(request);
  const { quirks, ias, oas } = request;
  const mtk = (quirks & QUIRK.ARM_MTK_EXT) !== 0;
  const mtkTables = (quirks & QUIRK.ARM_MTK_TTBR_EXT) !== 0;
  const permissions = (quirks & QUIRK.NO_PERMS) === 0;
  const ns = (quirks & QUIRK.ARM_NS) !== 0;
  const spans = [pow2(20), pow2(12)] as const;
  const leaf = (depth: number, slots: number, prot: number, out: Entry): void => {
    const bits = single(depth, prot, permissions, ns);
    out.lo = slots > 1 ? contiguous(depth, bits) : bits;
    out.hi = 0;
  };
  return {
    format: 'arm-v7s',
    ias,
    oas,
    pageShift: 12,
    pageSizes: intersect(request.pageSizes, PAGE_SIZES),
    quirks,
    coherent: request.coherent,
    levels: makeLevels(ias, request.cpuPageSize),
    top: 0,
    roots: 1,
    entryBytes: 4,
    iovaBase: 0n,
    signExtends: false,
    leafFieldLo: SMALL_ADDRESS,
    leafFieldHi: 0,
    tableField: TABLE_ADDRESS,
    tableFieldShift: 0,
    tableLimit: mtkTables ? pow2(oas) : TWO_32,
    outputBits: mtk ? 35 : 32,
    outputBreak: TWO_32,
    addressShift: 0,
    maxSlots: SLOTS,
    syncedLo: 0,
    syncedHi: 0,
    rules: { safe: V7S_SAFE, 'linux-6.1': V7S_61, 'linux-7.3': V7S_73 },
    slots: (depth, size) => Math.floor(size / (spans[depth] ?? Number.POSITIVE_INFINITY)),
    leafSlots: (lo, _hi, depth) => (isContiguous(lo, depth) ? SLOTS : 1),
    leaf,
    addAddress(paLo, paHi, depth, out) {
      out.lo |= (paLo & (depth === 0 ? SECTION_ADDRESS : SMALL_ADDRESS)) | (mtk ? mtkBits(paHi) : 0);
    },
    address(lo, _hi, depth) {
      const field = depth === 0 ? SECTION_ADDRESS : SMALL_ADDRESS;
      const mask = isContiguous(lo, depth) ? field * SLOTS : field;
      return ((lo & mask) >>> 0) + (mtk ? mtkHigh(lo) : 0);
    },
    table(physical, out) {
      out.lo =
        (lowHalf(physical) & TABLE_ADDRESS) |
        (mtkTables ? mtkBits(highHalf(physical)) : 0) |
        (ns ? NS_TABLE : 0) |
        TYPE_TABLE;
      out.hi = 0;
    },
    pieces(lo, _hi, from, to, slots, out) {
      if (from !== to) leaf(to, slots, sectionProt(lo), out);
      else {
        out.lo = separated(from, lo);
        out.hi = 0;
      }
    },
    granted: (prot) => grantedBy(prot, permissions),
    registers: (roots) => ({ ttbr: ttbr(roots[0] ?? 0, request.coherent, mtk), tcr: 0n, nmrr: NMRR, prrr: PRRR }),
  };
}

function plainRequest(ias: number, oas: number): TableRequest {
  const pageSizes = PAGE_SIZES.reduce((sum, size) => sum + size, 0);
  return { ias, oas, pageSizes, quirks: 0, coherent: true, cpuPageSize: 4096 };
}

function configuration(name: string, changes: Partial<TableRequest>): FormatConfiguration {
  return { name, request: { ...plainRequest(32, 32), ...changes } };
}

const MTK = QUIRK.NO_PERMS | QUIRK.ARM_MTK_EXT;

/** Arm short descriptors. */
export const armV7s: Format = {
  id: 'arm-v7s',
  title: 'Arm VMSAv7 short descriptors',
  source: 'Arm DDI 0406C section B3.5; Linux 6.1 io-pgtable-arm-v7s; golden vectors',
  granules: [4096],
  inputs: 'up to 32 bits, 34 with ARM_MTK_EXT',
  outputs: 'up to 32 bits, 35 with ARM_MTK_EXT',
  quirks: QUIRKS,
  configurations: [
    configuration('32/32', {}),
    configuration('32/32 NS non-coherent', { quirks: QUIRK.ARM_NS, coherent: false }),
    configuration('32/32 without supersections', { pageSizes: pow2(12) + pow2(16) + pow2(20) }),
    configuration('28/32 NO_PERMS', { ias: 28, quirks: QUIRK.NO_PERMS }),
    configuration('34/35 MTK', { ias: 34, oas: 35, quirks: MTK }),
    configuration('34/35 MTK tables', { ias: 34, oas: 35, quirks: MTK | QUIRK.ARM_MTK_TTBR_EXT, coherent: false }),
  ],
  request: (_granule, ias = 32, oas = 32) => plainRequest(ias, oas),
  configure,
};
