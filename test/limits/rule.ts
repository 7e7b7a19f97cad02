/**
 * What a call under `safe` must come to, by plain `bigint` arithmetic over the width and page size of a geometry.
 * @module
 */
import type { Domain } from '../../src/core/index.ts';
import { IommuError } from '../../src/errors.ts';
import { pageSizesOf, RW } from '../../src/testing/setup.ts';

/** A call by its public addresses. */
export interface Request {
  readonly iova: bigint;
  readonly pa: bigint;
  readonly size: bigint;
}

/** The widths that the rule knows. */
export interface Limits {
  /** The input range: [from, end) pairs; a range of addresses that are mapped must lie in one of them. */
  readonly regions: readonly (readonly [from: bigint, end: bigint])[];
  /** Where output addresses end. */
  readonly outputEnd: bigint;
  /** Page sizes, smallest first. */
  readonly sizes: readonly bigint[];
}

const TOP = 1n << 64n;

/** The limits of a domain. */
export function limitsOf({ geometry }: Domain): Limits {
  const { ias, oas, outputBits, iovaBase, signExtends } = geometry;
  const bytes = 1n << BigInt(ias);
  const half = bytes / 2n;
  return {
    regions: signExtends
      ? [
          [0n, half],
          [TOP - half, TOP],
        ]
      : [[iovaBase, iovaBase + bytes]],
    outputEnd: 1n << BigInt(Math.min(oas, outputBits)),
    sizes: pageSizesOf(geometry).map(BigInt),
  };
}

/** The smallest page. */
export function smallest({ sizes }: Limits): bigint {
  return sizes[0] ?? 0n;
}

/** The codes by which a range may be refused; none where it is in order. */
function inputReasons(limits: Limits, iova: bigint, size: bigint): Set<string> {
  const small = smallest(limits);
  const codes = new Set<string>();
  const region = limits.regions.find(([from, end]) => iova >= from && iova < end);
  if (region === undefined || iova + size > region[1]) codes.add('OUT_OF_RANGE');
  if (size === 0n) codes.add('EMPTY');
  if (iova % small !== 0n || size % small !== 0n) codes.add('UNALIGNED');
  return codes;
}

/** The codes by which a map may be refused. */
export function mapReasons(limits: Limits, { iova, pa, size }: Request): Set<string> {
  const codes = inputReasons(limits, iova, size);
  if (pa % smallest(limits) !== 0n) codes.add('UNALIGNED');
  if (pa + size > limits.outputEnd) codes.add('OUT_OF_RANGE');
  return codes;
}

/** The codes by which an unmap of what is not mapped may be refused. */
export function unmapReasons(limits: Limits, { iova, size }: Request): Set<string> {
  const codes = inputReasons(limits, iova, size);
  return codes.size === 0 ? new Set(['NOT_MAPPED']) : codes;
}

/** The codes by which a translation may be refused; one of nothing mapped is undefined. */
export function translateReasons({ regions }: Limits, iova: bigint): Set<string> {
  return new Set(regions.some(([from, end]) => iova >= from && iova < end) ? [] : ['OUT_OF_RANGE']);
}

/** Entries that a legal map takes at most: pages of the largest size that input and output address share. */
export function pagesOf({ sizes }: Limits, { iova, pa, size }: Request): bigint {
  let pages = 0n;
  let left = size;
  for (const [i, each] of [...sizes.entries()].reverse()) {
    const shared = i === 0 || (iova - pa) % each === 0n;
    if (!shared || left < each) continue;
    pages += i === 0 ? left / each : left / each - 1n;
    left = i === 0 ? 0n : (left % each) + each;
  }
  return pages;
}

/** Bytes or output address, or the code of the refusal. */
export function outcome(call: () => number | bigint | undefined): string {
  try {
    const value = call();
    return value === undefined ? 'nothing' : `0x${value.toString(16)}`;
  } catch (error) {
    if (error instanceof IommuError) return error.code;
    throw error;
  }
}

/** A map by one call, or by a list of one element, or of two where the range can be cut. */
export function mapBy(domain: Domain, form: number, { iova, pa, size }: Request): number {
  if (form === 0) return domain.map(iova, pa, size, RW).bytes;
  const [address, length] = [Number(pa), Number(size)];
  const cut = form === 2 && length > 1 ? Math.floor(length / 2) : 0;
  const second = { address: address + cut, length: length - cut };
  const list = cut === 0 ? [second] : [{ address, length: cut }, second];
  return domain.mapSg(iova, list, RW).bytes;
}
