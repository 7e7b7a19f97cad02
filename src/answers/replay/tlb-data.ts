/**
 * What the TLB what-if of `replay` found, for programs.
 * @module
 */
import { formatSize } from '../../address.ts';
import type { AccessOrder } from '../../replay/access-order.ts';
import type { RowRefusal, RowReport } from '../../replay/row-report.ts';
import type { TlbSettings, TlbWhatIf } from '../../replay/tlb-what-if.ts';
import type { NotUnderstood } from '../not-understood.ts';
import type { RowChoices } from './rows.ts';

/** Leaves of one size that a row made over the whole trace. */
export interface LeavesMade {
  readonly leaf: string;
  readonly bytes: number;
  readonly made: number;
}

/** What one TLB made of one order. */
export interface TlbData {
  readonly order: AccessOrder;
  /** Entries; null without limit. */
  readonly entries: number | null;
  /** Bytes that it covers with leaves as large as the row's are on average; null without limit. */
  readonly reachBytes: number | null;
  readonly hits: number;
  readonly misses: number;
  /** Share of the requests; null where there were none. */
  readonly hitRate: number | null;
  readonly evictions: number;
  readonly invalidated: number;
}

/** One row. */
export interface TlbRowData extends RowChoices {
  readonly lists: number;
  /** Bytes as the trace asked for them, and as this row mapped them. */
  readonly askedBytes: number;
  readonly mappedBytes: number;
  readonly leaves: readonly LeavesMade[];
  /** Bytes of a leaf on average. */
  readonly meanLeafBytes: number;
  /** Requests made in each order. */
  readonly requests: number;
  /** Lists that were read in part or not at all, to bound the work. */
  readonly cutLists: number;
  /** Lists mapped, under lazy invalidation, where entries of an older one still waited for the flush. */
  readonly reusedAddresses: number;
  /** Most lists live at once, where they are read in turn; 0 otherwise. */
  readonly peakLists: number;
  readonly tlbs: readonly TlbData[];
  readonly refused: readonly RowRefusal[];
}

/** The data of the answer. */
export interface ReplayTlbData {
  readonly accesses: {
    /** No event format that is read records accesses. */
    readonly assumed: true;
    readonly requestBytes: number;
    readonly orders: readonly AccessOrder[];
    readonly seed: number;
  };
  /** Entries of a set; null where TLBs are fully associative. */
  readonly ways: number | null;
  readonly rows: readonly TlbRowData[];
  readonly trace: { readonly notUnderstood: NotUnderstood };
}

function leavesOf({ leaves }: TlbWhatIf): LeavesMade[] {
  const sizes = [...leaves].toSorted(([a], [b]) => a - b);
  return sizes.map(([bytes, made]) => ({ leaf: formatSize(bytes), bytes, made }));
}

function tlbsOf({ counts }: TlbWhatIf, meanLeafBytes: number): TlbData[] {
  return counts.map(({ entries, hits, misses, ...one }) => {
    const isBounded = Number.isFinite(entries);
    return {
      ...one,
      entries: isBounded ? entries : null,
      reachBytes: isBounded ? Math.round(entries * meanLeafBytes) : null,
      hits,
      misses,
      hitRate: hits + misses === 0 ? null : hits / (hits + misses),
    };
  });
}

/** One row with its TLBs. */
export function tlbRowData(row: RowReport, model: TlbWhatIf): TlbRowData {
  const { device, granule, ...choices } = row.spec;
  const leaves = leavesOf(model);
  const made = leaves.reduce((sum, one) => sum + one.made, 0);
  const bytes = leaves.reduce((sum, one) => sum + one.made * one.bytes, 0);
  const meanLeafBytes = made === 0 ? 0 : bytes / made;
  return {
    ...choices,
    driver: device.driver,
    granule: formatSize(granule),
    lists: model.lists,
    askedBytes: row.askedBytes,
    mappedBytes: row.mappedBytes,
    leaves,
    meanLeafBytes,
    requests: model.requests,
    cutLists: model.cutLists,
    reusedAddresses: model.reused,
    peakLists: model.peakLists,
    tlbs: tlbsOf(model, meanLeafBytes),
    refused: row.refusals,
  };
}

/** All rows. */
export function tlbData(
  rows: readonly TlbRowData[],
  { requestBytes, orders, seed, ways = null }: Omit<TlbSettings, 'ways'> & { readonly ways?: number | null },
  notUnderstood: NotUnderstood,
): ReplayTlbData {
  return { accesses: { assumed: true, requestBytes, orders, seed }, ways, rows, trace: { notUnderstood } };
}
