/**
 * What a reader of one kind of dump hands to `openDump`.
 * @module
 */
import type { NoteCounter } from './notes.ts';
import { mergeExtents, PagedReader, type PageSource, type Segment, segmentPages } from './pages.ts';
import type { Extent, RegisterFile, SnapshotGeometry } from './types.ts';

/** Memory, and whatever else the dump says of itself. */
export interface OpenedMemory {
  readonly kind: string;
  readonly reader: PagedReader;
  readonly extents: readonly Extent[];
  /** What was left out so far; reading pages may add to it. */
  readonly notes: NoteCounter;
  /** See `Dump.zeroPages`; none without it. */
  readonly zeroPages?: ((address: number) => number) | undefined;
  /** See `Dump.someDevices`. */
  readonly someDevices?: boolean | undefined;
  readonly registers?: RegisterFile | undefined;
  readonly geometry?: SnapshotGeometry | undefined;
}

/** Memory out of a source of whole pages. */
export function pagedMemory(
  kind: string,
  source: PageSource,
  extents: readonly Extent[],
  notes: NoteCounter,
): OpenedMemory {
  return { kind, reader: new PagedReader(source), extents, notes };
}

/** Memory out of sorted segments that do not overlap. */
export function segmentMemory(kind: string, segments: readonly Segment[], notes: NoteCounter): OpenedMemory {
  return pagedMemory(kind, segmentPages(segments), mergeExtents(segments), notes);
}
