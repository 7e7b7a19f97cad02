/**
 * The page table: map, unmap, translate and walk, written once for all formats.
 * @module
 */

export type { Semantics } from '../formats/rules.ts';
export { PageSizeChooser } from './page-size.ts';
export { PageTable } from './page-table.ts';
export type { Done, PagesSink, UnmapSink } from './runs.ts';
export { ListRuns, mapRange, unmapRange } from './runs.ts';
export type { EntryVisitor, LeafVisitor } from './scan.ts';
export { findHole, findMapped, forEachEntry, forEachLeaf, translate } from './scan.ts';
export type { TlbOps } from './tlb-ops.ts';
export { NO_TLB } from './tlb-ops.ts';
export { TableTree } from './tree.ts';
