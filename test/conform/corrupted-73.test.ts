import { describe, expect, test } from 'vitest';
import { asCase, type Recorded, readRecords } from './vectors.ts';

type Op = Recorded['ops'][number];

/** A change of one field, and the field and operation at which the vector must fail. */
interface Corruption {
  readonly field: string | RegExp;
  readonly file: string;
  /** The operation that is changed; none: something beside the operations. */
  readonly op?: (op: Op) => boolean;
  /** The vector that is changed, beside its operations. */
  readonly fits?: (vector: Recorded) => boolean;
  change(of: Op & Recorded): object;
}

function add(text: unknown, more: bigint): string {
  return `0x${(BigInt(String(text)) + more).toString(16)}`;
}

function list(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

function record(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
}

/** The first event of a kind, changed. */
function withEvent(
  events: unknown,
  kind: string,
  change: (event: readonly unknown[]) => readonly unknown[],
): unknown[] {
  const at = list(events).findIndex((event) => list(event)[0] === kind);
  return list(events).map((event, i) => (i === at ? change(list(event)) : event));
}

const hasEvent =
  (kind: string) =>
  ({ ev }: Op): boolean =>
    list(ev).some((event) => list(event)[0] === kind);

const CORRUPTIONS: readonly Corruption[] = [
  {
    field: 'ret',
    file: 'G_pt_errors',
    op: ({ op, ret }) => op === 'map_range' && ret === -34,
    change: () => ({ ret: -22 }),
  },
  {
    field: 'mapped',
    file: 'G_pt_split',
    op: ({ op, mapped }) => op === 'map_range' && mapped !== '0x0',
    change: ({ mapped }) => ({ mapped: add(mapped, 0x1000n) }),
  },
  {
    field: 'gather.end',
    file: 'G_pt_unmap',
    op: ({ op, ret }) => op === 'unmap_range' && ret !== '0x0',
    change: ({ gather }) => ({ gather: { ...record(gather), end: add(record(gather)['end'], 0x1000n) } }),
  },
  {
    field: 'gather.pages[0]',
    file: 'G_pt_unmap',
    op: ({ op, gather }) => op === 'unmap_range' && list(record(gather)['pages']).length > 0,
    change: ({ gather }) => ({ gather: { ...record(gather), pages: [] } }),
  },
  {
    field: 'gather.leaf',
    file: 'G_pt_fuzz_riscv_64',
    op: ({ op, gather }) => op === 'unmap_range' && Number(record(gather)['leaf']) > 0,
    change: ({ gather }) => ({ gather: { ...record(gather), leaf: Number(record(gather)['leaf']) ^ 1 } }),
  },
  {
    field: 'sync',
    file: 'G_pt_unmap',
    op: ({ sync }) => sync === true,
    change: () => ({ sync: false }),
  },
  {
    field: /^ev\[\d+\]$/,
    file: 'G_pt_top',
    op: hasEvent('T'),
    change: ({ ev }) => ({ ev: withEvent(ev, 'T', ([kind, root, level]) => [kind, root, Number(level) + 1]) }),
  },
  {
    field: /^ev\[\d+\]$/,
    file: 'G_pt_fuzz_x86_64',
    op: hasEvent('C'),
    change: ({ ev }) => ({ ev: withEvent(ev, 'C', ([kind, at, bytes]) => [kind, at, Number(bytes) + 8]) }),
  },
  {
    field: /^ev\[\d+\]$/,
    file: 'G_pt_replace',
    op: hasEvent('S'),
    change: ({ ev }) => ({ ev: withEvent(ev, 'S', ([kind, start, ...rest]) => [kind, add(start, 0x1000n), ...rest]) }),
  },
  {
    field: 'dirty[0][1]',
    file: 'G_pt_dirty',
    op: ({ op, dirty }) => op === 'read_dirty' && list(dirty).length > 0,
    change: ({ dirty }) => ({
      dirty: list(dirty).map((each, i) => (i === 0 ? [list(each)[0], add(list(each)[1], 0x1000n)] : each)),
    }),
  },
  {
    field: /^q\[0\] 0x[0-9a-f]+$/,
    file: 'G_pt_contig',
    op: ({ op, q }) => op === 'i2p' && list(list(q)[0])[1] !== '0x0',
    change: ({ q }) => ({ q: list(q).map((each, i) => (i === 0 ? [list(each)[0], add(list(each)[1], 1n)] : each)) }),
  },
  {
    field: /^dump\.0x[0-9a-f]+\[\d+\]$/,
    file: 'G_pt_prot',
    fits: ({ dump }) => list(dump).length > 2,
    change: ({ dump }) => ({
      dump: list(dump).map((row, i) =>
        i === list(dump).length - 1 ? list(row).map((cell, k) => (k === 3 ? add(cell, 0x40n) : cell)) : row,
      ),
    }),
  },
  {
    field: 'regs_end.mode',
    file: 'G_pt_top',
    fits: ({ regs_end: end }) => typeof end?.['mode'] === 'number',
    change: ({ regs_end: end }) => ({ regs_end: { ...end, mode: Number(end?.['mode']) + 1 } }),
  },
  {
    field: 'clean.bytes',
    file: 'G_pt_core',
    fits: ({ clean }) => clean !== undefined,
    change: ({ clean }) => ({ clean: { ...record(clean), bytes: Number(record(clean)['bytes']) + 8 } }),
  },
  {
    field: 'tables.freed',
    file: 'G_pt_replace',
    fits: ({ tables }) => tables !== undefined,
    change: ({ tables }) => ({ tables: { ...record(tables), freed: Number(record(tables)['freed']) + 1 } }),
  },
  {
    field: 'init.pgsize_bitmap',
    file: 'G_pt_sizes',
    fits: ({ init }) => init['ok'] === true,
    change: ({ init }) => ({ init: { ...init, pgsize_bitmap: add(init['pgsize_bitmap'], 0x800n) } }),
  },
  {
    field: 'init.aperture[1]',
    file: 'G_pt_sign',
    fits: ({ init }) => init['ok'] === true,
    change: ({ init }) => ({ init: { ...init, aperture: ['0x0', add(list(init['aperture'])[1], 1n)] } }),
  },
  {
    field: 'init.ret',
    file: 'G_pt_init',
    fits: ({ init }) => init['ret'] === -95,
    change: ({ init }) => ({ init: { ...init, ret: -22 } }),
  },
  {
    field: /^init_ev\[\d+\]$/,
    file: 'G_pt_core',
    fits: ({ init_ev: events }) => list(events).length > 0,
    change: ({ init_ev: events }) => ({
      init_ev: withEvent(events, 'C', ([kind, at, bytes]) => [kind, add(at, 8n), bytes]),
    }),
  },
  {
    field: 'hit',
    file: 'N_hd',
    op: ({ op, hit }) => op === 'hw_write' && hit !== undefined,
    change: ({ hit }) => ({ hit: typeof hit === 'boolean' ? !hit : Number(hit) ^ 1 }),
  },
  {
    field: 'dirty[0][0]',
    file: 'N_hd',
    op: ({ op, dirty }) => op === 'read_dirty' && list(dirty).length > 0,
    change: ({ dirty }) => ({
      dirty: list(dirty).map((each, i) => (i === 0 ? [add(list(each)[0], 0x1000n), list(each)[1]] : each)),
    }),
  },
  {
    field: 'ptes[0]',
    file: 'N_walk',
    op: ({ op, ptes }) => op === 'pgtable_walk' && list(ptes).length > 0,
    change: ({ ptes }) => ({ ptes: list(ptes).map((each, i) => (i === 0 ? add(each, 0x40n) : each)) }),
  },
  {
    field: 'ret',
    file: 'N_partial',
    op: ({ op, ret }) => op.endsWith('unmap') && typeof ret === 'string',
    change: ({ ret }) => ({ ret: add(ret, 0x1000n) }),
  },
  {
    field: /^dump\.0x[0-9a-f]+\[\d+\]$/,
    file: 'N_prot',
    fits: ({ dump }) => list(dump).length > 2,
    change: ({ dump }) => ({ dump: list(dump).slice(0, -1) }),
  },
  {
    field: 'dma_map.calls',
    file: 'N_clean',
    fits: ({ dma_map: map }) => map !== undefined,
    change: ({ dma_map: map }) => ({ dma_map: { ...record(map), calls: Number(record(map)['calls']) + 1 } }),
  },
];

function corrupted({ op: fits, change }: Corruption, vector: Recorded): { vector: Recorded; op: number | null } {
  if (fits === undefined) return { vector: { ...vector, ...change(vector as Op & Recorded) }, op: null };
  const at = vector.ops.findIndex(fits);
  const ops = vector.ops.map((each, i) => (i === at ? { ...each, ...change(each as Op & Recorded) } : each));
  return { vector: { ...vector, ops }, op: at };
}

describe('a vector of Linux 7.3, corrupted in one field, fails at that field', () => {
  test.each(CORRUPTIONS)('$field of $file', (corruption) => {
    const { file, field, op: fits, fits: holds } = corruption;
    const vectors = readRecords(`${file}.jsonl.gz`).filter((vector) =>
      fits === undefined ? holds?.(vector) : vector.ops.some(fits),
    );
    expect(vectors.length).toBeGreaterThan(0);
    for (const good of vectors.slice(0, 3)) {
      expect(asCase(good).run()).toBe('passed');
      const { vector, op } = corrupted(corruption, good);
      const result = asCase(vector).run();
      expect(result).toMatchObject({ id: good.id, op });
      expect(result).toHaveProperty('field', typeof field === 'string' ? field : expect.stringMatching(field));
    }
  });
});
