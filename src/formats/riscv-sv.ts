/**
 * RISC-V page tables Sv39, Sv48 and Sv57, as an IOMMU's first stage walks them, with contiguous pages of 64K (Svnapot) and
 * memory types (Svpbmt). RISC-V Privileged Architecture, "Supervisor-Level ISA"; RISC-V IOMMU specification; Linux 7.3's
 * generic page table.
 * @module
 */
import { highHalf, lowHalf, pow2 } from '../address.ts';
import type { Entry, Format, Geometry, TableRequest } from './contract.ts';
import { type GenericFormat, genericRequest, genericShape } from './generic-pt.ts';
import { PROT } from './protection.ts';
import { QUIRK } from './quirks.ts';
import { GENERIC_73 } from './rules.ts';
import { badGeometry } from './widths.ts';

/** Entry bits (Privileged Architecture, "Sv39"). */
const V = 1 << 0;
const R = 1 << 1;
const W = 1 << 2;
const X = 1 << 3;
const U = 1 << 4;
const A = 1 << 6;
const D = 1 << 7;
const POINTER_MASK = V | R | W | X;
const FIELD_LO = 0xfffffc00;
const FIELD_HI = 0x3fffff;

/** Svpbmt: no cache, I/O in bits 62:61. Svnapot: N in bit 63, and 1000b in the low bits of the page number. */
const PBMT_NC_HI = 1 << 29;
const PBMT_IO_HI = 2 << 29;
const N_HI = 1 << 31;
const NAPOT_SLOTS = 16;
const NAPOT_CODE = 8 << 10;
const NAPOT_CODE_MASK = 15 << 10;

const ADDRESS_BITS = 56;
/** Modes of an IOMMU's first stage (iosatp.MODE) by root level. */
const MODE_OF_ZERO = 6;

function family(ias: number, top: number): GenericFormat {
  return {
    id: `riscv-sv${ias}`,
    granuleShift: 12,
    maxIas: 57,
    maxOas: ADDRESS_BITS,
    highest: 4,
    tops: [top],
    topErrno: 'EINVAL',
    may: ['SIGN_EXTEND', 'FLUSH_RANGE', 'DETAILED_GATHER', 'SVNAPOT_64K', 'SVPBMT'],
    must: ['DETAILED_GATHER'],
    mayBeIncoherent: false,
    clampsIas: false,
    sizesAt(level, quirks) {
      const size = pow2(12 + 9 * level);
      return level === 0 && (quirks & QUIRK.SVNAPOT_64K) !== 0 ? [size, size * NAPOT_SLOTS] : [size];
    },
  };
}

function addAddress(paLo: number, paHi: number, _depth: number, out: Entry): void {
  out.lo |= ((paLo >>> 2) | (paHi << 30)) & FIELD_LO;
  out.hi |= (paHi >>> 2) & FIELD_HI;
}

function address(lo: number, hi: number, napot: boolean): number {
  const low = napot && (hi & N_HI) !== 0 ? lo & ~NAPOT_CODE_MASK : lo;
  return (((low & FIELD_LO) >>> 0) + (hi & FIELD_HI) * pow2(32)) * 4;
}

function typeOf(prot: number, pbmt: boolean): number {
  if (!pbmt) return 0;
  if ((prot & PROT.MMIO) !== 0) return PBMT_IO_HI;
  return (prot & PROT.CACHE) === 0 ? PBMT_NC_HI : 0;
}

function leafBits(prot: number): number {
  const access = (prot & PROT.WRITE) === 0 ? R : R | W | D;
  return V | U | A | access | ((prot & PROT.NOEXEC) === 0 ? X : 0);
}

/** No entry is write-only; memory types are there with Svpbmt only, and I/O memory is never cacheable. */
function grantedBy(prot: number, pbmt: boolean): number {
  const types = PROT.MMIO | ((prot & PROT.MMIO) === 0 ? PROT.CACHE : 0);
  return (prot & (PROT.READ | PROT.WRITE | PROT.NOEXEC | (pbmt ? types : 0))) | PROT.READ;
}

