/**
 * What a line of an IOVA vector file must hold before it is run.
 * @module
 */

const HEX = /^0x[0-9a-f]{1,16}$/i;
const MAX_SIZE = 2 ** 53;
const MAX_CPUS = 1024;

type Check = (value: unknown) => boolean;

const isHex: Check = (value) => typeof value === 'string' && HEX.test(value);
const isNull: Check = (value) => value === null;
const isPfn: Check = (value) => isHex(value) || isNull(value);
const isCount: Check = (value) =>
  typeof value === 'number' && Number.isInteger(value) && value >= 0 && value < MAX_SIZE;
const isFlag: Check = (value) => value === 0 || value === 1;
const isCpu: Check = (value) => isCount(value) && (value as number) < MAX_CPUS;
const isLeft: Check = (value) => isCount(value) || value === -1;
const isObject: Check = (value) => typeof value === 'object' && value !== null && !Array.isArray(value);
const isTrim: Check = (value) => Array.isArray(value) && value.length === 3 && typeof value[2] === 'boolean';
const isTrims: Check = (value) => Array.isArray(value) && value.every(isTrim);

/** Arguments and results of each operation, in order. */
const OPS: ReadonlyMap<unknown, readonly Check[]> = new Map<unknown, readonly Check[]>([
  ['a', [isCount, isHex, isFlag, isPfn]],
  ['A', [isCpu, isCount, isHex, isFlag, isHex]],
  ['f', [isHex]],
  ['F', [isCpu, isHex, isCount]],
  ['r', [isHex, isHex, isPfn, isPfn]],
  ['x', [isHex, isPfn, isPfn]],
  ['w', [isTrims]],
  ['c', [isCpu]],
  ['m', [isLeft]],
  ['t', [(value) => wrongInState(value) === undefined]],
  ['n', []],
]);

function isOp(value: unknown): boolean {
  if (!Array.isArray(value)) return false;
  const checks = OPS.get(value[0]);
  return checks !== undefined && value.length === checks.length + 1 && checks.every((check, i) => check(value[i + 1]));
}

function isClass(value: unknown): boolean {
  if (!isObject(value)) return false;
  const { depot, work, cpu } = value as Record<string, unknown>;
  const isFill = (fill: unknown): boolean => Array.isArray(fill) && fill.length === 2 && fill.every(isLeft);
  return isCount(depot) && (work === undefined || typeof work === 'boolean') && Array.isArray(cpu) && cpu.every(isFill);
}

function isRun(value: unknown): boolean {
  if (!Array.isArray(value) || (value.length !== 2 && value.length !== 4)) return false;
  const [lo, size, count = 1, stride = '0x0'] = value as unknown[];
  return isHex(lo) && isCount(size) && isCount(count) && (count as number) <= 2 ** 20 && isHex(stride);
}

function wrongInState(value: unknown): string | undefined {
  if (!isObject(value)) return 'state';
  const { max32, cached, cached32, rcache, tree } = value as Record<string, unknown>;
  if (!isHex(max32)) return 'state.max32';
  for (const node of [cached, cached32]) if (node !== 'anchor' && !isHex(node)) return 'state.cached';
  if (!Array.isArray(rcache) || !rcache.every(isClass)) return 'state.rcache';
  return Array.isArray(tree) && tree.every(isRun) ? undefined : 'state.tree';
}

function wrongInStart(value: Record<string, unknown>): string | undefined {
  const { cfg, init } = value;
  if (!isObject(init)) return 'init';
  if (!isHex((init as Record<string, unknown>)['dma_32bit_pfn'])) return 'init.dma_32bit_pfn';
  if (!isObject(cfg)) return 'cfg';
  const { cpus, granule, start_pfn: start } = cfg as Record<string, unknown>;
  if (!isCpu(cpus)) return 'cfg.cpus';
  if (!isHex(granule)) return 'cfg.granule';
  return isHex(start) ? undefined : 'cfg.start_pfn';
}

/** The first key of an IOVA vector that is missing or holds what it must not; undefined where the value is a vector. */
export function wrongIovaKey(value: unknown): string | undefined {
  if (!isObject(value)) return 'an object';
  const vector = value as Record<string, unknown>;
  const name = ['id', 'kernel'].find((key) => typeof vector[key] !== 'string');
  if (name !== undefined) return name;
  const { ops, state } = vector;
  if (!Array.isArray(ops)) return 'ops';
  const start = wrongInStart(vector);
  if (start !== undefined) return start;
  const wrong = ops.findIndex((op) => !isOp(op));
  return wrong === -1 ? wrongInState(state) : `ops[${wrong}]`;
}
