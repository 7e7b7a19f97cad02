/**
 * Golden vectors through the engine under the semantics `linux-6.1`.
 * @module
 */
import { hex } from '../address.ts';
import { linuxNumber, linuxOffset } from '../core/checks.ts';
import { Domain } from '../core/domain.ts';
import { bareDriver } from '../drivers/bare.ts';
import { type EngineCode, IommuError } from '../errors.ts';
import type { Format, TableRequest } from '../formats/contract.ts';
import { FORMATS } from '../formats/registry.ts';
import { TableMemory } from '../memory/table-memory.ts';
import type { Done } from '../pagetable/runs.ts';
import { forEachEntry } from '../pagetable/scan.ts';
import { compareEntries, compareEvents, compareText, type Difference, type EntryMap, expandRows } from './compare.ts';
import type { DumpRow, TlbEvent, Vector, VectorOp } from './vector.ts';

/** Why a vector failed: the first difference. */
export interface VectorFailure extends Difference {
  /** Id of the vector. */
  readonly id: string;
  /** Index of the operation, or null where the difference is in the configuration or at the end. */
  readonly op: number | null;
}

/** What became of one vector. */
export type VectorResult = 'passed' | 'skipped' | VectorFailure;

/** The engine's side of one vector. */
class Run {
  readonly domain: Domain;
  readonly memory: TableMemory;
  readonly entryBits: 32 | 64;
  #events: TlbEvent[] = [];

  constructor(format: Format, vector: Vector) {
    this.memory = new TableMemory({ base: Number(vector.cfg.table_base), mode: 'bump' });
    this.domain = new Domain({
      format,
      request: requestOf(vector),
      memory: this.memory,
      semantics: 'linux-6.1',
      driver: bareDriver({
        flushWalk: (iova, size, granule) => this.#events.push(['W', this.#public(iova), hex(size), hex(granule)]),
        addPages: (iova, granule, count) => this.#events.push(['A', this.#public(iova), hex(granule), count]),
        flushAll: () => this.#events.push(['F']),
        sync: () => this.#events.push(['S']),
      }),
    });
    this.entryBits = this.domain.geometry.entryBytes === 8 ? 64 : 32;
  }

  takeEvents(): TlbEvent[] {
    const events = this.#events;
    this.#events = [];
    return events;
  }

  /** Entries in use below the root, without those past the architectural end of a short root. */
  entries(): EntryMap {
    const { tree } = this.domain.table;
    const rows: DumpRow[] = [];
    forEachEntry(tree, (table, depth, index, lo, hi) => {
      const value = (BigInt(hi >>> 0) << 32n) | BigInt(lo >>> 0);
      rows.push([hex(table + this.memory.base), tree.levelAt(depth).level, index, hex(value)]);
    });
    return expandRows(rows, this.entryBits);
  }

  #public(offset: number): string {
    return hex(BigInt.asUintN(64, this.domain.geometry.iovaBase + BigInt(offset)));
  }
}

function requestOf({ cfg }: Vector): TableRequest {
  return {
    ias: cfg.ias,
    oas: cfg.oas,
    pageSizes: linuxNumber('pgsize_bitmap', BigInt(cfg.pgsize_bitmap)),
    quirks: Number(cfg.quirks),
    coherent: cfg.coherent,
    cpuPageSize: cfg.cpu_page_size,
  };
}

function text(value: number | string | undefined): string {
  return value === undefined ? 'undefined' : typeof value === 'number' ? String(value) : hex(BigInt(value));
}

/** `ret` and `mapped` of one operation, as the kernel would have returned them. */
function perform(run: Run, op: VectorOp): { ret?: string; mapped?: string } {
  const { domain } = run;
  const { geometry, table } = domain;
  const iova = BigInt(op.iova ?? 0);
  const offset = linuxOffset(geometry, iova);
  switch (op.op) {
    case 'map': {
      const done: Done = { bytes: 0 };
      const pa = linuxNumber('paddr', BigInt(op.paddr ?? 0));
      const errno = table.mapPages(offset, pa, Number(op.pgsize), op.pgcount ?? 0, op.prot ?? 0, done);
      return { ret: String(errno), mapped: hex(done.bytes) };
    }
    case 'unmap':
      return { ret: hex(table.unmapPages(offset, Number(op.pgsize), op.pgcount ?? 0, op.queued ?? false)) };
    case 'iommu_map':
      return { ret: String(domain.map(iova, BigInt(op.paddr ?? 0), BigInt(op.size ?? 0), op.prot ?? 0).errno) };
    case 'iommu_unmap':
      return { ret: hex(domain.unmap(iova, BigInt(op.size ?? 0)).bytes) };
    case 'iommu_map_sg': {
      const list = (op.sg ?? []).map(([address, length]) => ({ address: BigInt(address), length: Number(length) }));
      const { bytes, errno } = domain.mapSg(iova, list, op.prot ?? 0);
      return { ret: errno === 0 ? hex(bytes) : String(errno) };
    }
    case 'failalloc':
      run.memory.failAfter(op.after ?? -1);
      return {};
    default:
      throw new IommuError('UNSUPPORTED', 'op', `'${op.op}' is no operation of a vector`);
  }
}

