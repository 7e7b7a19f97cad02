// A call of 0 bytes takes nothing from what is live: a trace with one comes to its end.
import { expect, test } from 'vitest';
import { createNames, createTraceReader, DomainTracker } from '../../src/trace/index.ts';

const HEAD = '              dd-239     [000] .....     9.206370: ';

test.each(['dma_map_page', 'dma_map_phys'])('%s of 0 bytes where a mapping is live', (name) => {
  const names = createNames();
  const tracker = new DomainTracker(() => undefined, names);
  const reader = createTraceReader('ftrace', (event) => tracker.event(event), names);
  const line = (size: number): string =>
    `${HEAD}${name}: 0000:00:01.0 dir=TO_DEVICE dma_addr=1000 size=${size} phys_addr=5000 attrs=\n`;
  const map = `${HEAD}map: IOMMU: iova=0x0000000000001000 - 0x0000000000002000 paddr=0x0000000000005000 size=4096\n`;
  reader.push(new TextEncoder().encode(map + line(4096) + line(0) + line(0)));
  reader.end();
  tracker.finish();
  expect(tracker.live.bytes).toBe(4096);
});
