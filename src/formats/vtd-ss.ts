/**
 * Intel VT-d second-stage tables of three, four and five levels. Intel VT-d specification, "Second-Stage Paging Entries";
 * Linux 7.3's generic page table.
 * @module
 */
import { highHalf, lowHalf, pow2 } from '../address.ts';
import { type Entry, type Format, type Geometry, PLAIN_GEOMETRY, type TableRequest } from './contract.ts';
import { type GenericFormat, genericRequest, genericShape } from './generic-pt.ts';
import { PROT } from './protection.ts';
import { QUIRK } from './quirks.ts';
import { GENERIC_73 } from './rules.ts';

/** Entry bits (VT-d 9.8): read, write, page size, dirty, snoop; bit 10 is ignored by hardware. */
const R = 1 << 0;
const W = 1 << 1;
const PS = 1 << 7;
const D = 1 << 9;
const SYNCED = 1 << 10;
const SNP = 1 << 11;
const ADDRESS_LO = 0xfffff000;
const ADDRESS_HI = 0xfffff;
const ADDRESS_BITS = 52;

const PAGE_SIZES = [pow2(12), pow2(21), pow2(30)];

const VTD_SS: GenericFormat = {
  id: 'vtd-ss',
  granuleShift: 12,
  maxIas: 57,
  maxOas: ADDRESS_BITS,
  highest: 4,
  tops: [2, 3, 4],
  topErrno: 'EOPNOTSUPP',
  may: ['FLUSH_RANGE', 'FORCE_COHERENCE', 'FORCE_WRITEABLE'],
  must: [],
  mayBeIncoherent: true,
  clampsIas: false,
  sizesAt: (level) => PAGE_SIZES.slice(level, level + 1),
};

function addAddress(paLo: number, paHi: number, _depth: number, out: Entry): void {
  out.lo |= paLo & ADDRESS_LO;
  out.hi |= paHi & ADDRESS_HI;
}

function configure(request: TableRequest): Geometry {
  const shape = genericShape(VTD_SS, request);
  const snoops = (shape.quirks & QUIRK.FORCE_COHERENCE) === 0 ? 0 : SNP;
  const last = shape.levels.length - 1;
  return {
    ...PLAIN_GEOMETRY,
    ...shape,
    format: VTD_SS.id,
    pageShift: 12,
    coherent: request.coherent,
    levels: shape.levels.map((level, depth) => ({
      ...level,
      tableMask: depth === last ? 0 : R | W | PS,
      tableValue: depth === last ? 1 : R | W,
    })),
    entryBytes: 8,
    leafFieldLo: ADDRESS_LO,
    leafFieldHi: ADDRESS_HI,
    tableField: ADDRESS_LO,
    tableFieldShift: 0,
    tableLimit: pow2(ADDRESS_BITS),
    outputBits: ADDRESS_BITS,
    outputBreak: pow2(ADDRESS_BITS),
    addressShift: 0,
    syncedLo: SYNCED,
    dirty: { maskLo: D, maskHi: 0, valueLo: D, valueHi: 0, flip: D },
    rules: { 'linux-7.3': GENERIC_73 },
    slots: (depth, size) => (PAGE_SIZES[last - depth] === size ? 1 : 0),
    leaf(depth, _slots, prot, out) {
      const access = ((prot & PROT.READ) === 0 ? 0 : R) | ((prot & PROT.WRITE) === 0 ? 0 : W);
      out.lo = access | snoops | (depth === last ? 0 : PS);
      out.hi = 0;
    },
    addAddress,
    address: (lo, hi) => ((lo & ADDRESS_LO) >>> 0) + (hi & ADDRESS_HI) * pow2(32),
    table(physical, out) {
      out.lo = R | W;
      out.hi = 0;
      addAddress(lowHalf(physical), highHalf(physical), 0, out);
    },
    pieces(lo, hi, _from, to, _slots, out) {
      out.lo = (lo & ~(ADDRESS_LO | PS)) | (to === last ? 0 : PS);
      out.hi = hi & ~ADDRESS_HI;
    },
    granted: (prot) => prot & (PROT.READ | PROT.WRITE),
    registers: ([root = 0]) => ({ ssptptr: BigInt(root), aw: BigInt(shape.levels.length - 2) }),
  };
}

function request(ias: number, oas: number, changes: Partial<TableRequest> = {}): TableRequest {
  return { ...genericRequest(ias, oas, []), ...changes };
}

/** VT-d second stage. */
export const vtdSs: Format = {
  id: VTD_SS.id,
  title: 'Intel VT-d, second stage',
  source: 'Intel VT-d specification; Linux 7.3 generic_pt vtdss; golden vectors',
  granules: [4096],
  inputs: 'up to 57 bits',
  outputs: 'up to 52 bits',
  quirks: VTD_SS.may,
  configurations: [
    { name: '48/52', request: request(48, 52) },
    { name: '39/46 non-coherent', request: request(39, 46, { coherent: false }) },
    { name: '57/52 snooped', request: request(57, 52, { quirks: QUIRK.FORCE_COHERENCE }) },
    { name: '46/48 under four levels, 4K and 1G', request: request(46, 48, { pageSizes: pow2(12) + pow2(30) }) },
  ],
  request: (_granule, ias = 48, oas = 52) => request(ias, oas),
  configure,
};
