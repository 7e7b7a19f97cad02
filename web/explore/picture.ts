/**
 * What the explorer shows of tables for one address; plain data, so that the worker makes it.
 * @module
 */
import type { Access, Fault, Leaf, Step } from '../../src/hardware/walk/types.ts';
import { type BitGroup, bitGroups } from './bits.ts';
import { type Column, columnsOf } from './columns.ts';
import type { Tables } from './tables.ts';

/** One memory read of the walk. */
export interface ReadStep extends Step {
  /** Which bits of the entry are which field. */
  readonly groups: readonly BitGroup[];
}

/** The picture. */
export interface TablesPicture {
  readonly summary: string;
  readonly note: string;
  /** The address that was walked. */
  readonly at: bigint;
  readonly columns: readonly Column[];
  readonly steps: readonly ReadStep[];
  readonly result: Leaf | Fault;
  /** Hex digits of an entry. */
  readonly digits: number;
  /** What other addresses are translated to now, in the order in which they were asked for. */
  readonly others: readonly (Leaf | Fault)[];
}

/** The picture of an address. */
export function pictureOf(tables: Tables, at: bigint, access: Access, others: readonly bigint[]): TablesPicture {
  const { regime, summary, note } = tables;
  const columns = columnsOf(tables, at);
  const { steps, result } = tables.walk(at, access);
  const region = regime.regions.find(({ base, size }) => at >= base && at - base < BigInt(size)) ?? regime.regions[0];
  const d = region?.descriptors;
  return {
    summary,
    note,
    at,
    columns,
    steps: steps.map((step, i) => ({
      ...step,
      groups: d === undefined ? [] : bitGroups(d, step.entry, columns[i]?.depth ?? i),
    })),
    result,
    digits: (d?.entryBytes ?? 8) * 2,
    others: others.map((iova) => tables.walk(iova, access).result),
  };
}
