import { describe, expect, test } from 'vitest';
import { parseVectors, runVector } from '../../src/conform/index.ts';
import { InputError } from '../../src/errors.ts';
import { readVectors, VECTOR_FILES } from './vectors.ts';

describe('every shipped vector passes', () => {
  test.each(VECTOR_FILES)('%s', (name) => {
    const results = readVectors(name).map((vector) => runVector(vector));
    expect(results.filter((result) => result !== 'passed')).toEqual([]);
  });

  test('there are 613 of them, for eight formats', () => {
    const formats = VECTOR_FILES.flatMap((name) => readVectors(name).map((vector) => vector.fmt));
    expect(formats.length).toBe(613);
    expect(new Set(formats).size).toBe(8);
  });
});

test('a vector of another format is skipped', () => {
  const [vector] = readVectors('A_s1.jsonl.gz');
  if (vector === undefined) throw new Error('no vector');
  expect(runVector({ ...vector, fmt: 'amd_v1' })).toEqual({ skipped: 'format amd_v1' });
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
    expect(error.message).toContain(`line 2 is no vector: ${key} is missing or wrong`);
  });

  test('what is no JSON, no object or nothing at all', () => {
    expect(refusalOf('{"id":')).toMatchObject({ code: 'MALFORMED', fields: { line: 1 } });
    expect(refusalOf('\n\n[1]')).toMatchObject({ code: 'MALFORMED', fields: { line: 3 } });
    expect(refusalOf(' \n')).toMatchObject({ code: 'NO_EVENTS' });
    expect(parseVectors('good', JSON.stringify(GOOD))).toHaveLength(1);
  });
});
