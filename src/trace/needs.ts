/**
 * What a question needs and a trace lacks, in words.
 * @module
 */

import { KIND } from './events.ts';
import type { ReadStats } from './stats.ts';
import type { TrackCounts } from './track-counts.ts';

/** One thing that cannot be told, why, and what to record to tell it. */
export interface Need {
  /** The question that stays open. */
  readonly question: string;
  readonly why: string;
  /** What to do about it. */
  readonly advice: string;
}

interface Facts {
  readonly has: (...kinds: readonly number[]) => boolean;
  readonly count: (...kinds: readonly number[]) => number;
  readonly stats: readonly ReadStats[];
  readonly counts: TrackCounts;
}

const DMA = [KIND.DMA_MAP, KIND.DMA_MAP_SG, KIND.DMA_ALLOC];
const DMA_END = [KIND.DMA_UNMAP, KIND.DMA_UNMAP_SG, KIND.DMA_FREE];

const CHECKS: readonly ((facts: Facts) => Need | undefined)[] = [
  noMaps,
  noDevices,
  unnamedMaps,
  noUnmaps,
  ambiguousUnmaps,
  lateStart,
  lostEvents,
  noProtection,
];

/** What the traces read so far cannot answer. `stats` of all their readers. */
export function missingFor(stats: readonly ReadStats[], counts: TrackCounts): Need[] {
  const count = (...kinds: readonly number[]): number =>
    stats.reduce((sum, one) => sum + kinds.reduce((part, kind) => part + (one.kinds[kind] ?? 0), 0), 0);
  const facts = { stats, counts, count, has: (...kinds: readonly number[]): boolean => count(...kinds) > 0 };
  return CHECKS.flatMap((check) => check(facts) ?? []);
}

function noMaps({ has, counts }: Facts): Need | undefined {
  if (has(KIND.MAP)) return undefined;
  const bypass = counts.dmaWithoutMap > 0;
  return {
    question: 'what was mapped',
    why: bypass
      ? `${counts.dmaWithoutMap} dma events, but no iommu:map: these devices bypass the IOMMU (identity domains), or iommu:* was not recorded`
      : 'the trace has no iommu:map event',
    advice: 'record iommu:*; boot without iommu.passthrough=1 if devices are to be translated',
  };
}

function noDevices({ has }: Facts): Need | undefined {
  if (!has(KIND.MAP) || has(...DMA)) return undefined;
  return {
    question: 'which device or domain a mapping belongs to',
    why: 'iommu:map carries no device: two domains cannot be told apart, and lists are told apart by the rule alone',
    advice: 'record dma:* too (Linux 6.12 and later)',
  };
}

function unnamedMaps({ has, counts }: Facts): Need | undefined {
  const unnamed = counts.lists - counts.named - counts.attached;
  if (!has(...DMA) || unnamed === 0) return undefined;
  return {
    question: `which device ${unnamed} of ${counts.lists} lists belong to`,
    why: 'no dma event names them (interrupt doorbells, identity ranges, VFIO; from Linux 7 on also multi-page NVMe requests)',
    advice: 'they are kept apart from the named domains; nothing that can be recorded names them',
  };
}

function noUnmaps({ has }: Facts): Need | undefined {
  if (!has(KIND.MAP) || has(KIND.UNMAP)) return undefined;
  return {
    question: 'lifetimes and live bytes',
    why: 'the trace has no iommu:unmap event: everything seems to stay mapped',
    advice: 'record iommu:unmap too',
  };
}

function ambiguousUnmaps({ has, counts }: Facts): Need | undefined {
  if (counts.ambiguous === 0) return undefined;
  return {
    question: `which domain ${counts.ambiguous} unmaps belong to`,
    why: 'their address was live in several domains at once; the newest list of that size was taken',
    advice: has(...DMA_END) ? 'nothing names these' : 'record dma:* too',
  };
}

function lateStart({ counts }: Facts): Need | undefined {
  const unmaps = counts.unmapsOfNothing + counts.unmapsOfPart;
  if (unmaps === 0) return undefined;
  return {
    question: 'what was mapped before the trace began',
    why: `${unmaps} unmaps are of mappings that the trace does not have: it began late, or events were lost`,
    advice: 'start recording at boot: trace_event=iommu,dma on the kernel command line',
  };
}

function lostEvents({ stats }: Facts): Need | undefined {
  const lost = stats.reduce((sum, { lost: { events, overwritten } }) => sum + events + overwritten, 0);
  const gaps = stats.reduce((sum, one) => sum + one.lost.gaps, 0);
  if (lost === 0 && gaps === 0) return undefined;
  return {
    question: 'complete counts',
    why: `${lost} events were lost before they reached the file${gaps > 0 ? `, in ${gaps} places` : ''}`,
    advice: 'enlarge the buffer (trace_buf_size=, buffer_size_kb, trace-cmd record -b)',
  };
}

function noProtection({ has }: Facts): Need | undefined {
  if (!has(KIND.MAP)) return undefined;
  return {
    question: 'protections',
    why: 'iommu:map does not carry the protection',
    advice: has(...DMA)
      ? 'taken from the direction of the dma event; read and write where none names the map, or where it has no direction (allocations of Linux 6.12.0 to about 6.12.35)'
      : 'read and write is assumed',
  };
}
