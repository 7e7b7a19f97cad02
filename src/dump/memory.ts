/**
 * What a reader of one kind of dump hands to `openDump`.
 * @module
 */
import { mergeExtents, PagedReader, type PageSource, type Segment, segmentPages } from './pages.ts';
import type { DumpNote, Extent, RegisterFile, SnapshotGeometry } from './types.ts';

/** Memory, and whatever else the dump says of itself. */
export interface OpenedMemory {
  readonly kind: string;
  readonly reader: PagedReader;
  readonly extents: readonly Extent[];
  readonly notes: readonly DumpNote[];
  readonly registers?: RegisterFile | undefined;
  readonly geometry?: SnapshotGeometry | undefined;
}

/** Memory out of a source of whole pages. */
export function pagedMemory(
  kind: string,
  source: PageSource,
  extents: readonly Extent[],
  notes: readonly DumpNote[],
): OpenedMemory {
  return { kind, reader: new PagedReader(source), extents, notes };
}

/** Memory out of sorted segments that do not overlap. */
export function segmentMemory(kind: string, segments: readonly Segment[], notes: readonly DumpNote[]): OpenedMemory {
  return pagedMemory(kind, segmentPages(segments), mergeExtents(segments), notes);
}
