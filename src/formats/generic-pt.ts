/**
 * What the formats of Linux's generic page table share: levels of 9 index bits, the checks of a request in that kernel's
 * order, page sizes, and its feature flags.
 * @module
 */
import { hex, pow2 } from '../address.ts';
import { IommuError } from '../errors.ts';
import type { Level, TableRequest } from './contract.ts';
import { QUIRK, type QuirkName } from './quirks.ts';
import { badGeometry, intersect, sizesOf, tableAllocation } from './widths.ts';

const INDEX_BITS = 9;
const TABLE_BYTES = 4096;

/** What one format is within the family. */
export interface GenericFormat {
  /** Format id. */
  readonly id: string;
  /** log2 of the bytes of a lowest-level entry. */
  readonly granuleShift: number;
  /** Most input and output bits. */
  readonly maxIas: number;
  /** See `maxIas`. */
  readonly maxOas: number;
  /** Highest level that a root can have. */
  readonly highest: number;
  /** Levels at which the root may begin. */
  readonly tops: readonly number[];
  /** Whether another top is refused as invalid, or as one that this format does not do. */
  readonly topErrno: 'EINVAL' | 'EOPNOTSUPP';
  /** Features that may be asked for. */
  readonly may: readonly QuirkName[];
  /** Features without which the format is not granted. */
  readonly must: readonly QuirkName[];
  /** Whether walks may be non-coherent. */
  readonly mayBeIncoherent: boolean;
  /** Whether a root of fewer levels limits the input width instead of refusing it. */
  readonly clampsIas: boolean;
  /** Sizes of pages at a level, in bytes. */
  sizesAt(level: number, quirks: number): readonly number[];
}

/** What of a request is the same for the whole family. */
export interface GenericShape {
  /** The request. */
  readonly request: TableRequest;
  /** Input bits granted. */
  readonly ias: number;
  /** Output bits granted. */
  readonly oas: number;
  /** Features granted. */
  readonly quirks: number;
  /** Levels from the highest possible root down. */
  readonly levels: readonly Omit<Level, 'tableMask' | 'tableValue'>[];
  /** Depth of the first root. */
  readonly top: number;
  /** Page sizes granted. */
  readonly pageSizes: number;
}

function has(quirks: number, name: QuirkName): boolean {
  return (quirks & QUIRK[name]) !== 0;
}

function flags(names: readonly QuirkName[]): number {
  return names.reduce((sum, name) => sum | QUIRK[name], 0);
}

function unsupported(argument: string, got: string, expected: string): IommuError {
  return new IommuError('UNSUPPORTED_GEOMETRY', argument, `${got} is not supported; expected ${expected}`, {
    got,
    expected,
  });
}

function checkWidths(format: GenericFormat, { ias, oas, topLevel }: TableRequest): void {
  if (!Number.isInteger(ias) || ias < 1 || ias > format.maxIas)
    throw badGeometry('ias', ias, `1 to ${format.maxIas} bits`);
  if (!Number.isInteger(oas) || oas < 1) throw badGeometry('oas', oas, `1 to ${format.maxOas} bits`);
  if (topLevel !== undefined && !format.tops.includes(topLevel)) {
    const expected = `a root at level ${format.tops.join(', ')}`;
    throw format.topErrno === 'EINVAL'
      ? badGeometry('topLevel', topLevel, expected)
      : unsupported('topLevel', String(topLevel), expected);
  }
  if (oas > format.maxOas) throw badGeometry('oas', oas, `at most ${format.maxOas} bits`);
}

function checkFeatures(format: GenericFormat, { coherent }: TableRequest, quirks: number): void {
  const may = flags(format.may);
  const must = flags(format.must);
  if ((quirks & ~may) !== 0)
    throw unsupported('quirks', hex(quirks >>> 0), `none but ${format.may.join(', ') || 'none'}`);
  if ((quirks & must) !== must) throw unsupported('quirks', hex(quirks >>> 0), format.must.join(', '));
  if (!coherent && !format.mayBeIncoherent)
    throw unsupported('coherent', 'a walk that is not coherent', 'a coherent one');
}

