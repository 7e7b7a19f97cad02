import { describe, expect, test } from 'vitest';
import { parseCases, parseVectors, runVector, type VectorOp, type VectorResult } from '../../src/conform/index.ts';
import { Domain } from '../../src/core/index.ts';
import { InputError, IommuError } from '../../src/errors.ts';
import { REFUSED_ON_PURPOSE, refusedOnPurpose } from '../../src/formats/index.ts';
import { TableMemory } from '../../src/memory/index.ts';
import { readCases, readVectors, VECTOR_FILES } from './vectors.ts';

const RESULTS = new Map<string, VectorResult[]>();

function resultsOf(name: string): VectorResult[] {
  const known = RESULTS.get(name) ?? readCases(name).map((each) => each.run());
  RESULTS.set(name, known);
  return known;
}

function tally(key: 'skipped' | 'refused'): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const result of VECTOR_FILES.flatMap(resultsOf)) {
    const what = result === 'passed' ? undefined : Reflect.get(result, key);
    if (typeof what === 'string') counts[what] = (counts[what] ?? 0) + 1;
  }
  return counts;
}

describe('no shipped vector fails', () => {
  test.each(VECTOR_FILES)('%s', (name) => {
    expect(resultsOf(name).filter((result) => result !== 'passed' && 'field' in result)).toEqual([]);
  });

  test('there are 2,828 of them, of thirteen formats', () => {
    const formats = VECTOR_FILES.flatMap((name) => readVectors(name).map((vector) => vector.fmt));
    expect(formats.length).toBe(2828);
    expect(new Set(formats).size).toBe(13);
  });

  test('none is skipped', () => {
    expect(tally('skipped')).toEqual({});
  });

  test('what Linux grants and is refused on purpose is counted by its rule', () => {
    expect(tally('refused')).toEqual({
      'apple-dart2: pages of 4K': 1,
      'apple-dart: an input width below the bits of a page': 1,
      'arm-32-lpae-s1: tables at or above 2^40': 1,
      'arm-v7s: an input width of 20 bits or fewer': 1,
      'arm-v7s: page sizes of which the format has none': 1,
    });
  });
});

describe('a refusal on purpose', () => {
  const asked = { ias: 32, oas: 36, pageSizes: 4096, quirks: 0, coherent: true, cpuPageSize: 4096 };
  const EXAMPLES: Readonly<Record<string, object>> = {
    'tables at or above 2^40': {},
    'an input width of 20 bits or fewer': { ias: 20, oas: 32 },
    'page sizes of which the format has none': { oas: 32, pageSizes: 0x200000 },
    'pages of 4K': {},
    'an input width below the bits of a page': { ias: 12, pageSizes: 16384 },
    'any quirk but NO_WARN': { pageSizes: 16384, quirks: 1 },
  };
  const ROWS = REFUSED_ON_PURPOSE.flatMap((refusal) => refusal.formats.map((format) => [format, refusal] as const));
  test.each(ROWS)('of %s is refused by name', (format, refusal) => {
    const request = { ...asked, ...EXAMPLES[refusal.what] };
    const tableBase = 2 ** 40;
    expect(refusal.holds({ request, tableBase })).toBe(true);
    expect(refusedOnPurpose(format, { request, tableBase })).toBeDefined();
    const make = () => new Domain({ format, request, memory: new TableMemory({ base: tableBase }) });
    expect(make).toThrow(IommuError);
  });
});

test('a vector whose call throws fails alone, by name and operation', () => {
  const [vector] = readVectors('A_s1.jsonl.gz');
  if (vector === undefined) throw new Error('no vector');
  const op: VectorOp = { op: 'iommu_map', iova: '0x0', paddr: '0x0', size: '0x1000', prot: 3 };
  const called = { ...vector, ops: [{ ...op, op: 'map_range', len: '0x1000' }, ...vector.ops] };
  expect(runVector(called)).toMatchObject({ id: vector.id, op: 0, field: 'call', expected: 'an answer' });
  const lines = [called, vector].map((each) => JSON.stringify(each)).join('\n');
  expect(parseCases('two', lines).map((each) => each.run() === 'passed')).toEqual([false, true]);
});

test('a vector of another format is skipped', () => {
  const [vector] = readVectors('A_s1.jsonl.gz');
  if (vector === undefined) throw new Error('no vector');
  expect(runVector({ ...vector, fmt: 'rockchip' })).toEqual({ skipped: 'format rockchip' });
});

function refusalOf(text: string): InputError {
  try {
    parseVectors('some.jsonl', text);
  } catch (error) {
    if (error instanceof InputError) return error;
    throw error;
  }
  throw new Error('was read');
}

