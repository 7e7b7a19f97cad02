// What is told of the calls of a trace is the same whether calls are taken one by one or in large batches.
import { describe, expect, it } from 'vitest';
import { CallStatistics } from '../../src/replay/call-statistics.ts';
import { CallBatch } from '../../src/trace/call-batch.ts';
import { createNames, createTraceReader, DomainTracker } from '../../src/trace/index.ts';
import { CAPTURES, load } from '../trace/helpers.ts';

function bothWays(texts: readonly (Uint8Array | string)[]) {
  const one = new CallStatistics(true);
  const single = new CallBatch();
  const statistics = new CallStatistics(true);
  const batch = new CallBatch();
  const flush = (): void => {
    statistics.take(batch);
    batch.clear();
  };
  const names = createNames();
  const tracker = new DomainTracker((call) => {
    single.add(call, 0);
    one.take(single);
    single.clear();
    batch.add(call, 0);
    if (batch.full) flush();
  }, names);
  for (const text of texts) {
    const reader = createTraceReader('ftrace', (event) => tracker.event(event), names);
    reader.push(typeof text === 'string' ? new TextEncoder().encode(text) : text);
    reader.end();
  }
  tracker.finish();
  flush();
  return { alone: one.findings(), batches: statistics.findings(), counts: tracker.counts };
}

describe('statistics of calls in batches', () => {
  it.each(['arm64-smmuv3-612-blk-s2', 'arm64-smmuv3-612-blk-strict'])('are those of single calls: %s', (folder) => {
    const { alone, batches } = bothWays([load(`${CAPTURES}${folder}/trace_boot.txt`)]);
    expect(batches.pairs.maps).toBeGreaterThan(0);
    expect(batches).toEqual(alone);
  });

  it('keep inferred unmaps, unmaps of nothing and of a part apart', () => {
    const bodies = [
      'map: IOMMU: iova=0x1000 paddr=0x5000 size=8192',
      'unmap: IOMMU: iova=0x2000 size=4096 unmapped_size=4096',
      'unmap: IOMMU: iova=0x9000 size=4096 unmapped_size=4096',
      'attach_device_to_domain: IOMMU: device=0000:00:01.0',
      'map: IOMMU: iova=0x20000 paddr=0x5000 size=4096',
      'map: IOMMU: iova=0x30000 paddr=0x7000 size=4096',
      'map: IOMMU: iova=0x20000 paddr=0x6000 size=4096',
    ];
    const text = bodies.map((body, at) => `   t-1 [000] ..... ${at}.000000: ${body}\n`).join('');
    const { alone, batches, counts } = bothWays([text]);
    expect(counts.mapsOverLive).toBe(1);
    expect(batches.pairs).toMatchObject({ inferredUnmaps: 1, unmapsOfNothing: 1 });
    expect(batches).toEqual(alone);
  });
});
