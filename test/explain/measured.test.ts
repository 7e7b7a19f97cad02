import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { explainAnswer } from '../../src/answers/explain.ts';
import { machineOf } from '../../src/explain/machine.ts';
import { type MeasuredAnswer, MeasuredLayers } from '../../src/explain/measured.ts';
import { Quantiles } from '../../src/explain/quantiles.ts';
import { FunctionGraphReader } from '../../src/trace/function-graph.ts';

const CAPTURES = new URL('../captures/', import.meta.url);
const EMULATED = { kind: 'emulated', from: 'test' } as const;

function explain(bytes: Uint8Array, traced: ReadonlySet<string> | null): MeasuredAnswer {
  const layers = new MeasuredLayers();
  const reader = new FunctionGraphReader(layers);
  reader.push(bytes);
  return layers.answer('trace', reader.end(), EMULATED, traced);
}

function capture(name: string, withFunctions = true): MeasuredAnswer {
  const folder = new URL(`${name}/`, CAPTURES);
  const names = readFileSync(new URL('fgraph_functions.txt', folder), 'utf8').split('\n');
  return explain(
    gunzipSync(readFileSync(new URL('trace_fgraph.txt.gz', folder))),
    withFunctions ? new Set(names) : null,
  );
}

function statuses(answer: MeasuredAnswer, op: string): Record<string, string> {
  const layers = answer.operations.find((one) => one.op === op)?.layers ?? [];
  return Object.fromEntries(layers.map((layer) => [layer.layer, layer.status]));
}

describe('a capture of an Arm SMMUv3', () => {
  const answer = capture('arm64-smmuv3-612-blk-strict');

  test('maps and unmaps are counted by their outermost function', () => {
    expect(answer.operations.map((one) => [one.op, one.roots])).toEqual([
      ['map', { iommu_dma_map_page: 24, iommu_dma_map_sg: 20 }],
      ['unmap', { iommu_dma_unmap_page: 24, iommu_dma_unmap_sg: 20 }],
    ]);
  });

  test('a layer that was not traced is never 0', () => {
    const status = statuses(answer, 'map');
    for (const layer of ['runtime power', 'page allocation', 'cache']) expect(status[layer]).toBe('not traced');
    for (const layer of ['DMA API', 'IOVA', 'core', 'driver', 'page table']) expect(status[layer]).toBe('measured');
    expect(answer.notTraced).toEqual(['runtime power', 'page allocation', 'cache']);
  });

  test('shares of the layers add up to one, overall and for each size', () => {
    for (const operation of answer.operations) {
      for (const of of [operation, ...operation.sizes]) {
        expect(of.layers.reduce((sum, layer) => sum + layer.share, 0)).toBeCloseTo(1, 9);
      }
      expect(operation.sizes.reduce((sum, of) => sum + of.count, 0)).toBe(operation.count);
    }
  });

  test('the interrupts of the capture are found', () => {
    expect(answer.interrupts).toBe(7);
  });

  test("the tracer's overhead is bounded, and no correction exceeds the self time", () => {
    expect(answer.overhead?.boundNs).toBeGreaterThan(0);
    for (const layer of answer.operations.flatMap((one) => one.layers))
      expect(layer.correctedNs).toBeLessThanOrEqual(layer.selfNs);
  });

  test('its times are called emulated, and dispatch is said to be below resolution', () => {
    const { verdict, notes } = explainAnswer([{ kind: 'graph', answer }]);
    expect(verdict).toContain('emulated, no claim about hardware');
    expect(notes.join(' ')).toContain('below the resolution');
    expect(verdict).toContain('direct dispatch');
  });
});

test('VT-d 6.12: the page table of map is inside the driver, and is not printed as 0', () => {
  expect(statuses(capture('x86-vtd-612-blk'), 'map')['page table']).toBe('no call');
});

test('without the list of functions, what was not seen is not called untraced', () => {
  const answer = capture('x86-vtd-612-blk', false);
  expect(answer.tracedKnown).toBe(false);
  expect(statuses(answer, 'map')['runtime power']).toBe('not seen');
});

test('riscv64: DMA API only', () => {
  const status = statuses(capture('riscv64-72-blk'), 'map');
  expect(
    Object.entries(status)
      .filter(([, of]) => of === 'measured')
      .map(([layer]) => layer),
  ).toEqual(['DMA API']);
});

test('a file without a call says so', () => {
  const answer = explain(new TextEncoder().encode('# tracer: function_graph\n'), null);
  expect(explainAnswer([{ kind: 'graph', answer }])).toMatchObject({
    outcome: 'unusable',
    verdict: expect.stringContaining('No map or unmap was traced to its end'),
  });
});

describe('machine kind', () => {
  test.each([
    ['{"machine":"hardware"}', null, 'hardware'],
    ['{"machine":{"kind":"kvm"}}', null, 'kvm'],
    ['{"machine":"hardware"}', '["qemu","-accel","tcg"]', 'hardware'],
    [null, '["qemu","-accel","tcg"]', 'emulated'],
    [null, '["qemu","-accel","kvm,thread=single"]', 'kvm'],
    [null, '["qemu","-enable-kvm"]', 'kvm'],
    [null, '["qemu","-machine","virt,accel=kvm:tcg"]', 'kvm'],
    [null, '["qemu"]', 'emulated'],
    [null, null, 'emulated'],
    ['{broken', '{broken', 'emulated'],
  ])('%s and %s: %s', (metadata, qemu, kind) => {
    expect(machineOf(metadata, qemu).kind).toBe(kind);
  });
});

test('quantiles are exact for few values and close for many', () => {
  const few = new Quantiles();
  for (const value of [5, 1, 4, 2, 3]) few.add(value);
  expect([few.quantile(0.5), few.quantile(0.99), few.sum]).toEqual([3, 5, 15]);
  const many = new Quantiles();
  for (let value = 1; value <= 200_000; value += 1) many.add(value);
  expect(many.quantile(0.5) / 100_000).toBeCloseTo(1, 2);
  expect(many.quantile(0.99) / 198_000).toBeCloseTo(1, 2);
});
