/**
 * Input addresses as callers write them, and as offsets into the range that a table translates.
 * @module
 */
import type { Geometry } from './contract.ts';

const TWO_64 = 1n << 64n;

/** The public form of an offset. */
export function publicIova(geometry: Geometry, offset: number): bigint {
  const { ias, iovaBase, signExtends } = geometry;
  const upper = signExtends && offset >= 2 ** (ias - 1);
  return iovaBase + BigInt(offset) + (upper ? TWO_64 - (1n << BigInt(ias)) : 0n);
}

/** The offset of an input address, or −1n where no table translates it. */
export function offsetOfIova(geometry: Geometry, iova: bigint): bigint {
  const { ias, iovaBase, signExtends } = geometry;
  const size = 1n << BigInt(ias);
  const offset = iova - iovaBase;
  if (!signExtends) return offset < size ? (offset < 0n ? -1n : offset) : -1n;
  if (offset < size / 2n) return offset;
  return offset >= TWO_64 - size / 2n ? offset - (TWO_64 - size) : -1n;
}

/** The input addresses that a table translates, in words. */
export function rangeText(geometry: Geometry): string {
  const hex = (value: bigint): string => `0x${value.toString(16)}`;
  const end = 2 ** geometry.ias;
  const last = geometry.iovaBase + (1n << BigInt(geometry.ias)) - 1n;
  if (!geometry.signExtends) return `${hex(geometry.iovaBase)} … ${hex(last)}`;
  const middle = publicIova(geometry, end / 2);
  return `0x0 … ${hex(BigInt(end / 2) - 1n)} and ${hex(middle)} … ${hex(TWO_64 - 1n)}`;
}
