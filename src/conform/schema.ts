/**
 * What a line of a vector file must hold before it is run: every key that is read, and no run longer than a table.
 * @module
 */
import {
  type Check,
  either,
  isBoolean,
  isCount,
  isHex,
  isNumber,
  isObject,
  isText,
  listOf,
  orNull,
  own,
  recordOf,
  type Shape,
  shaped,
  tuple,
  wrongIn,
} from './shape.ts';

/** Entries that the rows of one dump, or pages that the events of one call may stand for together. */
const MOST_ENTRIES = 2 ** 21;

function within(lengths: (item: readonly unknown[]) => unknown): Check {
  return (value) => {
    const items = value as readonly (readonly unknown[])[];
    return items.reduce((sum, item) => sum + Number(lengths(item) ?? 1), 0) <= MOST_ENTRIES;
  };
}

function both(first: Check, second: Check): Check {
  return (value) => first(value) && second(value);
}

const isRow = either(tuple(isHex, isNumber, isNumber, isHex), tuple(isHex, isNumber, isNumber, isHex, isCount, isHex));

const isRows = both(
  listOf(isRow),
  within((row) => row[4]),
);

/** Events of io-pgtable: flush_walk, pages, everything, the core's sync. */
const isTlb = either(
  tuple((kind) => kind === 'W', isHex, isHex, isHex),
  tuple((kind) => kind === 'A', isHex, isHex, isCount),
  tuple((kind) => kind === 'F' || kind === 'S'),
);

/** Events of the generic page table: new top, cache clean, sync with its pages and on RISC-V its level bitmaps. */
const isEvent = either(
  tuple((kind) => kind === 'T', isHex, isNumber),
  tuple((kind) => kind === 'C', isHex, isNumber),
  tuple((kind) => kind === 'S', isHex, isHex, listOf(isHex)),
  tuple((kind) => kind === 'S', isHex, isHex, listOf(isHex), isNumber, isNumber),
);

const isGather = shaped({
  needs: { start: isHex, end: isHex },
  may: { pages: listOf(isHex), leaf: isNumber, table: isNumber },
});

const isPairs = listOf(tuple(isHex, isHex));

/** What the keys of an operation may hold, where they are there. */
const OP_KEYS: Readonly<Record<string, Check>> = {
  iova: isHex,
  paddr: isHex,
  size: isHex,
  len: isHex,
  pgsize: isHex,
  pgcount: isNumber,
  prot: isNumber,
  flags: isNumber,
  bitmap: isBoolean,
  queued: isBoolean,
  no_gather: isBoolean,
  after: isNumber,
  sg: isPairs,
  q: isPairs,
  rows: isRows,
  ret: either(isHex, isNumber),
  mapped: isHex,
  tlb: both(
    listOf(isTlb),
    within((event) => (event[0] === 'A' ? event[3] : 1)),
  ),
  ev: listOf(isEvent),
  gather: isGather,
  sync: isBoolean,
  dirty: isPairs,
  ptes: listOf(isHex),
  hit: isBoolean,
};

/** Arguments that an operation cannot be without. */
const OP_NEEDS: ReadonlyMap<string, readonly string[]> = new Map([
  ['map', ['iova', 'paddr', 'pgsize', 'pgcount', 'prot']],
  ['unmap', ['iova', 'pgsize', 'pgcount']],
  ['map_range', ['iova', 'paddr', 'len', 'prot']],
  ['unmap_range', ['iova', 'len']],
  ['gather_begin', ['queued']],
  ['gather_end', []],
  ['iommu_map', ['iova', 'paddr', 'size', 'prot']],
  ['iommu_unmap', ['iova', 'size']],
  ['iommu_map_sg', ['iova', 'sg', 'prot']],
  ['set_dirty', ['iova']],
  ['read_dirty', ['iova', 'size', 'flags', 'bitmap']],
  ['hw_write', ['iova']],
  ['pgtable_walk', ['iova']],
  ['i2p', ['q']],
  ['failalloc', ['after']],
  ['dump', ['rows']],
]);

function wrongInOp(op: unknown, i: number): string | undefined {
  if (!isObject(op)) return `ops[${i}]`;
  const needs = OP_NEEDS.get(String(own(op, 'op')));
  if (needs === undefined) return `ops[${i}].op`;
  const absent = needs.find((key) => own(op, key) === undefined);
  return absent === undefined ? wrongIn(op, { needs: {}, may: OP_KEYS }, `ops[${i}]`) : `ops[${i}].${absent}`;
}

const isTotals = shaped({ needs: { calls: isNumber, bytes: isNumber } });
const isRegisters = orNull(recordOf(either(isHex, isNumber)));

const VECTOR: Shape = {
  needs: { id: isText, fmt: isText, ops: Array.isArray, init: shaped({ needs: { ok: isBoolean } }), cfg: isObject },
  may: { kernel: isText, tags: listOf(isText) },
};

const ENDS: Shape = {
  needs: { regs: isRegisters, dump: orNull(isRows) },
  may: {
    regs_end: isRegisters,
    tables: shaped({ needs: { allocated: isNumber, freed: isNumber } }),
    dma_sync: isTotals,
    dma_map: isTotals,
    clean: isTotals,
    init_ev: listOf(isEvent),
  },
};

/** Configuration and grant of one schema. */
interface Schema {
  readonly cfg: Shape;
  readonly granted: Shape;
}

const PGTABLE: Schema = {
  cfg: {
    needs: {
      ias: isNumber,
      oas: isNumber,
      cpu_page_size: isNumber,
      pgsize_bitmap: isHex,
      quirks: isHex,
      table_base: isHex,
      coherent: isBoolean,
    },
  },
  granted: { needs: { pgsize_bitmap: isHex, ias: isNumber, oas: isNumber } },
};

const GENERIC: Schema = {
  cfg: {
    needs: {
      features: isHex,
      max_vasz: isNumber,
      max_oasz: isNumber,
      top_level: isNumber,
      sme_mask: isHex,
      table_base: isHex,
      pgsize_mask: isHex,
    },
    may: { debug: isBoolean },
  },
  granted: {
    needs: { features: isHex, max_vasz: isNumber, max_oasz: isNumber, top_level: isNumber, pgsize_bitmap: isHex },
    may: { aperture: tuple(isHex, isHex) },
  },
};

/** Whether a line is of the generic page table's schema. */
export function isGeneric(value: unknown): boolean {
  if (!isObject(value)) return false;
  const cfg = own(value, 'cfg');
  return isObject(cfg) && own(cfg, 'max_vasz') !== undefined;
}

/** The first key of a vector that is missing or holds what it must not; undefined where the value is a vector. */
export function wrongKey(value: unknown): string | undefined {
  const start = wrongIn(value, VECTOR);
  if (start !== undefined || !isObject(value)) return start ?? 'an object';
  const schema = isGeneric(value) ? GENERIC : PGTABLE;
  const init = value['init'] as Readonly<Record<string, unknown>>;
  const granted = init['ok'] === true ? wrongIn(init, schema.granted) : undefined;
  if (granted !== undefined) return 'init';
  const cfg = wrongIn(value['cfg'], schema.cfg, 'cfg');
  if (cfg !== undefined) return cfg;
  for (const [i, op] of (value['ops'] as readonly unknown[]).entries()) {
    const wrong = wrongInOp(op, i);
    if (wrong !== undefined) return wrong;
  }
  return wrongIn(value, ENDS);
}
