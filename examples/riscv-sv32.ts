/**
 * A page-table format written outside the library: RISC-V Sv32, as an IOMMU's first stage uses it. Two levels of 1024 entries of
 * 32 bits; pages of 4K and 4M; output addresses of 34 bits. RISC-V Privileged Architecture, "Sv32"; RISC-V IOMMU
 * specification, "fsc".
 * @module
 */
import {
  badGeometry,
  checkRequest,
  type Entry,
  type Format,
  type Geometry,
  intersect,
  PLAIN_GEOMETRY,
  PROT,
  type TableRequest,
  tableAllocation,
} from '../src/formats/index.ts';

/** Page-table entry, bits 7:0 (Privileged Architecture, "Addressing and Memory Protection" of Sv32). */
const V = 1 << 0;
const R = 1 << 1;
const W = 1 << 2;
const X = 1 << 3;
const U = 1 << 4;
const A = 1 << 6;
const D = 1 << 7;

/** Page number, bits 31:10: the address shifted right by two. */
const FIELD = 0xfffffc00;
const FIELD_SHIFT = 2;

/** First-stage context: MODE in 63:60, 8 is Sv32 where SXL is 1; the root's page number in 43:0. */
const FSC_MODE = 8n << 60n;

const PAGE_SIZES = [2 ** 22, 2 ** 12];
const MAX_OAS = 34;

function addAddress(paLo: number, paHi: number, _depth: number, out: Entry): void {
  out.lo |= ((paLo >>> FIELD_SHIFT) | (paHi << (32 - FIELD_SHIFT))) & FIELD;
}

function leafBits(prot: number): number {
  const access = (prot & PROT.WRITE) === 0 ? R : R | W | D;
  return V | A | access | ((prot & PROT.NOEXEC) === 0 ? X : 0) | ((prot & PROT.PRIV) === 0 ? U : 0);
}

function configure(request: TableRequest): Geometry {
  checkRequest(request, []);
  const { ias, oas, coherent, cpuPageSize } = request;
  const pageSizes = intersect(request.pageSizes, PAGE_SIZES);
  if (pageSizes % 2 ** 13 === 0) throw badGeometry('pageSizes', request.pageSizes, '4K, with 4M if wanted');
  if (ias > 32) throw badGeometry('ias', ias, 'at most 32 bits');
  if (oas > MAX_OAS) throw badGeometry('oas', oas, `at most ${MAX_OAS} bits`);
  const table = { entries: 1024, runEntries: 1024, tableBytes: 4096, allocBytes: tableAllocation(4096, cpuPageSize) };
  return {
    ...PLAIN_GEOMETRY,
    format: 'riscv-sv32',
    ias,
    oas,
    coherent,
    pageSizes,
    pageShift: 12,
    levels: [
      { level: 1, shift: 22, ...table, tableMask: V | R | W | X, tableValue: V },
      { level: 0, shift: 12, ...table, tableMask: 0, tableValue: V },
    ],
    entryBytes: 4,
    leafFieldLo: FIELD,
    leafFieldHi: 0,
    tableField: FIELD,
    tableFieldShift: FIELD_SHIFT,
    tableLimit: 2 ** MAX_OAS,
    outputBits: MAX_OAS,
    outputBreak: 2 ** MAX_OAS,
    addressShift: FIELD_SHIFT,
    slots: (depth, size) => (PAGE_SIZES[depth] === size ? 1 : 0),
    leaf(_depth, _slots, prot, out) {
      out.lo = leafBits(prot);
      out.hi = 0;
    },
    addAddress,
    address: (lo) => ((lo & FIELD) >>> 0) * 2 ** FIELD_SHIFT,
    table(physical, out) {
      out.lo = V | ((physical / 2 ** FIELD_SHIFT) & FIELD);
      out.hi = 0;
    },
    pieces(lo, _hi, _from, _to, _slots, out) {
      out.lo = lo & ~FIELD;
      out.hi = 0;
    },
    granted: (prot) => (prot & ~(PROT.CACHE | PROT.MMIO)) | PROT.READ,
    registers: ([root = 0]) => ({ fsc: FSC_MODE | (BigInt(root) >> 12n) }),
  };
}

function request(ias: number, oas: number, changes: Partial<TableRequest> = {}): TableRequest {
  const pageSizes = 2 ** 22 + 2 ** 12;
  return { ias, oas, pageSizes, quirks: 0, coherent: true, cpuPageSize: 4096, ...changes };
}

/** RISC-V Sv32. */
export const riscvSv32: Format = {
  id: 'riscv-sv32',
  title: 'RISC-V Sv32, first stage',
  source: 'RISC-V Privileged Architecture; RISC-V IOMMU specification',
  granules: [4096],
  inputs: 'up to 32 bits',
  outputs: 'up to 34 bits',
  quirks: [],
  configurations: [
    { name: '32/34', request: request(32, 34) },
    { name: '32/32 non-coherent', request: request(32, 32, { coherent: false }) },
    { name: '30/34, pages only', request: request(30, 34, { pageSizes: 4096 }) },
  ],
  request: (_granule, ias = 32, oas = MAX_OAS) => request(ias, oas),
  configure,
};
