/**
 * What `safe` says where it refuses a call after its arguments were found right.
 * @module
 */
import { hex } from '../address.ts';
import { IommuError } from '../errors.ts';
import type { Geometry } from '../formats/contract.ts';
import { publicIova } from '../formats/iova.ts';

/** Errors of one domain; input addresses come as offsets from the region's base. */
export class Refusals {
  readonly #geometry: Geometry;

  constructor(geometry: Geometry) {
    this.#geometry = geometry;
  }

  /** Something is mapped at `taken`, to `pa`. */
  overlap(offset: number, bytes: number, taken: number, pa: number): IommuError {
    const at = this.#public(taken);
    return new IommuError(
      'OVERLAP',
      'iova',
      `expected ${this.#public(offset)} + ${hex(bytes)} to be free, got a mapping at ${at} (to ${hex(pa)})`,
      { iova: this.#public(offset), size: hex(bytes), at, pa: hex(pa) },
    );
  }

  /** Nothing is mapped at `hole`. */
  notMapped(offset: number, bytes: number, hole: number): IommuError {
    const at = this.#public(hole);
    return new IommuError(
      'NOT_MAPPED',
      'iova',
      `expected ${this.#public(offset)} + ${hex(bytes)} to be mapped, got a hole at ${at}`,
      {
        iova: this.#public(offset),
        size: hex(bytes),
        at,
      },
    );
  }

  /** A table was missing after `done` bytes. */
  noMemory(offset: number, bytes: number, done: number): IommuError {
    const at = this.#public(offset + done);
    return new IommuError(
      'NO_MEMORY',
      'memory',
      `expected memory for the tables of ${this.#public(offset)} + ${hex(bytes)}, got none for the table of ${at}; the call was rolled back`,
      { iova: this.#public(offset), size: hex(bytes), at },
    );
  }

  /** A block reaches across the end of a range, and may not be split. */
  partialBlock(edge: number): IommuError {
    const at = this.#public(edge);
    return new IommuError(
      'PARTIAL_BLOCK',
      'iova',
      `expected a range that ends where blocks end, got a block across ${at}, which partialBlocks 'refuse' does not split`,
      {
        at,
      },
    );
  }

  #public(offset: number): string {
    return hex(publicIova(this.#geometry, offset));
  }
}
