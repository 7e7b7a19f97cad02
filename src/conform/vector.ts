/**
 * Golden vectors: what was recorded from Linux's own page-table code, as JSON lines. The schema stands in
 * `docs/vectors.md`.
 * @module
 */
import type { RecordedEvent } from './subject.ts';

/** One TLB callback: flush_walk, add_page for `n` pages, flush_all, or the core's sync. */
export type TlbEvent =
  | readonly ['W', string, string, string]
  | readonly ['A', string, string, number]
  | readonly ['F']
  | readonly ['S'];

/** A table entry in use, or a run of them: table, level, index, value, and for a run its length and stride. */
export type DumpRow = readonly [string, number, number, string, number?, string?];

/** A gather as recorded; keys that a format lacks are not there. */
export interface RecordedGather {
  readonly start: string;
  readonly end: string;
  readonly pages?: readonly string[];
  readonly leaf?: number;
  readonly table?: number;
}

/** One operation with its expected results. */
export interface VectorOp {
  readonly op: string;
  readonly iova?: string;
  readonly paddr?: string;
  readonly size?: string;
  readonly len?: string;
  readonly pgsize?: string;
  readonly pgcount?: number;
  readonly prot?: number;
  readonly flags?: number;
  readonly bitmap?: boolean;
  readonly queued?: boolean;
  readonly no_gather?: boolean;
  readonly after?: number;
  readonly sg?: readonly (readonly [string, string])[];
  readonly q?: readonly (readonly [string, string])[];
  readonly rows?: readonly DumpRow[];
  readonly ret?: number | string;
  readonly mapped?: string;
  readonly tlb?: readonly TlbEvent[];
  readonly ev?: readonly RecordedEvent[];
  readonly gather?: RecordedGather;
  readonly sync?: boolean;
  readonly dirty?: readonly (readonly [string, string])[];
  readonly ptes?: readonly string[];
  readonly hit?: boolean;
}

/** What was asked of Linux's io-pgtable. */
export interface PgtableConfig {
  readonly ias: number;
  readonly oas: number;
  readonly pgsize_bitmap: string;
  readonly quirks: string;
  readonly coherent: boolean;
  readonly table_base: string;
  readonly cpu_page_size: number;
}

/** What was asked of Linux's generic page table. */
export interface GenericConfig {
  readonly features: string;
  readonly max_vasz: number;
  readonly max_oasz: number;
  readonly top_level: number;
  readonly sme_mask: string;
  readonly table_base: string;
  readonly pgsize_mask: string;
  readonly debug?: boolean;
}

/** What io-pgtable granted. */
export interface PgtableGrant {
  readonly ok: boolean;
  readonly pgsize_bitmap?: string;
  readonly ias?: number;
  readonly oas?: number;
}

/** What the generic page table granted, or the errno of its refusal. */
export interface GenericGrant {
  readonly ok: boolean;
  readonly ret?: number;
  readonly features?: string;
  readonly max_vasz?: number;
  readonly max_oasz?: number;
  readonly top_level?: number;
  readonly pgsize_bitmap?: string;
  readonly aperture?: readonly [string, string];
}

/** What every vector of a page table holds. */
export interface TableVector<Config, Grant> {
  readonly id: string;
  readonly fmt: string;
  /** Kernel that it was recorded from, `6.1` or `7.3` first; without it an id that begins with `N-` stands for 7.3. */
  readonly kernel?: string;
  /** Theme labels. */
  readonly tags?: readonly string[];
  readonly cfg: Config;
  readonly init: Grant;
  readonly init_ev?: readonly RecordedEvent[];
  readonly ops: readonly VectorOp[];
  readonly regs: Readonly<Record<string, string | number>> | null;
  readonly regs_end?: Readonly<Record<string, string | number>> | null;
  readonly dump: readonly DumpRow[] | null;
  readonly tables?: { readonly allocated: number; readonly freed: number };
  readonly dma_sync?: { readonly calls: number; readonly bytes: number };
  readonly dma_map?: { readonly calls: number; readonly bytes: number };
  readonly clean?: { readonly calls: number; readonly bytes: number };
}

/** A vector of io-pgtable. */
export type Vector = TableVector<PgtableConfig, PgtableGrant>;

/** A vector of the generic page table. */
export type GenericVector = TableVector<GenericConfig, GenericGrant>;