function compareTranslations(run: Run, op: VectorOp): Difference | undefined {
  for (const [i, [iova, expected]] of (op.q ?? []).entries()) {
    const got = run.domain.translate(BigInt(iova)) ?? 0;
    const difference = compareText(`q[${i}] ${iova}`, text(expected), hex(got));
    if (difference !== undefined) return difference;
  }
  return undefined;
}

function runOp(run: Run, op: VectorOp): Difference | undefined {
  if (op.op === 'i2p') return compareTranslations(run, op);
  if (op.op === 'dump') return compareEntries(expandRows(op.rows ?? [], run.entryBits), run.entries());
  const { ret, mapped } = perform(run, op);
  const events = run.takeEvents();
  return (
    (op.ret === undefined ? undefined : compareText('ret', text(op.ret), ret ?? 'nothing')) ??
    (op.mapped === undefined ? undefined : compareText('mapped', text(op.mapped), mapped ?? 'nothing')) ??
    (op.tlb === undefined ? undefined : compareEvents(op.tlb, events))
  );
}

function compareInit(vector: Vector, run: Run): Difference | undefined {
  const { geometry } = run.domain;
  const { init } = vector;
  return (
    compareText('init.pgsize_bitmap', text(init.pgsize_bitmap), hex(geometry.pageSizes)) ??
    compareText('init.ias', text(init.ias), String(geometry.ias)) ??
    compareText('init.oas', text(init.oas), String(geometry.oas)) ??
    compareRegisters(vector, run)
  );
}

function compareRegisters(vector: Vector, run: Run): Difference | undefined {
  const got = run.domain.registers;
  for (const [name, value] of Object.entries(vector.regs ?? {})) {
    const have = got[name];
    const difference = compareText(`regs.${name}`, hex(BigInt(value)), have === undefined ? 'nothing' : hex(have));
    if (difference !== undefined) return difference;
  }
  return undefined;
}

function compareEnd(vector: Vector, run: Run): Difference | undefined {
  const { meter } = run.domain;
  const { dump, tables, dma_sync: sync } = vector;
  return (
    (dump === null ? undefined : compareEntries(expandRows(dump, run.entryBits), run.entries())) ??
    (tables === undefined
      ? undefined
      : (compareText('tables.allocated', String(tables.allocated), String(meter.tablesAllocated)) ??
        compareText('tables.freed', String(tables.freed), String(meter.tablesFreed)))) ??
    (sync === undefined
      ? undefined
      : (compareText('dma_sync.calls', String(sync.calls), String(meter.cleanCalls)) ??
        compareText('dma_sync.bytes', String(sync.bytes), String(meter.cleanBytes))))
  );
}

function start(format: Format, vector: Vector): Run | IommuError {
  try {
    return new Run(format, vector);
  } catch (error) {
    if (error instanceof IommuError) return error;
    throw error;
  }
}

function firstDifference(vector: Vector, run: Run): { op: number | null; difference: Difference } | undefined {
  const init = compareInit(vector, run);
  if (init !== undefined) return { op: null, difference: init };
  for (const [i, op] of vector.ops.entries()) {
    const difference = runOp(run, op);
    if (difference !== undefined) return { op: i, difference };
  }
  const end = compareEnd(vector, run);
  return end === undefined ? undefined : { op: null, difference: end };
}

/** Refusals that stand for an allocator of the kernel that returned nothing. */
const REFUSALS: readonly EngineCode[] = ['BAD_GEOMETRY', 'BAD_QUIRK', 'NO_MEMORY'];

/** Runs one vector; `skipped` where its format is not known here. */
export function runVector(vector: Vector): VectorResult {
  const format = FORMATS.find((candidate) => candidate.id === vector.fmt.replaceAll('_', '-'));
  if (format === undefined) return 'skipped';
  const run = start(format, vector);
  if (run instanceof IommuError) {
    if (!vector.init.ok && REFUSALS.includes(run.code)) return 'passed';
    return { id: vector.id, op: null, field: 'init.ok', expected: String(vector.init.ok), got: run.message };
  }
  if (!vector.init.ok) return { id: vector.id, op: null, field: 'init.ok', expected: 'false', got: 'true' };
  const found = firstDifference(vector, run);
  return found === undefined ? 'passed' : { id: vector.id, op: found.op, ...found.difference };
}
