import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { explainAnswer } from '../../src/answers/explain.ts';
import { MeasuredLayers } from '../../src/explain/measured.ts';
import { explainTimings, looksLikeTimings, type TimingAnswer } from '../../src/explain/timing.ts';
import { FunctionGraphReader } from '../../src/trace/function-graph.ts';
import { hasGraphCalls, recogniseTrace } from '../../src/trace/readers.ts';
import { MAIN } from '../support/built.ts';

const POSTED = new URL('posted/', import.meta.url);

function posted(name: string): Uint8Array {
  return readFileSync(new URL(name, POSTED));
}

function timings(text: string): TimingAnswer {
  const answer = explainTimings(text, 'test');
  if (answer === undefined) throw new Error('expected a timing text');
  return answer;
}

function postedTimings(name: string): TimingAnswer {
  return timings(new TextDecoder().decode(posted(name)));
}

function layersOf(bytes: Uint8Array): ReturnType<MeasuredLayers['answer']> {
  const layers = new MeasuredLayers();
  const reader = new FunctionGraphReader(layers);
  reader.push(bytes);
  return layers.answer('trace', reader.end(), { kind: 'emulated', from: 'test' }, null);
}

describe('function_graph text', () => {
  it('is recognised without its header', () => {
    expect(recogniseTrace(posted('graph-without-header.txt'))).toBe('function_graph');
  });

  it('with compiler suffixes in its names goes to the layers of the functions', () => {
    const answer = layersOf(posted('graph-without-header.txt'));
    const [map] = answer.operations;
    expect([map?.op, map?.count, map?.medianNs]).toEqual(['map', 1, 33_200]);
    expect(answer.unknownFunctions.filter((name) => name.includes('iommu') || name.includes('iova'))).toEqual([]);
    expect(map?.layers.find(({ layer }) => layer === 'IOVA')?.status).toBe('measured');
  });

  it('in the lines of trace-cmd report is read with its durations and the sizes of its events', () => {
    const bytes = Buffer.concat([
      posted('trace-cmd-graph.txt'),
      Buffer.from('              dd-356   [001] .....    34.839500: funcgraph_exit:       # 4800.000 us |  }\n'),
    ]);
    expect(hasGraphCalls(bytes)).toBe(true);
    const answer = layersOf(bytes);
    const [map] = answer.operations;
    expect([map?.op, map?.count, map?.medianNs]).toEqual(['map', 1, 4_800_000]);
    expect(map?.bytesHigh).toBeGreaterThan(0);
    expect(answer.trace.unread).toBe(0);
  });

  it('among events stays a trace of events for the other verbs', () => {
    expect(recogniseTrace(posted('trace-cmd-graph.txt'))).toBe('trace-cmd-report');
  });
});

