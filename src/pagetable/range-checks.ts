/**
 * The checks of a call on a whole range, in the order of Linux's generic page table (drivers/iommu/generic_pt/iommu_pt.h), on
 * 64-bit arguments as they come.
 * @module
 */
import type { Geometry } from '../formats/contract.ts';
import { PROT } from '../formats/protection.ts';
import { QUIRK } from '../formats/quirks.ts';
import { hasSize } from '../formats/widths.ts';
import { EINVAL, ERANGE } from './errno.ts';

/** Misaligned, or of a size that no page has. */
export const ENXIO = -6;
/** The range wraps at 2^64. */
export const EOVERFLOW = -75;

const TWO_64 = 1n << 64n;
const ACCESS = PROT.READ | PROT.WRITE;
const FINE = 2048n;
const COARSE = 4096n;

/**
 * A 64-bit address as a number: exact below 2^53 and where it is a multiple of 2 KiB; another one is taken to the middle of
 * its 4 KiB, so that it stays unaligned and lies between the same entries.
 */
export function nearNumber(value: bigint): number {
  if (value <= BigInt(Number.MAX_SAFE_INTEGER) || value % FINE === 0n) return Number(value);
  return Number(value - (value % COARSE) + FINE);
}

/** Checks the bytes of a range: 0, or a negative errno. */
function refuseLength(iova: bigint, bytes: bigint): number {
  if (bytes === 0n) return EINVAL;
  return iova + bytes > TWO_64 ? EOVERFLOW : 0;
}

/**
 * Whether a range lies in what the table translates. Where the sign extends, only the bits above the input width are compared,
 * as that kernel does: an address that is not canonical may pass, and aliases.
 */
function isInput({ ias, signExtends }: Geometry, iova: bigint, bytes: bigint): boolean {
  const last = iova + bytes - 1n;
  const width = BigInt(ias);
  const ones = signExtends && iova >> (width - 1n) !== 0n ? (TWO_64 - 1n) >> width : 0n;
  return iova >> width === ones && last >> width === ones;
}

/** Checks a range that is unmapped or read: 0, or a negative errno. */
export function refuseRange(geometry: Geometry, iova: bigint, bytes: bigint): number {
  return refuseLength(iova, bytes) || (isInput(geometry, iova, bytes) ? 0 : ERANGE);
}

/** Whether some page fits at the start of a range. */
function pageFits({ pageSizes, pageShift }: Geometry, iova: bigint, pa: bigint, bytes: bigint): boolean {
  const at = iova | pa;
  if (bytes === COARSE && pageShift === 12 && hasSize(pageSizes, 4096)) return at % COARSE === 0n;
  for (let size = 1n << BigInt(pageShift); size <= BigInt(pageSizes); size *= 2n) {
    if (at % size !== 0n || size > bytes) return false;
    if (hasSize(pageSizes, Number(size))) return true;
  }
  return false;
}

/** Checks a range that is mapped, but for the input range of a tree that grows: 0, or a negative errno. */
export function refuseMap(geometry: Geometry, iova: bigint, pa: bigint, bytes: bigint, prot: number): number {
  if ((prot & ACCESS) === 0) return EINVAL;
  if (pa >= 1n << BigInt(geometry.oas)) return ERANGE;
  const writeable = (geometry.quirks & QUIRK.FORCE_WRITEABLE) !== 0;
  if (writeable && (prot & PROT.WRITE) === 0) return EINVAL;
  const length = refuseLength(iova, bytes);
  if (length !== 0) return length;
  if (!pageFits(geometry, iova, pa, bytes)) return ENXIO;
  return geometry.top > 0 || isInput(geometry, iova, bytes) ? 0 : ERANGE;
}