function configure(kind: GenericFormat, ias: number, request: TableRequest): Geometry {
  if (request.ias !== ias) throw badGeometry('ias', request.ias, `${ias} bits`);
  const shape = genericShape(kind, request);
  const napot = (shape.quirks & QUIRK.SVNAPOT_64K) !== 0;
  const pbmt = (shape.quirks & QUIRK.SVPBMT) !== 0;
  const last = shape.levels.length - 1;
  const spans = shape.levels.map(({ shift }) => pow2(shift));
  return {
    ...shape,
    format: kind.id,
    pageShift: 12,
    coherent: true,
    levels: shape.levels.map((level, depth) => ({
      ...level,
      tableMask: depth === last ? 0 : POINTER_MASK,
      tableValue: V,
    })),
    roots: 1,
    entryBytes: 8,
    iovaBase: 0n,
    signExtends: (shape.quirks & QUIRK.SIGN_EXTEND) !== 0,
    leafFieldLo: FIELD_LO,
    leafFieldHi: FIELD_HI,
    tableField: FIELD_LO,
    tableFieldShift: 2,
    tableLimit: pow2(ADDRESS_BITS),
    outputBits: ADDRESS_BITS,
    outputBreak: pow2(ADDRESS_BITS),
    addressShift: 2,
    maxSlots: napot ? NAPOT_SLOTS : 1,
    ...(napot ? { contiguous: { lo: 0, hi: N_HI } } : {}),
    syncedLo: 0,
    syncedHi: 0,
    rules: { 'linux-7.3': { ...GENERIC_73, refusedQuirks: request.debugKernel === true ? 0 : QUIRK.SVPBMT } },
    slots(depth, size) {
      if (spans[depth] === size) return 1;
      return napot && depth === last && size === pow2(16) ? NAPOT_SLOTS : 0;
    },
    leafSlots: (_lo, hi, depth) => (napot && depth === last && (hi & N_HI) !== 0 ? NAPOT_SLOTS : 1),
    leaf(_depth, slots, prot, out) {
      out.lo = leafBits(prot) | (slots === 1 ? 0 : NAPOT_CODE);
      out.hi = typeOf(prot, pbmt) | (slots === 1 ? 0 : N_HI);
    },
    addAddress,
    address: (lo, hi) => address(lo, hi, napot),
    table(physical, out) {
      out.lo = V;
      out.hi = 0;
      addAddress(lowHalf(physical), highHalf(physical), 0, out);
    },
    pieces(lo, hi, _from, _to, slots, out) {
      out.lo = (lo & ~FIELD_LO) | (slots === 1 ? 0 : NAPOT_CODE);
      out.hi = (hi & ~(FIELD_HI | N_HI)) | (slots === 1 ? 0 : N_HI);
    },
    granted: (prot) => grantedBy(prot, pbmt),
    registers: ([root = 0]) => ({
      ppn: BigInt(root) >> 12n,
      fsc_iosatp_mode: BigInt(MODE_OF_ZERO + shape.levels.length - 1),
    }),
  };
}

function makeFormat(ias: number, top: number): Format {
  const kind = family(ias, top);
  const request = (oas: number, changes: Partial<TableRequest> = {}): TableRequest => ({
    ...genericRequest(ias, oas, ['SIGN_EXTEND', 'DETAILED_GATHER', 'SVNAPOT_64K']),
    ...changes,
  });
  const plain = QUIRK.DETAILED_GATHER | QUIRK.SIGN_EXTEND;
  return {
    id: kind.id,
    title: `RISC-V Sv${ias}, first stage`,
    source: 'RISC-V Privileged Architecture, RISC-V IOMMU; Linux 7.3 generic_pt riscv; golden vectors',
    granules: [4096],
    inputs: `${ias} bits, upper half included with SIGN_EXTEND`,
    outputs: 'up to 56 bits',
    quirks: kind.may,
    configurations: [
      { name: 'output 52, Svnapot', request: request(52) },
      { name: 'output 50', request: request(50, { quirks: plain }) },
      { name: 'output 44, Svpbmt', request: request(44, { quirks: plain | QUIRK.SVPBMT | QUIRK.SVNAPOT_64K }) },
    ],
    request: (_granule, _ias, oas = 56) => request(oas),
    configure: (asked) => configure(kind, ias, asked),
  };
}

/** Sv39. */
export const riscvSv39: Format = makeFormat(39, 2);

/** Sv48. */
export const riscvSv48: Format = makeFormat(48, 3);

/** Sv57. */
export const riscvSv57: Format = makeFormat(57, 4);
