import { createHash } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { Domain } from '../../src/core/index.ts';
import { DmaDevice, DmaSpace } from '../../src/dma/index.ts';
import { PROT } from '../../src/formats/index.ts';
import { TableMemory } from '../../src/memory/index.ts';
import { Meter } from '../../src/meter/index.ts';
import { problemsOf, type Tried } from './bad-values.ts';

const memory = new TableMemory();
const domain = new Domain({ memory });
domain.map(0x100000, 0x80000000, 0x200000, PROT.READ | PROT.WRITE);
const tracked = new Domain({ format: 'vtd-ss' });
tracked.map(0x100000, 0x80000000, 0x200000, PROT.READ | PROT.WRITE);
const list = { addresses: [0x1000, 0x5000], lengths: [0x1000, 0x2000] };

/** Tables, bytes and counts. */
function state(): unknown {
  const { liveTables, liveBytes, u32 } = memory;
  const sum = createHash('sha1').update(u32).digest('hex');
  return { liveTables, liveBytes, sum, meter: domain.meter.snapshot() };
}

function freshIova(): number {
  return 0x40000000;
}

const CALLS: readonly Tried[] = [
  {
    name: 'new TableMemory',
    args: [{ base: 0, limit: 1 << 26, mode: 'reuse', plainKernels: true }],
    call: (o: object) => new TableMemory(o),
  },
  { name: 'list', args: [4], call: (n: number) => memory.freeList(memory.list(n)), state },
  { name: 'freeList', args: [memory.list(1)], call: (l: never) => memory.freeList(l) },
  {
    name: 'map',
    args: [freshIova(), 0x1000, 0x1000, PROT.READ],
    call: (...a: [number, number, number, number]) => {
      domain.map(...a);
      domain.unmap(a[0], a[2]);
    },
    state,
  },
  {
    name: 'mapSg',
    args: [freshIova(), list, PROT.READ],
    call: (...a: [number, typeof list, number]) => {
      const { bytes } = domain.mapSg(...a);
      domain.unmap(a[0], bytes);
    },
    state,
  },
  {
    name: 'mapSg of objects',
    args: [freshIova(), [{ address: 0x1000, length: 0x1000 }], PROT.READ],
    call: (...a: [number, [], number]) => {
      const { bytes } = domain.mapSg(...a);
      domain.unmap(a[0], bytes);
    },
    state,
  },
  {
    name: 'unmap',
    args: [0x100000, 0x1000, { holes: 'refuse', partialBlocks: 'refuse', invalidation: 'now' }],
    call: (...a: [number, number, object]) => domain.unmap(...a),
  },
  { name: 'translate', args: [0x100000], call: (a: number) => domain.translate(a), state },
  {
    name: 'translateRange',
    args: [0x100000, 2, new Float64Array(2)],
    call: (...a: [number, number, Float64Array]) => domain.translateRange(...a),
    state,
  },
  {
    name: 'readDirty',
    args: [0x100000, 0x2000, { clear: false, page: 4096, bitmap: new Uint8Array(1) }],
    call: (...a: [number, number, object]) => tracked.readDirty(...a),
  },
  { name: 'setDirty', args: [0x100000], call: (a: number) => tracked.setDirty(a) },
  {
    name: 'new Domain',
    args: [
      {
        format: 'arm-64-lpae-s1',
        request: undefined,
        granule: '4K',
        ias: 48,
        oas: 48,
        pageSizes: 4096,
        quirks: [],
        coherent: true,
        cpuPageSize: 4096,
        semantics: 'safe',
        path: 'map-pages',
        dispatch: 'direct',
        driver: undefined,
        meter: new Meter(),
        memory,
      },
    ],
    call: (o: object) => new Domain(o).free(),
    state,
  },
  { name: 'new DmaSpace', args: [{ domain, limit: 2 ** 32, policy: 'strict' }], call: (o: never) => new DmaSpace(o) },
  {
    name: 'new DmaDevice',
    args: [new DmaSpace({ domain: new Domain() }), {}],
    call: (...a: [never, never]) => new DmaDevice(...a),
  },
];

describe('arguments that make no sense', () => {
  test.each(CALLS.map((tried) => [tried.name, tried] as const))('%s', (_, tried) => {
    expect(problemsOf(tried)).toEqual([]);
  });
});

test.each([Number.MIN_VALUE, 2 ** -1060, 0.5, -0.5])('%d is no address and no size', (value) => {
  const fresh = new Domain();
  fresh.map(0, 0, 0x2000, PROT.READ);
  const before = fresh.meter.snapshot();
  const calls = [
    () => fresh.map(value, 0, 0x1000, PROT.READ),
    () => fresh.map(2 ** 30, value, 0x1000, PROT.READ),
    () => fresh.map(2 ** 30, 0, value, PROT.READ),
    () => fresh.unmap(value, 0x1000),
    () => fresh.unmap(0, value),
    () => fresh.translate(value),
  ];
  for (const call of calls) expect(call).toThrow(/NOT_A_NUMBER/);
  expect(fresh.meter.snapshot()).toEqual(before);
});
