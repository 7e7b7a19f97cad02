/**
 * All leaves of tables, in typed arrays, so that any stretch of them is given at once.
 * @module
 */
import type { PhysicalReader } from '../../src/bus.ts';
import { LeafColumns } from '../../src/dump/leaf-columns.ts';
import { enumerateLeaves } from '../../src/hardware/walk/leaves.ts';
import type { Regime } from '../../src/hardware/walk/regime.ts';

/** One leaf. */
export interface LeafRow {
  readonly iova: bigint;
  readonly pa: number;
  readonly bytes: number;
  readonly level: number;
}

/** Leaves that are kept; the others are counted. */
const MOST_LEAVES = 2 ** 22;

/** The leaves of all regions, lowest address first. */
export class LeafList {
  readonly #leaves = new LeafColumns(MOST_LEAVES);
  readonly #bases: readonly bigint[];

  constructor(reader: PhysicalReader, { regions }: Regime) {
    this.#bases = regions.map(({ base }) => base);
    for (const [index, region] of regions.entries()) {
      const { levels } = region.descriptors;
      enumerateLeaves(reader, region, (offset, pa, bytes, depth, lo, hi) =>
        this.#leaves.push(offset, pa, bytes, levels[depth]?.level ?? 0, lo, hi, index),
      );
    }
  }

  /** Leaves altogether. */
  get total(): number {
    return this.#leaves.total;
  }

  /** At most `count` leaves from number `from` on. */
  rows(from: number, count: number): LeafRow[] {
    const { length, offset, pa, bytes, level, region } = this.#leaves;
    const end = Math.min(length, from + count);
    const rows: LeafRow[] = [];
    for (let i = Math.max(0, from); i < end; i++) {
      rows.push({
        iova: (this.#bases[region[i] ?? 0] ?? 0n) + BigInt(offset[i] ?? 0),
        pa: pa[i] ?? 0,
        bytes: bytes[i] ?? 0,
        level: level[i] ?? 0,
      });
    }
    return rows;
  }
}