const GOOD = {
  id: 'a',
  fmt: 'arm_64_lpae_s1',
  cfg: {
    ias: 48,
    oas: 48,
    pgsize_bitmap: '0x1000',
    quirks: '0x0',
    coherent: true,
    table_base: '0x80000000',
    cpu_page_size: 4096,
  },
  init: { ok: true, pgsize_bitmap: '0x1000', ias: 48, oas: 48 },
  ops: [{ op: 'iommu_map', iova: '0x0', paddr: '0x0', size: '0x1000', prot: 3, ret: 0, tlb: [] }],
  regs: { ttbr: '0x80000000' },
  dump: null,
};

const OP = GOOD.ops[0];

/** What is wrong, and the key that the error must name. */
const MALFORMED: readonly (readonly [key: string, vector: object])[] = [
  ['id', { ...GOOD, id: 7 }],
  ['fmt', { ...GOOD, fmt: null }],
  ['ops', { ...GOOD, ops: {} }],
  ['init', { ...GOOD, init: { ok: 'yes' } }],
  ['init', { ...GOOD, init: { ok: true } }],
  ['cfg', { ...GOOD, cfg: [] }],
  ['cfg.ias', { ...GOOD, cfg: { ...GOOD.cfg, ias: '48' } }],
  ['cfg.table_base', { ...GOOD, cfg: { ...GOOD.cfg, table_base: '2G' } }],
  ['cfg.coherent', { ...GOOD, cfg: { ...GOOD.cfg, coherent: 1 } }],
  ['ops[0]', { ...GOOD, ops: ['map'] }],
  ['ops[0].op', { ...GOOD, ops: [{ ...OP, op: 'remap' }] }],
  ['ops[0].op', { ...GOOD, ops: [{ ...OP, op: 'constructor' }] }],
  ['ops[0].gather', { ...GOOD, ops: [{ ...OP, gather: { start: '0x0' } }] }],
  ['ops[0].ev', { ...GOOD, ops: [{ ...OP, ev: [['T', '0x0']] }] }],
  ['cfg.features', { ...GOOD, init: { ok: false }, cfg: { max_vasz: 48, table_base: '0x0' } }],
  ['ops[0].size', { ...GOOD, ops: [{ ...OP, size: undefined }] }],
  ['ops[0].iova', { ...GOOD, ops: [{ ...OP, iova: '0x12345678123456789' }] }],
  ['ops[0].prot', { ...GOOD, ops: [{ ...OP, prot: 0.5 }] }],
  ['ops[0].ret', { ...GOOD, ops: [{ ...OP, ret: 'EINVAL' }] }],
  ['ops[0].tlb', { ...GOOD, ops: [{ ...OP, tlb: [['X']] }] }],
  ['ops[0].tlb', { ...GOOD, ops: [{ ...OP, tlb: [['A', '0x0', '0x1000', 1e12]] }] }],
  ['ops[0].q', { ...GOOD, ops: [{ op: 'i2p', q: [['0x0']] }] }],
  ['ops[0].sg', { ...GOOD, ops: [{ op: 'iommu_map_sg', iova: '0x0', prot: 3, sg: [{ length: 4096 }] }] }],
  ['ops[0].rows', { ...GOOD, ops: [{ op: 'dump', rows: [['0x0', 1, 0]] }] }],
  ['regs', { ...GOOD, regs: { ttbr: 'none' } }],
  ['dump', { ...GOOD, dump: [['0x80000000', 3, 0, '0x3', 2 ** 40, '0x1000']] }],
  ['tables', { ...GOOD, tables: { allocated: 1 } }],
  ['dma_sync', { ...GOOD, dma_sync: { calls: 1, bytes: '4' } }],
];

describe('a file that holds no vectors is refused by name', () => {
  test.each(MALFORMED)('%s', (key, vector) => {
    const error = refusalOf(`${JSON.stringify(GOOD)}\n${JSON.stringify(vector)}`);
    expect(error).toMatchObject({ code: 'MALFORMED', source: 'some.jsonl', fields: { line: 2, key } });
    expect(error.message).toContain(`line 2: expected a vector, got one whose ${key} is missing or wrong`);
  });

  test('what is no JSON, no object or nothing at all', () => {
    expect(refusalOf('{"id":')).toMatchObject({ code: 'MALFORMED', fields: { line: 1 } });
    expect(refusalOf('\n\n[1]')).toMatchObject({ code: 'MALFORMED', fields: { line: 3 } });
    expect(refusalOf(' \n')).toMatchObject({ code: 'NO_EVENTS' });
    expect(parseVectors('good', JSON.stringify(GOOD))).toHaveLength(1);
  });
});
