/**
 * AMD IOMMU host page tables ("v1"): up to six levels, whose entries say at which level the next table is, pages of every
 * power of two but 512G by contiguous equal entries, and a root that grows. AMD I/O Virtualization Technology Specification
 * (48882), "I/O Page Tables for Host Translations"; Linux 7.3's generic page table.
 * @module
 */
import { highHalf, lowHalf, pow2 } from '../address.ts';
import type { Entry, Format, Geometry, Registers, TableRequest } from './contract.ts';
import { type GenericFormat, genericRequest, genericShape } from './generic-pt.ts';
import { PROT } from './protection.ts';
import { GENERIC_73 } from './rules.ts';
import { badGeometry } from './widths.ts';

/** Entry bits (48882, tables for PDE and PTE): present, dirty, next level, force coherent, read, write. */
const PR = 1 << 0;
const D = 1 << 6;
const NEXT_SHIFT = 9;
const NEXT_MASK = 7 << NEXT_SHIFT;
const NEXT_SIZED = 7 << NEXT_SHIFT;
const FC_HI = 1 << 28;
const IR_HI = 1 << 29;
const IW_HI = 1 << 30;
const ADDRESS_LO = 0xfffff000;
const ADDRESS_HI = 0xfffff;
const FIELD_SHIFT = 12;
const ADDRESS_BITS = 52;

/** Pages of 512G are left out: an erratum of the hardware. */
const LEFT_OUT = pow2(39);

/** One of the two: the hardware's, or that of the kernel's selftest. */
interface Kind extends GenericFormat {
  readonly title: string;
  readonly source: string;
  /** Bits of every leaf. */
  readonly always: number;
  registers(root: number, levels: number): Registers;
}

/** Every power of two from an entry of a level to half a table of it. */
function sizesFrom(shift: number): number[] {
  const sizes = [0, 1, 2, 3, 4, 5, 6, 7, 8].map((bits) => pow2(shift + bits));
  return sizes.filter((size) => size !== LEFT_OUT && size < pow2(ADDRESS_BITS));
}

const AMD_V1: Kind = {
  id: 'amd-v1',
  title: 'AMD IOMMU host tables (v1)',
  source: 'AMD 48882; Linux 7.3 generic_pt amdv1; golden vectors',
  granuleShift: 12,
  maxIas: 64,
  maxOas: 52,
  highest: 5,
  tops: [1, 2, 3, 4, 5],
  topErrno: 'EINVAL',
  may: ['FULL_VA', 'DYNAMIC_TOP', 'FLUSH_RANGE', 'FLUSH_RANGE_NO_GAPS', 'ENCRYPT_TABLES', 'FORCE_COHERENCE'],
  must: ['DYNAMIC_TOP', 'ENCRYPT_TABLES', 'FORCE_COHERENCE'],
  mayBeIncoherent: false,
  clampsIas: true,
  always: FC_HI,
  sizesAt: (level) => (level > 4 ? [] : sizesFrom(12 + 9 * level)),
  registers: (root, levels) => ({ host_pt_root: BigInt(root), mode: BigInt(levels) }),
};

const AMD_V1_MOCK: Kind = {
  ...AMD_V1,
  id: 'amd-v1-mock',
  title: 'tables of the iommufd selftest: AMD v1 with entries of 2K',
  source: 'Linux 7.3 generic_pt amdv1_mock; golden vectors',
  granuleShift: 11,
  maxIas: 56,
  maxOas: 51,
  highest: 4,
  tops: [1, 2, 3, 4],
  may: [],
  must: [],
  always: 0,
  sizesAt: (level) => (level > 3 ? [] : sizesFrom(11 + 9 * level)),
};

/** What {@link entriesOf} gives of a geometry. */
type Codec = Pick<Geometry, 'addAddress' | 'leafSlots' | 'leaf' | 'address' | 'table' | 'pieces'>;

