/**
 * Shapes of Arm's long-descriptor tables: granules, widths, levels, page sizes. Arm DDI 0487, D8.2 (levels, concatenated
 * tables of stage 2) and D8.6.1 (contiguous entries); choices as Linux's io-pgtable-arm makes them.
 * @module
 */
import { pow2 } from '../address.ts';
import type { FormatConfiguration, FormatId, Level, TableRequest } from './contract.ts';
import { QUIRK, type QuirkName } from './quirks.ts';
import { type Rules, type RulesBySemantics, SAFE } from './rules.ts';
import { badGeometry, checkRequest, chooseGranule, intersect, tableAllocation } from './widths.ts';

/** A table descriptor: type 3 in bits 1:0 (D8.3.1). */
const TYPE_TABLE = 3;
const TYPE_MASK = 3;

/** Page and block sizes by log2 of the granule (D8.2). */
const PAGE_SIZES: Readonly<Record<number, readonly number[]>> = {
  12: [pow2(12), pow2(21), pow2(30)],
  14: [pow2(14), pow2(25)],
  16: [pow2(16), pow2(29)],
};

/** Blocks that come with 52 bits: by FEAT_LPA with 64K, by FEAT_LPA2 with the others (D8.2). */
const WIDE_BLOCKS: Readonly<Record<number, number>> = { 12: pow2(39), 14: pow2(36), 16: pow2(42) };

/** Entries that the contiguous bit joins, by log2 of the granule and level (D8.6.1). */
const CONTIGUOUS: Readonly<Record<number, readonly number[]>> = {
  12: [0, 16, 16, 16],
  14: [0, 0, 32, 128],
  16: [0, 0, 32, 32],
};

/** Output widths that a register can name: IPS of TCR_EL1, PS of VTCR_EL2 (D19.2). */
export const PA_SIZE: Readonly<Record<number, number>> = { 32: 0, 36: 1, 40: 2, 42: 3, 44: 4, 48: 5, 52: 6 };

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
  /** What each semantics decides. */
  readonly rules: RulesBySemantics;
}

/** One configuration of the family. */
export interface LpaeShape {
  readonly variant: LpaeVariant;
  readonly request: TableRequest;
  readonly pageShift: number;
  readonly pageSizes: number;
  readonly ias: number;
  readonly oas: number;
  readonly levels: readonly Level[];
  /** Address bits that a descriptor holds. */
  readonly addressBits: number;
  /** Whether bits 51:50 of an address lie in bits 9:8 (FEAT_LPA2), instead of the shareability. */
  readonly lpa2: boolean;
}

/** Whether a request has a quirk. */
export function hasQuirk({ quirks }: TableRequest, name: QuirkName): boolean {
  return (quirks & QUIRK[name]) !== 0;
}

/** log2 of the bytes that an entry of a level spans. */
function shiftAt(pageShift: number, level: number): number {
  return pageShift + (pageShift - 3) * (3 - level);
}

