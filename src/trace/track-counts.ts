/**
 * What a tracker had to decide, counted.
 * @module
 */

/** Counts of what the tracker had to decide; plain data. */
export interface TrackCounts {
  /** Lists mapped, of which named by a dma event, of which by the task's attach. */
  lists: number;
  named: number;
  attached: number;
  /** Map lines. */
  lines: number;
  unmaps: number;
  /** Unmaps that a dma event named. */
  namedUnmaps: number;
  /** Unmaps whose range was live in several domains, and no dma event decided. */
  ambiguous: number;
  /** Unmaps of which nothing, or not all, was live: the trace began later than the mapping, or events are missing. */
  unmapsOfNothing: number;
  unmapsOfPart: number;
  /** Bytes of unmaps that were not live. */
  bytesOfNothing: number;
  /** Maps over a live mapping of the same domain (named, or the last layer): its unmap is missing and was inferred. */
  mapsOverLive: number;
  /** Maps over a live mapping of an unnamed layer: another layer was taken. */
  mapsToNextLayer: number;
  /** dma events with no map line before them: devices that bypass the IOMMU, or lines lost. */
  dmaWithoutMap: number;
  /** Maps of size 0 and unmaps that removed nothing. */
  empty: number;
}

/** All zero. */
export function createCounts(): TrackCounts {
  return {
    lists: 0,
    named: 0,
    attached: 0,
    lines: 0,
    unmaps: 0,
    namedUnmaps: 0,
    ambiguous: 0,
    unmapsOfNothing: 0,
    unmapsOfPart: 0,
    bytesOfNothing: 0,
    mapsOverLive: 0,
    mapsToNextLayer: 0,
    dmaWithoutMap: 0,
    empty: 0,
  };
}