describe('A histogram', () => {
  it('of funclatency gives counts, and ranges for the figures', () => {
    const [one] = postedTimings('funclatency.txt').histograms;
    expect([one?.name, one?.unit, one?.count]).toEqual(['iommu_dma_map_sg', 'ns', 6_252_159]);
    expect([one?.median, one?.p99, one?.most]).toEqual([
      { low: 2048, high: 4096 },
      { low: 4096, high: 8192 },
      { low: 262_144, high: 524_288 },
    ]);
  });

  it('of bpftrace is read with its suffixes, its open ends and its keys', () => {
    const text = [
      '@ns[iommu_map]: ',
      '[512, 1K)  3 |@@|',
      '[1M, 2M)  1 |@|',
      '',
      '@lat:',
      '[0]  2 |@|',
      '[20, ...)  1 |@|',
    ];
    const [ns, lat] = timings(text.join('\n')).histograms;
    expect([ns?.name, ns?.unit, ns?.median, ns?.most]).toEqual([
      'iommu_map',
      'ns',
      { low: 512, high: 1024 },
      { low: 1_048_576, high: 2_097_152 },
    ]);
    expect([lat?.name, lat?.unit, lat?.median, lat?.mean.high]).toEqual([
      'lat',
      'not named',
      { low: 0, high: 1 },
      null,
    ]);
  });

  it('for each of several functions stays apart', () => {
    const text = ["Function = b'iommu_map' [1]", ' usecs : count distribution', ' 0 -> 1 : 10 |**|', '']
      .concat(["Function = b'iommu_unmap' [1]", ' usecs : count distribution', ' 2 -> 3 : 5 |**|'])
      .join('\n');
    expect(timings(text).histograms.map(({ name, mean }) => [name, mean])).toEqual([
      ['iommu_map', { low: 0, high: 2000 }],
      ['iommu_unmap', { low: 2000, high: 4000 }],
    ]);
  });

  it('of any values holds the true median, 99th percentile and mean in its ranges', () => {
    const values = fc.array(fc.integer({ min: 1, max: 1 << 20 }), { minLength: 1, maxLength: 200 });
    fc.assert(
      fc.property(values, (times) => {
        const sorted = times.toSorted((a, b) => a - b);
        const powers = [...new Set(sorted.map((time) => Math.floor(Math.log2(time))))];
        const rows = powers.map((power) => {
          const count = sorted.filter((time) => Math.floor(Math.log2(time)) === power).length;
          return ` ${2 ** power} -> ${2 ** (power + 1) - 1} : ${count} |*|`;
        });
        const [one] = timings(['nsecs : count distribution', ...rows].join('\n')).histograms;
        const at = (share: number): number => sorted[Math.ceil(sorted.length * share) - 1] ?? 0;
        const mean = sorted.reduce((sum, time) => sum + time, 0) / sorted.length;
        for (const [value, range] of [
          [at(0.5), one?.median],
          [at(0.99), one?.p99],
          [mean, one?.mean],
        ] as const) {
          expect(value).toBeGreaterThanOrEqual(range?.low ?? Number.NaN);
          expect(value).toBeLessThan(range?.high ?? Number.NaN);
        }
      }),
    );
  });

  it('says that a figure is known to its bucket only', () => {
    const { notes } = explainAnswer([{ kind: 'timing', answer: postedTimings('funclatency.txt') }]);
    expect(notes.join(' ')).toContain('known to its bucket only');
  });
});

describe('The output of dma_map_benchmark', () => {
  it('gives its runs, and the difference of two that differ in one setting', () => {
    const { kind, runs, pairs } = postedTimings('dma-map-benchmark.txt');
    expect([kind, runs.length]).toEqual(['dma_map_benchmark', 2]);
    expect(runs[0]).toMatchObject({ mode: 'DMA_MAP_SG_MODE', threads: 8, granule: 8, mapUs: 1.4, mapNsPerPage: 175 });
    expect(pairs).toEqual([
      {
        setting: 'mode',
        from: 'DMA_MAP_SG_MODE',
        to: 'DMA_MAP_SINGLE_MODE',
        mapUs: -0.4,
        unmapUs: 0,
        mapTold: true,
        unmapTold: false,
      },
    ]);
  });

  it('of older kernels, without mode and granule, is read', () => {
    const text = [
      'dma mapping benchmark: threads:1 seconds:20 node:-1 dir:BIDIRECTIONAL',
      'average map latency(us):0.1 standard deviation:0.2',
      'average unmap latency(us):0.2 standard deviation:0.2',
    ].join('\n');
    expect(timings(text).runs[0]).toMatchObject({ mode: null, granule: 1, unmapUs: 0.2 });
  });

  it('that lacks an average gives no run', () => {
    expect(
      explainTimings('dma mapping benchmark: threads:1 seconds:20 node:-1 dir:BIDIRECTIONAL\n', 'test'),
    ).toBeUndefined();
  });
});

describe('Other texts', () => {
  it('are no timing texts', () => {
    fc.assert(
      fc.property(fc.string({ maxLength: 300 }), (text) => {
        expect(looksLikeTimings(text)).toBe(false);
        expect(explainTimings(text, 'test')).toBeUndefined();
      }),
    );
  });

  it('of a million characters in one line are passed over', () => {
    expect(explainTimings(`[${'9'.repeat(1_000_000)}`, 'test')).toBeUndefined();
    expect(explainTimings(' '.repeat(1_000_000), 'test')).toBeUndefined();
  });
});

describe('iommu explain', () => {
  it.each([
    ['graph-without-header.txt', 0],
    ['funclatency.txt', 0],
    ['dma-map-benchmark.txt', 0],
    ['trace-cmd-graph.txt', 3],
  ])('reads %s, and leaves status %d: 3 where no call has an end', (name, expected) => {
    const { status, stdout } = spawnSync(process.execPath, [MAIN, 'explain', new URL(name, POSTED).pathname, '--json']);
    expect(status).toBe(expected);
    expect(JSON.parse(String(stdout))).toMatchObject({ schema: 'iommu.explain', version: 1 });
  });
});