function checkRequestNumbers({ pageSizes, quirks }: TableRequest): void {
  if (!Number.isSafeInteger(pageSizes) || pageSizes < 0) {
    throw badGeometry('pageSizes', pageSizes, 'a sum of page sizes below 2^53');
  }
  if (!Number.isInteger(quirks) || quirks < 0 || quirks >= pow2(31))
    throw badGeometry('quirks', quirks, 'flags below 2^31');
}

/** The root's level where none is asked for: the lowest that indexes the whole input width. */
function usualTop({ tops, granuleShift }: GenericFormat, ias: number): number {
  const fitting = tops.find((top) => granuleShift + INDEX_BITS * (top + 1) >= ias);
  return fitting ?? tops.at(-1) ?? 0;
}

function makeLevels(format: GenericFormat, from: number, ias: number): GenericShape['levels'] {
  return Array.from({ length: from + 1 }, (_, depth) => {
    const level = from - depth;
    const shift = format.granuleShift + INDEX_BITS * level;
    const bits = depth === 0 ? Math.max(0, Math.min(INDEX_BITS, ias - shift)) : INDEX_BITS;
    const entries = pow2(bits);
    const allocBytes = tableAllocation(entries * 8, TABLE_BYTES);
    return { level, shift, entries, runEntries: entries, tableBytes: entries * 8, allocBytes };
  });
}

function sizesGranted(format: GenericFormat, shape: Omit<GenericShape, 'pageSizes' | 'request'>): number {
  const grows = has(shape.quirks, 'DYNAMIC_TOP');
  const counted = shape.levels.filter(({ shift }, depth) => (grows ? shift < shape.ias : depth >= shape.top));
  const sizes = counted.flatMap(({ level }) => format.sizesAt(level, shape.quirks));
  const limit = Math.min(pow2(shape.ias - 2), pow2(shape.oas - 1));
  return sizes.filter((size) => size <= limit).reduce((sum, size) => sum + size, 0);
}

/**
 * Checks a request in the order of Linux 7.3's init, and shapes the tree.
 * @throws IommuError `BAD_GEOMETRY`, `UNSUPPORTED_GEOMETRY`.
 */
export function genericShape(format: GenericFormat, request: TableRequest): GenericShape {
  checkRequestNumbers(request);
  checkWidths(format, request);
  const top = request.topLevel ?? usualTop(format, request.ias);
  const grows = has(request.quirks, 'DYNAMIC_TOP');
  const shiftOf = (level: number): number => format.granuleShift + INDEX_BITS * level;
  const limited = !grows && top < format.highest;
  const ias = format.clampsIas && limited ? Math.min(request.ias, shiftOf(top + 1)) : request.ias;
  const full = format.may.includes('FULL_VA') && ias === 64 && top === format.highest ? QUIRK.FULL_VA : 0;
  const quirks = request.quirks | full;
  checkFeatures(format, request, quirks);
  if (limited && ias > shiftOf(top + 1))
    throw unsupported('ias', `${ias} bits`, `at most ${shiftOf(top + 1)} with this root`);
  if (has(quirks, 'SIGN_EXTEND') && (has(quirks, 'FULL_VA') || grows)) {
    throw badGeometry('quirks', 'SIGN_EXTEND', 'neither FULL_VA nor DYNAMIC_TOP with it');
  }
  const reach = grows ? Math.floor((ias - 1 - format.granuleShift) / INDEX_BITS) : top;
  const from = Math.max(top, Math.min(format.highest, reach));
  if (!grows && ias < shiftOf(top) - 3)
    throw badGeometry('ias', ias, `at least ${shiftOf(top) - 3} bits with this root`);
  const shape = { ias, oas: request.oas, quirks, levels: makeLevels(format, from, ias), top: from - top };
  const offered = sizesGranted(format, shape);
  return { ...shape, request, pageSizes: intersect(request.pageSizes, sizesOf(offered)) };
}

/** Every page size: what is offered where a request leaves the choice to the format. */
export const ALL_SIZES: number = pow2(53) - pow2(11);

/** A plain request for one format of the family. */
export function genericRequest(ias: number, oas: number, quirks: readonly QuirkName[]): TableRequest {
  return { ias, oas, pageSizes: ALL_SIZES, quirks: flags(quirks), coherent: true, cpuPageSize: 4096 };
}
