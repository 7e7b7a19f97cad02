/**
 * The input address of a command as two halves: what an offset from the region's base is to the device.
 * @module
 */
import { highHalf, lowHalf } from '../../address.ts';
import type { Geometry } from '../../formats/contract.ts';
import { publicIova } from '../../formats/iova.ts';

const LOW = 0xffffffffn;

/** One address, set again for each command: no command costs an object. */
export class DeviceAddress {
  /** Bits 31:0. */
  lo = 0;
  /** Bits 63:32. */
  hi = 0;
  readonly #half: number;
  readonly #base: readonly [lo: number, hi: number];
  readonly #upper: readonly [lo: number, hi: number];

  constructor(geometry: Geometry) {
    this.#half = geometry.signExtends ? 2 ** (geometry.ias - 1) : Number.POSITIVE_INFINITY;
    this.#base = halves(publicIova(geometry, 0));
    this.#upper = halves(publicIova(geometry, 2 ** (geometry.ias - 1)) - 2n ** BigInt(geometry.ias - 1));
  }

  /** Takes an offset. */
  set(offset: number): void {
    const [lo, hi] = offset < this.#half ? this.#base : this.#upper;
    this.lo = (lowHalf(offset) | lo) >>> 0;
    this.hi = (highHalf(offset) | hi) >>> 0;
  }
}

function halves(value: bigint): readonly [lo: number, hi: number] {
  return [Number(value & LOW), Number((value >> 32n) & LOW)];
}
