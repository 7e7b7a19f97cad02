import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parseSize } from '../../src/address.ts';
import { allCaptures, type Capture, recordedLeafSizes, recordedPages } from '../trace/replay-model.ts';
import { CAPTURES, type RangeJson, replayJson } from './helpers.ts';

const PAGE = 4096;
const WHOLE = 2 ** 30;
const CAPTURED = allCaptures().map((capture) => [`${capture.folder} ${capture.name}`, capture] as const);
const NAMED = CAPTURED.filter(([title]) => title.includes('-612'));

function filesOf({ folder, traces }: Capture): string[] {
  return traces.map((trace) => join(CAPTURES, folder, trace)).map((path) => (existsSync(path) ? path : `${path}.gz`));
}

function argsOf(capture: Capture): string[] {
  return [...filesOf(capture), '--until', `pause ${capture.name}`];
}

/** Pages of a range: input page → output page; of whole gigabytes the first pages only. */
function pagesOf({ iova, pa, bytes }: RangeJson): [number, number][] {
  const pages: [number, number][] = [];
  for (let at = 0; at < Math.min(Number(bytes), WHOLE); at += Number(bytes) >= WHOLE ? 512 * PAGE : PAGE) {
    pages.push([Number(iova) + at, Number(pa) + at]);
  }
  return pages;
}

/** How often each page is live, over everything mapped. */
function countPages(pages: Iterable<number>): Map<number, number> {
  const counts = new Map<number, number>();
  for (const page of pages) counts.set(page, (counts.get(page) ?? 0) + 1);
  return counts;
}

describe('every capture, replayed up to its pause', () => {
  it.each(CAPTURED)('%s: each address is live as often as the tables have leaves at it', async (_, capture) => {
    const { ranges, rows } = await replayJson(...argsOf(capture), '--path', 'one-walk', '--ranges');
    expect(rows.map(({ refused }) => refused)).toEqual([[]]);
    const live = countPages(ranges.flatMap(pagesOf).map(([page]) => page));
    const recorded = countPages([...recordedPages(capture).values()].flatMap((pages) => [...pages.keys()]));
    expect(live).toEqual(recorded);
  });

  it.each(NAMED)('%s: ranges and output addresses agree domain by domain', async (_, capture) => {
    const { ranges } = await replayJson(...argsOf(capture), '--path', 'one-walk', '--ranges');
    const roots = [...recordedPages(capture).values()];
    const titles = new Set(ranges.map(({ domain }) => domain));
    for (const domain of titles) {
      if (domain.startsWith('maps that name no device') || domain.startsWith('layer ')) continue;
      const pages = ranges.filter((range) => range.domain === domain).flatMap(pagesOf);
      expect(roots.some((root) => pages.every(([page, pa]) => root.get(page) === pa))).toBe(true);
    }
  });
});

/** Leaves of each size that the machine's own tables hold at the end of a replay. */
async function replayedLeafSizes(capture: Capture, ...options: string[]): Promise<Map<number, number>> {
  const { rows } = await replayJson(...argsOf(capture), '--path', 'map-pages', ...options);
  return new Map(Object.entries(rows[0]?.leaves ?? {}).map(([size, count]) => [parseSize(size), count]));
}

/** The first 16M, which VT-d's driver maps one to one before a device is attached. */
const IDENTITY = 2 ** 24;
const BLOCK = 2 ** 21;

/**
 * Until a device is attached, a domain of VT-d's driver up to 6.12 offers pages of 4K only, so that its identity range has no
 * blocks. A trace does not say when devices are attached: the replay maps that range by blocks.
 */
function withIdentityBlocks(sizes: ReadonlyMap<number, number>): Map<number, number> {
  const blocks = IDENTITY / BLOCK;
  const changed = new Map(sizes);
  changed.set(BLOCK, (sizes.get(BLOCK) ?? 0) + blocks);
  changed.set(PAGE, (sizes.get(PAGE) ?? 0) - IDENTITY / PAGE);
  return changed;
}

describe('every capture, replayed in the tables of its own IOMMU', () => {
  it.each(CAPTURED)('%s: has as many leaves of each size as were recorded', async (_, capture) => {
    const { folder } = capture;
    const options = folder.includes('16k') ? ['--granule', '16K'] : [];
    const recorded = recordedLeafSizes(capture);
    const expected = /vtd(?:sm)?-6/.test(folder) ? withIdentityBlocks(recorded) : recorded;
    expect(await replayedLeafSizes(capture, ...options)).toEqual(expected);
  });
});

describe('every path and dispatch', () => {
  const folders = ['arm64-smmuv3-612-blk-strict', 'x86-vtd-61-blk', 'x86-amdvi-612-blk'];

  it.each(folders)('%s: ends with equal ranges and leaves, and refuses nothing', async (folder) => {
    const files = ['trace_boot.txt', 'trace.txt.gz'].map((name) => join(CAPTURES, folder, name));
    const { rows } = await replayJson(...files, '--path', 'all', '--dispatch', 'all');
    expect(rows.length).toBe(8);
    for (const row of rows) {
      expect(row.refused).toEqual([]);
      expect(row.leaves).toEqual(rows[0]?.leaves);
    }
    const answers: string[] = [];
    for (const path of ['per-page', 'map-pages', 'map-sg', 'one-walk']) {
      for (const dispatch of ['indirect', 'direct']) {
        const { ranges } = await replayJson(...files, '--path', path, '--dispatch', dispatch, '--ranges');
        answers.push(JSON.stringify(ranges));
      }
    }
    expect(new Set(answers).size).toBe(1);
  });
});
