/**
 * What a line of a vector file must hold before it is run: every key that is read, and no run longer than a table.
 * @module
 */

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

const HEX = /^0x[0-9a-f]{1,16}$/i;

/** More entries or pages than any recorded run has; a longer one is refused before it is expanded. */
const MAX_RUN = 2 ** 20;

function isHex(value: unknown): boolean {
  return typeof value === 'string' && HEX.test(value);
}

function isCount(value: unknown): boolean {
  return typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= MAX_RUN;
}

function isNumber(value: unknown): boolean {
  return typeof value === 'number' && Number.isSafeInteger(value);
}

function isRow(value: unknown): boolean {
  if (!Array.isArray(value) || (value.length !== 4 && value.length !== 6)) return false;
  const [table, level, index, entry, count = 1, stride = '0x0'] = value as unknown[];
  return isHex(table) && isNumber(level) && isNumber(index) && isHex(entry) && isCount(count) && isHex(stride);
}

function isEvent(value: unknown): boolean {
  if (!Array.isArray(value)) return false;
  const [kind, iova, size, last] = value as unknown[];
  if (kind === 'W') return isHex(iova) && isHex(size) && isHex(last);
  if (kind === 'A') return isHex(iova) && isHex(size) && isCount(last);
  return (kind === 'F' || kind === 'S') && value.length === 1;
}

function isPair(value: unknown): boolean {
  return Array.isArray(value) && value.length === 2 && value.every(isHex);
}

function listOf(check: (value: unknown) => boolean): (value: unknown) => boolean {
  return (value) => Array.isArray(value) && value.every(check);
}

/** What the keys of an operation may hold, where they are there. */
const OP_KEYS: Readonly<Record<string, (value: unknown) => boolean>> = {
  iova: isHex,
  paddr: isHex,
  size: isHex,
  pgsize: isHex,
  pgcount: isNumber,
  prot: isNumber,
  queued: (value) => typeof value === 'boolean',
  after: isNumber,
  sg: listOf(isPair),
  q: listOf(isPair),
  rows: listOf(isRow),
  ret: (value) => isHex(value) || isNumber(value),
  mapped: isHex,
  tlb: listOf(isEvent),
};

const OP_NEEDS: Readonly<Record<string, readonly string[]>> = {
  map: ['iova', 'paddr', 'pgsize', 'pgcount', 'prot'],
  unmap: ['iova', 'pgsize', 'pgcount'],
  iommu_map: ['iova', 'paddr', 'size', 'prot'],
  iommu_unmap: ['iova', 'size'],
  iommu_map_sg: ['iova', 'sg', 'prot'],
  i2p: ['q'],
  failalloc: ['after'],
  dump: ['rows'],
};

function missingInOp(op: unknown, i: number): string | undefined {
  if (!isObject(op)) return `ops[${i}]`;
  const needs = OP_NEEDS[String(op['op'])];
  if (needs === undefined) return `ops[${i}].op`;
  const absent = needs.find((key) => op[key] === undefined);
  const wrong = absent ?? Object.keys(OP_KEYS).find((key) => op[key] !== undefined && !OP_KEYS[key]?.(op[key]));
  return wrong === undefined ? undefined : `ops[${i}].${wrong}`;
}

function missingInEnd(value: Record<string, unknown>): string | undefined {
  const { regs, dump, tables, dma_sync: sync } = value;
  const isRegister = (register: unknown): boolean => isHex(register) || isNumber(register);
  if (regs !== null && !(isObject(regs) && Object.values(regs).every(isRegister))) return 'regs';
  if (dump !== null && !listOf(isRow)(dump)) return 'dump';
  if (tables !== undefined && !(isObject(tables) && isNumber(tables['allocated']) && isNumber(tables['freed']))) {
    return 'tables';
  }
  return sync === undefined || (isObject(sync) && isNumber(sync['calls']) && isNumber(sync['bytes']))
    ? undefined
    : 'dma_sync';
}

function missingInStart(value: Record<string, unknown>): string | undefined {
  const { cfg, init } = value;
  if (!isObject(init) || typeof init['ok'] !== 'boolean') return 'init';
  if (init['ok'] && !(isHex(init['pgsize_bitmap']) && isNumber(init['ias']) && isNumber(init['oas']))) return 'init';
  if (!isObject(cfg)) return 'cfg';
  const number = ['ias', 'oas', 'cpu_page_size'].find((key) => !isNumber(cfg[key]));
  const wrong = number ?? ['pgsize_bitmap', 'quirks', 'table_base'].find((key) => !isHex(cfg[key]));
  if (wrong !== undefined) return `cfg.${wrong}`;
  return typeof cfg['coherent'] === 'boolean' ? undefined : 'cfg.coherent';
}

/** The first key of a vector that is missing or holds what it must not; undefined where the value is a vector. */
export function wrongKey(value: unknown): string | undefined {
  if (!isObject(value)) return 'an object';
  const name = ['id', 'fmt'].find((key) => typeof value[key] !== 'string');
  if (name !== undefined) return name;
  const { ops } = value;
  if (!Array.isArray(ops)) return 'ops';
  const start = missingInStart(value);
  if (start !== undefined) return start;
  for (const [i, op] of ops.entries()) {
    const wrong = missingInOp(op, i);
    if (wrong !== undefined) return wrong;
  }
  return missingInEnd(value);
}