/** Ones in the field of a contiguous page, a zero above them: its size in entries is 2 to the power of one more. */
function sizeCode(bits: number): number {
  return (pow2(bits - 1) - 1) * pow2(FIELD_SHIFT);
}

/** The address field of an entry, in units of the granule. */
function fieldOf(lo: number, hi: number, maskHi: number): number {
  return ((lo & ADDRESS_LO) >>> FIELD_SHIFT) + (hi & maskHi) * pow2(32 - FIELD_SHIFT);
}

/** log2 of a contiguous page's size in granules. */
function codedBits(field: number): number {
  let bits = 1;
  for (let rest = field; rest % 2 === 1; rest = Math.floor(rest / 2)) bits++;
  return bits;
}

/** Entries of one configuration: what of a geometry depends on where the address lies and how sizes are coded. */
function entriesOf(kind: Kind, levels: readonly { level: number; shift: number }[], encrypted: number): Codec {
  const { granuleShift } = kind;
  const halved = granuleShift < FIELD_SHIFT;
  const addressHi = ADDRESS_HI & ~encrypted;
  const shiftAt = (depth: number): number => levels[depth]?.shift ?? 0;
  const isSized = (lo: number): boolean => (lo & NEXT_MASK) === NEXT_SIZED;
  const leafShift = (lo: number, hi: number, depth: number, maskHi: number): number =>
    isSized(lo) ? granuleShift + codedBits(fieldOf(lo, hi, maskHi)) : shiftAt(depth);
  const sized = (depth: number, count: number, out: Entry): void => {
    if (count === 1) return;
    const code = sizeCode(shiftAt(depth) + Math.log2(count) - granuleShift);
    out.lo |= NEXT_SIZED | lowHalf(code);
    out.hi |= highHalf(code);
  };
  const addAddress = (paLo: number, paHi: number, _depth: number, out: Entry): void => {
    out.lo |= (halved ? paLo << 1 : paLo) & ADDRESS_LO;
    out.hi |= (halved ? (paHi << 1) | (paLo >>> 31) : paHi) & ADDRESS_HI;
  };
  return {
    addAddress,
    leafSlots: (lo, hi, depth) => pow2(Math.max(0, leafShift(lo, hi, depth, ADDRESS_HI) - shiftAt(depth))),
    leaf(depth, count, prot, out) {
      const access = ((prot & PROT.READ) === 0 ? 0 : IR_HI) | ((prot & PROT.WRITE) === 0 ? 0 : IW_HI);
      out.lo = PR;
      out.hi = kind.always | access | ((prot & PROT.MMIO) === 0 ? encrypted : 0);
      sized(depth, count, out);
    },
    address(lo, hi, depth) {
      const exact = fieldOf(lo, hi, addressHi) * pow2(granuleShift);
      return isSized(lo) ? exact - (exact % pow2(leafShift(lo, hi, depth, addressHi))) : exact;
    },
    table(physical, out, depth) {
      out.lo = PR | ((levels[depth]?.level ?? 0) << NEXT_SHIFT);
      out.hi = IR_HI | IW_HI | encrypted;
      addAddress(lowHalf(physical), highHalf(physical), depth, out);
    },
    pieces(lo, hi, _from, to, count, out) {
      out.lo = lo & ~(ADDRESS_LO | NEXT_MASK);
      out.hi = hi & ~addressHi;
      sized(to, count, out);
    },
  };
}

function encryptionOf(encryptionBit: number | undefined): number {
  if (encryptionBit === undefined) return 0;
  if (Number.isInteger(encryptionBit) && encryptionBit >= 32 && encryptionBit < ADDRESS_BITS)
    return pow2(encryptionBit - 32);
  throw badGeometry('encryptionBit', encryptionBit, 'an address bit from 32 to 51');
}

