/**
 * Golden vectors of the IOVA allocator: histories recorded from Linux's `iova.c`. The schema stands in `docs/vectors.md`.
 * @module
 */
import { hex } from '../address.ts';
import { IovaAllocator, type IovaState } from '../dma/iova-allocator.ts';
import type { IovaKernel } from '../dma/iova-cache.ts';
import { IommuError } from '../errors.ts';
import { compareText, type Difference } from './compare.ts';
import type { VectorResult } from './run.ts';

/** Ranges of the tree: first frame, frames, and for a run of equal ranges their number and stride. */
type TreeRun = readonly [lo: string, size: number, count?: number, stride?: string];

/** Caches of one size class; kernels without delayed work record none. */
interface RecordedClass {
  readonly depot: number;
  readonly work?: boolean;
  readonly cpu: readonly (readonly [number, number])[];
}

/** State as it was recorded. */
export interface IovaVectorState {
  readonly max32: string;
  readonly cached: string;
  readonly cached32: string;
  readonly rcache: readonly RecordedClass[];
  readonly tree: readonly TreeRun[];
}

/** One operation: its letter, arguments, results. */
export type IovaOp =
  | readonly ['a', size: number, limit: string, aligned: number, pfn: string | null]
  | readonly ['A', cpu: number, size: number, limit: string, flush: number, pfn: string]
  | readonly ['f', pfn: string]
  | readonly ['F', cpu: number, pfn: string, size: number]
  | readonly ['r', lo: string, hi: string, gotLo: string | null, gotHi: string | null]
  | readonly ['x', pfn: string, lo: string | null, hi: string | null]
  | readonly ['w', ran: readonly (readonly [number, number, boolean])[]]
  | readonly ['c', cpu: number]
  | readonly ['m', count: number]
  | readonly ['t', state: IovaVectorState]
  | readonly ['n'];

/** One history. */
export interface IovaVector {
  readonly id: string;
  readonly kernel: string;
  readonly cfg: { readonly cpus: number; readonly granule: string; readonly start_pfn: string };
  readonly init: { readonly ret: number; readonly dma_32bit_pfn: string };
  readonly ops: readonly IovaOp[];
  readonly state: IovaVectorState;
}

/** Kernels whose caches are known, by the beginning of their version. */
const KERNELS: readonly IovaKernel[] = ['6.1', '6.12', '7.3'];

function text(pfn: number | undefined): string {
  return pfn === undefined ? 'nothing' : hex(pfn);
}

function recorded(pfn: string | null): string {
  return pfn === null ? 'nothing' : hex(BigInt(pfn));
}

function expandTree(runs: readonly TreeRun[]): string[] {
  return runs.flatMap(([lo, size, count = 1, stride = '0x0']) =>
    Array.from({ length: count }, (_, i) => `${hex(BigInt(lo) + BigInt(i) * BigInt(stride))}+${size}`),
  );
}

function nodeText(node: number | string): string {
  return node === 'anchor' ? 'anchor' : hex(BigInt(node));
}

function compareState(expected: IovaVectorState, got: IovaState): Difference | undefined {
  const simple =
    compareText('max32', hex(BigInt(expected.max32)), hex(got.max32)) ??
    compareText('cached', nodeText(expected.cached), nodeText(got.cached)) ??
    compareText('cached32', nodeText(expected.cached32), nodeText(got.cached32));
  if (simple !== undefined) return simple;
  for (const [i, cls] of got.rcache.entries()) {
    const { depot, work = false, cpu } = expected.rcache[i] ?? {};
    const difference = compareText(`rcache[${i}]`, JSON.stringify({ depot, work, cpu }), JSON.stringify(cls));
    if (difference !== undefined) return difference;
  }
  const want = expandTree(expected.tree);
  const have = got.tree.map(([lo, size]) => `${hex(lo)}+${size}`);
  const at = want.findIndex((range, i) => range !== have[i]);
  const first = at === -1 && want.length !== have.length ? want.length : at;
  return first === -1 ? undefined : compareText(`tree[${first}]`, want[first] ?? 'nothing', have[first] ?? 'nothing');
}

function compareRange(
  expected: readonly [string | null, string | null],
  got: { readonly lo: number; readonly hi: number } | undefined,
): Difference | undefined {
  const [lo, hi] = expected;
  return compareText('lo', recorded(lo), text(got?.lo)) ?? compareText('hi', recorded(hi), text(got?.hi));
}

/** Runs one operation. Every operation's letter and arguments were checked when the vector was read. */
function runOp(iova: IovaAllocator, op: IovaOp): Difference | undefined {
  switch (op[0]) {
    case 'a':
      return compareText('pfn', recorded(op[4] ?? '0x0'), hex(iova.alloc(op[1], Number(op[2]), op[3] === 1)));
    case 'A':
      return compareText('pfn', recorded(op[5]), hex(iova.allocFast(op[1], op[2], Number(op[3]), op[4] === 1)));
    case 'f':
      iova.free(Number(op[1]));
      return undefined;
    case 'F':
      iova.freeFast(op[1], Number(op[2]), op[3]);
      return undefined;
    case 'r':
      return compareRange([op[3], op[4]], reserveAsLinux(iova, Number(op[1]), Number(op[2])));
    case 'x':
      return compareRange([op[2], op[3]], findAsLinux(iova, Number(op[1])));
    case 'w':
      return compareText('ran', JSON.stringify(op[1]), JSON.stringify(iova.runPending()));
    case 'c':
      iova.cpuGone(op[1]);
      return undefined;
    case 'm':
      iova.failAfter(op[1]);
      return undefined;
    case 't':
      return compareState(op[1], iova.state());
    default:
      return undefined;
  }
}

/** Frames that no number holds exactly lie beyond 64 bits: nothing is there, and they are not reserved. */
function reserveAsLinux(iova: IovaAllocator, lo: number, hi: number): { lo: number; hi: number } | undefined {
  return hi > Number.MAX_SAFE_INTEGER ? undefined : iova.reserve(lo, hi);
}

function findAsLinux(iova: IovaAllocator, pfn: number): { lo: number; hi: number } | undefined {
  return pfn > Number.MAX_SAFE_INTEGER ? undefined : iova.find(pfn);
}

/** Runs one history; `skipped` where the kernel's caches are not known here. */
export function runIovaVector(vector: IovaVector): VectorResult {
  const { id, cfg, init } = vector;
  const kernel = KERNELS.find((known) => vector.kernel === known || vector.kernel.startsWith(`${known}.`));
  if (kernel === undefined) return { skipped: `IOVA caches of kernel ${vector.kernel}` };
  let at: number | null = null;
  try {
    const granule = Number(cfg.granule);
    const iova = new IovaAllocator({
      granule,
      startPfn: Number(cfg.start_pfn),
      cpus: cfg.cpus,
      kernel,
      frees: 'linux',
    });
    const start = compareText('init.dma_32bit_pfn', hex(BigInt(init.dma_32bit_pfn)), hex(iova.pfn32));
    if (start !== undefined) return { id, op: null, ...start };
    for (const [i, op] of vector.ops.entries()) {
      at = i;
      const difference = runOp(iova, op);
      if (difference !== undefined) return { id, op: i, ...difference };
    }
    const end = compareState(vector.state, iova.state());
    return end === undefined ? 'passed' : { id, op: null, ...end, field: `state.${end.field}` };
  } catch (error) {
    if (!(error instanceof IommuError)) throw error;
    return { id, op: at, field: 'call', expected: 'a result', got: error.message };
  }
}
