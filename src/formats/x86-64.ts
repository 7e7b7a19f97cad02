/**
 * x86-64 page tables of four and five levels, as IOMMUs walk them: the first stage of Intel VT-d, the guest ("v2") tables of
 * AMD. Intel SDM volume 3, chapter 5; Intel VT-d specification, "First-Stage Paging Entries"; AMD 48882, "Guest Page Tables";
 * Linux 7.3's generic page table.
 * @module
 */
import { highHalf, lowHalf, pow2 } from '../address.ts';
import { type Entry, type Format, type Geometry, PLAIN_GEOMETRY, type TableRequest } from './contract.ts';
import { type GenericFormat, genericRequest, genericShape } from './generic-pt.ts';
import { PROT } from './protection.ts';
import { QUIRK } from './quirks.ts';
import { GENERIC_73 } from './rules.ts';
import { badGeometry } from './widths.ts';

/** Entry bits (SDM volume 3, 5.5.4): present, writable, user, accessed, dirty, page size; bit 9 is ignored by hardware. */
const P = 1 << 0;
const RW = 1 << 1;
const US = 1 << 2;
const A = 1 << 5;
const D = 1 << 6;
const PS = 1 << 7;
const SYNCED = 1 << 9;
const ADDRESS_LO = 0xfffff000;
const ADDRESS_HI = 0xfffff;
const ADDRESS_BITS = 52;

const PAGE_SIZES = [pow2(12), pow2(21), pow2(30)];

const X86_64: GenericFormat = {
  id: 'x86-64',
  granuleShift: 12,
  maxIas: 57,
  maxOas: ADDRESS_BITS,
  highest: 4,
  tops: [3, 4],
  topErrno: 'EOPNOTSUPP',
  may: ['SIGN_EXTEND', 'FLUSH_RANGE', 'FLUSH_RANGE_NO_GAPS', 'ENCRYPT_TABLES'],
  must: [],
  mayBeIncoherent: true,
  clampsIas: false,
  sizesAt: (level) => PAGE_SIZES.slice(level, level + 1),
};

/** Bits of an encrypted entry's high word; 0 where tables are not encrypted. */
function encryptionOf({ encryptionBit, quirks }: TableRequest): number {
  if (encryptionBit === undefined) return 0;
  if (!Number.isInteger(encryptionBit) || encryptionBit < 32 || encryptionBit >= ADDRESS_BITS) {
    throw badGeometry('encryptionBit', encryptionBit, 'an address bit from 32 to 51');
  }
  return (quirks & QUIRK.ENCRYPT_TABLES) === 0 ? 0 : pow2(encryptionBit - 32);
}

function addAddress(paLo: number, paHi: number, _depth: number, out: Entry): void {
  out.lo |= paLo & ADDRESS_LO;
  out.hi |= paHi & ADDRESS_HI;
}

function configure(request: TableRequest): Geometry {
  const shape = genericShape(X86_64, request);
  const encrypted = encryptionOf(request);
  const addressHi = ADDRESS_HI & ~encrypted;
  const last = shape.levels.length - 1;
  const held = encrypted === 0 ? ADDRESS_BITS : 32 + Math.log2(encrypted);
  return {
    ...PLAIN_GEOMETRY,
    ...shape,
    format: X86_64.id,
    pageShift: 12,
    coherent: request.coherent,
    levels: shape.levels.map((level, depth) => ({
      ...level,
      tableMask: depth === last ? 0 : P | PS,
      tableValue: P,
    })),
    entryBytes: 8,
    signExtends: (shape.quirks & QUIRK.SIGN_EXTEND) !== 0,
    leafFieldLo: ADDRESS_LO,
    leafFieldHi: addressHi,
    tableField: ADDRESS_LO,
    tableFieldShift: 0,
    tableLimit: pow2(held),
    outputBits: held,
    outputBreak: pow2(ADDRESS_BITS),
    addressShift: 0,
    syncedLo: SYNCED,
    rules: { 'linux-7.3': GENERIC_73 },
    slots: (depth, size) => (PAGE_SIZES[last - depth] === size ? 1 : 0),
    leaf(depth, _slots, prot, out) {
      out.lo = P | US | A | (depth === last ? 0 : PS) | ((prot & PROT.WRITE) === 0 ? 0 : RW | D);
      out.hi = (prot & PROT.MMIO) === 0 ? encrypted : 0;
    },
    addAddress,
    address: (lo, hi) => ((lo & ADDRESS_LO) >>> 0) + (hi & addressHi) * pow2(32),
    table(physical, out) {
      out.lo = P | RW | US | A;
      out.hi = encrypted;
      addAddress(lowHalf(physical), highHalf(physical), 0, out);
    },
    pieces(lo, hi, _from, to, _slots, out) {
      out.lo = (lo & ~(ADDRESS_LO | PS)) | (to === last ? 0 : PS);
      out.hi = hi & ~addressHi;
    },
    granted: (prot) => (prot & (PROT.WRITE | (encrypted === 0 ? 0 : PROT.MMIO))) | PROT.READ,
    registers: ([root = 0]) => ({ gcr3_pt: BigInt(root), levels: BigInt(shape.levels.length) }),
  };
}

function request(ias: number, oas: number, changes: Partial<TableRequest> = {}): TableRequest {
  return { ...genericRequest(ias, oas, ['SIGN_EXTEND']), ...changes };
}

/** x86-64. */
export const x8664: Format = {
  id: X86_64.id,
  title: 'x86-64: Intel VT-d first stage, AMD v2',
  source: 'Intel SDM volume 3, Intel VT-d, AMD 48882; Linux 7.3 generic_pt x86_64; golden vectors',
  granules: [4096],
  inputs: 'up to 57 bits, upper half included with SIGN_EXTEND',
  outputs: 'up to 52 bits',
  quirks: X86_64.may,
  configurations: [
    { name: '48/52', request: request(48, 52) },
    { name: '57/52 non-coherent', request: request(57, 52, { coherent: false }) },
    { name: '47/46, lower half only', request: request(47, 46, { quirks: 0 }) },
    { name: '48/47 encrypted', request: request(48, 47, { quirks: QUIRK.ENCRYPT_TABLES, encryptionBit: 47 }) },
  ],
  request: (_granule, ias = 48, oas = 52) => request(ias, oas),
  configure,
};
