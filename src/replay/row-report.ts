/**
 * What a row did, as plain data: made where the row was replayed, read where it is answered from.
 * @module
 */
import { hex } from '../address.ts';
import type { MeteredWork } from '../cost/predict.ts';
import type { CommandTotals } from '../meter/commands.ts';
import type { Counts } from '../meter/meter.ts';
import type { RowSpec } from './row.ts';

/** Calls that a row refused, by code. */
export interface RowRefusal {
  readonly code: string;
  count: number;
  /** Message of the first. */
  readonly first: string;
}

/** A mapped range at the end. */
export interface LiveRange {
  readonly iova: bigint;
  readonly pa: number;
  readonly bytes: number;
  /** Domain of the trace. */
  readonly domain: number;
}

/** A row at the end of its replay. */
export interface RowReport {
  /** What it replayed into. */
  readonly spec: RowSpec;
  /** What the engine did, domains' making left out. */
  readonly counts: Counts;
  /** Commands that the driver sent, by kind, domains' making left out; undefined where its device has no queue. */
  readonly commands: CommandTotals | undefined;
  /** The counts by operation; empty unless they were asked for. */
  readonly work: readonly MeteredWork[];
  /** Most tables, and most bytes of tables, live at once. */
  readonly peakTables: number;
  readonly peakTableBytes: number;
  /** Bytes of the lists that were mapped: as the trace asked, and as the row mapped them. */
  readonly askedBytes: number;
  readonly mappedBytes: number;
  /** Leaves at the end, by size in bytes, the smallest first. */
  readonly leaves: readonly (readonly [size: number, count: number])[];
  /** Mapped ranges at the end; undefined where they were not asked for. */
  readonly ranges: readonly LiveRange[] | undefined;
  /** Refused calls. */
  readonly refusals: readonly RowRefusal[];
  /** Milliseconds that this engine took on this machine. */
  readonly milliseconds: number;
}

/** A live range as JSON. */
export function rangeJson(range: LiveRange, domainTitle: string): Record<string, string | number> {
  return { iova: hex(range.iova), pa: hex(range.pa), bytes: hex(range.bytes), domain: domainTitle, count: 1 };
}
