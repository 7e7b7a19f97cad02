import { describe, expect, test } from 'vitest';
import { runVector, type Vector, type VectorOp } from '../../src/conform/index.ts';
import { readVectors } from './vectors.ts';

function add(text: string, more: bigint): string {
  return `0x${(BigInt(text) + more).toString(16)}`;
}

function find(file: string, holds: (vector: Vector) => boolean): Vector {
  const vector = readVectors(file).find(holds);
  if (vector === undefined) throw new Error(`${file} has no such vector`);
  expect(runVector(vector)).toBe('passed');
  return vector;
}

/** Puts `change` in place of the first operation that fits, and says where that was. */
function withOp(
  vector: Vector,
  fits: (op: VectorOp) => boolean,
  change: (op: VectorOp) => VectorOp,
): { vector: Vector; op: number } {
  const op = vector.ops.findIndex(fits);
  return { op, vector: { ...vector, ops: vector.ops.map((each, i) => (i === op ? change(each) : each)) } };
}

describe('a vector corrupted in one field fails at that field', () => {
  test('ret', () => {
    const fits = (op: VectorOp) => op.op === 'iommu_map_sg' && typeof op.ret === 'string';
    const good = find('H_sg.jsonl.gz', (v) => v.ops.some(fits));
    const { vector, op } = withOp(good, fits, (o) => ({ ...o, ret: add(String(o.ret), 0x1000n) }));
    expect(runVector(vector)).toMatchObject({ id: good.id, op, field: 'ret', expected: vector.ops[op]?.ret });
  });

  test('mapped', () => {
    const fits = (op: VectorOp) => op.op === 'map' && op.mapped !== '0x0';
    const good = find('C_map.jsonl.gz', (v) => v.ops.some(fits));
    const { vector, op } = withOp(good, fits, (o) => ({ ...o, mapped: '0x0' }));
    expect(runVector(vector)).toMatchObject({ op, field: 'mapped', expected: '0x0', got: good.ops[op]?.mapped });
  });

  test('tlb: an event too many, and one changed in its address', () => {
    const fits = (op: VectorOp) => op.op === 'iommu_unmap' && op.tlb?.[0]?.[0] === 'A';
    const good = find('J_fuzz_lpae.jsonl.gz', (v) => v.ops.some(fits));
    const longer = withOp(good, fits, (o) => ({ ...o, tlb: [...(o.tlb ?? []), ['F']] }));
    const result = runVector(longer.vector);
    expect(result).toMatchObject({ op: longer.op, expected: 'F', got: 'nothing' });
    expect(result).toHaveProperty('field', expect.stringMatching(/^tlb\[\d+\]$/));
    const moved = withOp(good, fits, (o) => {
      const [first, ...others] = o.tlb ?? [];
      if (first?.[0] !== 'A') throw new Error('no page event');
      return { ...o, tlb: [['A', add(first[1], 0x1000n), first[2], first[3]], ...others] };
    });
    expect(runVector(moved.vector)).toMatchObject({ op: moved.op, field: 'tlb[0]' });
  });

  test('q', () => {
    const fits = (op: VectorOp) => op.op === 'i2p' && op.q?.[0]?.[1] !== '0x0';
    const good = find('A_s1.jsonl.gz', (v) => v.ops.some(fits));
    const { vector, op } = withOp(good, fits, (o) => {
      const [[iova, pa] = ['', ''], ...others] = o.q ?? [];
      return { ...o, q: [[iova, add(pa, 1n)], ...others] };
    });
    const first = good.ops[op]?.q?.[0];
    expect(runVector(vector)).toMatchObject({ op, field: `q[0] ${first?.[0]}`, got: first?.[1] });
  });

  test('an entry of the dump', () => {
    const good = find('B_prot.jsonl.gz', (v) => (v.dump?.length ?? 0) > 2);
    const [table, level, index, entry] = good.dump?.at(-1) ?? ['', 0, 0, ''];
    const dump = [...(good.dump ?? []).slice(0, -1), [table, level, index, add(entry, 0x40n)] as const];
    expect(runVector({ ...good, dump })).toMatchObject({ op: null, field: `dump.${table}[${index}]` });
    const without = (good.dump ?? []).slice(0, -1);
    expect(runVector({ ...good, dump: without })).toMatchObject({ op: null, expected: 'nothing' });
  });

  test('tables', () => {
    const good = find('D_split.jsonl.gz', (v) => v.tables !== undefined);
    const { allocated = 0, freed = 0 } = good.tables ?? {};
    const more = { ...good, tables: { allocated: allocated + 1, freed } };
    expect(runVector(more)).toMatchObject({ op: null, field: 'tables.allocated', got: String(allocated) });
    const kept = { ...good, tables: { allocated, freed: freed + 1 } };
    expect(runVector(kept)).toMatchObject({ op: null, field: 'tables.freed', got: String(freed) });
  });

  test('dma_sync', () => {
    const good = find('V7_directed.jsonl.gz', (v) => v.dma_sync !== undefined);
    const { calls = 0, bytes = 0 } = good.dma_sync ?? {};
    const once = { ...good, dma_sync: { calls: calls - 1, bytes } };
    expect(runVector(once)).toMatchObject({ op: null, field: 'dma_sync.calls', got: String(calls) });
    const wider = { ...good, dma_sync: { calls, bytes: bytes + 4 } };
    expect(runVector(wider)).toMatchObject({ op: null, field: 'dma_sync.bytes', got: String(bytes) });
  });

  test('regs', () => {
    const good = find('A_s2.jsonl.gz', (v) => v.regs?.['vtcr.sl'] !== undefined);
    const regs = { ...good.regs, 'vtcr.sl': 3 };
    expect(runVector({ ...good, regs })).toMatchObject({ op: null, field: 'regs.vtcr.sl', expected: '0x3' });
    const unknown = { ...good.regs, 'vtcr.none': 1 };
    expect(runVector({ ...good, regs: unknown })).toMatchObject({ field: 'regs.vtcr.none', got: 'nothing' });
  });

  test('init', () => {
    const good = find('A_v7s.jsonl.gz', (v) => v.init.ok);
    const init = { ...good.init, ias: (good.init.ias ?? 0) - 1 };
    expect(runVector({ ...good, init })).toMatchObject({ op: null, field: 'init.ias', got: String(good.init.ias) });
    const refused = { ...good, init: { ok: false }, regs: null, dump: null, ops: [] };
    expect(runVector(refused)).toMatchObject({ op: null, field: 'init.ok', expected: 'false', got: 'true' });
    const bad = find('A_bad.jsonl.gz', (v) => !v.init.ok);
    const granted = { ok: true, pgsize_bitmap: bad.cfg.pgsize_bitmap, ias: bad.cfg.ias, oas: bad.cfg.oas };
    expect(runVector({ ...bad, init: granted })).toMatchObject({ op: null, field: 'init.ok', expected: 'true' });
  });

  test('a dump in between', () => {
    const fits = (op: VectorOp) => op.op === 'dump' && (op.rows?.length ?? 0) > 0;
    const good = find('E_blk.jsonl.gz', (v) => v.ops.some(fits));
    const { vector, op } = withOp(good, fits, (o) => ({ ...o, rows: (o.rows ?? []).slice(1) }));
    const result = runVector(vector);
    expect(result).toMatchObject({ op, expected: 'nothing' });
    expect(result).toHaveProperty('field', expect.stringMatching(/^dump\.0x[0-9a-f]+\[\d+\]$/));
  });
});

test('a base that no table memory can have is no refusal of the format', () => {
  const bad = find('A_bad.jsonl.gz', (v) => !v.init.ok);
  const odd = { ...bad, cfg: { ...bad.cfg, table_base: '0x80000400' } };
  expect(runVector(odd)).toMatchObject({ op: null, field: 'init.ok', expected: 'false' });
});
