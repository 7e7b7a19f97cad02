/**
 * The Arm long-descriptor ("LPAE") formats: AArch64 stage 1 and 2 with 4K, 16K and 64K granules, and their 32-bit
 * forms. Arm DDI 0487, chapter D8 (VMSAv8-64 translation); DDI 0406C, section B3.6 (long-descriptor format).
 * @module
 */
import { alignDown, highHalf, lowHalf, pow2 } from '../address.ts';
import type { DirtyState, Format, Geometry, Registers, TableRequest } from './contract.ts';
import {
  ADDRESS_LO,
  type AddressCodec,
  AP_READ_ONLY,
  CONTIGUOUS_HI,
  codecOf,
  DBM_HI,
  LpaeLeaves,
} from './lpae-entries.ts';
import { s1Registers, s2Registers } from './lpae-registers.ts';
import {
  contiguousEntries,
  hasQuirk,
  type LpaeShape,
  type LpaeVariant,
  lpaeConfigurations,
  lpaeRequest,
  lpaeShape,
} from './lpae-shape.ts';
import { QUIRK, type QuirkName } from './quirks.ts';
import { LPAE_61, LPAE_73, LPAE_S1_73, LPAE_S2_73, type RulesBySemantics } from './rules.ts';
import { badGeometry } from './widths.ts';

/** Table descriptor: type; NSTable, bit 63; bit 55 is left to software, and says "cleaned" (DDI 0487, D8.3.1). */
const TYPE_TABLE = 3;
const NSTABLE_HI = 1 << 31;
const SYNCED_HI = 1 << 23;

/** A leaf with DBM is dirty where it is not read-only (DDI 0487, D8.4.6). */
const DIRTY: DirtyState = { maskLo: AP_READ_ONLY, maskHi: DBM_HI, valueLo: 0, valueHi: DBM_HI, flip: AP_READ_ONLY };

function registersOf(shape: LpaeShape, root: number): Registers {
  return shape.variant.kind === 's1' ? s1Registers(shape, root) : s2Registers(shape, root);
}

/** What of a geometry depends on whether leaves of several entries are written. */
type Leaves = Pick<Geometry, 'maxSlots' | 'contiguous' | 'ownAddresses' | 'slots' | 'leafSlots' | 'address'>;

/** Entries of a page at each depth: of single ones and, where they are asked for, contiguous ones. */
function leavesOf({ levels, pageShift, request }: LpaeShape, addressOf: AddressCodec['address']): Leaves {
  const spans = levels.map((level) => pow2(level.shift));
  if (!hasQuirk(request, 'ARM_CONTIGUOUS')) {
    return {
      maxSlots: 1,
      slots: (depth, size) => (spans[depth] === size ? 1 : 0),
      leafSlots: () => 1,
      address: addressOf,
    };
  }
  const joined = levels.map((level) => contiguousEntries(pageShift, level));
  const slotsAt = (depth: number): number => joined[depth] ?? 1;
  return {
    maxSlots: Math.max(1, ...joined),
    contiguous: { lo: 0, hi: CONTIGUOUS_HI },
    ownAddresses: true,
    slots(depth, size) {
      const slots = size / (spans[depth] ?? Number.POSITIVE_INFINITY);
      return slots === 1 || (slots > 1 && slots === slotsAt(depth)) ? slots : 0;
    },
    leafSlots: (_lo, hi, depth) => ((hi & CONTIGUOUS_HI) !== 0 ? slotsAt(depth) : 1),
    address(lo, hi, depth) {
      const own = addressOf(lo, hi);
      return (hi & CONTIGUOUS_HI) === 0 ? own : alignDown(own, slotsAt(depth) * (spans[depth] ?? 1));
    },
  };
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
  const shape = lpaeShape(variant, request);
  const { addressBits, ias, levels, pageShift } = shape;
  if (request.coherent && hasQuirk(request, 'ARM_OUTER_WBWA')) {
    throw badGeometry('quirks', 'ARM_OUTER_WBWA', 'a walk that is not coherent');
  }
  const { fieldHi, breakShift, addAddress, address } = codecOf(shape);
  const leaves = new LpaeLeaves(shape);
  const tableHi = hasQuirk(request, 'ARM_NS') ? NSTABLE_HI : 0;
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
    iovaBase: hasQuirk(request, 'ARM_TTBR1') ? (1n << 64n) - (1n << BigInt(ias)) : 0n,
    signExtends: false,
    leafFieldLo: ADDRESS_LO,
    leafFieldHi: fieldHi,
    tableField: pageShift === 16 ? ~0xffff : ADDRESS_LO,
    tableFieldShift: 0,
    tableLimit: pow2(variant.tableBits ?? addressBits),
    outputBits: addressBits,
    outputBreak: pow2(breakShift),
    addressShift: 0,
    syncedLo: 0,
    syncedHi: SYNCED_HI,
    dirty: hasQuirk(request, 'ARM_HD') ? DIRTY : undefined,
    rules: variant.rules,
    ...leavesOf(shape, address),
    leaf: (depth, slots, prot, out) => leaves.leaf(depth, slots, prot, out),
    addAddress,
    table(physical, out) {
      out.lo = TYPE_TABLE;
      out.hi = tableHi;
      addAddress(lowHalf(physical), highHalf(physical), 0, out);
    },
    pieces: (lo, hi, _from, to, slots, out) => leaves.pieces(lo, hi, to, slots, out),
    granted: (prot) => leaves.granted(prot),
    registers: ([root = 0]) => (mali === undefined ? registersOf(shape, root) : mali(root)),
  };
}

