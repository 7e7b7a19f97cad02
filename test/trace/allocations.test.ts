import { describe, expect, it } from 'vitest';
import { checkImport, load, SAMPLES } from './helpers.ts';

describe('dma_alloc and dma_free events without a direction (Linux 6.12.0 to about 6.12.35)', () => {
  it('are read, and their direction is not known', () => {
    const { stats, events } = checkImport(load(`${SAMPLES}trace/6.12/dma-alloc-without-direction.txt`), 'ftrace');
    expect(stats.skipped).toEqual([]);
    expect(events.filter((text) => /dma (alloc|free)/.test(text))).toHaveLength(2);
  });

  it('with a direction that is no direction are left out', () => {
    const line =
      'a-1 [000] ..... 1.000001: dma_alloc: 0000:00:01.0 dir=SIDEWAYS dma_addr=fe980000 size=4096 virt_addr=0 flags= attrs=\n';
    const { stats } = checkImport(new TextEncoder().encode(line), 'ftrace');
    expect(stats.skipped.map(({ count }) => count)).toEqual([1]);
  });

  it('without a direction are left out for maps, which always print one', () => {
    const line =
      'a-1 [000] ..... 1.000001: dma_map_page: 0000:00:01.0 dma_addr=fe980000 size=4096 phys_addr=1000 attrs=\n';
    const { stats } = checkImport(new TextEncoder().encode(line), 'ftrace');
    expect(stats.skipped.map(({ count }) => count)).toEqual([1]);
  });
});
