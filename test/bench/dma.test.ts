import { describe, expect, test } from 'vitest';
import { dmaOptions } from '../../src/answers/bench/dma.ts';
import { DMA_BENCHMARK_DEFAULTS, runDmaBenchmark } from '../../src/bench/dma-benchmark.ts';
import { runCli } from '../support/cli.ts';

/** A clock that goes on by a microsecond at each look. */
function steadyClock(): () => number {
  let now = 0;
  return () => (now += 0.001);
}

const setting = {
  format: 'arm-64-lpae-s1',
  policy: 'strict',
  layers: ['dma', 'iova', 'domain'],
  clock: steadyClock(),
} as const;

describe('dma_map_benchmark', () => {
  test('options are those of the tool', () => {
    expect(dmaOptions({})).toEqual(DMA_BENCHMARK_DEFAULTS);
    expect(
      dmaOptions({
        mode: '1',
        pages: '8',
        threads: '8',
        seconds: '30',
        direction: '2',
        bits: '40',
        transfer: '100',
        node: '1',
      }),
    ).toEqual({
      ...{
        threads: 8,
        seconds: 30,
        node: 1,
        bits: 40,
        direction: 'from-device',
        transferNs: 100,
        granule: 8,
        mode: 'sg',
      },
    });
  });

  test.each([
    [{ threads: '0' }, 'threads'],
    [{ threads: '1025' }, 'threads'],
    [{ seconds: '301' }, 'seconds'],
    [{ pages: '2000' }, 'granule'],
    [{ bits: '19' }, 'bits'],
    [{ transfer: '10000001' }, 'transferNs'],
    [{ direction: '3' }, 'direction'],
    [{ mode: '7' }, 'mode'],
    [{ threads: 'x' }, 'threads'],
    [{ node: '1.5' }, 'node'],
  ])('%o is refused by name', (flags, argument) => {
    expect(() => dmaOptions(flags)).toThrow(`${argument}: expected`);
  });

  test.each(['single', 'sg'] as const)(
    '%s: every layer maps and unmaps in turns, and its times are those of the clock',
    (mode) => {
      const rows = runDmaBenchmark({ ...DMA_BENCHMARK_DEFAULTS, mode, threads: 3, granule: 16, seconds: 1 }, setting);
      expect(rows.map(({ layer }) => layer)).toEqual(['dma', 'iova', 'domain']);
      for (const { loops, map, unmap } of rows) {
        expect(loops).toBeGreaterThan(1000);
        for (const { average, p50, p99, maximum, deviation } of [map, unmap]) {
          expect(average).toBeGreaterThan(0.9);
          expect(p50).toBeLessThanOrEqual(p99);
          expect(p99).toBeLessThanOrEqual(maximum);
          expect(deviation).toBeLessThan(1);
        }
      }
    },
  );

  test('a transfer is in neither latency', () => {
    const [row] = runDmaBenchmark(
      { ...DMA_BENCHMARK_DEFAULTS, transferNs: 50_000, seconds: 1 },
      { ...setting, layers: ['domain'] },
    );
    expect(row?.map.maximum).toBeLessThan(2);
    expect(row?.unmap.maximum).toBeLessThan(2);
  });

  test('a mask that leaves no room for a buffer is refused', () => {
    const options = { ...DMA_BENCHMARK_DEFAULTS, bits: 20, granule: 1024, seconds: 1 };
    expect(() => runDmaBenchmark(options, { ...setting, layers: ['dma'] })).toThrow(
      'bytes of free input addresses up to 0xfffff, got none',
    );
  });

  test('the program prints the lines of the tool, and percentiles', async () => {
    const { stdout, status } = await runCli(
      'bench',
      '--dma',
      '-s',
      '1',
      '-g',
      '4',
      '-m',
      '1',
      '--layer',
      'dma',
      '--policy',
      'lazy',
    );
    expect(status).toBe(0);
    expect(stdout).toContain('dma mapping mode: DMA_MAP_SG_MODE');
    expect(stdout).toContain(
      'dma mapping benchmark: threads:1 seconds:1 node:-1 dir:BIDIRECTIONAL granule/sg_nents: 4',
    );
    expect(stdout).toMatch(/average map latency\(us\):\d+\.\d standard deviation:\d+\.\d/);
    expect(stdout).toMatch(/average unmap latency\(us\):\d+\.\d standard deviation:\d+\.\d/);
    expect(stdout).toContain('p99 us');
  });
});