const S1_QUIRKS: readonly QuirkName[] = ['ARM_NS', 'ARM_TTBR1', 'ARM_OUTER_WBWA', 'ARM_HD', 'NO_WARN'];
const S2_QUIRKS: readonly QuirkName[] = ['ARM_S2FWB', 'NO_WARN'];
const OWN_QUIRKS: readonly QuirkName[] = ['ARM_CONTIGUOUS', 'ARM_LPA2'];

const S1_32: LpaeVariant = {
  id: 'arm-32-lpae-s1',
  kind: 's1',
  granules: [12],
  maxIas: 32,
  maxOas: 40,
  tableBits: 40,
  quirks: S1_QUIRKS,
  rules: { 'linux-6.1': LPAE_61, 'linux-7.3': LPAE_73 },
};
const S2_RULES: RulesBySemantics = { 'linux-6.1': LPAE_61, 'linux-7.3': LPAE_S2_73 };
const S2_32: LpaeVariant = {
  ...S1_32,
  id: 'arm-32-lpae-s2',
  kind: 's2',
  maxIas: 40,
  quirks: S2_QUIRKS,
  rules: S2_RULES,
};
const S1_64: LpaeVariant = {
  id: 'arm-64-lpae-s1',
  kind: 's1',
  granules: [12, 14, 16],
  quirks: [...S1_QUIRKS, ...OWN_QUIRKS],
  rules: { 'linux-6.1': LPAE_61, 'linux-7.3': LPAE_S1_73 },
};
const S2_64: LpaeVariant = {
  id: 'arm-64-lpae-s2',
  kind: 's2',
  granules: [12, 14, 16],
  quirks: [...S2_QUIRKS, ...OWN_QUIRKS],
  rules: S2_RULES,
};

const SOURCE = 'Arm DDI 0487 chapter D8; Linux 6.1 and 7.3 io-pgtable-arm; golden vectors';
const SOURCE_32 = 'Arm DDI 0406C section B3.6; Linux 6.1 and 7.3 io-pgtable-arm; golden vectors';

/** AArch64 stage 1. */
export const arm64LpaeS1: Format = {
  id: S1_64.id,
  title: 'Arm VMSAv8-64, stage 1',
  source: SOURCE,
  granules: [4096, 16384, 65536],
  inputs: 'up to 48 bits, 52 with 64K or ARM_LPA2',
  outputs: '32, 36, 40, 42, 44, 48; 52 with 64K or ARM_LPA2',
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
    ['4K 48/48 contiguous HD', 4, 48, 48, QUIRK.ARM_CONTIGUOUS | QUIRK.ARM_HD],
    ['64K 48/48 contiguous non-coherent', 64, 48, 48, QUIRK.ARM_CONTIGUOUS, false],
    ['4K 52/52 LPA2 non-coherent', 4, 52, 52, QUIRK.ARM_LPA2, false],
    ['16K 52/52 LPA2 contiguous', 16, 52, 52, QUIRK.ARM_LPA2 | QUIRK.ARM_CONTIGUOUS],
  ]),
  request: (granule, ias = 48, oas = 48, quirks = 0) => lpaeRequest(granule, ias, oas, quirks),
  configure: (request) => lpaeGeometry(S1_64, request),
};

/** AArch64 stage 2. */
export const arm64LpaeS2: Format = {
  id: S2_64.id,
  title: 'Arm VMSAv8-64, stage 2',
  source: SOURCE,
  granules: [4096, 16384, 65536],
  inputs: 'up to 48 bits, 52 with 64K or ARM_LPA2',
  outputs: '32, 36, 40, 42, 44, 48; 52 with 64K or ARM_LPA2',
  quirks: S2_64.quirks,
  configurations: lpaeConfigurations([
    ['4K 48/48', 4, 48, 48],
    ['4K 40/40 concatenated', 4, 40, 40],
    ['4K 42/42 concatenated non-coherent', 4, 42, 42, 0, false],
    ['16K 48/48 concatenated', 16, 48, 48],
    ['64K 52/52', 64, 52, 52],
    ['64K 36/36 non-coherent', 64, 36, 36, 0, false],
    ['4K 48/48 contiguous S2FWB', 4, 48, 48, QUIRK.ARM_CONTIGUOUS | QUIRK.ARM_S2FWB],
    ['4K 52/52 LPA2', 4, 52, 52, QUIRK.ARM_LPA2],
    ['16K 51/52 LPA2 concatenated', 16, 51, 52, QUIRK.ARM_LPA2],
  ]),
  request: (granule, ias = 48, oas = 48, quirks = 0) => lpaeRequest(granule, ias, oas, quirks),
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
  quirks: S2_32.quirks,
  configurations: lpaeConfigurations([
    ['40/40 concatenated', 4, 40, 40],
    ['32/40 non-coherent', 4, 32, 40, 0, false],
  ]),
  request: (granule, ias = 40, oas = 40) => lpaeRequest(granule, ias, oas),
  configure: (request) => lpaeGeometry(S2_32, request),
};
