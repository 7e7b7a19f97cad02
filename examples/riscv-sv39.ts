/**
 * A page-table format written outside the library: RISC-V Sv39, as an IOMMU's first stage uses it. Three levels of 512
 * entries; pages of 4K, 2M and 1G. RISC-V Privileged Architecture, "Sv39"; RISC-V IOMMU specification, "fsc".
 * @module
 */
import {
  badGeometry,
  checkRequest,
  type Entry,
  type Format,
  type Geometry,
  highHalf,
  intersect,
  type Level,
  LPAE_61,
  lowHalf,
  PROT,
  type TableRequest,
  tableAllocation,
} from '../src/formats/index.ts';

/** Page-table entry, bits 7:0 (Privileged Architecture, "Addressing and Memory Protection" of Sv32 and Sv39). */
const V = 1 << 0;
const R = 1 << 1;
const W = 1 << 2;
const X = 1 << 3;
const U = 1 << 4;
const A = 1 << 6;
const D = 1 << 7;

/** A valid entry without R, W and X points at the next table. */
const POINTER_MASK = V | R | W | X;

/** Bits 9:0 and 63:54: everything but the page number in 53:10. */
const ATTRIBUTES_LO = 0x3ff;
const ATTRIBUTES_HI = 0xffc00000;

/** PBMT, bits 62:61 ("Svpbmt"): 2 is I/O memory. */
const PBMT_IO_HI = 2 << 29;

/** First-stage context: MODE in 63:60, 8 is Sv39; the root's page number in 43:0. */
const FSC_MODE_SV39 = 8n << 60n;

/** log2 of the bytes that an entry spans, from the root down. */
const SHIFTS = [30, 21, 12];
const PAGE_SIZES = SHIFTS.map((shift) => 2 ** shift);
const TABLE_BYTES = 4096;

/** Bits 38 to 63 of an address must be equal: 38 bits are the lower half. The engine's addresses end below 2^53. */
const MAX_IAS = 38;
const MAX_OAS = 52;

function makeLevel(shift: number, depth: number, cpuPageSize: number): Level {
  const last = depth === SHIFTS.length - 1;
  return {
    level: 2 - depth,
    shift,
    entries: 512,
    runEntries: 512,
    tableBytes: TABLE_BYTES,
    allocBytes: tableAllocation(TABLE_BYTES, cpuPageSize),
    tableMask: last ? 0 : POINTER_MASK,
    tableValue: V,
  };
}

/** The page number of an address in bits 53:10 of an entry: the address shifted right by two. */
function addAddress(paLo: number, paHi: number, _depth: number, out: Entry): void {
  out.lo |= ((paLo >>> 2) | (paHi << 30)) & ~ATTRIBUTES_LO;
  out.hi |= paHi >>> 2;
}

function address(lo: number, hi: number): number {
  return (((lo & ~ATTRIBUTES_LO) >>> 0) + ((hi & ~ATTRIBUTES_HI) >>> 0) * 2 ** 32) * 4;
}

function leafBits(prot: number): number {
  const access = (prot & PROT.WRITE) === 0 ? R : R | W | D;
  return V | A | access | ((prot & PROT.NOEXEC) === 0 ? X : 0) | ((prot & PROT.PRIV) === 0 ? U : 0);
}

function configure(request: TableRequest): Geometry {
  checkRequest(request, []);
  const pageSizes = intersect(request.pageSizes, PAGE_SIZES);
  if (pageSizes % 2 ** 13 === 0) throw badGeometry('pageSizes', request.pageSizes, '4K, with 2M and 1G if wanted');
  if (request.ias < 13 || request.ias > MAX_IAS) throw badGeometry('ias', request.ias, `13 to ${MAX_IAS} bits`);
  if (request.oas > MAX_OAS) throw badGeometry('oas', request.oas, `at most ${MAX_OAS} bits`);
  return {
    format: 'riscv-sv39',
    ias: request.ias,
    oas: request.oas,
    pageShift: 12,
    pageSizes,
    quirks: 0,
    coherent: request.coherent,
    levels: SHIFTS.map((shift, depth) => makeLevel(shift, depth, request.cpuPageSize)),
    top: 0,
    roots: 1,
    entryBytes: 8,
    iovaBase: 0n,
    signExtends: false,
    leafFieldLo: ~ATTRIBUTES_LO,
    leafFieldHi: ~ATTRIBUTES_HI,
    tableField: ~ATTRIBUTES_LO,
    tableFieldShift: 2,
    tableLimit: 2 ** MAX_OAS,
    outputBits: MAX_OAS,
    outputBreak: 2 ** MAX_OAS,
    addressShift: 2,
    maxSlots: 1,
    syncedLo: 0,
    syncedHi: 0,
    rules: { 'linux-6.1': LPAE_61 },
    slots: (depth, size) => (PAGE_SIZES[depth] === size ? 1 : 0),
    leafSlots: () => 1,
    leaf(_depth, _slots, prot, out) {
      out.lo = leafBits(prot);
      out.hi = (prot & PROT.MMIO) === 0 ? 0 : PBMT_IO_HI;
    },
    addAddress,
    address,
    table(physical, out) {
      out.lo = V;
      out.hi = 0;
      addAddress(lowHalf(physical), highHalf(physical), 0, out);
    },
    pieces(lo, hi, _from, _to, _slots, out) {
      out.lo = lo & ATTRIBUTES_LO;
      out.hi = hi & ATTRIBUTES_HI;
    },
    granted: (prot) => (prot & ~PROT.CACHE) | PROT.READ,
    registers: ([root = 0]) => ({ fsc: FSC_MODE_SV39 | (BigInt(root) >> 12n) }),
  };
}

function plainRequest(ias: number, oas: number): TableRequest {
  const pageSizes = PAGE_SIZES.reduce((sum, size) => sum + size, 0);
  return { ias, oas, pageSizes, quirks: 0, coherent: true, cpuPageSize: 4096 };
}

/** RISC-V Sv39. */
export const riscvSv39: Format = {
  id: 'riscv-sv39',
  title: 'RISC-V Sv39, first stage',
  source: 'RISC-V Privileged Architecture; RISC-V IOMMU specification',
  granules: [4096],
  inputs: 'up to 38 bits',
  outputs: 'up to 52 bits',
  quirks: [],
  configurations: [
    { name: '38/44', request: plainRequest(38, 44) },
    { name: '38/52 non-coherent', request: { ...plainRequest(38, 52), coherent: false } },
    { name: '32/34, pages and 1G only', request: { ...plainRequest(32, 34), pageSizes: 4096 + 2 ** 30 } },
  ],
  request: (_granule, ias = MAX_IAS, oas = 44) => plainRequest(ias, oas),
  configure,
};
