import { describe, expect, it } from 'vitest';
import {
  createNames,
  createTraceReader,
  DomainTracker,
  missingFor,
  Pairing,
  type PairingReport,
  type ReadStats,
} from '../../src/trace/index.ts';
import { CAPTURES, load } from './helpers.ts';
import { PageModel, pageCounts } from './replay-model.ts';

function pair(folder: string): {
  report: PairingReport;
  model: PageModel;
  tracker: DomainTracker;
  stats: ReadStats[];
} {
  const names = createNames();
  const pairing = new Pairing(names);
  const model = new PageModel();
  const tracker = new DomainTracker((call) => {
    pairing.call(call);
    model.call(call);
  }, names);
  const stats = ['trace_boot.txt', 'trace.txt', 'trace_live.txt'].map((name) => {
    const reader = createTraceReader('ftrace', (event) => tracker.event(event), names);
    reader.push(load(`${CAPTURES}${folder}/${name}`));
    reader.end();
    return reader.stats;
  });
  tracker.finish();
  return { report: pairing.report(tracker), model, tracker, stats };
}

describe('pairing maps with unmaps', () => {
  const { report, model, tracker, stats } = pair('arm64-smmuv3-612-blk-s2');

  it('knows what is still live as a page-by-page model does', () => {
    expect(model.wrong).toEqual([]);
    expect(report.liveBytes).toBe(pageCounts(model.domains).size > 0 ? tracker.live.bytes : 0);
    expect(report.leakCount).toBe(tracker.live.count);
    expect(report.mappedBytes - report.unmappedBytes).toBe(report.liveBytes);
    expect(report.live.at(-1)?.last).toBe(report.liveBytes);
  });

  it('adds up over devices and over tasks', () => {
    for (const rows of [report.devices, report.tasks]) {
      expect(rows.reduce((sum, row) => sum + row.maps, 0)).toBe(report.maps);
      expect(rows.reduce((sum, row) => sum + row.liveBytes, 0)).toBe(report.liveBytes);
      expect(rows.reduce((sum, row) => sum + row.unmappedBytes, 0)).toBe(report.unmappedBytes);
    }
    expect(report.devices.map(({ name }) => name).toSorted()).toEqual(['(not named)', '0000:00:01.0', '0000:00:02.0']);
  });

  it('measures every ended list once', () => {
    expect(report.lifetime.count).toBe(report.unmaps - report.unmapsOfNothing);
    expect(report.listElements.count).toBe(report.maps);
    expect(report.listElements.maximum).toBeGreaterThan(16);
    expect(report.elementBytes.sum).toBe(report.mappedBytes);
    expect(report.reuse.count + report.reuse.fresh).toBe(report.maps);
  });

  it('says what the trace cannot tell', () => {
    expect(missingFor(stats, tracker.counts).map(({ question }) => question)).toEqual([
      `which device 3 of ${tracker.counts.lists} lists belong to`,
      'protections',
    ]);
  });

  it('says that a trace without dma events cannot tell domains apart', () => {
    const old = pair('arm64-smmuv3-61-blk');
    const why = missingFor(old.stats, old.tracker.counts).map((need) => need.why);
    expect(why[0]).toContain('iommu:map carries no device');
    expect(why.some((text) => text.includes('several domains at once'))).toBe(true);
  });

  it('says that devices bypass the IOMMU where dma events have no map lines', () => {
    const bypass = pair('riscv64-72-blk');
    expect(missingFor(bypass.stats, bypass.tracker.counts)[0]?.why).toContain('bypass the IOMMU');
    expect(bypass.report).toMatchObject({ maps: 0, liveBytes: 0, leakCount: 0 });
  });
});
