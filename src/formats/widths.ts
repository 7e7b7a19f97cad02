/**
 * Arithmetic that formats share: page-size bitmaps and table sizes.
 * @module
 */
import { alignUp, hex, isPow2 } from '../address.ts';
import { IommuError } from '../errors.ts';
import type { TableRequest } from './contract.ts';
import { QUIRK, type QuirkName } from './quirks.ts';

/** Whether a bitmap of page sizes holds `size`; exact up to 2^53. */
export function hasSize(bitmap: number, size: number): boolean {
  return Math.floor(bitmap / size) % 2 === 1;
}

/** The sizes of a bitmap, smallest first. */
export function sizesOf(bitmap: number): number[] {
  const sizes: number[] = [];
  for (let size = 1; size <= bitmap; size *= 2) if (hasSize(bitmap, size)) sizes.push(size);
  return sizes;
}

/** The sizes of `bitmap` that are among `allowed`, as a bitmap. */
export function intersect(bitmap: number, allowed: readonly number[]): number {
  return allowed.reduce((sum, size) => sum + (hasSize(bitmap, size) ? size : 0), 0);
}

/** Bytes that a table takes: rounded up to a power of two of CPU pages. */
export function tableAllocation(bytes: number, cpuPageSize: number): number {
  const rounded = alignUp(bytes, cpuPageSize);
  return 2 ** Math.ceil(Math.log2(rounded));
}

/** A geometry that a format refuses. */
export function badGeometry(argument: string, got: number | string, expected: string): IommuError {
  const shown = typeof got === 'number' ? `${got} (${hex(got)})` : got;
  return new IommuError('BAD_GEOMETRY', argument, `expected ${expected}, got ${shown}`, {
    got: shown,
    expected,
  });
}

/**
 * Checks what every format asks of a request.
 * @throws IommuError `BAD_QUIRK`, `BAD_GEOMETRY`.
 */
export function checkRequest(request: TableRequest, known: readonly QuirkName[]): void {
  const allowed = known.reduce((sum, name) => sum | QUIRK[name], 0);
  const { quirks } = request;
  if (!Number.isInteger(quirks) || quirks < 0 || quirks > 0xffffffff || (quirks & ~allowed) !== 0) {
    throw new IommuError(
      'BAD_QUIRK',
      'quirks',
      `expected quirks within ${hex(allowed)}, which this format knows, got ${hex(quirks)}`,
      {
        got: hex(quirks),
        known: hex(allowed),
      },
    );
  }
  for (const name of ['ias', 'oas'] as const) {
    if (!Number.isInteger(request[name]) || request[name] < 1)
      throw badGeometry(name, request[name], 'bits, from 1 up');
  }
  if (!Number.isSafeInteger(request.pageSizes) || request.pageSizes < 0) {
    throw badGeometry('pageSizes', request.pageSizes, 'a sum of page sizes below 2^53');
  }
  if (!isPow2(request.cpuPageSize) || request.cpuPageSize < 4096) {
    throw badGeometry('cpuPageSize', request.cpuPageSize, 'a power of two from 4 KiB up');
  }
}

/**
 * The granule that Linux chooses: the CPU's page size if offered, else the largest smaller, else the smallest larger.
 * @throws IommuError `BAD_GEOMETRY` where nothing is offered.
 */
export function chooseGranule(bitmap: number, cpuPageSize: number): number {
  const offered = sizesOf(bitmap);
  const smaller = offered.filter((size) => size <= cpuPageSize).at(-1);
  const granule = smaller ?? offered[0];
  if (granule === undefined) throw badGeometry('pageSizes', bitmap, 'at least one page size');
  return granule;
}