function configure(kind: Kind, request: TableRequest): Geometry {
  const shape = genericShape(kind, request);
  const { encryptionBit } = request;
  const encrypted = encryptionOf(encryptionBit);
  const scale = kind.granuleShift - FIELD_SHIFT;
  const levels = shape.levels.map((level) => ({
    ...level,
    tableMask: level.level === 0 ? 0 : PR | NEXT_MASK,
    tableValue: level.level === 0 ? 1 : PR | (level.level << NEXT_SHIFT),
  }));
  const sizes = levels.map(({ level }) => new Set(kind.sizesAt(level, shape.quirks)));
  const held = encryptionBit ?? ADDRESS_BITS + scale;
  return {
    ...shape,
    ...entriesOf(kind, levels, encrypted),
    format: kind.id,
    pageShift: kind.granuleShift,
    coherent: true,
    levels,
    roots: 1,
    entryBytes: 8,
    iovaBase: 0n,
    signExtends: false,
    leafFieldLo: ADDRESS_LO,
    leafFieldHi: ADDRESS_HI & ~encrypted,
    tableField: ADDRESS_LO,
    tableFieldShift: scale,
    tableLimit: pow2(held),
    outputBits: held,
    outputBreak: pow2(ADDRESS_BITS + scale),
    addressShift: scale,
    maxSlots: 256,
    syncedLo: 0,
    syncedHi: 0,
    contiguous: { lo: NEXT_SIZED, hi: 0 },
    dirty: { maskLo: D, maskHi: 0, valueLo: D, valueHi: 0, flip: D },
    rules: { 'linux-7.3': GENERIC_73 },
    slots: (depth, size) => (sizes[depth]?.has(size) ? size / pow2(levels[depth]?.shift ?? 0) : 0),
    granted: (prot) => prot & (PROT.READ | PROT.WRITE | (encrypted === 0 ? 0 : PROT.MMIO)),
    registers: ([root = 0], top) => kind.registers(root, (levels[top]?.level ?? 0) + 1),
  };
}

function request(kind: Kind, ias: number, oas: number, changes: Partial<TableRequest> = {}): TableRequest {
  return { ...genericRequest(ias, oas, kind.must), ...changes };
}

const USUAL = pow2(12) + pow2(21) + pow2(30);
const SOME = USUAL + pow2(13) + pow2(16) + pow2(24);

/** AMD v1. */
export const amdV1: Format = {
  id: AMD_V1.id,
  title: AMD_V1.title,
  source: AMD_V1.source,
  granules: [4096],
  inputs: 'up to 64 bits; the root grows',
  outputs: 'up to 52 bits',
  quirks: AMD_V1.may,
  configurations: [
    { name: '48/52', request: request(AMD_V1, 48, 52, { topLevel: 2, pageSizes: SOME }) },
    { name: '64/52, six levels', request: request(AMD_V1, 64, 52, { topLevel: 2, pageSizes: USUAL + pow2(38) }) },
    { name: '39/48, every size', request: request(AMD_V1, 39, 48, { topLevel: 1 }) },
    { name: '48/52 encrypted', request: request(AMD_V1, 48, 47, { topLevel: 3, pageSizes: SOME, encryptionBit: 47 }) },
  ],
  request: (_granule, ias = 64, oas = 52) => request(AMD_V1, ias, oas, { topLevel: 2 }),
  configure: (asked) => configure(AMD_V1, asked),
};

/** The format of the kernel's selftest, which no hardware has. */
export const amdV1Mock: Format = {
  id: AMD_V1_MOCK.id,
  title: AMD_V1_MOCK.title,
  source: AMD_V1_MOCK.source,
  granules: [2048],
  inputs: 'up to 56 bits',
  outputs: 'up to 51 bits',
  quirks: [],
  configurations: [
    { name: '47/51', request: request(AMD_V1_MOCK, 47, 51, { pageSizes: pow2(11) + pow2(12) + pow2(20) + pow2(25) }) },
  ],
  request: (_granule, ias = 56, oas = 51) => request(AMD_V1_MOCK, ias, oas),
  configure: (asked) => configure(AMD_V1_MOCK, asked),
};