/** Neighbouring entries that the contiguous bit joins at a level, 0 where it does not or where a short root has fewer. */
export function contiguousEntries(pageShift: number, { level, entries }: Level): number {
  const joined = CONTIGUOUS[pageShift]?.[level] ?? 0;
  return joined <= entries ? joined : 0;
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

/** A first level, and log2 of the root's entries there. */
interface Root {
  readonly start: number;
  readonly rootBits: number;
}

function plainRoot(ias: number, pageShift: number): Root {
  const bits = pageShift - 3;
  const count = Math.ceil((ias - pageShift) / bits);
  return { start: 4 - count, rootBits: ias - pageShift - bits * (count - 1) };
}

/** Whether the architecture has no root at the plain start level (D8.2.9.2, as Linux from 6.13 on reads it). */
function isDemanded({ start }: Root, pageShift: number, ias: number, oas: number): boolean {
  if (pageShift === 12) return start === 0 && (oas === 40 || oas === 42);
  if (pageShift !== 14) return false;
  return start === 0 ? ias === 48 || oas === 48 : start === 1 && oas === 40;
}

function concatenates(root: Root, pageShift: number, ias: number, oas: number, rules: Rules): boolean {
  const fits = pow2(root.rootBits) <= MAX_CONCATENATED;
  if (rules.concatenation === 'where it saves a level') return root.start === 0 && fits;
  if (!isDemanded(root, pageShift, ias, oas)) return false;
  if (fits) return true;
  throw badGeometry('ias', ias, `at most ${MAX_CONCATENATED} concatenated tables; ${oas} bits of output demand them`);
}

function rootOf(variant: LpaeVariant, ias: number, oas: number, pageShift: number, rules: Rules): Root {
  if (variant.kind === 'mali') return { start: 0, rootBits: Math.max(0, ias - 39) };
  const root = plainRoot(ias, pageShift);
  if (variant.kind === 's1' || !concatenates(root, pageShift, ias, oas, rules)) return root;
  return { start: root.start + 1, rootBits: root.rootBits + pageShift - 3 };
}

function makeLevels({ start, rootBits }: Root, pageShift: number, cpuPage: number): Level[] {
  const bits = pageShift - 3;
  const levels: Level[] = [];
  for (let level = start; level <= 3; level++) {
    const shift = shiftAt(pageShift, level);
    levels.push(makeLevel(level, shift, bits, level === start ? rootBits : bits, cpuPage, level === 3));
  }
  return levels;
}

function limitWidth(variant: LpaeVariant, name: 'ias' | 'oas', asked: number, most: number): number {
  const refusedAbove = name === 'ias' ? variant.maxIas : variant.maxOas;
  if (refusedAbove === undefined) return Math.min(asked, most);
  if (asked > refusedAbove) throw badGeometry(name, asked, `at most ${refusedAbove} bits`);
  return asked;
}

function granuleOf(variant: LpaeVariant, request: TableRequest): number {
  const granules = variant.granules.flatMap((shift) => PAGE_SIZES[shift] ?? []);
  const offered = variant.maxIas === undefined ? request.pageSizes : intersect(request.pageSizes, granules);
  const pageShift = Math.log2(chooseGranule(offered, request.cpuPageSize));
  if (PAGE_SIZES[pageShift] !== undefined && variant.granules.includes(pageShift)) return pageShift;
  const expected = variant.granules.map((g) => pow2(g - 10)).join(', ');
  throw badGeometry('pageSizes', request.pageSizes, `a granule of ${expected} KiB`);
}

/** Sizes of contiguous pages and blocks of a granule. */
function contiguousSizes(pageShift: number): number[] {
  const joined = CONTIGUOUS[pageShift] ?? [];
  const sizes = joined.map((entries, level) => entries * pow2(shiftAt(pageShift, level)));
  return sizes.filter((size) => size > 0);
}

/** Sizes of pages and blocks that a granule has, contiguous ones included where they are asked for. */
function sizesOfGranule(pageShift: number, wide: boolean, contiguous: boolean): number[] {
  const blocks = WIDE_BLOCKS[pageShift];
  const sizes = [...(PAGE_SIZES[pageShift] ?? []), ...(wide && blocks !== undefined ? [blocks] : [])];
  return contiguous ? [...sizes, ...contiguousSizes(pageShift)] : sizes;
}

/**
 * The shape of a request.
 * @throws IommuError `BAD_GEOMETRY`, `BAD_QUIRK`.
 */
export function lpaeShape(variant: LpaeVariant, request: TableRequest): LpaeShape {
  checkRequest(request, variant.quirks);
  const rules = variant.rules[request.semantics ?? 'safe'] ?? SAFE;
  const pageShift = granuleOf(variant, request);
  const lpa2 = hasQuirk(request, 'ARM_LPA2');
  if (lpa2 && pageShift === 16) throw badGeometry('quirks', 'ARM_LPA2', 'a granule of 4 or 16 KiB with it');
  const addressBits = lpa2 || pageShift === 16 ? 52 : 48;
  const ias = limitWidth(variant, 'ias', request.ias, addressBits);
  const oas = limitWidth(variant, 'oas', request.oas, addressBits);
  if (variant.kind !== 'mali' && PA_SIZE[oas] === undefined)
    throw badGeometry('oas', oas, '32, 36, 40, 42, 44, 48 or 52 bits');
  if (ias <= pageShift) throw badGeometry('ias', ias, `more than the ${pageShift} bits of a page`);
  const levels = makeLevels(rootOf(variant, ias, oas, pageShift, rules), pageShift, request.cpuPageSize);
  const wide = lpa2 || (pageShift === 16 && request.oas > 48);
  const sizes = sizesOfGranule(pageShift, wide, hasQuirk(request, 'ARM_CONTIGUOUS'));
  const pageSizes = intersect(request.pageSizes, sizes);
  return { variant, request, pageShift, pageSizes, ias, oas, levels, addressBits, lpa2 };
}

/** A plain request: all page sizes of the granule, contiguous ones with their quirk, coherent. */
export function lpaeRequest(granule: number, ias: number, oas: number, quirks = 0): TableRequest {
  const pageShift = Math.log2(granule);
  const wide = (quirks & QUIRK.ARM_LPA2) !== 0 || (pageShift === 16 && oas > 48);
  const known = sizesOfGranule(pageShift, wide, (quirks & QUIRK.ARM_CONTIGUOUS) !== 0);
  const sizes = known.length === 0 ? [granule] : known;
  const pageSizes = sizes.reduce((sum, size) => sum + size, 0);
  return { ias, oas, pageSizes, quirks, coherent: true, cpuPageSize: 4096 };
}

type Case = readonly [name: string, granuleK: number, ias: number, oas: number, quirks?: number, coherent?: boolean];

/** Test configurations from rows of granule (KiB), widths, quirks and coherence. */
export function lpaeConfigurations(cases: readonly Case[]): readonly FormatConfiguration[] {
  return cases.map(([name, granuleK, ias, oas, quirks = 0, coherent = true]) => ({
    name,
    request: { ...lpaeRequest(granuleK * 1024, ias, oas, quirks), coherent },
  }));
}
